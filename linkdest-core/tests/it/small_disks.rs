//! File systems that run out of room, of inodes, or of writing, in the middle of a run.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use linkdest_core::{ErrorKind, Event, Monitor, Repository, Silent, Status};
use linkdest_testkit::{Comparison, FileSystem, Inventory, LoopMount, skip};

use crate::support::{Pair, path};

fn snapshots(pair: &Pair) -> usize {
    Repository::open(&pair.repository).unwrap().snapshots().unwrap().len()
}

/// What must hold once there is room again.
fn assert_works_again(pair: &Pair) {
    Comparison::new().assert_same(&pair.source, path(&pair.snapshot()));
    let staging = std::fs::read_dir(pair.repository.join(".linkdest/staging")).unwrap();
    assert_eq!(staging.count(), 0, "leftovers are removed");
}

#[test]
fn without_inodes_nothing_is_published_and_the_next_run_succeeds() {
    let mount = match LoopMount::with(FileSystem::Ext4, 32 << 20, &["-N", "128"]) {
        Ok(mount) => mount,
        Err(unavailable) => return skip(unavailable),
    };
    let pair = Pair::with_repository_on(mount.path());
    pair.write("kept", "x");
    let first = pair.snapshot();
    let before = Inventory::of(path(&first));
    for number in 0..300 {
        pair.write(&format!("new-{number}"), "y");
    }
    let error = pair.snapshotter().run(&Silent).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSpace, "{error:?}");
    assert_eq!(snapshots(&pair), 1);
    before.assert_unchanged(&Inventory::of(path(&first)));
    for number in 0..280 {
        std::fs::remove_file(pair.source.join(format!("new-{number}"))).unwrap();
    }
    assert_works_again(&pair);
}

#[test]
fn at_every_level_a_disk_is_full_or_the_snapshot_is_whole() {
    let mount = match LoopMount::with(FileSystem::Ext4, 32 << 20, &[]) {
        Ok(mount) => mount,
        Err(unavailable) => return skip(unavailable),
    };
    let pair = Pair::with_repository_on(mount.path());
    pair.write("kept", "x");
    let first = pair.snapshot();
    let before = Inventory::of(path(&first));
    let room = usize::try_from(mount.free_bytes().unwrap()).unwrap();
    let (mut full, mut whole) = (0, 0);
    for level in 0..12 {
        // From what fits well to what surely does not; the last files make directories and manifest meet the end.
        let each = (room + level * (512 << 10) - (5 << 20)) / 16;
        for number in 0..16_u8 {
            pair.write(&format!("part-{number}"), vec![number; each]);
        }
        match pair.snapshotter().reserve(0).run(&Silent) {
            Ok(report) => {
                assert_eq!(report.status(), Status::Complete, "{:?}", report.problems());
                Comparison::new().assert_same(&pair.source, path(&report));
                std::fs::remove_dir_all(path(&report)).unwrap();
                whole += 1;
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::NoSpace, "{error:?}");
                assert_eq!(snapshots(&pair), 1, "level {level}");
                full += 1;
            }
        }
        before.assert_unchanged(&Inventory::of(path(&first)));
        for number in 0..16 {
            std::fs::remove_file(pair.source.join(format!("part-{number}"))).unwrap();
        }
        assert_works_again(&pair);
        let newest = std::fs::read_link(pair.repository.join("latest")).unwrap();
        std::fs::remove_dir_all(pair.repository.join(newest)).unwrap();
    }
    assert!(full > 1 && whole > 1, "{full} were full, {whole} not");
}

/// Makes the file system read-only, as the kernel does after an error, when so many entries were seen.
struct ReadOnlyAfter {
    left: AtomicUsize,
    mount: PathBuf,
}

impl Monitor for ReadOnlyAfter {
    fn event(&self, event: &Event) {
        if matches!(event, Event::Entry { .. }) && self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            let mut mount = std::process::Command::new("mount");
            mount.args(["-o", "remount,abort"]).arg(&self.mount).output().unwrap();
        }
    }

    fn wants_entries(&self) -> bool {
        true
    }
}

#[test]
fn a_repository_that_becomes_read_only_in_mid_run_publishes_nothing() {
    let mount = match LoopMount::new(FileSystem::Ext4) {
        Ok(mount) => mount,
        Err(unavailable) => return skip(unavailable),
    };
    let pair = Pair::with_repository_on(mount.path());
    for number in 0..40 {
        pair.write(&format!("f{number}"), vec![7; 10_000]);
    }
    let first = pair.snapshot();
    let before = Inventory::of(path(&first));
    for entries in [1, 7, 20, 39] {
        pair.write(&format!("f{entries}"), format!("changed {entries}"));
        let monitor = ReadOnlyAfter { left: AtomicUsize::new(entries), mount: mount.path().to_owned() };
        let result = pair.snapshotter().run(&monitor);
        if std::fs::write(mount.path().join("probe"), "x").is_ok() {
            return skip("a file system cannot be made read-only here while it is used");
        }
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error:?}");
        mount.mount_again().unwrap();
        let _ = std::fs::remove_file(mount.path().join("probe"));
        before.assert_unchanged(&Inventory::of(path(&first)));
        assert_works_again(&pair);
    }
}
