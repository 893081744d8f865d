//! Entries that cannot be read: the version of a reference stands in their place, and every run says so again.

use std::ffi::CStr;
use std::io;

use super::decide::Candidate;
use super::node::{Handles, Node};
use super::read::Placed;
use super::recorded::Known;
use super::worker::Worker;
use crate::counts::Counter;
use crate::entry::{FileId, Kind, Metadata};
use crate::error::{Error, Problem, ProblemKind, Result};
use crate::manifest::{EntryFlags, Found};
use crate::monitor::{Action, Reason};
use crate::os::errno;
use crate::path::RelPath;
use crate::source::Source;

/// Says whether an entry is there but cannot be read, so that an earlier version is better than nothing.
pub(super) fn is_unreadable(error: &io::Error) -> bool {
    let gone = matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::StaleNetworkFileHandle | io::ErrorKind::NotADirectory
    );
    !gone && !errno::is_symlink(error) && !errno::is_exhausted(error) && Error::within(error).is_none()
}

impl<S: Source> Worker<'_, '_, S> {
    /// Reports an entry that cannot be read; links it to the first reference that has it.
    pub fn unreadable(
        &mut self,
        node: &Node<S>,
        handles: &Handles<S>,
        name: &CStr,
        id: Option<FileId>,
        operation: &'static str,
        error: &io::Error,
    ) -> Result<Placed> {
        let carried = if is_unreadable(error) { self.carry_name(node, handles, name, id)? } else { None };
        let Some(reference) = carried else {
            return self
                .engine
                .source_problem(self.index, node.path_of(name), operation, error)
                .map(|()| Placed::No);
        };
        self.carried_problem(node.path_of(name), operation, error, reference, None);
        Ok(Placed::Linked)
    }

    pub(super) fn carried_problem(
        &self,
        path: RelPath,
        operation: &'static str,
        error: &io::Error,
        reference: usize,
        entries: Option<u64>,
    ) {
        let from = self.engine.plan.references.get(reference).map_or("", |reference| &reference.label);
        let what = entries.map_or_else(String::new, |entries| format!(" with {entries} entries"));
        let problem = Problem::new(
            path,
            ProblemKind::CarriedForward,
            operation,
            format!("{error}; carried forward from {from}{what}"),
        );
        self.engine.problem(self.index, problem.with_errno(error.raw_os_error()));
    }

    /// Links a name to the first reference that has it, as it was recorded then; says to which.
    fn carry_name(
        &mut self,
        node: &Node<S>,
        handles: &Handles<S>,
        name: &CStr,
        id: Option<FileId>,
    ) -> Result<Option<usize>> {
        let engine = self.engine;
        for (number, dir) in &handles.references {
            let Ok(disk) = dir.stat_at(name) else { continue };
            if disk.kind == Kind::Directory || engine.is_damaged(&disk) || !engine.given.insert(disk.id) {
                continue;
            }
            if let Some(staged) = &handles.staged
                && let Err(error) = dir.link(name, staged, name)
            {
                if errno::is_target_failing(&error) {
                    return Err(engine.repository_error("link", error));
                }
                continue;
            }
            let recorded = if *number == 0 { self.recorded_at(node, name) } else { None };
            let record = recorded.as_ref().map(Found::entry);
            let record = record.filter(|record| record.repository_inode == disk.id.inode);
            self.found.clear();
            let unknown = Metadata { id: FileId::default(), ..disk };
            let metadata = record.as_ref().map_or(unknown, |record| {
                let device = id.map_or(0, |id| id.device);
                Metadata { id: FileId { device, ..record.metadata.id }, ..record.metadata }
            });
            if let Some(record) = &record {
                self.take_over_attributes(record);
            }
            let candidate = Candidate {
                reference: *number,
                metadata: disk,
                known: Known::default(),
                elsewhere: None,
                recorded_only: false,
            };
            let content = record.as_ref().and_then(|record| record.content);
            let flags = EntryFlags::CARRIED_FORWARD;
            self.record_link(node, name, &metadata, &candidate, content, flags);
            engine.tell_entry(|| node.path_of(name), Action::Link, Reason::CarriedForward);
            self.count(Counter::CarriedForward, 1);
            self.count_linked(&disk, true);
            self.found_unchanged(&candidate);
            return Ok(Some(*number));
        }
        Ok(None)
    }

    /// What the first reference's manifest has of a name; the directory need not be the one that is being walked.
    fn recorded_at(&mut self, node: &Node<S>, name: &CStr) -> Option<Found> {
        let engine = self.engine;
        let path = node.moved_from(name).unwrap_or_else(|| node.path_of(name));
        match engine.predecessor()?.find(path.as_bytes(), &mut self.cache) {
            Ok(found) => found,
            Err(error) => {
                engine.manifest_damaged(self.index, &error);
                None
            }
        }
    }
}
