//! Replicating from records that are damaged, lost or wrong.

use std::fs;
use std::path::{Path, PathBuf};

use linkdest_core::manifest_workbench::{Limits, Scribe};
use linkdest_core::{KeepRules, ProblemKind, ReplicaState, Repository, Silent, Snapshotter, Totals};
use linkdest_testkit::TestDir;

use crate::replicate::{assert_same_repositories, names, replicate, replicator, second, states};
use crate::replicate_doubtful::there;
use crate::support::Pair;

/// Writes the manifest of a snapshot anew, in which the entries of the root say what they are told to.
fn rewrite(repository: &Path, name: &str, change: impl Fn(&mut linkdest_core::Entry<'_>)) {
    let path = repository.join(format!(".linkdest/manifests/{name}.ldm"));
    let old = linkdest_core::manifest_workbench::open(&path).unwrap();
    let scratch = TestDir::new();
    let mut scribe = Scribe::create(scratch.path(), "m", old.header(), 1, Limits::default()).unwrap();
    let directory = old.walk().next().unwrap().unwrap();
    let entries = directory.entries().map(|mut entry| {
        change(&mut entry);
        entry
    });
    let child = scribe.directory(0, b"", &old.root().metadata, entries).unwrap();
    scribe
        .finish(&old.root().with_subtree(Some(child)), old.devices(), Totals::default(), old.ended())
        .unwrap();
    fs::copy(scratch.join("m"), path).unwrap();
}

#[test]
fn files_that_a_manifest_makes_one_arrive_apart() {
    let pair = Pair::new();
    pair.write("a", "one");
    pair.write("b", "two");
    pair.snapshot();
    let name = names(&pair.repository)[0].clone();
    rewrite(&pair.repository, name.as_str(), |entry| {
        entry.repository_inode = 77;
        entry.metadata.nlink = 2;
    });
    let report = replicator(&pair).run(&Silent).unwrap();
    let told: Vec<_> = report.problems().iter().map(|one| (one.kind(), one.path().to_string())).collect();
    assert_eq!(told, [(ProblemKind::Damaged, format!("{name}/b"))]);
    let read = |file: &str| fs::read(there(&pair, 0).join(file)).unwrap();
    assert_eq!((read("a"), read("b")), (b"one".to_vec(), b"two".to_vec()));
}

fn record(pair: &Pair, snapshot: usize) -> PathBuf {
    let name = names(&pair.repository)[snapshot].clone();
    pair.repository.join(format!(".linkdest/runs/{name}.toml"))
}

#[test]
fn a_suspect_snapshot_whose_record_cannot_be_read_is_not_brought_as_good() {
    let pair = Pair::new();
    (0..2).for_each(|_| drop(pair.snapshot()));
    let text = fs::read_to_string(record(&pair, 1)).unwrap();
    let suspect = text.replace("synced = true", "synced = true\nsuspect = [\"much is gone\"]");
    assert_ne!(text, suspect);
    let path = record(&pair, 1);
    fs::write(&path, format!("{suspect}\nnot toml")).unwrap();
    let report = replicator(&pair).run(&Silent).unwrap();
    // Without its number it comes first.
    assert_eq!(states(&report), [ReplicaState::Failed, ReplicaState::Sent]);
    assert!(report.problems()[0].message().contains("suspect"), "{:?}", report.problems());
    fs::write(&path, suspect).unwrap();
    let report = replicate(&pair);
    assert_eq!(states(&report), [ReplicaState::Present, ReplicaState::Sent]);
    assert!(Repository::open(second(&pair)).unwrap().snapshots().unwrap()[1].is_suspect());
    // Of one that was lost nobody knows.
    fs::remove_file(&path).unwrap();
    linkdest_testkit::remove_tree(&second(&pair)).unwrap();
    replicate(&pair);
    let snapshots = Repository::open(second(&pair)).unwrap().snapshots().unwrap();
    let suspects: Vec<_> = snapshots.iter().map(linkdest_core::Snapshot::is_suspect).collect();
    assert_eq!(suspects.iter().filter(|one| **one).count(), 1, "{suspects:?}");
}

#[test]
fn a_number_that_no_run_has_is_not_taken_over() {
    let pair = Pair::new();
    pair.write("f", "content");
    pair.snapshot();
    let text = fs::read_to_string(record(&pair, 0)).unwrap();
    let path = record(&pair, 0);
    for number in ["18446744073709551615", "9223372036854775807"] {
        fs::write(&path, text.replace("sequence = 1", &format!("sequence = {number}"))).unwrap();
        let report = replicator(&pair).run(&Silent).unwrap();
        assert_eq!(states(&report), [ReplicaState::Failed], "{number}");
    }
    let snapshotter = Snapshotter::new(&pair.source, second(&pair));
    for number in 1..3 {
        snapshotter.run(&Silent).unwrap();
        let target = Repository::open(second(&pair)).unwrap();
        assert_eq!(target.snapshots().unwrap().last().unwrap().record().unwrap().sequence(), number);
    }
}

#[test]
fn a_manifest_that_cannot_be_opened_is_one_snapshot_less() {
    let pair = Pair::new();
    pair.write("f", "content");
    (0..3).for_each(|_| drop(pair.snapshot()));
    let manifest = pair.repository.join(format!(".linkdest/manifests/{}.ldm", names(&pair.repository)[1]));
    fs::rename(&manifest, pair.dir.join("aside")).unwrap();
    // It cannot be opened: symlinks are not followed.
    std::os::unix::fs::symlink(pair.dir.join("aside"), &manifest).unwrap();
    for dry in [true, false] {
        let report = replicator(&pair).dry_run(dry).run(&Silent).unwrap();
        assert_eq!(states(&report), [ReplicaState::Sent, ReplicaState::Failed, ReplicaState::Sent]);
    }
    fs::rename(pair.dir.join("aside"), &manifest).unwrap();
    replicate(&pair);
    assert_same_repositories(&pair);
}

#[test]
fn what_cannot_be_brought_keeps_no_other_out_by_keep_rules() {
    let pair = Pair::new();
    (0..4).for_each(|_| drop(pair.snapshot()));
    let all = names(&pair.repository);
    let manifest = |index: usize| pair.repository.join(format!(".linkdest/manifests/{}.ldm", all[index]));
    fs::remove_file(manifest(3)).unwrap();
    fs::remove_file(manifest(2)).unwrap();
    let report = replicator(&pair).keep(KeepRules::default().last(1)).run(&Silent).unwrap();
    let (left, sent, failed) = (ReplicaState::NotKept, ReplicaState::Sent, ReplicaState::Failed);
    assert_eq!(states(&report), [left, sent, failed, failed]);
    assert_eq!(names(&second(&pair)), all[1..2]);
}
