//! What a run gains from the manifest of the one before: renames, copies of the source, attributes, silent changes.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::time::Duration;

use linkdest_core::{
    BlockCache, Checksum, ContentHash, EntryFlags, Manifest, Notice, Origin, ProblemKind, Quick, Repository,
    Silent, SnapshotReport, Status, Strict,
};
use linkdest_testkit::{Comparison, FileSystem, Inventory, LoopMount, skip};

use crate::support::{Pair, beyond_portable, inode, path, set_mtime};

/// Older than this before a run, nothing need be compared.
fn age() {
    std::thread::sleep(Duration::from_millis(2100));
}

fn manifest(pair: &Pair, report: &SnapshotReport) -> Manifest {
    Repository::open(&pair.repository).unwrap().manifest(report.snapshot().unwrap()).unwrap().unwrap()
}

fn copied(report: &SnapshotReport) -> (u64, u64) {
    (report.counts().files_copied + report.counts().files_cloned, report.counts().bytes_copied)
}

fn files(pair: &Pair, directory: &str, count: usize) {
    fs::create_dir_all(pair.source.join(directory)).unwrap();
    for number in 0..count {
        pair.write(&format!("{directory}/file-{number}"), format!("content of {number} in {directory}"));
    }
}

#[test]
fn a_manifest_tells_every_entry_of_the_source() {
    let pair = Pair::new();
    pair.make_everything();
    let report = pair.snapshot();
    let manifest = manifest(&pair, &report);
    manifest.check().unwrap();
    let mut entries = 0;
    for directory in manifest.walk() {
        let directory = directory.unwrap();
        for entry in directory.entries() {
            entries += 1;
            let path = directory.path().as_path().join(name_of(entry.name));
            let stat = fs::symlink_metadata(pair.source.join(&path));
            // Paths beyond PATH_MAX are reached by no single call.
            let Ok(stat) = stat else { continue };
            let found = &entry.metadata;
            assert_eq!(found.mode, stat.mode() & 0o7777, "{path:?}");
            assert_eq!((found.uid, found.gid, found.size), (stat.uid(), stat.gid(), stat.size()), "{path:?}");
            assert_eq!(
                (found.mtime.seconds, i64::from(found.mtime.nanos)),
                (stat.mtime(), stat.mtime_nsec())
            );
            assert_eq!(found.id.inode, stat.ino(), "{path:?}");
            if stat.is_file() && stat.size() < 1 << 20 {
                let content = fs::read(pair.source.join(&path)).unwrap();
                assert_eq!(entry.content, Some(ContentHash::of(&content)), "{path:?}");
            }
            if stat.is_symlink() {
                let target = fs::read_link(pair.source.join(&path)).unwrap();
                assert_eq!(entry.target, std::os::unix::ffi::OsStrExt::as_bytes(target.as_os_str()));
            }
        }
    }
    assert_eq!(entries, report.counts().entries);
    assert_eq!(manifest.totals().entries, entries);
}

fn name_of(name: &[u8]) -> &std::ffi::OsStr {
    std::os::unix::ffi::OsStrExt::from_bytes(name)
}

#[test]
fn an_unchanged_run_inherits_every_record() {
    let pair = Pair::new();
    files(&pair, "d", 20);
    let first = pair.snapshot();
    age();
    pair.snapshot();
    let third = pair.snapshot();
    assert_eq!(copied(&third), (0, 0));
    let (before, after) = (manifest(&pair, &first), manifest(&pair, &third));
    let cache = &mut BlockCache::default();
    for number in 0..20 {
        let name = format!("d/file-{number}");
        let before = before.find(name.as_bytes(), cache).unwrap().unwrap();
        let after = after.find(name.as_bytes(), &mut BlockCache::default()).unwrap().unwrap();
        assert_eq!(before.entry().content, after.entry().content);
        assert!(after.entry().content.is_some());
        assert_eq!(after.entry().origin, Origin::Same { reference: 0 });
        assert_eq!(after.entry().repository_inode, inode(path(&third).join(&name)));
        assert!(before.entry().flags.contains(EntryFlags::RACY), "it was made within the tick of the run");
        assert!(after.entry().flags.is_empty());
    }
}

