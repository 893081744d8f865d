//! The limit of links to one inode, reached for real: 65,000 on ext4.

use std::fs::{create_dir, hard_link};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use linkdest_core::{
    ContentHash, Event, Kind, Monitor, ProblemKind, Replicator, Repository, Silent, SnapshotReport, Status,
};
use linkdest_testkit::{Comparison, FileSystem, Inventory, LoopMount, is_root, skip};

use crate::support::{Pair, inode, path};
use crate::verify::assert_sound;

fn ext4() -> Option<LoopMount> {
    if !is_root() {
        skip("loop mounts need root");
        return None;
    }
    LoopMount::new(FileSystem::Ext4).map_err(skip).ok()
}

/// Gives an inode links until it has so many.
fn link_up(file: &Path, room: &Path, from: u64, to: u64) {
    create_dir(room).unwrap();
    for number in from..to {
        hard_link(file, room.join(number.to_string())).unwrap();
    }
}

#[test]
fn a_single_file_at_the_limit_gets_a_fresh_inode_that_later_runs_link_to() {
    let Some(mount) = ext4() else { return };
    let pair = Pair::with_repository_on(mount.path());
    pair.write("f", "hello");
    let first = pair.snapshot();
    link_up(&path(&first).join("f"), &mount.join("room"), 1, 65_000);
    let second = pair.snapshot();
    assert_eq!((second.counts().files_copied, second.counts().relinked_limit), (1, 1));
    Comparison::new().assert_same(&pair.source, path(&second));
    let third = pair.snapshot();
    assert_eq!((third.counts().files_copied, third.counts().relinked_limit), (0, 0));
    assert_eq!(inode(path(&second).join("f")), inode(path(&third).join("f")));
}

#[test]
fn a_group_that_meets_the_limit_in_its_middle_stays_together() {
    for (threads, in_memory) in [(1, usize::MAX), (4, usize::MAX), (1, 0), (4, 0)] {
        let Some(mount) = ext4() else { return };
        let pair = Pair::with_repository_on(mount.path());
        for dir in ["a", "b", "c"] {
            create_dir(pair.source.join(dir)).unwrap();
        }
        pair.write("a/f", "hello");
        for other in ["a/g", "b/f", "b/g", "c/f"] {
            hard_link(pair.source.join("a/f"), pair.source.join(other)).unwrap();
        }
        let first = pair.snapshot();
        // Room for two of the five names.
        link_up(&path(&first).join("a/f"), &mount.join("room"), 5, 64_998);
        let before = Inventory::of(path(&first));
        let threads = std::num::NonZeroUsize::new(threads).unwrap();
        let snapshotter = pair.snapshotter().threads(threads).hard_links_in_memory(in_memory);
        let second = snapshotter.run(&Silent).unwrap();
        assert_eq!(second.status(), Status::Complete, "{:?}", second.problems());
        assert!(second.counts().relinked_limit >= 3, "{:?}", second.counts());
        Comparison::new().assert_same(&pair.source, path(&second));
        before.assert_unchanged(&Inventory::of(path(&first)));
        assert_recorded_as_it_is(&pair, &second);
        let third = pair.snapshot();
        assert_eq!((third.counts().files_copied, third.counts().relinked_limit), (0, 0));
        Comparison::new().assert_same(&pair.source, path(&third));
        assert_recorded_as_it_is(&pair, &third);
        assert_sound(&pair);
        let copy = mount.join("copy");
        Replicator::new(&pair.repository, &copy).init(true).run(&Silent).unwrap();
        Comparison::new().assert_same(&pair.source, &copy.join(second.snapshot().unwrap().as_str()));
    }
}

/// The manifest of names that had moved to another inode told of the one that they had been: the next run believed none of it
/// and lost the hash of all names, and `expunge --links` and a replica took the group for two inodes.
fn assert_recorded_as_it_is(pair: &Pair, report: &SnapshotReport) {
    let name = report.snapshot().unwrap();
    let repository = Repository::open(&pair.repository).unwrap();
    let manifest = repository.manifest(name).unwrap().unwrap();
    let (mut names, mut flagged) = (0, 0);
    for directory in manifest.walk() {
        let directory = directory.unwrap();
        for entry in directory.entries() {
            flagged += u64::from(!entry.flags.is_empty());
            if entry.metadata.kind == Kind::File {
                let name = std::ffi::OsStr::from_bytes(entry.name);
                let file = path(report).join(directory.path().as_path()).join(name);
                assert_eq!(entry.repository_inode, inode(&file), "{}", file.display());
                assert_eq!(entry.content, Some(ContentHash::of(&std::fs::read(&file).unwrap())));
                names += 1;
            }
        }
    }
    assert_eq!((names, flagged), (manifest.totals().files, manifest.totals().flagged));
}

/// Writes to the file of a group as soon as a name of it is told.
struct Writer<'a> {
    pair: &'a Pair,
    name: &'static [u8],
}

impl Monitor for Writer<'_> {
    fn event(&self, event: &Event) {
        if matches!(event, Event::Entry { path, .. } if path.as_bytes() == self.name) {
            self.pair.write("a/f", "changed");
        }
    }

    fn wants_entries(&self) -> bool {
        true
    }
}

