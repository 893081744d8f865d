//! Placing files that must be read: compared with a reference, or copied.

use std::ffi::CStr;
use std::io;
use std::sync::Arc;

use super::decide::{Candidate, Decision, Proof, Wanted};
use super::fresh::From;
use super::node::{Handles, Node};
use super::place::Linked;
use super::worker::Worker;
use crate::entry::{FileId, Metadata};
use crate::error::{Error, Result};
use crate::hashing::{Hashed, hash};
use crate::manifest::ContentHash;
use crate::monitor::Reason;
use crate::os::File;
use crate::path::RelPath;
use crate::placing::{Compared, CopyError, same_bytes};
use crate::source::{Source, SourceFile};

/// What came of placing a file whose content was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placed {
    /// It is a link to a reference.
    Linked,
    /// It is a fresh inode.
    Fresh,
    /// Its bytes are not those of this inode of a reference; other names of its group may find a better one.
    Rejected(FileId),
    /// It is not there; that was reported.
    No,
}

impl<S: Source> Worker<'_, '_, S> {
    /// Reads the content of one directory's entries that could not be placed without.
    pub fn place_wanted(
        &mut self,
        node: &Arc<Node<S>>,
        handles: &Handles<S>,
        wanted: Vec<Wanted<'_, S>>,
    ) -> Result<()> {
        if wanted.is_empty() {
            return Ok(());
        }
        let stamps: Vec<(&CStr, Metadata)> = wanted.iter().map(|one| (one.name, one.metadata)).collect();
        let request: Vec<(&CStr, &Metadata)> = stamps.iter().map(|(name, stat)| (*name, stat)).collect();
        let mut wanted: Vec<Option<Wanted<'_, S>>> = wanted.into_iter().map(Some).collect();
        let mut result = Ok(());
        self.engine.plan.source.contents(&handles.source, &request, &mut |index, answer| {
            let Some(one) = wanted.get_mut(index).and_then(Option::take) else { return };
            if result.is_ok() && !self.engine.halted() {
                result = self.place_one(node, handles, one, answer);
            }
        });
        result
    }

    fn place_one(
        &mut self,
        node: &Arc<Node<S>>,
        handles: &Handles<S>,
        wanted: Wanted<'_, S>,
        answer: io::Result<(S::File, Metadata)>,
    ) -> Result<()> {
        let Wanted { name, metadata: before, decision, group, found } = wanted;
        self.found = found;
        self.leads = group.is_some();
        let placed = match answer {
            Ok((file, metadata)) => {
                // What was decided holds for what the file was then.
                let same = metadata.same_stamps(&before);
                let decision = if same { decision } else { Decision::Anew(Reason::BytesChanged) };
                self.place_content(node, handles, name, &file, &metadata, decision, group.is_some())?
            }
            Err(error) => self.unreadable(node, handles, name, Some(before.id), "open", &error)?,
        };
        self.leads = false;
        match group {
            Some(group) => self.placed_in_group(&group, node, name, placed),
            None => Ok(()),
        }
    }

    /// Places a file that is open for reading.
    #[expect(clippy::too_many_arguments, reason = "one file on its way from source to staging")]
    pub fn place_content(
        &mut self,
        node: &Arc<Node<S>>,
        handles: &Handles<S>,
        name: &CStr,
        file: &S::File,
        metadata: &Metadata,
        decision: Decision,
        in_group: bool,
    ) -> Result<Placed> {
        let subject = Content { node, handles, name, file, metadata };
        let (candidate, proof, shareable) = match decision {
            Decision::Link { candidate, proof } => (candidate, proof, false),
            Decision::Share { candidate, proof } => (candidate, proof, true),
            Decision::Anew(reason) => return self.copy_file(&subject, &From::Source, reason),
        };
        let opened = self.open_elsewhere(&candidate);
        let Some(other) = candidate.other(opened.as_deref(), handles, name) else {
            return self.copy_file(&subject, &From::Source, Reason::New);
        };
        let reference = match other.dir.open_file(other.name) {
            Ok(reference) => reference,
            Err(error) => {
                self.reference_problem(node, name, "open", error)?;
                return self.copy_file(&subject, &From::Source, Reason::BytesChanged);
            }
        };
        let compared = self.prove(&subject, &reference, &candidate, proof)?;
        let Compared::Same(content) = compared else {
            return if in_group {
                Ok(Placed::Rejected(candidate.metadata.id))
            } else {
                self.copy_file(&subject, &From::Source, Reason::BytesChanged)
            };
        };
        if shareable {
            let from = From::Reference(&reference, content);
            return self.copy_file(&subject, &from, Reason::AttributesChanged);
        }
        self.found_unchanged(&candidate);
        let reason = if proof == Proof::Unread { Reason::Unchanged } else { Reason::SameBytes };
        match self.link(node, handles, name, metadata, &candidate, content, reason)? {
            Linked::Yes => {
                self.count_linked(metadata, true);
                Ok(Placed::Linked)
            }
            Linked::Failed => Ok(Placed::No),
            Linked::Instead(reason) => self.copy_file(&subject, &From::Source, reason),
        }
    }

