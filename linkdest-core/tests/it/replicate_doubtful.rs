//! Replicating beside what somebody changed.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use linkdest_core::{
    BlockCache, EntryFlags, Event, Monitor, ProblemKind, ReplicaState, Replicator, Repository, Silent,
    Status, Verifier,
};
use linkdest_testkit::{FileSystem, LoopMount, skip};

use crate::adopt::assert_sound;
use crate::replicate::{assert_same_repositories, names, replicate, replicator, second, states};
use crate::support::{Pair, inode, set_mtime};
use crate::verify::change_a_byte;

pub fn there(pair: &Pair, snapshot: usize) -> PathBuf {
    second(pair).join(names(&second(pair))[snapshot].as_str())
}

#[test]
fn a_file_changed_at_the_target_is_not_linked_to() {
    let pair = Pair::new();
    let files = ["replaced", "mode", "time", "longer", "symlinked", "kept", "moved"];
    files.iter().for_each(|name| pair.write(name, format!("content of {name}")));
    std::os::unix::fs::symlink("one", pair.source.join("symlink")).unwrap();
    pair.snapshot();
    replicate(&pair);
    let first = there(&pair, 0);
    let at = |name: &str| first.join(name);
    for name in ["replaced", "symlinked", "moved"] {
        fs::remove_file(at(name)).unwrap();
    }
    fs::write(at("replaced"), "strange").unwrap();
    fs::write(at("moved"), "stranger").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", at("symlinked")).unwrap();
    fs::set_permissions(at("mode"), fs::Permissions::from_mode(0o777)).unwrap();
    set_mtime(at("time"), 1_000_000, 0);
    fs::OpenOptions::new().append(true).open(at("longer")).unwrap().set_len(50).unwrap();
    let time = fs::symlink_metadata(at("symlink")).unwrap();
    fs::remove_file(at("symlink")).unwrap();
    std::os::unix::fs::symlink("two", at("symlink")).unwrap();
    set_mtime(at("symlink"), time.mtime(), u32::try_from(time.mtime_nsec()).unwrap());
    // A name that moved leads to the same place by another way.
    fs::rename(pair.source.join("moved"), pair.source.join("elsewhere")).unwrap();
    pair.snapshot();
    replicate(&pair);
    let (ours, theirs) = (pair.repository.join(names(&pair.repository)[1].as_str()), there(&pair, 1));
    linkdest_testkit::Comparison::new().assert_same(&ours, &theirs);
    for name in ["replaced", "mode", "time", "longer", "symlinked", "symlink"] {
        assert_ne!(inode(at(name)), inode(theirs.join(name)), "{name}");
    }
    assert_eq!(inode(at("kept")), inode(theirs.join("kept")));
    let target = Repository::open(second(&pair)).unwrap();
    let report = Verifier::new(&target).snapshot(names(&second(&pair))[1].clone()).run(&Silent).unwrap();
    assert_eq!(report.findings(), []);
}

#[test]
fn damage_noted_in_a_copied_target_is_not_linked_to() {
    let pair = Pair::new();
    pair.write("bad", "content");
    pair.write("good", "content of another");
    pair.snapshot();
    replicate(&pair);
    let copy = pair.dir.join("copy");
    // Other inodes than the records tell.
    pair.write("between", "takes an inode");
    assert!(Command::new("cp").arg("-a").args([second(&pair), copy.clone()]).status().unwrap().success());
    let first = copy.join(names(&copy)[0].as_str());
    change_a_byte(&first.join("bad"));
    let report = Verifier::new(&Repository::open(&copy).unwrap()).run(&Silent).unwrap();
    assert!(report.finding_count() > 0 && report.is_noted());
    pair.snapshot();
    let report = Replicator::new(&pair.repository, &copy).run(&Silent).unwrap();
    assert_eq!(report.status(), Status::Complete, "{:?}", report.problems());
    let last = copy.join(names(&copy)[1].as_str());
    assert_eq!(fs::read(last.join("bad")).unwrap(), b"content");
    assert_eq!(inode(first.join("good")), inode(last.join("good")));
    let manifest = Repository::open(&copy).unwrap().manifest(&names(&copy)[1]).unwrap().unwrap();
    let recorded = manifest.find(b"good", &mut BlockCache::default()).unwrap().unwrap();
    assert_eq!(recorded.entry().repository_inode, inode(last.join("good")));
}

