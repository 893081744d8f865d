//! What becomes of an entry: compared with each reference in turn, by the policy and by its attributes.

use std::ffi::{CStr, CString};
use std::io;
use std::sync::Arc;

use super::groups::SharedGroup;
use super::node::{Handles, Node};
use super::recorded::{Found, Known};
use super::worker::Worker;
use crate::entry::{Kind, Metadata};
use crate::error::Result;
use crate::manifest::Directory;
use crate::monitor::Reason;
use crate::os::{Dir, XattrPlace, errno};
use crate::path::RelPath;
use crate::policy::{Comparison, MARGIN, Verdict};
use crate::source::{KnownXattrs, Source, read_xattrs};

/// Another path of a reference that an entry may be linked to. Many may wait to be read: none keeps a directory open.
#[derive(Debug)]
pub(super) struct Elsewhere {
    pub parent: RelPath,
    pub name: CString,
    pub path: RelPath,
}

/// An entry of a reference that may stand for one of the source.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    /// The number of the reference.
    pub reference: usize,
    /// What is on disk.
    pub metadata: Metadata,
    pub known: Known,
    /// Where it is, if not at the same path.
    pub elsewhere: Option<Arc<Elsewhere>>,
    /// Attributes differ and are written down alone.
    pub recorded_only: bool,
}

/// What must be read before content counts as equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    Unread,
    /// The source, compared with the recorded hash, else with the reference.
    Source,
    /// The source and the reference.
    Both,
}

/// What is to be done with an entry that is no directory.
#[derive(Debug, Clone)]
pub(super) enum Decision {
    /// The attributes are those of a reference, and so is the content, once that is proven.
    Link { candidate: Candidate, proof: Proof },
    /// Only attributes differ, and the content can be had by sharing blocks with a reference, once it is proven equal.
    Share { candidate: Candidate, proof: Proof },
    /// It is made anew from the source.
    Anew(Reason),
}

/// A regular file whose content must be read.
pub(super) struct Wanted<'n, S: Source> {
    pub name: &'n CStr,
    /// What the decision was made on.
    pub metadata: Metadata,
    pub decision: Decision,
    /// The hard-link group that it leads if it can be placed.
    pub group: Option<SharedGroup<S>>,
    /// What was found of it besides its stat.
    pub found: Found,
}

/// The source's side of a comparison; what costs a call is asked for once.
pub(super) struct Subject<'s, S: Source> {
    pub dir: &'s S::Dir,
    pub name: &'s CStr,
    pub metadata: &'s Metadata,
    xattrs: Option<KnownXattrs>,
    target: Option<CString>,
}

/// The reference's side of a comparison.
#[derive(Clone, Copy)]
pub(super) struct Other<'o> {
    pub dir: &'o Dir,
    pub name: &'o CStr,
}

/// Which side of a comparison could not be read.
pub(super) enum SideError {
    Source,
    Reference(io::Error),
}

impl<S: Source> Worker<'_, '_, S> {
    /// Compares an entry with every reference that has its name, then with what its inode was called before, and takes
    /// the best.
    pub fn decide(
        &mut self,
        node: &Node<S>,
        handles: &Handles<S>,
        name: &CStr,
        metadata: &Metadata,
    ) -> Result<Decision> {
        self.found.clear();
        // Taken out while it is looked into; nothing below needs it.
        let records = self.records.take();
        let mut subject = Subject::new(&handles.source, name, metadata);
        let decided = self.decide_among(node, handles, &mut subject, records.as_ref());
        self.records = records;
        decided
    }

    fn decide_among(
        &mut self,
        node: &Node<S>,
        handles: &Handles<S>,
        subject: &mut Subject<'_, S>,
        records: Option<&Directory>,
    ) -> Result<Decision> {
        let mut best = Decision::Anew(Reason::New);
        for (number, dir) in &handles.references {
            let other = Other { dir, name: subject.name };
            let found = match dir.stat_at(subject.name) {
                Ok(disk) if self.engine.is_damaged(&disk) => continue,
                Ok(disk) => {
                    let candidate = self.candidate(node, subject, *number, disk, records);
                    match candidate {
                        Some(candidate) => self.compare(subject, other, candidate),
                        None => continue,
                    }
                }
                Err(error) if errno::is_absent(&error) => continue,
                Err(error) => Err(SideError::Reference(error)),
            };
            let found =
                found.map(|found| if self.knows_times(*number) { found } else { found.doubted_by(&best) });
            match found {
                Ok(found) if found.rank() > best.rank() => best = found,
                Ok(_) => {}
                Err(SideError::Reference(error)) => {
                    self.reference_problem(node, subject.name, "compare", error)?;
                }
                // It will be read again, and reported, when it is copied.
                Err(SideError::Source) => best = Decision::Anew(Reason::AttributesChanged),
            }
            if best.rank() == 6 {
                return Ok(best);
            }
        }
        if best.candidate().is_none_or(|candidate| candidate.known.replaced)
            && let Some(moved) = self.find_moved(node, subject)?
            && moved.rank() > best.rank()
        {
            best = moved;
        }
        Ok(best)
    }

