//! Replicating what is damaged, unreadable, unknown or gone.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use linkdest_core::{
    Collecting, Event, KeepRules, Monitor, ProblemKind, ReplicaState, Replicator, Repository, Silent,
    SnapshotName, Ssh, Status,
};
use linkdest_testkit::{FileSystem, LoopMount, remove_tree, skip};

use crate::adopt::assert_sound;
use crate::replicate::{assert_same_repositories, names, replicate, replicator, second, states};
use crate::support::{Pair, inode};
use crate::verify::change_a_byte;

#[test]
fn keep_rules_remove_nothing_where_something_did_not_arrive_whole() {
    let pair = Pair::new();
    pair.write("f", "content");
    pair.snapshot();
    replicate(&pair);
    pair.write("f", "changed");
    pair.snapshot();
    let all = names(&pair.repository);
    change_a_byte(&pair.repository.join(all[1].as_str()).join("f"));
    let report = replicator(&pair).keep(KeepRules::default().last(1)).run(&Silent).unwrap();
    assert_eq!(report.status(), Status::Problems);
    assert!(report.removed().is_empty());
    let told = report.problems().last().map(|one| (one.kind(), one.operation().to_owned()));
    assert_eq!(told, Some((ProblemKind::Housekeeping, "apply the keep rules".to_owned())));
    assert_eq!(names(&second(&pair)), all);
}

