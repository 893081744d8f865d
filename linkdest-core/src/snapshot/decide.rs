//! What becomes of an entry: compared with each reference in turn, by the policy and by its attributes.

use std::ffi::{CStr, CString};
use std::io;

use super::groups::SharedGroup;
use super::node::{Handles, Node};
use super::worker::Worker;
use crate::entry::{FileId, Kind, Metadata};
use crate::error::Result;
use crate::monitor::Reason;
use crate::os::{Dir, XattrPlace, Xattrs, errno};
use crate::policy::{Comparison, Verdict};
use crate::source::{KnownXattrs, Source};

/// The same name in one reference.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    /// The number of the reference.
    pub reference: usize,
    pub metadata: Metadata,
}

/// What is to be done with an entry that is no directory.
#[derive(Debug, Clone, Copy)]
pub(super) enum Decision {
    /// Content and attributes are those of a reference.
    Link(Candidate),
    /// The attributes are those of a reference; the bytes decide.
    Compare(Candidate),
    /// Only attributes differ, and the content can be had by sharing blocks with a reference: surely, or if the bytes
    /// turn out equal.
    Share { candidate: Candidate, sure: bool },
    /// It is made anew from the source.
    Anew(Reason),
}

/// A regular file whose content must be read.
pub(super) struct Wanted<'n, S: Source> {
    pub name: &'n CStr,
    pub id: FileId,
    pub decision: Decision,
    /// The hard-link group that it leads if it can be placed.
    pub group: Option<SharedGroup<S>>,
    /// The kinds of attributes that it has and this run cannot set, as far as they were read.
    pub out_of_reach: Vec<&'static str>,
}

impl Decision {
    /// How good a decision is: unread links first, then what costs reading, then copies with the best reason.
    fn rank(&self) -> u8 {
        match self {
            Self::Link(_) => 6,
            Self::Compare(_) => 5,
            Self::Share { sure: true, .. } => 4,
            Self::Share { sure: false, .. } => 3,
            Self::Anew(Reason::AttributesChanged) => 2,
            Self::Anew(Reason::New) => 0,
            Self::Anew(_) => 1,
        }
    }
}

/// The source's side of a comparison; what costs a call is asked for once.
struct Subject<'s, S: Source> {
    dir: &'s S::Dir,
    name: &'s CStr,
    metadata: &'s Metadata,
    xattrs: Option<Xattrs>,
    target: Option<CString>,
}

impl<S: Source> Worker<'_, '_, S> {
    /// Compares an entry with every reference that has its name, and takes the best.
    pub fn decide(
        &mut self,
        node: &Node<S>,
        handles: &Handles<S>,
        name: &CStr,
        metadata: &Metadata,
    ) -> Result<Decision> {
        self.out_of_reach.clear();
        let mut subject = Subject { dir: &handles.source, name, metadata, xattrs: None, target: None };
        let mut best = Decision::Anew(Reason::New);
        for (number, dir) in &handles.references {
            let found = match dir.stat_at(name) {
                Ok(metadata) => self.compare(&mut subject, dir, Candidate { reference: *number, metadata }),
                Err(error) if errno::is_absent(&error) => continue,
                Err(error) => Err(SideError::Reference(error)),
            };
            match found {
                Ok(found) if found.rank() > best.rank() => best = found,
                Ok(_) => {}
                Err(SideError::Reference(error)) => self.reference_problem(node, name, "compare", error)?,
                // It will be read again, and reported, when it is copied.
                Err(SideError::Source) => best = Decision::Anew(Reason::AttributesChanged),
            }
            if best.rank() == 6 {
                break;
            }
        }
        Ok(best)
    }

    fn compare(
        &mut self,
        subject: &mut Subject<'_, S>,
        dir: &Dir,
        candidate: Candidate,
    ) -> std::result::Result<Decision, SideError> {
        let (source, reference) = (subject.metadata, &candidate.metadata);
        if source.kind != reference.kind {
            return Ok(Decision::Anew(Reason::KindChanged));
        }
        match source.kind {
            Kind::File => self.compare_file(subject, dir, candidate),
            Kind::Symlink => {
                let theirs = dir.read_link(subject.name).map_err(SideError::Reference)?;
                let same = *subject.target(self)? == theirs;
                self.compare_special(subject, dir, candidate, same, Reason::SizeChanged)
            }
            _ => {
                let same = source.rdev == reference.rdev;
                self.compare_special(subject, dir, candidate, same, Reason::KindChanged)
            }
        }
    }