#[test]
fn a_group_stays_together_where_one_of_its_names_is_gone_at_the_target() {
    let pair = Pair::new();
    pair.write("a", "content");
    for other in ["b", "c"] {
        fs::hard_link(pair.source.join("a"), pair.source.join(other)).unwrap();
    }
    pair.snapshot();
    replicate(&pair);
    fs::remove_file(there(&pair, 0).join("b")).unwrap();
    pair.snapshot();
    replicate(&pair);
    let last = there(&pair, 1);
    let inodes: Vec<u64> = ["a", "b", "c"].iter().map(|name| inode(last.join(name))).collect();
    assert!(inodes.iter().all(|one| *one == inodes[0]), "{inodes:?}");
    assert_eq!(inodes[0], inode(there(&pair, 0).join("a")));
}

#[test]
fn what_a_replica_lacks_is_said_by_every_run() {
    let pair = Pair::new();
    pair.write("f", "content");
    pair.write("g", "other");
    pair.snapshot();
    let tree = pair.repository.join(names(&pair.repository)[0].as_str());
    fs::rename(tree.join("f"), pair.dir.join("aside")).unwrap();
    change_a_byte(&tree.join("g"));
    let report = replicator(&pair).run(&Silent).unwrap();
    assert_eq!((states(&report), report.status()), (vec![ReplicaState::Sent], Status::Problems));
    let lacking = Repository::open(second(&pair)).unwrap().snapshots().unwrap().remove(0);
    // No keep rule takes it for a good one.
    assert!(lacking.is_suspect());
    assert_eq!(lacking.record().unwrap().lacks(), 2);
    fs::rename(pair.dir.join("aside"), tree.join("f")).unwrap();
    change_a_byte(&tree.join("g"));
    for _ in 0..2 {
        let report = replicator(&pair).run(&Silent).unwrap();
        assert_eq!((states(&report), report.status()), (vec![ReplicaState::Present], Status::Problems));
        assert!(report.problems()[0].message().contains("lacks 2 of its entries"), "{:?}", report.problems());
    }
    linkdest_testkit::remove_tree(&second(&pair).join(lacking.name().as_str())).unwrap();
    replicate(&pair);
    let read = |file: &str| fs::read(there(&pair, 0).join(file)).unwrap();
    assert_eq!((read("f"), read("g")), (b"content".to_vec(), b"other".to_vec()));
    assert_sound(&second(&pair));
}

#[test]
fn a_pin_is_there_before_its_snapshot() {
    struct Look(PathBuf, AtomicU64);
    impl Monitor for Look {
        fn event(&self, event: &Event) {
            if matches!(event, Event::Publishing) {
                let pins = fs::read_dir(self.0.join(".linkdest/pins")).map_or(0, Iterator::count);
                self.1.fetch_add(pins as u64, Ordering::SeqCst);
            }
        }
    }
    let pair = Pair::new();
    pair.snapshot();
    Repository::open(&pair.repository).unwrap().pin(&names(&pair.repository)[0]).unwrap();
    let monitor = Look(second(&pair), 0.into());
    replicator(&pair).run(&monitor).unwrap();
    assert_eq!(monitor.1.into_inner(), 1);
    assert!(Repository::open(second(&pair)).unwrap().snapshots().unwrap()[0].is_pinned());
}

fn set(path: &Path, name: &str, value: &[u8]) -> rustix::io::Result<()> {
    rustix::fs::setxattr(path, name, value, rustix::fs::XattrFlags::empty())
}

#[test]
fn long_attributes_that_are_not_what_was_saved_are_told() {
    let mount = match LoopMount::new(FileSystem::Xfs) {
        Ok(mount) => mount,
        Err(unavailable) => return skip(format!("{unavailable:?}")),
    };
    let pair = Pair::both_on(mount.path());
    for name in ["same", "changed", "gone"] {
        pair.write(name, "content");
        set(&pair.source.join(name), "user.long", &[b'a'; 20_000]).unwrap();
        set(&pair.source.join(name), "user.short", b"short").unwrap();
    }
    pair.snapshot();
    let tree = pair.repository.join(names(&pair.repository)[0].as_str());
    set(&tree.join("changed"), "user.long", &[b'b'; 20_000]).unwrap();
    set(&tree.join("changed"), "user.short", b"other").unwrap();
    rustix::fs::removexattr(tree.join("gone"), "user.long").unwrap();
    let report = replicator(&pair).run(&Silent).unwrap();
    let told: Vec<_> = report
        .problems()
        .iter()
        .map(|one| (one.kind(), one.path().as_path().file_name().unwrap().to_str().unwrap().to_owned()))
        .collect();
    let damaged = |name: &str| (ProblemKind::Damaged, name.to_owned());
    assert_eq!(told, [damaged("changed"), damaged("gone")]);
    // The records say that not all is there, and what is there is as it was saved.
    let manifest =
        Repository::open(second(&pair)).unwrap().manifest(&names(&second(&pair))[0]).unwrap().unwrap();
    for (name, is_told) in [("same", false), ("changed", true), ("gone", true)] {
        let found = manifest.find(name.as_bytes(), &mut BlockCache::default()).unwrap().unwrap();
        assert_eq!(found.entry().flags.contains(EntryFlags::NOT_STORED), is_told, "{name}");
        let mut value = vec![0; 100];
        let length = rustix::fs::getxattr(there(&pair, 0).join(name), "user.short", &mut value).unwrap();
        assert_eq!(value.get(..length).unwrap(), b"short");
    }
    assert_eq!(Verifier::new(&Repository::open(second(&pair)).unwrap()).run(&Silent).unwrap().findings(), []);
}