#[test]
fn damage_is_told_and_never_linked_to() {
    let pair = Pair::new();
    pair.write("bad", "content");
    pair.write("good", "content");
    pair.snapshot();
    pair.snapshot();
    change_a_byte(&pair.repository.join(names(&pair.repository)[0].as_str()).join("bad"));
    let monitor = Collecting::default();
    let report = replicator(&pair).run(&monitor).unwrap();
    let told: Vec<_> = monitor.problems().iter().map(|one| (one.kind(), one.path().to_string())).collect();
    let expected = names(&pair.repository)
        .iter()
        .map(|name| (ProblemKind::Damaged, format!("{name}/bad")))
        .collect::<Vec<_>>();
    assert_eq!((told, report.status()), (expected, Status::Problems));
    assert_eq!(report.problems(), monitor.problems());
    let there = second(&pair);
    let inodes = |file: &str| {
        names(&there).iter().map(|name| inode(there.join(name.as_str()).join(file))).collect::<Vec<_>>()
    };
    let (bad, good) = (inodes("bad"), inodes("good"));
    assert!(bad[0] != bad[1] && good[0] == good[1]);
    let target = Repository::open(&there).unwrap();
    let noted: Vec<u64> = target.damages().unwrap().iter().map(linkdest_core::Damage::inode).collect();
    assert_eq!(noted, bad);
    assert_eq!(target.snapshots().unwrap()[0].status(), Status::Problems);
    assert_eq!(target.snapshots().unwrap()[0].record().unwrap().problems().len(), 1);
    // The repository that is read is only read.
    assert!(Repository::open(&pair.repository).unwrap().damages().unwrap().is_empty());
    // What was linked before the damage came stays good.
    let sound = pair.dir.join("sound");
    fs::remove_dir_all(&sound).unwrap_or_default();
    change_a_byte(&pair.repository.join(names(&pair.repository)[0].as_str()).join("bad"));
    let only =
        |name: &SnapshotName| Replicator::new(&pair.repository, &sound).init(true).snapshot(name.clone());
    let [first, last] = &names(&pair.repository)[..] else { panic!() };
    only(first).run(&Silent).unwrap();
    change_a_byte(&pair.repository.join(first.as_str()).join("bad"));
    assert_eq!(only(last).run(&Silent).unwrap().status(), Status::Complete);
    assert_eq!(fs::read(sound.join(last.as_str()).join("bad")).unwrap(), b"content");
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_arrives() {
    let pair = Pair::new();
    pair.write("lost", "content");
    pair.write("other", "content");
    pair.write("replaced", "content");
    pair.snapshot();
    let tree = pair.repository.join(names(&pair.repository)[0].as_str());
    fs::remove_file(tree.join("lost")).unwrap();
    fs::remove_file(tree.join("replaced")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", tree.join("replaced")).unwrap();
    let report = replicator(&pair).run(&Silent).unwrap();
    let told: Vec<_> = report
        .problems()
        .iter()
        .map(|one| (one.kind(), one.path().as_bytes().rsplit(|&b| b == b'/').next().unwrap().to_vec()))
        .collect();
    assert_eq!(
        told,
        [(ProblemKind::Unreadable, b"lost".to_vec()), (ProblemKind::Unreadable, b"replaced".to_vec())]
    );
    let there = second(&pair).join(names(&pair.repository)[0].as_str());
    assert_eq!(fs::read_dir(&there).unwrap().count(), 1);
    assert_sound(&second(&pair));
    let manifest =
        Repository::open(second(&pair)).unwrap().manifest(&names(&second(&pair))[0]).unwrap().unwrap();
    assert_eq!((manifest.totals().entries, manifest.totals().bytes), (1, 7));
}

#[test]
fn a_snapshot_without_a_manifest_is_told_of_and_the_others_arrive() {
    let pair = Pair::new();
    pair.write("f", "content");
    (0..3).for_each(|_| drop(pair.snapshot()));
    let all = names(&pair.repository);
    let manifests = pair.repository.join(".linkdest/manifests");
    fs::remove_file(manifests.join(format!("{}.ldm", all[1]))).unwrap();
    let report = replicator(&pair).run(&Silent).unwrap();
    assert_eq!(states(&report), [ReplicaState::Sent, ReplicaState::Failed, ReplicaState::Sent]);
    assert!(report.problems()[0].to_string().contains("reindex"), "{}", report.problems()[0]);
    linkdest_core::Reindexer::new(&Repository::open(&pair.repository).unwrap()).run(&Silent).unwrap();
    // It takes its place between the others, and shares with both.
    assert_eq!(states(&replicate(&pair)), [ReplicaState::Present, ReplicaState::Sent, ReplicaState::Present]);
    assert_same_repositories(&pair);
}

#[test]
fn a_snapshot_that_is_removed_meanwhile_is_left_out() {
    struct Remove(PathBuf);
    impl Monitor for Remove {
        fn event(&self, event: &Event) {
            if matches!(event, Event::Started { .. }) && self.0.exists() {
                remove_tree(&self.0).unwrap();
            }
        }
    }
    let pair = Pair::new();
    pair.write("f", "content");
    (0..2).for_each(|_| drop(pair.snapshot()));
    let all = names(&pair.repository);
    let monitor = Remove(pair.repository.join(all[0].as_str()));
    let report = replicator(&pair).run(&monitor).unwrap();
    assert_eq!(states(&report), [ReplicaState::Failed, ReplicaState::Sent]);
    assert!(report.problems()[0].message().contains("removed"), "{:?}", report.problems());
    assert_eq!(names(&second(&pair)), all[1..]);
    assert_eq!(fs::read_dir(second(&pair).join(".linkdest/staging")).unwrap().count(), 0);
}

/// In the place of the lock there is something that nobody can lock, as soon as the last snapshot is published.
struct LockGone {
    lock: PathBuf,
    left: AtomicU64,
}

impl Monitor for LockGone {
    fn event(&self, event: &Event) {
        if matches!(event, Event::Publishing) && self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            fs::remove_file(&self.lock).unwrap();
            fs::create_dir(&self.lock).unwrap();
        }
    }
}

#[test]
fn what_cannot_be_forgotten_does_not_hide_what_was_brought() {
    let pair = Pair::new();
    pair.write("f", "content");
    pair.snapshot();
    replicate(&pair);
    (0..2).for_each(|_| drop(pair.snapshot()));
    let all = names(&pair.repository);
    let lock = second(&pair).join(".linkdest/lock");
    let monitor = LockGone { lock: lock.clone(), left: 1.into() };
    let keep = KeepRules::default().last(2);
    let report = replicator(&pair).keep(keep.clone()).run(&monitor).unwrap();
    fs::remove_dir(&lock).unwrap();
    use ReplicaState::{NotKept, Present, Sent};
    assert!(matches!(states(&report)[..], [Present, Sent | NotKept, Sent]), "{:?}", states(&report));
    assert_eq!(report.status(), Status::Problems);
    let kinds: Vec<_> = report.problems().iter().map(linkdest_core::Problem::kind).collect();
    assert_eq!(kinds, [ProblemKind::Housekeeping], "{:?}", report.problems());
    assert!(report.removed().is_empty());
    assert_eq!(names(&second(&pair)), all, "nothing was removed");
    // The next run does it.
    let report = replicator(&pair).keep(keep).run(&Silent).unwrap();
    assert_eq!((report.status(), report.removed()), (Status::Complete, &all[..1]));
}

#[test]
fn names_that_are_one_at_the_target_are_problems_and_the_rest_arrives() {
    let mount = match LoopMount::new(FileSystem::CaselessNtfs) {
        Ok(mount) => mount,
        Err(unavailable) => return skip(format!("{unavailable:?}")),
    };
    let pair = Pair::new();
    for name in ["README", "readme"] {
        pair.write(name, name);
    }
    for name in ["Notes", "notes"] {
        fs::create_dir_all(pair.source.join(name).join("below")).unwrap();
        pair.write(&format!("{name}/inside"), name);
        pair.write(&format!("{name}/below/f"), name);
    }
    pair.write("other", "no other name is like this one");
    (0..2).for_each(|_| drop(pair.snapshot()));
    let all = names(&pair.repository);
    let address = |target: &PathBuf| PathBuf::from(format!("sftp://far{}", target.display()));
    // SFTP has no number for a name that is taken.
    let mut ways = vec![(mount.path().join("here"), None, ProblemKind::Collision)];
    ways.extend(
        crate::sftp::on_a_pipe().map(|words| (mount.path().join("far"), Some(words), ProblemKind::NotStored)),
    );
    for (target, words, kind) in ways {
        let replicator = match words {
            None => Replicator::new(&pair.repository, &target),
            Some(words) => {
                Replicator::new(&pair.repository, address(&target)).ssh(Ssh::default().command(words))
            }
        };
        let report = replicator.init(true).run(&Silent).unwrap();
        assert_eq!(states(&report), [ReplicaState::Sent; 2]);
        let mut told: Vec<_> =
            report.problems().iter().map(|one| (one.path().to_string(), one.kind())).collect();
        told.sort();
        let paths = all.iter().flat_map(|name| ["notes", "readme"].map(|path| format!("{name}/{path}")));
        let mut expected: Vec<_> = paths.map(|path| (path, kind)).collect();
        expected.sort();
        assert_eq!(told, expected, "{:?}", report.problems());
        for snapshot in Repository::open(&target).unwrap().snapshots().unwrap() {
            assert!(snapshot.is_suspect(), "it lacks entries");
            let tree = target.join(snapshot.name().as_str());
            assert_eq!(fs::read(tree.join("readme")).unwrap(), b"README");
            for name in ["inside", "below/f"] {
                assert_eq!(fs::read(tree.join("notes").join(name)).unwrap(), b"Notes");
            }
            assert_eq!(fs::read(tree.join("other")).unwrap(), b"no other name is like this one");
        }
        let inodes = all.iter().map(|name| inode(target.join(name.as_str()).join("other")));
        assert_eq!(inodes.collect::<std::collections::BTreeSet<_>>().len(), 1);
    }
}
