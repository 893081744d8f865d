//! What is linked and what is copied, one change at a time.

use std::os::unix::fs::PermissionsExt as _;

use linkdest_core::{Action, Checksum, Reason, Silent};
use linkdest_testkit::{Comparison, FileSystem, Inventory, LoopMount, is_root, skip};

use crate::support::{Pair, beyond_portable, inode, path, set_mtime};

/// A change and what must become of the file `f`.
type Case = (&'static str, fn(&Pair), Action, Reason);

const CASES: &[Case] = &[
    // The file is younger than two seconds before the first run, so that its bytes are compared once.
    ("nothing", |_| (), Action::Link, Reason::SameBytes),
    ("content", |pair| pair.write("f", "other content"), Action::Copy, Reason::SizeChanged),
    ("mtime", |pair| set_mtime(pair.source.join("f"), 1000, 1), Action::Copy, Reason::TimeChanged),
    (
        "content of the same size, one nanosecond later",
        |pair| {
            pair.write("f", "HELLO");
            set_mtime(pair.source.join("f"), 1000, 1);
        },
        Action::Copy,
        Reason::TimeChanged,
    ),
    (
        "content of the same size with the mtime put back",
        |pair| {
            pair.write("f", "HELLO");
            set_mtime(pair.source.join("f"), 1000, 0);
        },
        Action::Copy,
        Reason::BytesChanged,
    ),
    (
        "the same content again with the mtime put back",
        |pair| {
            pair.write("f", "hello");
            set_mtime(pair.source.join("f"), 1000, 0);
        },
        Action::Link,
        Reason::SameBytes,
    ),
    (
        "mode",
        |pair| {
            let file = pair.source.join("f");
            std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o4711)).unwrap();
        },
        Action::Copy,
        Reason::AttributesChanged,
    ),
    (
        "extended attribute",
        |pair| {
            let f = linkdest_testkit::Entry::file("other", "hello").xattr("user.a", "1").mtime(1000, 0);
            pair.make(&[f]);
            std::fs::rename(pair.source.join("other"), pair.source.join("f")).unwrap();
        },
        Action::Copy,
        Reason::AttributesChanged,
    ),
    (
        "kind",
        |pair| {
            std::fs::remove_file(pair.source.join("f")).unwrap();
            std::os::unix::fs::symlink("elsewhere", pair.source.join("f")).unwrap();
        },
        Action::Create,
        Reason::KindChanged,
    ),
];

#[test]
fn each_change_has_its_consequence_and_its_reason() {
    for (what, change, action, reason) in CASES {
        let pair = Pair::new();
        pair.write("f", "hello");
        set_mtime(pair.source.join("f"), 1000, 0);
        let first = pair.snapshot();
        let before = Inventory::of(path(&first));
        change(&pair);
        let (second, watched) = pair.watched();
        let (_, done, why) =
            watched.entries().into_iter().find(|(path, ..)| path.as_bytes() == b"f").expect("f is told");
        assert_eq!((done, why), (*action, *reason), "{what}");
        Comparison::new().assert_same(&pair.source, path(&second));
        before.assert_unchanged(&Inventory::of(path(&first)));
        let same = inode(path(&first).join("f")) == inode(path(&second).join("f"));
        assert_eq!(same, *action == Action::Link, "{what}");
    }
}

#[test]
fn an_owner_that_changed_makes_a_new_inode() {
    if !is_root() {
        return skip("only root can change owners");
    }
    let pair = Pair::new();
    pair.write("f", "hello");
    let first = pair.snapshot();
    let before = Inventory::of(path(&first));
    std::os::unix::fs::chown(pair.source.join("f"), Some(1234), Some(5678)).unwrap();
    let second = pair.snapshot();
    assert_eq!(second.counts().files_copied, 1);
    Comparison::new().assert_same(&pair.source, path(&second));
    before.assert_unchanged(&Inventory::of(path(&first)));
}

#[test]
fn a_mode_that_changed_costs_no_blocks_where_they_can_be_shared() {
    if beyond_portable("no shared blocks") {
        return;
    }
    for file_system in [FileSystem::Xfs, FileSystem::Btrfs] {
        let mount = match LoopMount::new(file_system) {
            Ok(mount) => mount,
            Err(unavailable) => {
                skip(unavailable);
                continue;
            }
        };
        // The source is elsewhere: only the reference can lend its blocks.
        let pair = Pair::with_repository_on(mount.path());
        pair.write("f", vec![1; 1 << 20]);
        pair.snapshot();
        std::fs::set_permissions(pair.source.join("f"), std::fs::Permissions::from_mode(0o600)).unwrap();
        let second = pair.snapshot();
        assert_eq!((second.counts().files_cloned, second.counts().bytes_copied), (1, 0));
        Comparison::new().assert_same(&pair.source, path(&second));
    }
}

#[test]
fn checksum_finds_damage_in_the_reference_and_quick_does_not() {
    let pair = Pair::new();
    pair.write("f", "hello");
    set_mtime(pair.source.join("f"), 1000, 0);
    let first = pair.snapshot();
    // A ctime within two seconds of the reference's run is compared in any case: let the next run see an old one.
    std::thread::sleep(std::time::Duration::from_millis(2100));
    pair.snapshot();
    let damaged = path(&first).join("f");
    std::fs::write(&damaged, "hellO").unwrap();
    set_mtime(&damaged, 1000, 0);
    let quick = pair.snapshot();
    assert_eq!(std::fs::read(path(&quick).join("f")).unwrap(), b"hellO", "carried on unread");
    let checksum = pair.snapshotter().policy(Checksum::default()).run(&Silent).unwrap();
    assert_eq!(std::fs::read(path(&checksum).join("f")).unwrap(), b"hello");
    let again = pair.snapshotter().policy(Checksum::default()).run(&Silent).unwrap();
    assert_eq!((again.counts().files_copied, again.counts().files_linked), (0, 1));
}

#[test]
fn a_dry_run_says_what_a_real_one_then_does_and_writes_nothing() {
    let pair = Pair::new();
    pair.make_everything();
    pair.snapshot();
    pair.write("new", "x");
    let before = Inventory::of(&pair.repository);
    let planned = linkdest_core::Collecting::default();
    let report = pair.snapshotter().dry_run(true).run(&planned).unwrap();
    assert!(report.is_dry_run() && report.snapshot().is_none());
    before.assert_unchanged(&Inventory::of(&pair.repository));
    assert_eq!(before.len(), Inventory::of(&pair.repository).len());
    let (real, done) = pair.watched();
    let sorted = |mut entries: Vec<_>| {
        entries.sort_by(|a: &(linkdest_core::RelPath, Action, Reason), b| a.0.cmp(&b.0));
        entries
    };
    let kinds = |entries: Vec<(linkdest_core::RelPath, Action, Reason)>| {
        sorted(entries).into_iter().map(|(path, action, _)| (path, action)).collect::<Vec<_>>()
    };
    assert_eq!(kinds(planned.entries()), kinds(done.entries()));
    assert_eq!(report.counts().entries, real.counts().entries);
}

#[test]
fn a_dry_run_with_init_does_not_make_the_repository() {
    let pair = Pair::new();
    pair.write("f", "x");
    let monitor = linkdest_core::Collecting::default();
    pair.snapshotter().dry_run(true).run(&monitor).unwrap();
    assert_eq!(monitor.entries().len(), 1);
    assert!(!pair.repository.exists());
}