/// The names that had been placed were linked to the new content, and their records told of the old one.
#[test]
fn a_group_that_changes_before_it_meets_the_limit_is_split_and_that_is_said() {
    for in_memory in [usize::MAX, 0] {
        let Some(mount) = ext4() else { return };
        let pair = Pair::with_repository_on(mount.path());
        for dir in ["a", "b", "c"] {
            create_dir(pair.source.join(dir)).unwrap();
        }
        pair.write("a/f", "hello");
        for other in ["a/g", "b/f", "b/g", "c/f"] {
            hard_link(pair.source.join("a/f"), pair.source.join(other)).unwrap();
        }
        let first = pair.snapshot();
        link_up(&path(&first).join("a/f"), &mount.join("room"), 5, 64_998);
        let writer = Writer { pair: &pair, name: b"a/g" };
        let snapshotter = pair.snapshotter().threads(std::num::NonZeroUsize::MIN);
        let second = snapshotter.hard_links_in_memory(in_memory).run(&writer).unwrap();
        let told: Vec<_> = second.problems().iter().map(|one| (one.path().to_string(), one.kind())).collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].1, ProblemKind::Changed);
        let read = |name: &str| std::fs::read_to_string(path(&second).join(name)).unwrap();
        assert_eq!(["a/f", "a/g"].map(read), ["hello", "hello"]);
        assert_eq!(["b/f", "b/g", "c/f"].map(read), ["changed", "changed", "changed"]);
        assert_recorded_as_it_is(&pair, &second);
        assert_sound(&pair);
        Comparison::new().assert_same(&pair.source, path(&pair.snapshot()));
    }
}

#[test]
fn a_group_larger_than_any_inode_here_is_split_and_that_is_said() {
    let (Some(mount), Ok(source)) = (ext4(), LoopMount::new(FileSystem::Xfs)) else {
        return skip("needs ext4 and XFS on loop devices");
    };
    let mut pair = Pair::both_on(source.path());
    pair.repository = mount.join("repository");
    pair.write("f", "hello");
    link_up(&pair.source.join("f"), &pair.source.join("d"), 1, 65_010);
    let report = pair.snapshotter().run(&Silent).unwrap();
    assert_eq!(report.status(), Status::Problems);
    assert_eq!(report.counts().problems, 1, "{:?}", report.problems());
    assert_eq!(report.counts().entries, 65_011);
    Comparison::new().hard_links(false).assert_same(&pair.source, path(&report));
}

/// Replicates onto the mount; returns the report.
fn replicate(pair: &Pair, mount: &Path) -> linkdest_core::ReplicateReport {
    Replicator::new(&pair.repository, mount.join("second")).init(true).run(&Silent).unwrap()
}

#[test]
fn replicating_meets_the_limit_and_names_stay_together() {
    let Some(mount) = ext4() else { return };
    let pair = Pair::new();
    for dir in ["a", "b", "c"] {
        create_dir(pair.source.join(dir)).unwrap();
    }
    pair.write("a/f", "hello");
    pair.write("single", "alone");
    for other in ["a/g", "b/f", "b/g", "c/f"] {
        hard_link(pair.source.join("a/f"), pair.source.join(other)).unwrap();
    }
    let first = pair.snapshot();
    replicate(&pair, mount.path());
    let tree = |report: &SnapshotReport| mount.join("second").join(report.snapshot().unwrap().as_str());
    // Room for two of the five names.
    link_up(&tree(&first).join("a/f"), &mount.join("room"), 5, 64_998);
    link_up(&tree(&first).join("single"), &mount.join("more"), 1, 65_000);
    let before = Inventory::of(&tree(&first));
    let second = pair.snapshot();
    let report = replicate(&pair, mount.path());
    assert_eq!(report.status(), Status::Complete, "{:?}", report.problems());
    // It was begun again in the middle of the group, and the single file taken over from the first attempt.
    assert_eq!((report.counts().files_copied, report.counts().files_linked), (1, 5), "{:?}", report.counts());
    Comparison::new().assert_same(&pair.source, &tree(&second));
    before.assert_unchanged(&Inventory::of(&tree(&first)));
    let third = pair.snapshot();
    let report = replicate(&pair, mount.path());
    assert_eq!((report.counts().files_copied, report.counts().relinked_limit), (0, 0));
    assert_eq!(inode(tree(&second).join("c/f")), inode(tree(&third).join("b/f")));
    crate::adopt::assert_sound(&mount.join("second"));
}

#[test]
fn replicating_a_group_larger_than_any_inode_there_splits_it_and_says_so() {
    let (Some(mount), Ok(source)) = (ext4(), LoopMount::new(FileSystem::Xfs)) else {
        return skip("needs ext4 and XFS on loop devices");
    };
    let pair = Pair::both_on(source.path());
    pair.write("f", "hello");
    link_up(&pair.source.join("f"), &pair.source.join("d"), 1, 65_010);
    let taken = pair.snapshot();
    let report = replicate(&pair, mount.path());
    assert_eq!((report.status(), report.problems().len()), (Status::Problems, 1), "{:?}", report.problems());
    let tree = mount.join("second").join(taken.snapshot().unwrap().as_str());
    Comparison::new().hard_links(false).assert_same(&pair.source, &tree);
}
