//! What is taken over from references, and written down of it, where several rules meet.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use linkdest_core::{
    BlockCache, Checksum, EntryFlags, Event, Manifest, Monitor, Repository, Silent, SnapshotReport,
};
use linkdest_testkit::{Comparison, Entry};

use crate::support::{Pair, inode, path, set_mtime};

/// Older than this before a run, nothing need be compared.
fn age() {
    std::thread::sleep(Duration::from_millis(2100));
}

fn manifest(pair: &Pair, report: &SnapshotReport) -> Manifest {
    Repository::open(&pair.repository).unwrap().manifest(report.snapshot().unwrap()).unwrap().unwrap()
}

/// Fails unless the manifest has each name of a snapshot once, with the inode that is there.
fn assert_recorded(pair: &Pair, report: &SnapshotReport) {
    let manifest = manifest(pair, report);
    manifest.check().unwrap();
    let mut recorded = Vec::new();
    for directory in manifest.walk() {
        let directory = directory.unwrap();
        for entry in directory.entries() {
            let name = directory.path().as_path().join(std::ffi::OsStr::from_bytes(entry.name));
            if entry.child.is_none() {
                assert_eq!(entry.repository_inode, inode(path(report).join(&name)), "{name:?}");
            }
            recorded.push(name);
        }
    }
    let root = path(report);
    let there = walkdir::WalkDir::new(root).min_depth(1).into_iter();
    let mut there: Vec<_> =
        there.map(|entry| entry.unwrap().path().strip_prefix(root).unwrap().to_owned()).collect();
    recorded.sort();
    there.sort();
    assert_eq!(recorded, there);
}

/// Copies a file with its times, as `cp -p` does.
fn copy(from: &Path, to: &Path) {
    fs::copy(from, to).unwrap();
    set_mtime(to, 1_000_000_000, 0);
}

#[test]
fn a_group_whose_content_is_known_stays_together() {
    let pair = Pair::new();
    let at = |name: &str| pair.source.join(name);
    pair.write("d", "some content");
    set_mtime(at("d"), 1_000_000_000, 0);
    let first = pair.snapshot();
    copy(&at("d"), &at("a"));
    fs::remove_file(at("d")).unwrap();
    fs::hard_link(at("a"), at("b")).unwrap();
    // A name outside of the source: the group is never complete.
    fs::hard_link(at("a"), pair.dir.join("outside")).unwrap();
    let second = pair.snapshot();
    Comparison::new().assert_same(&pair.source, path(&second));
    assert_eq!(inode(path(&first).join("d")), inode(path(&second).join("a")));
    assert_recorded(&pair, &second);
}

#[test]
fn what_is_written_down_alone_is_written_down_whole() {
    let pair = Pair::new();
    pair.make(&[Entry::file("f", "content").xattr("user.a", "1")]);
    let run = || pair.snapshotter().record_attributes(true).run(&Silent).unwrap();
    run();
    for mode in [0o640, 0o600] {
        fs::set_permissions(pair.source.join("f"), fs::Permissions::from_mode(mode)).unwrap();
        let manifest = manifest(&pair, &run());
        let found = manifest.find(b"f", &mut BlockCache::default()).unwrap().unwrap();
        let entry = found.entry();
        assert!(entry.flags.contains(EntryFlags::RECORDED_ONLY));
        assert_eq!(entry.metadata.mode, mode);
        assert_eq!(entry.xattrs.iter().map(|(name, _)| name).collect::<Vec<_>>(), [b"user.a"]);
    }
}

#[test]
fn a_policy_that_does_not_care_for_times_does_not_keep_old_ones() {
    let pair = Pair::new();
    pair.write("f", "content");
    set_mtime(pair.source.join("f"), 1_000_000_000, 0);
    let run = || pair.snapshotter().policy(Checksum::default()).run(&Silent).unwrap();
    run();
    set_mtime(pair.source.join("f"), 1_000_000_007, 0);
    let second = run();
    Comparison::new().assert_same(&pair.source, path(&second));
    assert_eq!(second.counts().recorded_only, 0);
}

#[test]
fn references_that_overlap_give_an_inode_once() {
    let pair = Pair::new();
    let made = pair.dir.join("made");
    fs::create_dir_all(made.join("sub")).unwrap();
    fs::create_dir(pair.source.join("sub")).unwrap();
    for file in [made.join("sub/x"), pair.source.join("x"), pair.source.join("sub/x")] {
        fs::write(&file, "content").unwrap();
        set_mtime(&file, 1_000_000_000, 0);
    }
    let both = pair.snapshotter().link_dest(&made).link_dest(made.join("sub"));
    let report = both.run(&Silent).unwrap();
    assert_eq!(report.counts().files_linked, 1);
    Comparison::new().assert_same(&pair.source, path(&report));
}

#[test]
fn swapped_directories_are_seen_without_a_manifest() {
    let pair = Pair::new();
    let at = |name: &str| pair.source.join(name);
    for (name, content) in [("a", "one"), ("b", "two")] {
        fs::create_dir_all(at(name).join("below")).unwrap();
        let file = at(name).join("below/f");
        fs::write(&file, content).unwrap();
        set_mtime(&file, 1_000_000_000, 0);
    }
    age();
    let first = pair.snapshot();
    fs::remove_file(pair.repository.join(format!(".linkdest/manifests/{}.ldm", first.snapshot().unwrap())))
        .unwrap();
    fs::rename(at("a"), at("t")).unwrap();
    fs::rename(at("b"), at("a")).unwrap();
    fs::rename(at("t"), at("b")).unwrap();
    let second = pair.snapshot();
    Comparison::new().assert_same(&pair.source, path(&second));
}

/// Takes names away once the first entry is placed.
struct Taker<'a> {
    names: Vec<std::path::PathBuf>,
    done: &'a AtomicBool,
}

impl Monitor for Taker<'_> {
    fn event(&self, event: &Event) {
        if matches!(event, Event::Entry { .. }) && !self.done.swap(true, Ordering::SeqCst) {
            self.names.iter().for_each(|name| fs::remove_file(name).unwrap());
        }
    }

    fn wants_entries(&self) -> bool {
        true
    }
}

#[test]
fn a_name_that_goes_while_its_group_waits_is_written_down_where_it_is_kept() {
    let pair = Pair::new();
    pair.write("other", "content of another file");
    pair.snapshot();
    pair.write("a", "content");
    let more = [pair.source.join("b"), pair.dir.join("outside")];
    more.iter().for_each(|name| fs::hard_link(pair.source.join("a"), name).unwrap());
    pair.write("zz", "placed while the group waits");
    for keep in ["a", "b"] {
        let gone = if keep == "a" { "b" } else { "a" };
        let again = pair.dir.join(format!("again-{keep}"));
        fs::hard_link(pair.source.join(gone), &again).unwrap();
        let done = AtomicBool::new(false);
        let taker = Taker { names: vec![pair.source.join(gone), again.clone()], done: &done };
        let report = pair.snapshotter().threads(std::num::NonZeroUsize::MIN).run(&taker).unwrap();
        assert!(done.load(Ordering::SeqCst));
        assert_recorded(&pair, &report);
        fs::hard_link(pair.source.join(keep), pair.source.join(gone)).unwrap();
    }
}
