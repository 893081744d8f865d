//! What could not be saved is said, and what is no problem is a notice.

use std::sync::atomic::{AtomicBool, Ordering};

use linkdest_core::{Collecting, Event, Monitor, Notice, ProblemKind, RelPath, Silent, Snapshotter, Status};
use linkdest_testkit::{Comparison, FileSystem, LoopMount, skip};

use crate::support::{Pair, path};

#[test]
fn a_repository_inside_the_source_is_left_out_and_said() {
    let pair = Pair::new();
    pair.write("f", "x");
    let repository = pair.source.join("backups");
    for _ in 0..2 {
        let monitor = Collecting::default();
        let report = Snapshotter::new(&pair.source, &repository).init(true).run(&monitor).unwrap();
        let inside = RelPath::new("backups").unwrap();
        assert!(monitor.notices().contains(&Notice::RepositorySkipped(inside)));
        assert_eq!((report.counts().entries, report.counts().skipped), (1, 1));
        assert_eq!(report.status(), Status::Complete);
        Comparison::new()
            .root_attributes(false)
            .skip_name("backups")
            .assert_same(&pair.source, path(&report));
    }
}

#[test]
fn a_mount_point_is_left_empty_if_asked() {
    let mount = match LoopMount::new(FileSystem::Tmpfs) {
        Ok(mount) => mount,
        Err(unavailable) => return skip(unavailable),
    };
    std::fs::write(mount.join("inside"), "x").unwrap();
    let pair = Pair::new();
    let source = mount.path().parent().unwrap();
    let name = mount.path().file_name().unwrap();
    let monitor = Collecting::default();
    let stay = Snapshotter::new(source, &pair.repository).init(true).one_file_system(true);
    let report = stay.run(&monitor).unwrap();
    assert_eq!(std::fs::read_dir(path(&report).join(name)).unwrap().count(), 0);
    let skipped = |notice: &Notice| matches!(notice, Notice::MountSkipped(_));
    assert_eq!(monitor.notices().iter().filter(|notice| skipped(notice)).count(), 1);
    let report = Snapshotter::new(source, &pair.repository).run(&Silent).unwrap();
    assert_eq!(std::fs::read(path(&report).join(name).join("inside")).unwrap(), b"x");
}

/// Removes a file as soon as the walk has begun.
struct Remover<'a> {
    pair: &'a Pair,
    done: AtomicBool,
    notices: std::sync::Mutex<Vec<Notice>>,
}

impl Monitor for Remover<'_> {
    fn event(&self, event: &Event) {
        match event {
            Event::Entry { .. } if !self.done.swap(true, Ordering::SeqCst) => {
                for number in 0..2000 {
                    let _ = std::fs::remove_file(self.pair.source.join(format!("d/f{number}")));
                }
                std::fs::remove_dir(self.pair.source.join("d")).unwrap();
            }
            Event::Notice(notice) => self.notices.lock().unwrap().push(notice.clone()),
            _ => {}
        }
    }

    fn wants_entries(&self) -> bool {
        true
    }
}

#[test]
fn what_vanishes_during_the_walk_is_a_notice() {
    let pair = Pair::new();
    std::fs::create_dir(pair.source.join("d")).unwrap();
    for number in 0..2000 {
        pair.write(&format!("d/f{number}"), "x");
    }
    let remover = Remover { pair: &pair, done: AtomicBool::new(false), notices: std::sync::Mutex::default() };
    let report = pair.snapshotter().run(&remover).unwrap();
    assert_eq!(report.status(), Status::Complete, "{:?}", report.problems());
    let vanished =
        remover.notices.lock().unwrap().iter().filter(|n| matches!(n, Notice::Vanished(_))).count();
    assert!(vanished > 0);
    assert_eq!(report.counts().vanished, vanished as u64);
}

#[test]
fn a_symlink_that_the_repository_cannot_hold_is_a_problem_each_time() {
    let mount = match LoopMount::new(FileSystem::Xfs) {
        Ok(mount) => mount,
        Err(unavailable) => return skip(unavailable),
    };
    let pair = Pair::with_repository_on(mount.path());
    std::os::unix::fs::symlink("x".repeat(2000), pair.source.join("long")).unwrap();
    pair.write("f", "x");
    for _ in 0..2 {
        let report = pair.snapshotter().run(&Silent).unwrap();
        let problems: Vec<_> =
            report.problems().iter().map(|p| (p.path().to_string(), p.kind(), p.errno())).collect();
        assert_eq!(problems, [("long".to_owned(), ProblemKind::NotStored, Some(36))]);
        assert_eq!(std::fs::read_dir(path(&report)).unwrap().count(), 1);
    }
}

