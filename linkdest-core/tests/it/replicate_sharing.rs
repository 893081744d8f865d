//! What shares an inode in a repository shares one in its replica, whatever way it took.

use std::fs::{create_dir, hard_link, remove_file, rename};
use std::path::Path;
use std::process::Command;

use linkdest_core::{BlockCache, Reindexer, Replicator, Repository, Silent, SnapshotName, Status};
use linkdest_testkit::{Comparison, FileSystem, LoopMount, random_edits, remove_tree, skip};

use crate::adopt::assert_sound;
use crate::replicate::{assert_same_repositories, assert_same_trees, names, replicate, replicator, second};
use crate::support::{Pair, inode};

/// Names come and go, join and leave groups, and move, over nine snapshots.
fn history(pair: &Pair) {
    let at = |name: &str| pair.source.join(name);
    create_dir(at("d")).unwrap();
    create_dir(at("e")).unwrap();
    for name in ["a", "b", "c", "d/x", "d/y", "stays"] {
        pair.write(name, format!("content of {name}"));
    }
    hard_link(at("b"), at("d/b")).unwrap();
    std::os::unix::fs::symlink("a", at("symlink")).unwrap();
    let steps: [&dyn Fn(); 8] = [
        &|| rename(at("a"), at("z")).unwrap(),
        &|| hard_link(at("b"), at("e/early")).unwrap(),
        &|| rename(at("d"), at("moved")).unwrap(),
        &|| remove_file(at("b")).unwrap(),
        &|| {
            rename(at("z"), at("e/z")).unwrap();
            pair.write("c", "changed");
        },
        &|| {
            hard_link(at("stays"), at("a-name-before")).unwrap();
            hard_link(at("symlink"), at("e/symlink")).unwrap();
        },
        &|| rename(at("moved/b"), at("b")).unwrap(),
        &|| {
            rename(at("e/z"), at("a")).unwrap();
            rename(at("symlink"), at("another")).unwrap();
        },
    ];
    pair.snapshot();
    for step in steps {
        step();
        pair.snapshot();
    }
}

fn tree(repository: &Path, name: &SnapshotName) -> std::path::PathBuf {
    repository.join(name.as_str())
}

/// Compares the snapshots that both have, with the hard links among them.
fn assert_same_of(pair: &Pair, left_out: &[SnapshotName]) {
    let whole = Comparison::new().root_attributes(false).skip_path(".linkdest").skip_path("latest");
    let comparison = left_out.iter().fold(whole, |whole, name| whole.skip_path(name.as_str()));
    comparison.assert_same(&pair.repository, &second(pair));
}

#[test]
fn names_that_move_and_groups_that_change() {
    let pair = Pair::new();
    history(&pair);
    let report = replicate(&pair);
    assert_same_repositories(&pair);
    assert_sound(&second(&pair));
    // The six files, and the one that was changed.
    assert_eq!(report.counts().files_copied, 7, "{:?}", report.counts());
}

#[test]
fn any_selection_in_any_order_shares_what_it_has() {
    let pair = Pair::new();
    history(&pair);
    let all = names(&pair.repository);
    // A bit for each snapshot: what is brought first, the rest comes after.
    for selection in
        [0b1_0000_0000, 0b1_0101_0101, 0b0_1010_1010, 0b1_0000_0001, 0b0_0001_0000, 0b1_1100_0111_u32]
    {
        let (first, rest): (Vec<_>, Vec<_>) =
            all.iter().enumerate().partition(|(bit, _)| selection >> bit & 1 == 1);
        let left_out: Vec<SnapshotName> = rest.into_iter().map(|(_, name)| name.clone()).collect();
        let replicator =
            first.into_iter().fold(replicator(&pair), |all, (_, name)| all.snapshot(name.clone()));
        let report = replicator.run(&Silent).unwrap();
        assert_eq!(report.status(), Status::Complete, "{:?}", report.problems());
        assert_same_of(&pair, &left_out);
        replicate(&pair);
        assert_same_repositories(&pair);
        assert_sound(&second(&pair));
        remove_tree(&second(&pair)).unwrap();
    }
}

#[test]
fn what_was_deleted_between_runs_and_on_either_side() {
    let pair = Pair::new();
    history(&pair);
    let all = names(&pair.repository);
    let source = Repository::open(&pair.repository).unwrap();
    // The target has a snapshot that the source has no more, and the other way round.
    all[..5].iter().fold(replicator(&pair), |some, name| some.snapshot(name.clone())).run(&Silent).unwrap();
    source.delete(&all[3..6]).unwrap();
    Repository::open(second(&pair)).unwrap().delete(&all[1..2]).unwrap();
    let copied = |pair: &Pair| replicate(pair).counts().files_copied;
    // `c` was changed in the meantime.
    assert_eq!(copied(&pair), 1);
    for (one, other, path) in
        [(4, 6, "e/early"), (4, 6, "moved/x"), (3, 7, "stays"), (2, 8, "e/early"), (4, 8, "moved/y")]
    {
        let inode_in = |number: usize| inode(tree(&second(&pair), &all[number]).join(path));
        assert_eq!(inode_in(one), inode_in(other), "{path} in {one} and {other}");
    }
    assert_same_of(&pair, &all[3..6]);
    assert_sound(&second(&pair));
}

