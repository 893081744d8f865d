//! What is told while it goes on: figures, problems, and what could not be set.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::counts::Counts;
use crate::error::Problem;
use crate::monitor::{Action, Event, Monitor, Notice, Progress, Reason};
use crate::path::RelPath;
use crate::repository::SnapshotName;
use crate::repository::record::{PROBLEM_PATHS_KEPT, PROBLEMS_KEPT};

const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// Problems in the order in which they were met: the first ones, and the number of all.
#[derive(Debug, Default)]
pub(super) struct Problems {
    kept: Vec<Problem>,
    bytes: usize,
    pub count: u64,
}

impl Problems {
    pub fn add(&mut self, problem: Problem) {
        self.count += 1;
        if self.kept.len() < PROBLEMS_KEPT && self.bytes < PROBLEM_PATHS_KEPT {
            self.bytes += problem.path().as_bytes().len();
            self.kept.push(problem);
        }
    }

    pub fn into_kept(self) -> Vec<Problem> {
        self.kept
    }
}

/// Tells whoever watches; there is one for a whole run, on one thread.
pub(super) struct Watch<'w> {
    monitor: &'w dyn Monitor,
    expected: Cell<u64>,
    /// The figures of what is published, and of the snapshot that is being brought.
    done: Cell<Counts>,
    now: Cell<Counts>,
    told: Cell<Option<Instant>>,
    problems: RefCell<Problems>,
    out_of_reach: RefCell<BTreeMap<&'static str, u64>>,
    not_made: Cell<u64>,
}

impl<'w> Watch<'w> {
    pub fn new(monitor: &'w dyn Monitor) -> Self {
        Self {
            monitor,
            expected: Cell::default(),
            done: Cell::default(),
            now: Cell::default(),
            told: Cell::default(),
            problems: RefCell::default(),
            out_of_reach: RefCell::default(),
            not_made: Cell::default(),
        }
    }

    pub fn monitor(&self) -> &dyn Monitor {
        self.monitor
    }

    /// Says how many entries there are in all.
    pub fn expect(&self, entries: u64) {
        self.expected.set(entries);
    }

    /// Takes the figures of the snapshot that is being brought.
    pub fn show(&self, counts: &Counts) {
        self.now.set(*counts);
        self.tick();
    }

    /// Tells the figures, if it is time.
    pub fn tick(&self) {
        if self.told.get().is_none_or(|told| told.elapsed() >= PROGRESS_EVERY) {
            self.tell();
        }
    }

    pub fn tell(&self) {
        let mut counts = add(&self.done.get(), &self.now.get());
        counts.problems = self.problems.borrow().count;
        let expected = Some(self.expected.get()).filter(|expected| *expected > 0);
        self.monitor.progress(&Progress { counts, expected });
        self.told.set(Some(Instant::now()));
    }

    /// Counts a snapshot as done.
    pub fn finish(&self, counts: &Counts) {
        self.done.set(add(&self.done.get(), counts));
        self.now.set(Counts::default());
    }

    pub fn done(&self) -> Counts {
        Counts { problems: self.problems.borrow().count, ..self.done.get() }
    }

    /// Tells a problem of a snapshot, or of the run.
    pub fn problem(&self, snapshot: Option<&SnapshotName>, problem: &Problem) {
        let path = snapshot.map_or_else(|| problem.path().clone(), |name| below(name, problem.path()));
        let told = Problem::new(path, problem.kind(), problem.operation(), problem.message());
        let told = told.with_errno(problem.errno());
        self.monitor.event(&Event::Problem(told.clone()));
        self.problems.borrow_mut().add(told);
    }

    /// Tells what was done with an entry, if anybody wants to know.
    pub fn entry(
        &self,
        snapshot: &SnapshotName,
        path: impl FnOnce() -> RelPath,
        action: Action,
        reason: Reason,
    ) {
        if self.monitor.wants_entries() {
            let path = below(snapshot, &path());
            self.monitor.event(&Event::Entry { path, action, reason });
        }
    }

    pub fn out_of_reach(&self, what: &'static str) {
        *self.out_of_reach.borrow_mut().entry(what).or_default() += 1;
    }

    /// Counts an entry of a kind that cannot be made there.
    pub fn cannot_make(&self) {
        self.not_made.set(self.not_made.get() + 1);
    }

    /// Tells what could not be set or made, once.
    pub fn tell_out_of_reach(&self) {
        for (what, entries) in std::mem::take(&mut *self.out_of_reach.borrow_mut()) {
            self.monitor.event(&Event::Notice(Notice::OutOfReach { what, entries }));
        }
        if self.not_made.get() > 0 {
            self.monitor.event(&Event::Notice(Notice::NotMade { entries: self.not_made.take() }));
        }
    }

    pub fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner().into_kept()
    }
}

/// A path in one of many snapshots.
fn below(snapshot: &SnapshotName, path: &RelPath) -> RelPath {
    let names = [snapshot.as_str().as_bytes(), path.as_bytes()];
    RelPath::from_names(names.into_iter().filter(|name| !name.is_empty()))
}

/// Adds figures that replicating has.
fn add(a: &Counts, b: &Counts) -> Counts {
    Counts {
        entries: a.entries + b.entries,
        directories: a.directories + b.directories,
        files_linked: a.files_linked + b.files_linked,
        files_copied: a.files_copied + b.files_copied,
        files_cloned: a.files_cloned + b.files_cloned,
        other_linked: a.other_linked + b.other_linked,
        other_created: a.other_created + b.other_created,
        recorded_only: a.recorded_only + b.recorded_only,
        relinked_limit: a.relinked_limit + b.relinked_limit,
        bytes_copied: a.bytes_copied + b.bytes_copied,
        bytes_shared: a.bytes_shared + b.bytes_shared,
        bytes: a.bytes + b.bytes,
        problems: a.problems + b.problems,
        ..Counts::default()
    }
}
