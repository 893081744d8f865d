//! Sources that change between the steps of a run: what was found out of a file holds for what it was then.

use std::fs::File;
use std::os::unix::fs::{FileExt as _, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use linkdest_core::{ChangePolicy, Comparison as Compared, Metadata, Silent, Verdict};
use linkdest_testkit::{Comparison, FileSystem, LoopMount, skip};

use crate::support::{Pair, beyond_portable, path, set_mtime};

/// Trusts everything, and has the file written to right after its first decision.
struct WrittenAfterwards {
    file: PathBuf,
    done: AtomicBool,
}

impl ChangePolicy for WrittenAfterwards {
    fn name(&self) -> &'static str {
        "trusting"
    }

    fn content(&self, _: &Metadata, _: &Metadata, _: &Compared) -> Verdict {
        if !self.done.swap(true, Ordering::Relaxed) {
            std::fs::write(&self.file, "new").unwrap();
        }
        Verdict::Unchanged
    }
}

#[test]
fn a_file_written_to_after_it_was_decided_on_is_not_taken_from_the_reference() {
    for file_system in [FileSystem::Xfs, FileSystem::Btrfs] {
        let mount = match LoopMount::new(file_system) {
            Ok(mount) => mount,
            Err(unavailable) => return skip(unavailable),
        };
        let pair = Pair::with_repository_on(mount.path());
        pair.write("f", "old");
        let file = pair.source.join("f");
        pair.snapshot();
        // Other attributes: the content is to be had from the reference.
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
        let policy = WrittenAfterwards { file, done: AtomicBool::new(false) };
        let report = pair.snapshotter().policy(policy).run(&Silent).unwrap();
        Comparison::new().assert_same(&pair.source, path(&report));
        assert_eq!(std::fs::read(path(&pair.snapshot()).join("f")).unwrap(), b"new");
    }
}

/// Waits until a run has content for a file.
fn wait_for_content(repository: &Path, name: &str) {
    let staging = repository.join(".linkdest/staging");
    let has_content = |entry: std::fs::DirEntry| {
        std::fs::metadata(entry.path().join("tree").join(name)).is_ok_and(|found| found.len() > 0)
    };
    while !std::fs::read_dir(&staging).is_ok_and(|mut all| all.any(|entry| entry.is_ok_and(has_content))) {
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_file_written_to_while_its_reference_is_cloned_is_not_cloned_from_it_again() {
    if beyond_portable("no shared blocks") {
        return;
    }
    // The clone is hashed for long enough.
    const SIZE: u64 = 4 << 30;
    let mount = match LoopMount::new(FileSystem::Xfs) {
        Ok(mount) => mount,
        Err(unavailable) => return skip(unavailable),
    };
    let pair = Pair::with_repository_on(mount.path());
    let (image, earlier) = (pair.source.join("image"), mount.join("earlier"));
    std::fs::create_dir(&earlier).unwrap();
    for (file, mode) in [(&image, 0o600), (&earlier.join("image"), 0o644)] {
        File::create(file).unwrap().set_len(SIZE).unwrap();
        std::fs::set_permissions(file, PermissionsExt::from_mode(mode)).unwrap();
        set_mtime(file, 1000, 0);
    }
    let report = std::thread::scope(|scope| {
        scope.spawn(|| {
            wait_for_content(&pair.repository, "image");
            File::options().write(true).open(&image).unwrap().write_all_at(&[1; 4096], 1 << 20).unwrap();
        });
        pair.snapshotter().link_dest(&earlier).run(&Silent).unwrap()
    });
    let mut found = [0; 4096];
    File::open(path(&report).join("image")).unwrap().read_exact_at(&mut found, 1 << 20).unwrap();
    assert!(found == [1; 4096], "the content is that of the earlier version");
}

/// Also where staging were open to others, nobody reads what the source keeps from them.
#[test]
fn a_file_is_its_owners_alone_until_it_is_whole() {
    const SIZE: u64 = 96 << 20;
    let pair = Pair::new();
    pair.write("large", vec![7; 96 << 20]);
    std::fs::set_permissions(pair.source.join("large"), PermissionsExt::from_mode(0o644)).unwrap();
    let staging = pair.repository.join(".linkdest/staging");
    let over = AtomicBool::new(false);
    let seen = std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut seen = Vec::new();
            while !over.load(Ordering::Relaxed) {
                for entry in std::fs::read_dir(&staging).into_iter().flatten().flatten() {
                    let found = std::fs::metadata(entry.path().join("tree/large"));
                    seen.extend(found.map(|found| (found.len(), found.permissions().mode() & 0o777)));
                }
            }
            seen
        });
        let report = pair.snapshotter().sync(false).run(&Silent);
        over.store(true, Ordering::Relaxed);
        report.unwrap();
        watch.join().unwrap()
    });
    let unfinished: Vec<_> = seen.iter().filter(|(length, _)| *length < SIZE).collect();
    assert!(unfinished.iter().all(|(_, mode)| *mode == 0o600), "{unfinished:?}");
    assert!(seen.iter().any(|(_, mode)| *mode == 0o600), "it was never seen: {seen:?}");
}