#[test]
fn a_moved_directory_is_linked_whole() {
    let pair = Pair::new();
    files(&pair, "old/deep/er", 30);
    files(&pair, "old", 5);
    let first = pair.snapshot();
    fs::create_dir(pair.source.join("elsewhere")).unwrap();
    fs::rename(pair.source.join("old"), pair.source.join("elsewhere/new")).unwrap();
    let second = pair.snapshot();
    assert_eq!(copied(&second), (0, 0));
    assert_eq!(second.counts().files_linked, 35);
    Comparison::new().assert_same(&pair.source, path(&second));
    let name = "deep/er/file-7";
    assert_eq!(
        inode(path(&first).join("old").join(name)),
        inode(path(&second).join("elsewhere/new").join(name))
    );
    let manifest = manifest(&pair, &second);
    let found = manifest.find(b"elsewhere/new/deep/er/file-7", &mut BlockCache::default()).unwrap().unwrap();
    assert_eq!(found.entry().origin, Origin::Elsewhere { reference: 0, path: b"old/deep/er/file-7" });
    // The next run finds everything in its place again.
    assert_eq!(copied(&pair.snapshot()), (0, 0));
}

#[test]
fn renamed_files_symlinks_and_swapped_directories_are_linked() {
    let pair = Pair::new();
    files(&pair, "a", 5);
    files(&pair, "b", 5);
    std::os::unix::fs::symlink("target", pair.source.join("a/symlink")).unwrap();
    fs::hard_link(pair.source.join("a/file-0"), pair.source.join("a/second")).unwrap();
    pair.snapshot();
    age();
    pair.snapshot();
    let name = |name: &str| pair.source.join(name);
    fs::rename(name("a"), name("c")).unwrap();
    fs::rename(name("b"), name("a")).unwrap();
    fs::rename(name("c"), name("b")).unwrap();
    fs::rename(name("b/file-1"), name("top")).unwrap();
    fs::rename(name("b/symlink"), name("b/symlink-2")).unwrap();
    fs::rename(name("b/second"), name("b/third")).unwrap();
    let moved = pair.snapshot();
    assert_eq!(copied(&moved), (0, 0));
    assert_eq!(moved.counts().other_created, 0);
    Comparison::new().assert_same(&pair.source, path(&moved));
    assert_eq!(inode(path(&moved).join("b/file-0")), inode(path(&moved).join("b/third")));
}

#[test]
fn a_renamed_file_with_new_content_is_copied() {
    let pair = Pair::new();
    pair.write("old", "12345");
    pair.snapshot();
    fs::rename(pair.source.join("old"), pair.source.join("new")).unwrap();
    pair.write("new", "123456");
    pair.write("old", "12345");
    let second = pair.snapshot();
    Comparison::new().assert_same(&pair.source, path(&second));
    assert_eq!(second.counts().files_copied, 2);
}

