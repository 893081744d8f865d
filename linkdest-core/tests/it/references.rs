//! What unchanged files are linked to.

use linkdest_core::{Collecting, ErrorKind, Event, Repository, Silent, Snapshotter};
use linkdest_testkit::{Comparison, FileSystem, Inventory, LoopMount, skip};

use crate::support::{Pair, inode, path, set_mtime};

#[test]
fn a_tree_that_rsync_made_is_linked_to() {
    let pair = Pair::new();
    pair.make_everything();
    std::fs::remove_dir_all(pair.source.join("long")).ok();
    let old = pair.dir.join("old");
    let made = std::process::Command::new("rsync").arg("-aHAXS").arg(&pair.source).arg(&old).status();
    if !made.is_ok_and(|status| status.success()) {
        return skip("rsync is not installed, or fails here");
    }
    let old = old.join("source");
    let before = Inventory::of(&old);
    let report = pair.snapshotter().link_dest(&old).run(&Silent).unwrap();
    Comparison::new().assert_same(&pair.source, path(&report));
    assert_eq!(report.counts().files_copied, 0, "{:?}", report.counts());
    before.assert_unchanged(&Inventory::of(&old));
}

#[test]
fn of_several_references_the_best_match_is_taken_not_the_first() {
    let pair = Pair::new();
    pair.write("f", "hello");
    set_mtime(pair.source.join("f"), 1000, 0);
    let trees: Vec<_> = ["other content", "same content, other mode", "the same"]
        .into_iter()
        .map(|name| {
            let tree = pair.dir.join(name);
            std::fs::create_dir(&tree).unwrap();
            let content = if name == "other content" { "HELLO!" } else { "hello" };
            std::fs::write(tree.join("f"), content).unwrap();
            if name == "same content, other mode" {
                std::fs::set_permissions(tree.join("f"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
                    .unwrap();
            }
            set_mtime(tree.join("f"), 1000, 0);
            tree
        })
        .collect();
    let snapshotter = trees.iter().fold(pair.snapshotter(), |snapshotter, tree| snapshotter.link_dest(tree));
    let report = snapshotter.run(&Silent).unwrap();
    assert_eq!(inode(path(&report).join("f")), inode(trees[2].join("f")));
}

/// A snapshot that is given as a reference once more tells nothing of change times, and must not overrule itself.
#[test]
fn a_link_dest_directory_does_not_hide_a_silent_change() {
    let pair = Pair::new();
    pair.write("f", "hello");
    set_mtime(pair.source.join("f"), 1000, 0);
    let first = pair.snapshot();
    pair.write("f", "HELLO");
    set_mtime(pair.source.join("f"), 1000, 0);
    let second = pair.snapshotter().link_dest(path(&first)).run(&Silent).unwrap();
    assert_eq!(std::fs::read(path(&second).join("f")).unwrap(), b"HELLO");
    // What did not change is linked all the same, though it must be read.
    let third = pair.snapshotter().link_dest(path(&first)).run(&Silent).unwrap();
    assert_eq!(inode(path(&third).join("f")), inode(path(&second).join("f")));
    // Neither does it where the newest snapshot has another time.
    set_mtime(pair.source.join("f"), 2000, 0);
    pair.snapshot();
    set_mtime(pair.source.join("f"), 1000, 0);
    let last = pair.snapshotter().link_dest(path(&first)).run(&Silent).unwrap();
    assert_eq!(std::fs::read(path(&last).join("f")).unwrap(), b"HELLO");
}

#[test]
fn a_reference_that_cannot_be_used_is_an_error_before_anything_is_written() {
    let pair = Pair::new();
    pair.snapshot();
    let before = Inventory::of(&pair.repository);
    let mut bad = vec![pair.dir.join("missing"), pair.source.join("f")];
    pair.write("f", "x");
    let mount = LoopMount::new(FileSystem::Tmpfs);
    match &mount {
        Ok(mount) => bad.push(mount.path().to_owned()),
        Err(unavailable) => skip(unavailable),
    }
    for reference in bad {
        let error = pair.snapshotter().link_dest(&reference).run(&Silent).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadReference, "{error}");
        assert!(error.to_string().contains(reference.to_str().unwrap()));
    }
    assert_eq!(before.len(), Inventory::of(&pair.repository).len());
}

#[test]
fn the_newest_snapshot_of_the_same_source_comes_first() {
    let pair = Pair::new();
    let other = pair.dir.join("other");
    std::fs::create_dir(&other).unwrap();
    let mine = pair.snapshot();
    Snapshotter::new(&other, &pair.repository).run(&Silent).unwrap();
    let reference = |snapshotter: Snapshotter| {
        let monitor = Collecting::default();
        snapshotter.dry_run(true).run(&monitor).unwrap();
        monitor.events().into_iter().find_map(|event| match event {
            Event::Started { reference, .. } => reference,
            _ => None,
        })
    };
    assert_eq!(
        reference(pair.snapshotter()).as_deref(),
        mine.snapshot().map(linkdest_core::SnapshotName::as_str)
    );
    // A trailing slash or a detour is the same source.
    let detour = pair.source.join(".").join("");
    let snapshotter = Snapshotter::new(detour, &pair.repository);
    assert_eq!(reference(snapshotter).as_deref(), mine.snapshot().map(linkdest_core::SnapshotName::as_str));
    // A source that was never saved links to the newest of any.
    let third = Snapshotter::new(pair.dir.join("repository/latest/."), &pair.repository);
    let newest = Repository::open(&pair.repository).unwrap().snapshots().unwrap().pop().unwrap();
    assert_eq!(reference(third), Some(newest.name().to_string()));
}

#[test]
fn a_snapshot_that_was_not_flushed_before_a_reboot_is_compared_byte_by_byte() {
    let pair = Pair::new();
    pair.write("f", "hello");
    set_mtime(pair.source.join("f"), 1000, 0);
    let first = pair.snapshotter().sync(false).run(&Silent).unwrap();
    // A crash loses what was never flushed, and the machine starts anew.
    std::fs::write(path(&first).join("f"), "\0\0\0\0\0").unwrap();
    set_mtime(path(&first).join("f"), 1000, 0);
    let record = pair.repository.join(format!(".linkdest/runs/{}.toml", first.snapshot().unwrap()));
    let text = std::fs::read_to_string(&record).unwrap();
    assert!(text.contains("synced = false"));
    let boot = text.lines().find(|line| line.starts_with("boot_id")).unwrap();
    std::fs::write(&record, text.replace(boot, "boot_id = \"another\"")).unwrap();
    let second = pair.snapshotter().run(&Silent).unwrap();
    assert_eq!(std::fs::read(path(&second).join("f")).unwrap(), b"hello");
    // What the earlier snapshot lost is said.
    assert_eq!(second.problems().len(), 1);
    assert_eq!(second.problems()[0].kind(), linkdest_core::ProblemKind::ReferenceUnreadable);
}