#[test]
fn attributes_that_cannot_be_stored_are_said_of_every_replica() {
    let mounts =
        LoopMount::new(FileSystem::Xfs).and_then(|from| Ok((from, LoopMount::new(FileSystem::Ext4)?)));
    let (from, to) = match mounts {
        Ok(mounts) => mounts,
        Err(unavailable) => return skip(format!("{unavailable:?}")),
    };
    let pair = Pair::both_on(from.path());
    pair.write("f", "content");
    set(&pair.source.join("f"), "user.long", &vec![b'a'; 20_000]).unwrap();
    (0..3).for_each(|_| drop(pair.snapshot()));
    let target = to.path().join("target");
    let report = Replicator::new(&pair.repository, &target).init(true).run(&Silent).unwrap();
    let all = names(&pair.repository);
    let told: Vec<_> = report.problems().iter().map(|one| (one.kind(), one.path().to_string())).collect();
    let expected: Vec<_> = all.iter().map(|name| (ProblemKind::NotStored, format!("{name}/f"))).collect();
    assert_eq!(told, expected);
    let snapshots = Repository::open(&target).unwrap().snapshots().unwrap();
    assert!(snapshots.iter().all(|one| one.status() == Status::Problems));
    let inodes: Vec<u64> = all.iter().map(|name| inode(target.join(name.as_str()).join("f"))).collect();
    assert!(inodes.iter().all(|one| *one == inodes[0]), "{inodes:?}");
}

#[test]
fn a_leftover_without_its_attributes_is_not_taken_for_whole() {
    let pair = Pair::new();
    for name in ["with", "without"] {
        pair.write(name, "content");
        if set(&pair.source.join(name), "user.a", b"a").is_err() {
            return skip("no extended attributes here");
        }
    }
    pair.write("last", vec![7; 100_000]);
    pair.snapshot();
    let stop = linkdest_core::StopFlag::default();
    let monitor = StopAt::new(3, &stop);
    replicator(&pair).stop(stop).run(&monitor).unwrap_err();
    let staging = second(&pair).join(".linkdest/staging");
    let left = fs::read_dir(&staging).unwrap().next().unwrap().unwrap().path().join("tree");
    rustix::fs::removexattr(left.join("without"), "user.a").unwrap();
    let report = replicate(&pair);
    assert_eq!((report.counts().files_copied, report.counts().files_linked), (1, 2));
    assert_same_repositories(&pair);
}

/// Stops after so many entries.
pub struct StopAt {
    left: AtomicU64,
    flag: linkdest_core::StopFlag,
}

impl StopAt {
    pub fn new(entries: u64, flag: &linkdest_core::StopFlag) -> Self {
        Self { left: entries.into(), flag: flag.clone() }
    }
}

impl Monitor for StopAt {
    fn event(&self, event: &Event) {
        if matches!(event, Event::Entry { .. }) && self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.flag.stop();
        }
    }

    fn wants_entries(&self) -> bool {
        true
    }
}

#[test]
fn much_damage_is_written_down_once_and_forgotten_with_what_is_not_published() {
    let pair = Pair::new();
    for number in 0..300 {
        pair.write(&format!("f{number:03}"), format!("content {number}"));
    }
    pair.snapshot();
    let tree = pair.repository.join(names(&pair.repository)[0].as_str());
    (0..300).for_each(|number| change_a_byte(&tree.join(format!("f{number:03}"))));
    let flag = linkdest_core::StopFlag::default();
    let monitor = StopAt::new(290, &flag);
    replicator(&pair).stop(flag).run(&monitor).unwrap_err();
    // Its inodes are given to others once it is removed.
    assert!(Repository::open(second(&pair)).unwrap().damages().unwrap().is_empty());
    let report = replicator(&pair).run(&Silent).unwrap();
    assert_eq!(report.counts().problems, 300);
    assert_eq!(report.counts().files_copied, 300, "what a killed run had is not believed");
    let noted = Repository::open(second(&pair)).unwrap().damages().unwrap();
    assert_eq!(noted.len(), 300);
    let first = there(&pair, 0);
    assert!(noted.iter().all(|one| one.inode() == inode(first.join(one.path().as_path()))));
}