    fn compare_file(
        &mut self,
        subject: &mut Subject<'_, S>,
        dir: &Dir,
        candidate: Candidate,
    ) -> std::result::Result<Decision, SideError> {
        let plan = &self.engine.plan;
        let (source, reference) = (subject.metadata, &candidate.metadata);
        let same_mtime = plan.reach.same_mtime(source, reference);
        // The size alone tells, and no attribute needs be read to make a new file.
        if source.size != reference.size {
            return Ok(Decision::Anew(Reason::SizeChanged));
        }
        let same_attributes =
            plan.reach.same_stat(source, reference) && self.same_xattrs(subject, dir, same_mtime)?;
        let facts = plan.references.get(candidate.reference);
        let comparison = Comparison {
            granularity: plan.reach.granularity,
            reference_started: facts.and_then(|facts| facts.started),
            reference_unproven: facts.is_some_and(|facts| facts.unproven),
            attributes_differ: !same_attributes,
        };
        let verdict = plan.policy.content(source, reference, &comparison);
        Ok(match (verdict, same_attributes && same_mtime) {
            (Verdict::Changed(reason), _) => Decision::Anew(reason),
            (Verdict::Unchanged, true) => Decision::Link(candidate),
            (Verdict::CompareBytes, true) => Decision::Compare(candidate),
            // Without shared blocks the bytes are written in any case, and those of the source are the truth.
            (_, false) if !plan.reach.reflink => Decision::Anew(Reason::AttributesChanged),
            // What explains a moved ctime does not prove the bytes: shared blocks must be those of the source.
            (_, false) => {
                let unexplained = Comparison { attributes_differ: false, ..comparison };
                let sure = plan.policy.content(source, reference, &unexplained) == Verdict::Unchanged;
                Decision::Share { candidate, sure }
            }
        })
    }

    fn compare_special(
        &mut self,
        subject: &mut Subject<'_, S>,
        dir: &Dir,
        candidate: Candidate,
        same_content: bool,
        changed: Reason,
    ) -> std::result::Result<Decision, SideError> {
        let reach = &self.engine.plan.reach;
        let (source, reference) = (subject.metadata, &candidate.metadata);
        if !same_content {
            return Ok(Decision::Anew(changed));
        }
        if !reach.same_mtime(source, reference) {
            return Ok(Decision::Anew(Reason::TimeChanged));
        }
        let same = reach.same_stat(source, reference) && self.same_xattrs(subject, dir, true)?;
        Ok(if same { Decision::Link(candidate) } else { Decision::Anew(Reason::AttributesChanged) })
    }

    /// Compares extended attributes, ACLs among them; not asked for where the entry is made anew in any case.
    fn same_xattrs(
        &mut self,
        subject: &mut Subject<'_, S>,
        dir: &Dir,
        needed: bool,
    ) -> std::result::Result<bool, SideError> {
        let reach = self.engine.plan.reach;
        if !(needed || reach.reflink) {
            return Ok(true);
        }
        let place = XattrPlace::At(dir, subject.name);
        let theirs =
            crate::source::read_xattrs(place, &reach, &mut self.xattrs).map_err(SideError::Reference)?;
        Ok(*subject.xattrs(self)? == theirs.kept)
    }
}

/// Which side of a comparison could not be read.
enum SideError {
    Source,
    Reference(io::Error),
}

impl<S: Source> Subject<'_, S> {
    fn xattrs(&mut self, worker: &mut Worker<'_, '_, S>) -> std::result::Result<&Xattrs, SideError> {
        if self.xattrs.is_none() {
            let plan = &worker.engine.plan;
            let read = plan.source.xattrs(self.dir, Some(self.name), &plan.reach, &mut worker.xattrs);
            let KnownXattrs { kept, out_of_reach } = read.map_err(|_| SideError::Source)?;
            worker.out_of_reach = out_of_reach;
            self.xattrs = Some(kept);
        }
        self.xattrs.as_ref().ok_or(SideError::Source)
    }

    fn target(&mut self, worker: &Worker<'_, '_, S>) -> std::result::Result<&CString, SideError> {
        if self.target.is_none() {
            let read = worker.engine.plan.source.target(self.dir, self.name);
            self.target = Some(read.map_err(|_| SideError::Source)?);
        }
        self.target.as_ref().ok_or(SideError::Source)
    }
}
