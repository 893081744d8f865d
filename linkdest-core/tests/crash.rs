//! What is on disk when a run ends at any of its kernel calls, and what the next one makes of it.
//!
//! Built with `RUSTFLAGS="--cfg linkdest_calls"`. Every seventh call is tried, or with `LINKDEST_CRASH_STEP=1` each.

#![cfg(linkdest_calls)]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::panic,
    reason = "tests stop where an assumption fails"
)]

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use linkdest_core::calls::trace;
use linkdest_core::{
    RelPath, Replicator, Repository, Silent, SnapshotName, SnapshotReport, Snapshotter, Status,
};
use linkdest_testkit::{Comparison, Inventory, TestDir, remove_tree};

/// The trace is the whole process's.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A source of 300 entries, and a repository with one snapshot of it.
struct Scene {
    _alone: MutexGuard<'static, ()>,
    dir: TestDir,
    source: PathBuf,
    first: PathBuf,
    kept: Inventory,
}

impl Scene {
    fn new() -> Self {
        let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        // In memory, where flushing is free: thousands of runs.
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() { TestDir::new_in(memory) } else { TestDir::new() };
        let source = dir.join("source");
        for number in 0..25 {
            let inner = source.join(format!("{}/{number}", number % 4));
            std::fs::create_dir_all(&inner).unwrap();
            for file in 0..9 {
                std::fs::write(inner.join(format!("file-{file}")), format!("{number} {file}")).unwrap();
            }
            symlink("file-0", inner.join("symlink")).unwrap();
            std::fs::hard_link(inner.join("file-1"), source.join(format!("name-of-{number}"))).unwrap();
        }
        std::fs::rename(source.join("0/4"), source.join("moving")).unwrap();
        let report = take(&source, &dir.join("repository")).unwrap();
        let first = report.path().unwrap().to_owned();
        let kept = Inventory::of(&first);
        Self { _alone: alone, source, first, kept, dir }
    }

    fn repository(&self) -> PathBuf {
        self.dir.join("repository")
    }

    fn open(&self) -> Repository {
        Repository::open(self.repository()).unwrap()
    }

    fn names(&self) -> Vec<SnapshotName> {
        self.open().snapshots().unwrap().iter().map(|snapshot| snapshot.name().clone()).collect()
    }

    /// Changes what a run must link, copy, rename, make and leave out.
    fn edit(&self, round: usize) {
        let at = |number: usize| self.source.join(format!("{}/{}", number % 3 + 1, number % 3 + 1));
        std::fs::write(at(round).join("file-2"), format!("changed in {round}")).unwrap();
        std::fs::write(at(round + 1).join(format!("new-{}", round % 2)), "new").unwrap();
        let _ = std::fs::remove_file(at(round + 1).join(format!("new-{}", (round + 1) % 2)));
        let (from, to) = (self.source.join("moving"), self.source.join("moved"));
        let _ = std::fs::rename(&from, &to).or_else(|_| std::fs::rename(&to, &from));
    }

    /// What must hold after an end at any call: nothing half-made is visible, and older snapshots are untouched.
    fn check(&self, what: &str) {
        self.kept.assert_unchanged(&Inventory::of(&self.first));
        for name in self.names().iter().filter(|name| !self.first.ends_with(name.as_str())) {
            let differences = Comparison::new().run(&self.source, &self.repository().join(name.as_str()));
            assert!(differences.is_empty(), "{what}: {}", linkdest_testkit::describe(&differences));
        }
    }

    /// What the next run must make of it: a whole snapshot, and nothing left over.
    fn recover(&self, what: &str) {
        let report = take(&self.source, &self.repository()).unwrap();
        assert_eq!(report.status(), Status::Complete, "{what}: {:?}", report.problems());
        Comparison::new().assert_same(&self.source, report.path().unwrap());
        self.kept.assert_unchanged(&Inventory::of(&self.first));
        for place in ["staging", "trash"] {
            assert_eq!(entries(&self.repository().join(".linkdest").join(place)), 0, "{what}: {place}");
        }
        let latest = std::fs::read_link(self.repository().join("latest")).unwrap();
        assert_eq!(latest.to_str(), Some(report.snapshot().unwrap().as_str()), "{what}");
        for name in self.names() {
            let path = self.repository().join(name.as_str());
            if path != self.first {
                remove_tree(&path).unwrap();
            }
        }
    }
}

fn take(source: &Path, repository: &Path) -> Result<SnapshotReport, linkdest_core::Error> {
    Snapshotter::new(source, repository).init(true).run(&Silent)
}

fn entries(path: &Path) -> usize {
    std::fs::read_dir(path).map_or(0, Iterator::count)
}

/// The calls to end at: all up to `all`, or every seventh of them.
fn points(all: usize) -> impl Iterator<Item = usize> {
    let step = std::env::var("LINKDEST_CRASH_STEP").ok().and_then(|step| step.parse().ok()).unwrap_or(7);
    (0..all).step_by(step)
}

/// Counts the calls of something, and does it again and again, ending after each of them.
fn at_every_call(mut count: impl FnMut() -> usize, mut end_after: impl FnMut(usize)) {
    let all = count();
    assert!(all > 30, "{all} calls");
    points(all).for_each(&mut end_after);
}