/// Copies a tree with its times, as `cp -a` does: other inodes, other change times.
fn copy_tree(pair: &Pair, from: &str, to: &str) {
    let status = std::process::Command::new("cp")
        .arg("-a")
        .args([pair.source.join(from), pair.source.join(to)])
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn a_copy_of_the_source_is_stored_once_under_the_same_and_other_paths() {
    let pair = Pair::new();
    files(&pair, "tree/below", 30);
    let large: Vec<u8> = (0..3_000_000_u32).map(|n| (n * 7 / 5).to_le_bytes()[0]).collect();
    pair.write("tree/large", &large);
    pair.snapshot();
    age();
    // The same paths, other inodes.
    copy_tree(&pair, "tree", "copy");
    linkdest_testkit::remove_tree(&pair.source.join("tree")).unwrap();
    fs::rename(pair.source.join("copy"), pair.source.join("tree")).unwrap();
    let same_paths = pair.snapshot();
    assert_eq!(copied(&same_paths), (0, 0));
    // Other paths, other inodes.
    copy_tree(&pair, "tree", "moved");
    linkdest_testkit::remove_tree(&pair.source.join("tree")).unwrap();
    let other_paths = pair.snapshot();
    assert_eq!(copied(&other_paths), (0, 0));
    assert_eq!(other_paths.counts().files_linked, 31);
    Comparison::new().assert_same(&pair.source, path(&other_paths));
}

#[test]
fn two_files_with_the_same_content_do_not_become_one_inode() {
    let pair = Pair::new();
    pair.write("a", "same");
    set_mtime(pair.source.join("a"), 1000, 0);
    pair.snapshot();
    for name in ["b", "c"] {
        pair.write(name, "same");
        set_mtime(pair.source.join(name), 1000, 0);
    }
    let second = pair.snapshot();
    Comparison::new().assert_same(&pair.source, path(&second));
    let inodes = ["a", "b", "c"].map(|name| inode(path(&second).join(name)));
    assert!(inodes[0] != inodes[1] && inodes[1] != inodes[2] && inodes[0] != inodes[2], "{inodes:?}");
}

#[test]
fn a_silent_change_is_found_also_among_modes_changed_and_put_back() {
    for strict in [false, true] {
        let pair = Pair::new();
        files(&pair, "d", 10);
        for number in 0..10 {
            set_mtime(pair.source.join(format!("d/file-{number}")), 1000, number);
        }
        pair.snapshot();
        age();
        pair.snapshot();
        for number in 0..10 {
            let name = pair.source.join(format!("d/file-{number}"));
            let mode = fs::metadata(&name).unwrap().permissions();
            fs::set_permissions(&name, fs::Permissions::from_mode(0o600)).unwrap();
            fs::set_permissions(&name, mode).unwrap();
        }
        pair.write("d/file-3", "Content of 3 in d");
        set_mtime(pair.source.join("d/file-3"), 1000, 3);
        let snapshotter = pair.snapshotter();
        let snapshotter =
            if strict { snapshotter.policy(Strict::default()) } else { snapshotter.policy(Quick::default()) };
        let third = snapshotter.run(&Silent).unwrap();
        assert_eq!(copied(&third).0, 1, "strict: {strict}");
        Comparison::new().assert_same(&pair.source, path(&third));
    }
}

fn change_all_modes(pair: &Pair, mode: u32) {
    for entry in fs::read_dir(pair.source.join("d")).unwrap() {
        fs::set_permissions(entry.unwrap().path(), fs::Permissions::from_mode(mode)).unwrap();
    }
}

#[test]
fn new_modes_recorded_alone_keep_every_link() {
    let pair = Pair::new();
    files(&pair, "d", 50);
    let first = pair.snapshot();
    let before = Inventory::of(path(&first));
    age();
    change_all_modes(&pair, 0o640);
    let recorded = pair.snapshotter().record_attributes(true).run(&Silent).unwrap();
    assert_eq!(copied(&recorded), (0, 0));
    assert_eq!(recorded.counts().recorded_only, 50);
    before.assert_unchanged(&Inventory::of(path(&first)));
    let found = manifest(&pair, &recorded).find(b"d/file-9", &mut BlockCache::default()).unwrap().unwrap();
    assert_eq!(found.entry().metadata.mode, 0o640);
    assert!(found.entry().flags.contains(EntryFlags::RECORDED_ONLY));
    // And again, as long as that is asked for; without it the tree gets the modes.
    age();
    let again = pair.snapshotter().record_attributes(true).run(&Silent).unwrap();
    assert_eq!((copied(&again), again.counts().recorded_only), ((0, 0), 50));
    let plain = pair.snapshot();
    assert_eq!(copied(&plain).0, 50);
    Comparison::new().assert_same(&pair.source, path(&plain));
    before.assert_unchanged(&Inventory::of(path(&first)));
}

#[test]
fn new_modes_share_blocks_where_the_file_system_can_and_copy_only_those_files_elsewhere() {
    if beyond_portable("no shared blocks") {
        return;
    }
    for (file_system, reflink) in
        [(FileSystem::Ext4, false), (FileSystem::Xfs, true), (FileSystem::Btrfs, true)]
    {
        let mount = match LoopMount::new(file_system) {
            Ok(mount) => mount,
            Err(unavailable) => {
                skip(unavailable.to_string());
                continue;
            }
        };
        let pair = Pair::with_repository_on(mount.path());
        files(&pair, "d", 40);
        files(&pair, "untouched", 10);
        let first = pair.snapshot();
        let before = Inventory::of(path(&first));
        age();
        change_all_modes(&pair, 0o604);
        let second = pair.snapshot();
        let counts = second.counts();
        let expected = if reflink { (0, 40) } else { (40, 0) };
        assert_eq!((counts.files_copied, counts.files_cloned), expected, "{file_system:?}");
        assert_eq!(counts.bytes_copied == 0, reflink);
        Comparison::new().assert_same(&pair.source, path(&second));
        before.assert_unchanged(&Inventory::of(path(&first)));
    }
}

#[test]
fn a_shift_of_all_times_keeps_the_links_and_is_told() {
    let pair = Pair::new();
    files(&pair, "d", 30);
    pair.write("top", "x");
    let all: Vec<_> = (0..30).map(|number| format!("d/file-{number}")).chain(["top".to_owned()]).collect();
    for (number, name) in (0..).zip(&all) {
        set_mtime(pair.source.join(name), 1_000_000 + number, 5);
    }
    let first = pair.snapshot();
    for (number, name) in (0..).zip(&all) {
        set_mtime(pair.source.join(name), 1_003_600 + number, 5);
    }
    let (second, told) = pair.watched();
    assert_eq!(copied(&second), (0, 0));
    assert!(told.notices().contains(&Notice::TimesShifted { seconds: 3600 }), "{:?}", told.notices());
    let found = manifest(&pair, &second).find(b"top", &mut BlockCache::default()).unwrap().unwrap();
    assert_eq!(found.entry().metadata.mtime.seconds, 1_003_630);
    assert_eq!(inode(path(&first).join("top")), inode(path(&second).join("top")));
    // The shift is known from now on: nothing is told, nothing is copied.
    let (third, told) = pair.watched();
    assert_eq!(copied(&third), (0, 0));
    let lacks = |notice: &Notice| matches!(notice, Notice::SystemLacks(_));
    assert!(told.notices().iter().all(lacks), "{:?}", told.notices());
}

#[test]
fn one_time_that_moved_by_an_hour_is_no_shift_and_content_is_proven() {
    let pair = Pair::new();
    files(&pair, "d", 5);
    for number in 0..5 {
        set_mtime(pair.source.join(format!("d/file-{number}")), 1000, 0);
    }
    pair.snapshot();
    set_mtime(pair.source.join("d/file-1"), 4600, 0);
    let second = pair.snapshot();
    assert_eq!(copied(&second).0, 1);
    Comparison::new().assert_same(&pair.source, path(&second));
    // A shift of all times does not hide new content of the same size.
    for number in 0..5 {
        set_mtime(pair.source.join(format!("d/file-{number}")), if number == 1 { 8200 } else { 4600 }, 0);
    }
    pair.write("d/file-2", "Content of 2 in d");
    set_mtime(pair.source.join("d/file-2"), 4600, 0);
    let third = pair.snapshot();
    assert_eq!(fs::read(path(&third).join("d/file-2")).unwrap(), b"Content of 2 in d");
    assert_eq!(copied(&third).0, 1);
}

#[test]
fn damage_that_checksum_finds_is_never_linked_to_again() {
    let pair = Pair::new();
    pair.write("f", "hello");
    set_mtime(pair.source.join("f"), 1000, 0);
    age();
    pair.snapshot();
    let second = pair.snapshot();
    fs::write(path(&second).join("f"), "hellO").unwrap();
    set_mtime(path(&second).join("f"), 1000, 0);
    let third = pair.snapshotter().policy(Checksum::default()).run(&Silent).unwrap();
    assert_eq!(fs::read(path(&third).join("f")).unwrap(), b"hello");
    assert_eq!(third.problems()[0].kind(), ProblemKind::ReferenceUnreadable);
    let damages = Repository::open(&pair.repository).unwrap().damages().unwrap();
    assert_eq!(damages.len(), 1);
    assert_eq!(damages[0].snapshot(), second.snapshot().unwrap());
    // The newest snapshot is gone: the damaged one is the reference, and is not used.
    linkdest_testkit::remove_tree(path(&third)).unwrap();
    let fourth = pair.snapshotter().policy(Quick::default()).run(&Silent).unwrap();
    assert_eq!(fs::read(path(&fourth).join("f")).unwrap(), b"hello");
    assert_eq!(copied(&fourth).0, 1);
}

#[test]
fn a_damaged_manifest_is_named_and_the_snapshot_is_a_reference_all_the_same() {
    let pair = Pair::new();
    files(&pair, "d", 30);
    age();
    let first = pair.snapshot();
    let file = pair.repository.join(format!(".linkdest/manifests/{}.ldm", first.snapshot().unwrap()));
    let whole = fs::read(&file).unwrap();
    for damaged in [whole[..whole.len() / 2].to_vec(), Vec::new(), flipped(&whole, 200), flipped(&whole, 20)]
    {
        fs::write(&file, damaged).unwrap();
        let report = pair.snapshotter().run(&Silent).unwrap();
        assert_eq!(report.status(), Status::Problems);
        assert!(report.problems()[0].message().contains("reindex"), "{:?}", report.problems());
        assert_eq!(copied(&report), (0, 0));
        Comparison::new().assert_same(&pair.source, path(&report));
        linkdest_testkit::remove_tree(path(&report)).unwrap();
    }
    fs::remove_file(&file).unwrap();
    assert_eq!(copied(&pair.snapshot()), (0, 0), "a lost manifest is no problem");
}

fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 0x10;
    bytes
}