#[test]
fn a_full_repository_publishes_nothing_and_the_next_run_does() {
    let mount = match LoopMount::with(FileSystem::Ext4, 32 << 20, &[]) {
        Ok(mount) => mount,
        Err(unavailable) => return skip(unavailable),
    };
    let pair = Pair::with_repository_on(mount.path());
    pair.write("small", "x");
    pair.snapshot();
    pair.write("large", vec![1; 64 << 20]);
    let error = pair.snapshotter().run(&Silent).unwrap_err();
    assert_eq!(error.kind(), linkdest_core::ErrorKind::NoSpace, "{error:?}");
    let repository = linkdest_core::Repository::open(&pair.repository).unwrap();
    assert_eq!(repository.snapshots().unwrap().len(), 1);
    std::fs::remove_file(pair.source.join("large")).unwrap();
    Comparison::new().assert_same(&pair.source, path(&pair.snapshot()));
    let staging = pair.repository.join(".linkdest/staging");
    assert_eq!(std::fs::read_dir(staging).unwrap().count(), 0, "leftovers are removed");
}

#[test]
fn what_a_killed_run_left_does_not_keep_the_disk_full() {
    let mount = match LoopMount::with(FileSystem::Ext4, 64 << 20, &[]) {
        Ok(mount) => mount,
        Err(unavailable) => return skip(unavailable),
    };
    let pair = Pair::with_repository_on(mount.path());
    pair.write("large", vec![1; 30 << 20]);
    let first = pair.snapshot();
    let name = first.snapshot().unwrap();
    // As a kill before publishing leaves it; then the file changes, and there is no room for both.
    let staging = pair.repository.join(".linkdest/staging").join(name.as_str());
    std::fs::create_dir(&staging).unwrap();
    std::fs::rename(path(&first), staging.join("tree")).unwrap();
    let run = pair.repository.join(".linkdest/runs").join(format!("{name}.toml"));
    std::fs::rename(run, staging.join("run.toml")).unwrap();
    pair.write("large", vec![2; 29 << 20]);
    let _ = pair.snapshotter().run(&Silent);
    Comparison::new().assert_same(&pair.source, path(&pair.snapshot()));
}

#[test]
fn a_file_too_large_for_the_repository_is_a_problem_and_the_rest_is_saved() {
    let (Ok(source), Ok(target)) = (LoopMount::new(FileSystem::Xfs), LoopMount::new(FileSystem::Ext4)) else {
        return skip("needs XFS and ext4 on loop devices");
    };
    let mut pair = Pair::both_on(source.path());
    pair.repository = target.join("repository");
    pair.write("other", "x");
    std::fs::File::create(pair.source.join("huge")).unwrap().set_len(20 << 40).unwrap();
    let report = pair.snapshotter().run(&Silent).unwrap();
    let problems: Vec<_> =
        report.problems().iter().map(|p| (p.path().to_string(), p.kind(), p.errno())).collect();
    assert_eq!(problems, [("huge".to_owned(), ProblemKind::NotStored, Some(27))]);
    assert!(path(&report).join("other").exists() && !path(&report).join("huge").exists());
}

#[test]
fn a_source_that_went_while_the_lock_was_waited_for_publishes_nothing() {
    let pair = Pair::new();
    pair.snapshot();
    let lock = std::fs::File::open(pair.repository.join(".linkdest/lock")).unwrap();
    lock.lock().unwrap();
    let waiting = pair.snapshotter().lock_wait(std::time::Duration::from_secs(30));
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| waiting.run(&Silent).unwrap_err());
        std::thread::sleep(std::time::Duration::from_millis(300));
        std::fs::remove_dir(&pair.source).unwrap();
        lock.unlock().unwrap();
        assert_eq!(waiter.join().unwrap().kind(), linkdest_core::ErrorKind::SourceUnreadable);
    });
    let repository = linkdest_core::Repository::open(&pair.repository).unwrap();
    assert_eq!(repository.snapshots().unwrap().len(), 1);
}