#[test]
fn the_newest_common_snapshot_is_gone_at_the_source() {
    let pair = Pair::new();
    history(&pair);
    replicate(&pair);
    let all = names(&pair.repository);
    rename(pair.source.join("a"), pair.source.join("renamed")).unwrap();
    pair.write("new", "new");
    pair.snapshot();
    // Nothing is left there of what the target has.
    Repository::open(&pair.repository).unwrap().delete(&all).unwrap();
    let report = replicate(&pair);
    assert_eq!(report.counts().files_copied, 1, "only what is new: {:?}", report.counts());
    let (before, now) = (tree(&second(&pair), &all[8]), tree(&second(&pair), &names(&pair.repository)[0]));
    for (old, new) in [("a", "renamed"), ("stays", "stays"), ("moved/x", "moved/x"), ("b", "e/early")] {
        assert_eq!(inode(before.join(old)), inode(now.join(new)), "{old}");
    }
    assert_sound(&second(&pair));
}

#[test]
fn manifests_that_were_made_anew_tell_enough() {
    let pair = Pair::new();
    history(&pair);
    Reindexer::new(&Repository::open(&pair.repository).unwrap()).all(true).run(&Silent).unwrap();
    replicate(&pair);
    assert_same_repositories(&pair);
    assert_sound(&second(&pair));
}

#[test]
fn a_repository_that_was_copied_goes_on_as_a_target_and_as_a_source() {
    let pair = Pair::new();
    history(&pair);
    match Command::new("cp").arg("-a").arg(&pair.repository).arg(second(&pair)).status() {
        Ok(status) => assert!(status.success()),
        Err(_) => return skip("cp is not installed"),
    }
    random_edits(&pair.source, 5, 10);
    pair.write("newest", "content");
    pair.snapshotter().run(&Silent).unwrap();
    let report = replicate(&pair);
    assert_eq!(report.replicas().iter().filter(|one| one.counts().entries > 0).count(), 1);
    assert_same_repositories(&pair);
    assert_sound(&second(&pair));
    // From the copy, whose manifests name inodes that it does not have, to a third place.
    let third = pair.dir.join("third");
    let report = Replicator::new(second(&pair), &third).init(true).run(&Silent).unwrap();
    assert_eq!(report.status(), Status::Complete, "{:?}", report.problems());
    assert_same_trees(&second(&pair), &third);
}

#[test]
fn a_file_that_joins_one_with_the_next_inode() {
    // Where nobody else makes files, and none were removed, inodes are next to each other.
    let mount = match LoopMount::new(FileSystem::Ext4) {
        Ok(mount) => mount,
        Err(unavailable) => return skip(unavailable),
    };
    let pair = Pair::both_on(mount.path());
    create_dir(pair.source.join("d")).unwrap();
    (0..40).for_each(|number| pair.write(&format!("f{number}"), format!("content of {number}")));
    let first = tree(&pair.repository, pair.snapshot().snapshot().unwrap());
    let numbers: Vec<u64> = (0..40).map(|number| inode(first.join(format!("f{number}")))).collect();
    let next = |one: &u64| numbers.iter().position(|other| *other == one + 1);
    let (one, other) = numbers.iter().enumerate().find_map(|(at, one)| Some((at, next(one)?))).unwrap();
    for number in [other, one] {
        rename(pair.source.join(format!("f{number}")), pair.source.join(format!("d/{number}"))).unwrap();
        pair.snapshot();
    }
    // Its record is what leads there from a snapshot that the target has, if that before is missing.
    let all = names(&pair.repository);
    let manifest = Repository::open(&pair.repository).unwrap().manifest(&all[2]).unwrap().unwrap();
    let found = manifest.find(format!("d/{one}").as_bytes(), &mut BlockCache::default()).unwrap().unwrap();
    assert_eq!(found.entry().repository_inode, numbers[one]);
    let some =
        [&all[0], &all[2]].into_iter().fold(replicator(&pair), |some, name| some.snapshot(name.clone()));
    assert_eq!(some.run(&Silent).unwrap().status(), Status::Complete);
    assert_same_of(&pair, &all[1..2]);
    // And in the next run from there: it may move once more without being copied.
    rename(pair.source.join(format!("d/{one}")), pair.source.join("back")).unwrap();
    let last = pair.snapshot();
    assert_eq!(inode(tree(&pair.repository, last.snapshot().unwrap()).join("back")), numbers[one]);
}

#[test]
fn attributes_in_the_manifest_alone_stay_there() {
    use std::os::unix::fs::PermissionsExt as _;
    let pair = Pair::new();
    pair.write("f", "content");
    pair.snapshot();
    std::fs::set_permissions(pair.source.join("f"), std::fs::Permissions::from_mode(0o640)).unwrap();
    let report = pair.snapshotter().record_attributes(true).run(&Silent).unwrap();
    assert_eq!(report.counts().recorded_only, 1);
    let all = names(&pair.repository);
    // Also where the older one, whose attributes the inode has, comes later.
    for first in [0, 1] {
        let report = replicator(&pair).snapshot(all[first].clone()).run(&Silent).unwrap();
        assert_eq!(report.problems(), []);
        replicate(&pair);
        assert_same_repositories(&pair);
        assert_sound(&second(&pair));
        remove_tree(&second(&pair)).unwrap();
    }
}