    /// Finds out whether the source has the content of a reference; a source that changes meanwhile has not.
    fn prove(
        &mut self,
        subject: &Content<'_, S>,
        reference: &File,
        candidate: &Candidate,
        proof: Proof,
    ) -> Result<Compared> {
        // What was looked at by name must be what is open.
        match reference.stat() {
            Ok(stat) if stat.id == candidate.metadata.id && stat.size == subject.metadata.size => {}
            _ => return Ok(Compared::Different),
        }
        let recorded = candidate.known.content;
        let compared = match (proof, recorded) {
            (Proof::Unread, _) => return Ok(Compared::Same(recorded)),
            (Proof::Source, Some(hash)) => self.has_hash(subject, hash),
            (Proof::Both, Some(hash)) => {
                match self.reference_has_hash(subject, reference, candidate, hash)? {
                    true => self.has_hash(subject, hash),
                    false => return Ok(Compared::Different),
                }
            }
            (_, None) => {
                let stop = self.engine.plan.stop;
                same_bytes(subject.file, reference, subject.metadata, &mut self.buffers, stop)
            }
        };
        match compared {
            Ok(Compared::Same(hash)) if subject.is_unchanged() => Ok(Compared::Same(hash)),
            // It will be read again, and reported, when it is copied.
            Ok(_) | Err(CopyError::Source(_)) => Ok(Compared::Different),
            Err(CopyError::Target(error)) => {
                self.reference_problem(subject.node, subject.name, "read", error)?;
                Ok(Compared::Different)
            }
            Err(CopyError::Stopped) => Err(Error::interrupted()),
        }
    }

    fn has_hash(
        &mut self,
        subject: &Content<'_, S>,
        recorded: ContentHash,
    ) -> std::result::Result<Compared, CopyError> {
        let stop = self.engine.plan.stop;
        match hash(subject.file, subject.metadata, &mut self.buffers.0, stop) {
            Ok(Hashed::As(found)) if found == recorded => Ok(Compared::Same(Some(found))),
            Ok(_) => Ok(Compared::Different),
            Err(_) if stop.is_stopped() => Err(CopyError::Stopped),
            Err(error) => Err(CopyError::Source(error)),
        }
    }

    /// Reads a reference for its hash; one that has not the recorded one is damaged, and never used again.
    fn reference_has_hash(
        &mut self,
        subject: &Content<'_, S>,
        reference: &File,
        candidate: &Candidate,
        recorded: ContentHash,
    ) -> Result<bool> {
        let stop = self.engine.plan.stop;
        match hash(reference, &candidate.metadata, &mut self.buffers.1, stop) {
            Ok(Hashed::As(found)) if found == recorded => Ok(true),
            Ok(_) => {
                let path = match &candidate.elsewhere {
                    Some(elsewhere) => elsewhere.path.clone(),
                    None => subject.node.path_of(subject.name),
                };
                self.engine.damaged_reference(self.index, candidate.reference, path, candidate.metadata.id);
                Ok(false)
            }
            Err(_) if stop.is_stopped() => Err(Error::interrupted()),
            Err(error) => {
                self.reference_problem(subject.node, subject.name, "read", error)?;
                Ok(false)
            }
        }
    }
}

/// A regular file of the source that is open for reading, and where it goes.
pub(super) struct Content<'c, S: Source> {
    pub node: &'c Arc<Node<S>>,
    pub handles: &'c Handles<S>,
    pub name: &'c CStr,
    pub file: &'c S::File,
    pub metadata: &'c Metadata,
}

impl<S: Source> Content<'_, S> {
    /// Says whether the file still has the stamps that it was opened with.
    fn is_unchanged(&self) -> bool {
        self.file.stat().is_ok_and(|now| now.same_stamps(self.metadata))
    }

    pub fn path(&self) -> RelPath {
        self.node.path_of(self.name)
    }
}