    /// Puts together what is known of the same name in a reference. In a directory that was found by its inode only
    /// what the source has the recorded inode of counts: names say nothing there.
    fn candidate(
        &mut self,
        node: &Node<S>,
        subject: &Subject<'_, S>,
        number: usize,
        disk: Metadata,
        records: Option<&Directory>,
    ) -> Option<Candidate> {
        let record = records
            .filter(|_| number == 0)
            .and_then(|directory| directory.find_next(subject.name.to_bytes(), &mut self.next_record));
        let id = node.identity_before(subject.metadata);
        let moved = number == 0 && node.opened.moved_from.is_some();
        if moved && record.as_ref().is_none_or(|record| record.metadata.id != id) {
            return None;
        }
        // Where several names are one, what lies under this one may have been saved of another.
        let doubtful = || self.engine.plan.reach.folds || self.is_perhaps_renamed(node, number);
        let unrecorded = || Known { doubtful: doubtful(), ..Known::default() };
        let known = record
            .as_ref()
            .map_or_else(unrecorded, |record| Known::weigh(record, subject.metadata, &disk, id));
        if let Some(record) = record.filter(|_| known.untouched) {
            self.take_over_attributes(&record);
        }
        Some(Candidate { reference: number, metadata: disk, known, elsewhere: None, recorded_only: false })
    }

    /// Says whether it is known when a reference was made, so that change times prove something.
    fn knows_times(&self, number: usize) -> bool {
        self.engine.plan.references.get(number).is_some_and(|reference| reference.started.is_some())
    }

    /// Says whether a reference is of another source, and nothing but size and time could tell that a file is the same.
    fn is_of_another(&self, number: usize, source: &Metadata) -> bool {
        let reference = self.engine.plan.references.get(number);
        source.ctime.is_none() && reference.is_some_and(|reference| !reference.same_source)
    }

    /// Says whether a name may stand for another entry than when a reference without records was made.
    fn is_perhaps_renamed(&self, node: &Node<S>, number: usize) -> bool {
        let started = self.engine.plan.references.get(number).and_then(|reference| reference.started);
        started.is_some_and(|started| node.may_be_renamed_since(started.minus_seconds(MARGIN)))
    }

    pub(super) fn compare(
        &mut self,
        subject: &mut Subject<'_, S>,
        other: Other<'_>,
        candidate: Candidate,
    ) -> std::result::Result<Decision, SideError> {
        let (source, disk) = (subject.metadata, &candidate.metadata);
        if source.kind != disk.kind {
            return Ok(Decision::Anew(Reason::KindChanged));
        }
        match source.kind {
            Kind::File => self.compare_file(subject, other, candidate),
            Kind::Symlink if candidate.known.untouched => {
                self.compare_special(subject, other, candidate, true, Reason::SizeChanged)
            }
            Kind::Symlink => {
                let theirs = other.dir.read_link(other.name).map_err(SideError::Reference)?;
                let same = *subject.target(self)? == theirs;
                self.compare_special(subject, other, candidate, same, Reason::SizeChanged)
            }
            _ => {
                let same = source.rdev == disk.rdev;
                self.compare_special(subject, other, candidate, same, Reason::KindChanged)
            }
        }
    }

    fn compare_file(
        &mut self,
        subject: &mut Subject<'_, S>,
        other: Other<'_>,
        mut candidate: Candidate,
    ) -> std::result::Result<Decision, SideError> {
        let plan = &self.engine.plan;
        let (source, disk, known) = (subject.metadata, candidate.metadata, candidate.known);
        // The size alone tells, and no attribute needs be read to make a new file.
        if source.size != disk.size {
            return Ok(Decision::Anew(Reason::SizeChanged));
        }
        let reference = self.engine.believed_mtime(source, &disk, &known);
        let same_mtime = plan.reach.same_mtime(source, &disk);
        let like = plan.reach.same_mtime(source, &reference);
        let needed = like || plan.reach.reflink;
        let same_attributes =
            plan.reach.same_stat(source, &disk) && (!needed || self.same_xattrs(subject, other, &known)?);
        let facts = plan.references.get(candidate.reference);
        let comparison = Comparison {
            granularity: plan.reach.granularity,
            reference_started: facts.and_then(|facts| facts.started),
            reference_unproven: facts.is_some_and(|facts| facts.unproven),
            untouched: known.untouched,
            touched: known.touched,
            doubtful: known.doubtful || known.replaced || self.is_of_another(candidate.reference, source),
            // Another name of a group that stays where it is was not renamed.
            attributes_differ: !same_attributes
                || known.differs
                || (candidate.elsewhere.is_some() && source.nlink == 1),
        };
        let verdict = plan.policy.content(source, &reference, &comparison);
        let proof = match proof_of(verdict) {
            Ok(proof) => proof,
            Err(reason) => return Ok(Decision::Anew(reason)),
        };
        if same_attributes && same_mtime {
            return Ok(Decision::Link { candidate, proof });
        }
        // What explains a moved ctime does not prove the bytes where attributes changed.
        let unexplained = Comparison { attributes_differ: false, ..comparison };
        let proof = proof_of(plan.policy.content(source, &reference, &unexplained)).unwrap_or(proof);
        // A policy may not care for times at all: those are attributes then, and no shift.
        let shifted = same_attributes && like && !same_mtime;
        if plan.record_attributes || shifted {
            candidate.recorded_only = true;
            self.read_all_attributes(subject, &known)?;
            let proof = if shifted { self.engine.shift_proof(source, &known, proof) } else { proof };
            return Ok(Decision::Link { candidate, proof });
        }
        // Without shared blocks the bytes are written in any case, and those of the source are the truth.
        if !plan.reach.reflink {
            return Ok(Decision::Anew(Reason::AttributesChanged));
        }
        Ok(Decision::Share { candidate, proof })
    }