#[test]
fn a_snapshot_that_ends_at_any_call_leaves_what_the_next_one_repairs() {
    let scene = Scene::new();
    let run = |round: usize| {
        scene.edit(round);
        take(&scene.source, &scene.repository())
    };
    let count = || {
        trace::start(None);
        run(0).unwrap();
        let calls = trace::finish().len();
        scene.recover("counting");
        calls
    };
    let mut published = 0;
    at_every_call(count, |calls| {
        let what = format!("ended after {calls} calls");
        trace::start_ending_after(calls);
        let result = run(calls);
        trace::finish();
        published += usize::from(result.is_ok());
        scene.check(&what);
        if let Ok(report) = result {
            // What is called a success is there.
            assert!(scene.names().contains(report.snapshot().unwrap()), "{what}");
        }
        scene.recover(&what);
    });
    assert!(published < 40, "{published} runs said that they succeeded");
}

#[test]
fn a_first_snapshot_that_ends_at_any_call_can_be_taken_again() {
    let scene = Scene::new();
    let repository = scene.dir.join("other");
    let count = || {
        trace::start(None);
        take(&scene.source, &repository).unwrap();
        let calls = trace::finish().len();
        remove_tree(&repository).unwrap();
        calls
    };
    at_every_call(count, |calls| {
        trace::start_ending_after(calls);
        let _ = take(&scene.source, &repository);
        trace::finish();
        let report = take(&scene.source, &repository).unwrap();
        assert_eq!(report.status(), Status::Complete, "after {calls}: {:?}", report.problems());
        Comparison::new().assert_same(&scene.source, report.path().unwrap());
        remove_tree(&repository).unwrap();
    });
}

#[test]
fn a_deletion_that_ends_at_any_call_leaves_a_whole_snapshot_or_none() {
    let scene = Scene::new();
    let delete = |end: Option<usize>| {
        let name = take(&scene.source, &scene.repository()).unwrap().snapshot().unwrap().clone();
        let repository = scene.open();
        match end {
            Some(calls) => trace::start_ending_after(calls),
            None => trace::start(None),
        }
        let _ = repository.delete(&[name]);
        trace::finish().len()
    };
    at_every_call(
        || delete(None),
        |calls| {
            delete(Some(calls));
            scene.check(&format!("deletion ended after {calls} calls"));
            scene.recover(&format!("deletion ended after {calls} calls"));
        },
    );
}

#[test]
fn a_restore_that_ends_at_any_call_can_be_done_again() {
    let scene = Scene::new();
    let target = scene.dir.join("target");
    let repository = scene.open();
    let name = scene.names().remove(0);
    let restore = || repository.restore(&name, &RelPath::root(), &target).delete(true).run(&Silent);
    let prepare = || {
        std::fs::create_dir_all(target.join("0")).unwrap();
        std::fs::write(target.join("0/foreign"), "foreign").unwrap();
        std::fs::write(target.join("name-of-3"), "other").unwrap();
    };
    let count = || {
        prepare();
        trace::start(None);
        restore().unwrap();
        trace::finish().len()
    };
    at_every_call(count, |calls| {
        remove_tree(&target).unwrap();
        prepare();
        trace::start_ending_after(calls);
        let _ = restore();
        trace::finish();
        scene.kept.assert_unchanged(&Inventory::of(&scene.first));
        // What it left of its own goes without being asked for.
        let _ = std::fs::remove_file(target.join("0/foreign"));
        repository.restore(&name, &RelPath::root(), &target).run(&Silent).unwrap();
        Comparison::new().assert_same(&scene.source, &target);
        scene.kept.assert_unchanged(&Inventory::of(&scene.first));
    });
}

#[test]
fn replicating_that_ends_at_any_call_leaves_whole_snapshots_and_goes_on() {
    let scene = Scene::new();
    (0..2).for_each(|round| {
        scene.edit(round);
        take(&scene.source, &scene.repository()).unwrap();
    });
    let second = scene.dir.join("second");
    let replicate = || Replicator::new(scene.repository(), &second).init(true).run(&Silent);
    let trees = || Comparison::new().root_attributes(false).skip_path(".linkdest").skip_path("latest");
    let count = || {
        trace::start(None);
        replicate().unwrap();
        let calls = trace::finish().len();
        remove_tree(&second).unwrap();
        calls
    };
    at_every_call(count, |calls| {
        trace::start_ending_after(calls);
        let _ = replicate();
        trace::finish();
        let published = Repository::open(&second).and_then(|there| there.snapshots());
        for there in published.iter().flatten() {
            Comparison::new().assert_same(&scene.repository().join(there.name().as_str()), there.path());
        }
        let report = replicate().unwrap();
        assert_eq!(report.status(), Status::Complete, "after {calls}: {:?}", report.problems());
        trees().assert_same(&scene.repository(), &second);
        assert_eq!(
            std::fs::read_link(second.join("latest")).unwrap().to_str(),
            Some(scene.names()[2].as_str())
        );
        for place in ["staging", "trash"] {
            assert_eq!(entries(&second.join(".linkdest").join(place)), 0, "after {calls}: {place}");
        }
        remove_tree(&second).unwrap();
    });
    scene.kept.assert_unchanged(&Inventory::of(&scene.first));
}
