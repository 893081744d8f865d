//! Placing files that must be read: compared with a reference, or copied.

use std::ffi::CStr;
use std::io;
use std::sync::Arc;

use super::content::{CopyError, same_bytes};
use super::decide::{Candidate, Decision, Wanted};
use super::fresh::From;
use super::node::{Handles, Node};
use super::place::Linked;
use super::worker::Worker;
use crate::entry::{FileId, Metadata};
use crate::error::{Error, Result};
use crate::monitor::Reason;
use crate::os::File;
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
        let request: Vec<(&CStr, FileId)> = wanted.iter().map(|one| (one.name, one.id)).collect();
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
        let Wanted { name, decision, group, out_of_reach, .. } = wanted;
        self.out_of_reach = out_of_reach;
        let placed = match answer {
            Ok((file, metadata)) => {
                self.place_content(node, handles, name, &file, &metadata, decision, group.is_some())?
            }
            Err(error) => {
                self.engine.source_problem(self.index, node.path_of(name), "open", &error)?;
                Placed::No
            }
        };
        match group {
            Some(group) => self.placed_in_group(&group, node, name, placed),
            None => Ok(()),
        }
    }

    /// Places a file that is open for reading.
    #[expect(clippy::too_many_arguments, reason = "one file on its way from source to staging")]
    pub fn place_content(
        &mut self,
        node: &Node<S>,
        handles: &Handles<S>,
        name: &CStr,
        file: &S::File,
        metadata: &Metadata,
        decision: Decision,
        in_group: bool,
    ) -> Result<Placed> {
        let (candidate, shareable) = match decision {
            Decision::Link(candidate) | Decision::Compare(candidate) => (candidate, false),
            Decision::Share { candidate, .. } => (candidate, true),
            Decision::Anew(reason) => {
                return self.copy_file(node, handles, name, file, metadata, &From::Source, reason);
            }
        };
        let sure = matches!(decision, Decision::Link(_) | Decision::Share { sure: true, .. });
        let opened = handles.reference(candidate.reference).map(|dir| dir.open_file(name));
        let reference = match opened {
            Some(Ok(reference)) => reference,
            Some(Err(error)) => {
                self.reference_problem(node, name, "open", error)?;
                return self.copy_file(
                    node,
                    handles,
                    name,
                    file,
                    metadata,
                    &From::Source,
                    Reason::BytesChanged,
                );
            }
            None => return self.copy_file(node, handles, name, file, metadata, &From::Source, Reason::New),
        };
        // What was looked at by name must be what is open.
        let sure = sure && reference.stat().is_ok_and(|stat| stat.id == candidate.metadata.id);
        let same = sure || self.is_same(node, name, file, metadata, &reference, &candidate)?;
        let reason = match (same, shareable) {
            (true, true) => {
                let from = From::Reference(&reference);
                return self.copy_file(node, handles, name, file, metadata, &from, Reason::AttributesChanged);
            }
            (true, false) => match self.link(node, handles, name, &candidate, Reason::SameBytes)? {
                Linked::Yes => {
                    self.count_linked(metadata, true);
                    return Ok(Placed::Linked);
                }
                Linked::Failed => return Ok(Placed::No),
                Linked::Instead(reason) => reason,
            },
            (false, _) if in_group => return Ok(Placed::Rejected(candidate.metadata.id)),
            (false, _) => Reason::BytesChanged,
        };
        self.copy_file(node, handles, name, file, metadata, &From::Source, reason)
    }

    /// Compares the bytes of both sides; a source that changes meanwhile is not the same.
    fn is_same(
        &mut self,
        node: &Node<S>,
        name: &CStr,
        file: &S::File,
        metadata: &Metadata,
        reference: &File,
        candidate: &Candidate,
    ) -> Result<bool> {
        match reference.stat() {
            Ok(stat) if stat.id == candidate.metadata.id && stat.size == metadata.size => {}
            _ => return Ok(false),
        }
        match same_bytes(file, reference, metadata, &mut self.buffers, self.engine.plan.stop) {
            Ok(same) => Ok(same && file.stat().is_ok_and(|now| now.same_stamps(metadata))),
            // It will be read again, and reported, when it is copied.
            Err(CopyError::Source(_)) => Ok(false),
            Err(CopyError::Repository(error)) => {
                self.reference_problem(node, name, "read", error)?;
                Ok(false)
            }
            Err(CopyError::Stopped) => Err(Error::interrupted()),
        }
    }
}