    fn compare_special(
        &mut self,
        subject: &mut Subject<'_, S>,
        other: Other<'_>,
        mut candidate: Candidate,
        same_content: bool,
        changed: Reason,
    ) -> std::result::Result<Decision, SideError> {
        let plan = &self.engine.plan;
        let (source, disk, known) = (subject.metadata, candidate.metadata, candidate.known);
        if !same_content {
            return Ok(Decision::Anew(changed));
        }
        if !plan.reach.same_mtime(source, &self.engine.believed_mtime(source, &disk, &known)) {
            return Ok(Decision::Anew(Reason::TimeChanged));
        }
        let same_mtime = plan.reach.same_mtime(source, &disk);
        let same =
            plan.reach.same_stat(source, &disk) && self.same_xattrs(subject, other, &known)? && same_mtime;
        if !same && !plan.record_attributes && same_mtime {
            return Ok(Decision::Anew(Reason::AttributesChanged));
        }
        if source.kind == Kind::Symlink && !known.untouched {
            subject.target(self)?;
        }
        candidate.recorded_only = !same;
        if candidate.recorded_only {
            self.read_all_attributes(subject, &known)?;
        }
        Ok(Decision::Link { candidate, proof: Proof::Unread })
    }

    /// What is written down alone must be known, also where a stat said enough for the comparison.
    fn read_all_attributes(
        &mut self,
        subject: &mut Subject<'_, S>,
        known: &Known,
    ) -> std::result::Result<(), SideError> {
        if known.untouched && self.engine.inherits_xattrs() {
            Ok(())
        } else {
            subject.xattrs(self).map(|_| ())
        }
    }

    /// Compares extended attributes, ACLs among them; not read where the manifest proves that nothing changed.
    fn same_xattrs(
        &mut self,
        subject: &mut Subject<'_, S>,
        other: Other<'_>,
        known: &Known,
    ) -> std::result::Result<bool, SideError> {
        let is_inherited = known.untouched && !known.recorded_only && self.engine.inherits_xattrs();
        if is_inherited || !self.engine.plan.reach.any_xattrs() {
            return Ok(true);
        }
        let (reach, place) = (self.engine.plan.reach, XattrPlace::At(other.dir, other.name));
        let theirs = read_xattrs(place, &reach, &mut self.xattrs).map_err(SideError::Reference)?;
        Ok(subject.xattrs(self)?.kept == theirs.kept)
    }
}

/// What must be read, by the policy's word.
fn proof_of(verdict: Verdict) -> std::result::Result<Proof, Reason> {
    match verdict {
        Verdict::Unchanged => Ok(Proof::Unread),
        Verdict::CompareBytes => Ok(Proof::Source),
        Verdict::ReadBoth => Ok(Proof::Both),
        Verdict::Changed(reason) => Err(reason),
    }
}

impl<'s, S: Source> Subject<'s, S> {
    pub fn new(dir: &'s S::Dir, name: &'s CStr, metadata: &'s Metadata) -> Self {
        Self { dir, name, metadata, xattrs: None, target: None }
    }

    pub fn metadata(&self) -> &'s Metadata {
        self.metadata
    }

    fn xattrs(&mut self, worker: &mut Worker<'_, '_, S>) -> std::result::Result<&KnownXattrs, SideError> {
        if self.xattrs.is_none() {
            let plan = &worker.engine.plan;
            let read = plan.source.xattrs(self.dir, Some(self.name), &plan.reach, &mut worker.xattrs);
            let known = read.map_err(|_| SideError::Source)?;
            worker.found.set_xattrs(&known);
            self.xattrs = Some(known);
        }
        self.xattrs.as_ref().ok_or(SideError::Source)
    }

    fn target(&mut self, worker: &mut Worker<'_, '_, S>) -> std::result::Result<&CString, SideError> {
        if self.target.is_none() {
            let read = worker.engine.plan.source.target(self.dir, self.name);
            let target = read.map_err(|_| SideError::Source)?;
            worker.found.target.clear();
            worker.found.target.extend_from_slice(target.to_bytes());
            self.target = Some(target);
        }
        self.target.as_ref().ok_or(SideError::Source)
    }
}
