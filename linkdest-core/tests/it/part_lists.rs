//! What stands for the parts of large files: it spares reading, and nothing else depends on it.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use linkdest_core::{Checksum, RelPath, Repository, Silent, SnapshotReport, Verifier};
use linkdest_testkit::{Comparison, FileSystem, LoopMount, skip};

use crate::support::{Pair, beyond_portable, path};

const SIZE: u64 = 40 << 20;
const PART: u64 = 256 << 10;

/// A source with an image, and a repository on a file system that can share blocks.
struct Versions {
    pair: Pair,
    _mount: LoopMount,
}

impl Versions {
    fn new() -> Option<Self> {
        let mount = match LoopMount::new(FileSystem::Xfs) {
            Ok(mount) => mount,
            Err(unavailable) => {
                skip(unavailable);
                return None;
            }
        };
        let pair = Pair::with_repository_on(mount.path());
        let file = File::create(pair.source.join("image")).unwrap();
        for part in 0..SIZE / PART {
            file.write_all_at(&[(part % 100) as u8; 256 << 10], part * PART).unwrap();
        }
        Some(Self { pair, _mount: mount })
    }

    fn change(&self, part: u64, byte: u8) {
        let file = File::options().write(true).open(self.pair.source.join("image")).unwrap();
        file.write_all_at(&[byte; 5000], part * PART + 77).unwrap();
    }

    fn snapshot(&self) -> SnapshotReport {
        let report = self.pair.snapshot();
        Comparison::new().assert_same(&self.pair.source, path(&report));
        report
    }

    fn lists(&self) -> Vec<PathBuf> {
        let Ok(found) = fs::read_dir(self.pair.repository.join(".linkdest/parts")) else { return Vec::new() };
        let mut lists: Vec<_> = found.map(|entry| entry.unwrap().path()).collect();
        lists.sort_by_key(|list| fs::metadata(list).unwrap().modified().unwrap());
        lists
    }

    /// Makes a byte of a saved part another one, as a failing disk would.
    fn damage(&self, report: &SnapshotReport, part: u64) {
        let image = path(report).join("image");
        let modified = fs::metadata(&image).unwrap().modified().unwrap();
        let file = File::options().write(true).open(&image).unwrap();
        file.write_all_at(&[255], part * PART + 9).unwrap();
        file.set_modified(modified).unwrap();
    }

    fn is_sound(&self, report: &SnapshotReport) -> bool {
        fs::read(self.pair.source.join("image")).unwrap() == fs::read(path(report).join("image")).unwrap()
    }
}

#[test]
fn only_parts_whose_hash_is_another_one_are_read() {
    if beyond_portable("no shared blocks") {
        return;
    }
    let Some(versions) = Versions::new() else { return };
    versions.snapshot();
    assert_eq!(versions.lists().len(), 1);
    versions.change(20, 200);
    let second = versions.snapshot();
    assert_eq!((second.counts().files_cloned, second.counts().bytes_copied), (1, 8192));
    assert_eq!(versions.lists().len(), 2);
    // What nobody read shows only when it is verified; then it is taken from the source.
    versions.damage(&second, 30);
    versions.change(21, 201);
    let third = versions.pair.snapshot();
    assert!(!versions.is_sound(&third), "a part was read that is known to be the same");
    let repository = Repository::open(&versions.pair.repository).unwrap();
    let verified = Verifier::new(&repository).run(&Silent).unwrap();
    let mut found: Vec<_> = verified.findings().iter().map(|one| one.place().snapshot.clone()).collect();
    found.sort();
    assert_eq!(found, [&second, &third].map(|report| report.snapshot().unwrap().to_string()));
    versions.change(22, 202);
    versions.snapshot();
}

#[test]
fn where_bytes_are_to_be_compared_they_are_read() {
    if beyond_portable("no shared blocks") {
        return;
    }
    let Some(versions) = Versions::new() else { return };
    let first = versions.snapshot();
    versions.damage(&first, 30);
    versions.change(20, 200);
    let second = versions.pair.snapshotter().policy(Checksum::default()).run(&Silent).unwrap();
    assert!(versions.is_sound(&second));
}

#[test]
fn a_list_that_is_not_of_the_content_is_not_used() {
    if beyond_portable("no shared blocks") {
        return;
    }
    let Some(versions) = Versions::new() else { return };
    versions.snapshot();
    let mut before = versions.lists().pop().unwrap();
    let lies: &[fn(&mut Vec<u8>)] = &[
        |bytes| bytes.truncate(bytes.len() - 1),
        |bytes| bytes.clear(),
        |bytes| bytes[16 + 32 * 30] ^= 1,
        |bytes| bytes[9] ^= 1,
        |bytes| bytes.swap(16 + 32 * 20, 16 + 32 * 21),
        |bytes| bytes.extend([0; 32]),
    ];
    for (round, lie) in lies.iter().enumerate() {
        let mut bytes = fs::read(&before).unwrap();
        lie(&mut bytes);
        fs::write(&before, bytes).unwrap();
        versions.change(20 + round as u64, 200);
        versions.snapshot();
        before = versions.lists().pop().unwrap();
    }
    // That of another content under the name of this one.
    let lists = versions.lists();
    fs::copy(&lists[0], lists.last().unwrap()).unwrap();
    versions.change(50, 200);
    versions.snapshot();
}

#[test]
fn a_list_goes_with_the_last_snapshot_that_has_the_content() {
    if beyond_portable("no shared blocks") {
        return;
    }
    let Some(versions) = Versions::new() else { return };
    let first = versions.snapshot();
    let again = versions.snapshot();
    versions.change(20, 200);
    let changed = versions.snapshot();
    versions.change(20, 201);
    let last = versions.snapshot();
    assert_eq!(versions.lists().len(), 3);
    let repository = Repository::open(&versions.pair.repository).unwrap();
    for (going, left) in [(&first, 3), (&again, 2), (&changed, 1)] {
        repository.delete(&[going.snapshot().unwrap().clone()]).unwrap();
        assert_eq!(versions.lists().len(), left);
    }
    repository.expunge(&RelPath::new("image").unwrap()).unwrap();
    assert_eq!(versions.lists(), Vec::<PathBuf>::new());
    assert!(!path(&last).join("image").exists());
}

#[test]
fn where_no_blocks_can_be_shared_there_are_no_lists() {
    if beyond_portable("no shared blocks") {
        return;
    }
    let mount = match LoopMount::new(FileSystem::Ext4) {
        Ok(mount) => mount,
        Err(unavailable) => return skip(unavailable),
    };
    let pair = Pair::with_repository_on(mount.path());
    pair.write("image", vec![7; 40 << 20]);
    pair.snapshot();
    assert!(!pair.repository.join(".linkdest/parts").exists());
}
