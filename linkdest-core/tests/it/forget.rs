//! Forgetting by rules and for space, source by source.

use std::fs;

use linkdest_core::{ErrorKind, KeepReason, KeepRules, Repository, Silent, SnapshotName, Snapshotter};
use linkdest_testkit::{FileSystem, LoopMount, skip};

use crate::support::Pair;

fn names(repository: &Repository) -> Vec<SnapshotName> {
    repository.snapshots().unwrap().iter().map(|snapshot| snapshot.name().clone()).collect()
}

#[test]
fn each_source_has_its_own_history() {
    let pair = Pair::new();
    let other = pair.dir.join("other");
    fs::create_dir(&other).unwrap();
    let first_of_other = Snapshotter::new(&other, &pair.repository).init(true).run(&Silent).unwrap();
    let own: Vec<_> = (0..3).map(|_| pair.snapshot().snapshot().unwrap().clone()).collect();
    let repository = Repository::open(&pair.repository).unwrap();
    let plan = repository.plan_forget(&KeepRules::default().last(1)).unwrap();
    let sources: Vec<_> =
        plan.groups().iter().map(|group| group.source().path().unwrap().to_owned()).collect();
    assert_eq!(sources, [other, pair.source]);
    assert_eq!(plan.removed(), own[..2]);
    assert_eq!(repository.forget(&plan).unwrap().snapshots(), &own[..2]);
    assert_eq!(names(&repository), [first_of_other.snapshot().unwrap().clone(), own[2].clone()]);
    // Nothing more goes, and nothing is wrong with that.
    assert!(repository.forget(&plan).unwrap().snapshots().is_empty());
}

#[test]
fn a_plan_is_carried_out_as_far_as_it_still_holds() {
    let pair = Pair::new();
    let all: Vec<_> = (0..4).map(|_| pair.snapshot().snapshot().unwrap().clone()).collect();
    let repository = Repository::open(&pair.repository).unwrap();
    let plan = repository.plan_forget(&KeepRules::default().last(1)).unwrap();
    assert_eq!(plan.removed(), all[..3]);
    // Meanwhile one was pinned, and the newest one, for whose sake the others may go, went itself.
    repository.pin(&all[0]).unwrap();
    repository.delete(&all[3..]).unwrap();
    assert_eq!(repository.forget(&plan).unwrap().snapshots(), &all[1..2]);
    assert_eq!(names(&repository), [all[0].clone(), all[2].clone()]);
}

#[test]
fn no_rules_forget_nothing() {
    let pair = Pair::new();
    let repository = Repository::init(&pair.repository).unwrap();
    for rules in [KeepRules::default(), KeepRules::default().daily(0)] {
        assert_eq!(repository.plan_forget(&rules).unwrap_err().kind(), ErrorKind::InvalidOption);
    }
}

#[test]
fn the_last_complete_one_is_named_when_it_goes() {
    let pair = Pair::new();
    let all: Vec<_> = (0..2).map(|_| pair.snapshot().snapshot().unwrap().clone()).collect();
    let record = pair.repository.join(format!(".linkdest/runs/{}.toml", all[1]));
    let text = fs::read_to_string(&record).unwrap().replace("status = \"complete\"", "status = \"problems\"");
    fs::write(&record, text).unwrap();
    let repository = Repository::open(&pair.repository).unwrap();
    let plan = repository.plan_forget(&KeepRules::default().last(1)).unwrap();
    assert_eq!(plan.groups()[0].lost_complete(), Some(&all[0]));
    let plan = repository.plan_forget(&KeepRules::default().last(2)).unwrap();
    assert_eq!(plan.groups()[0].lost_complete(), None);
}

#[test]
fn for_space_the_oldest_go_and_no_more_than_needed() {
    let mount = match LoopMount::new(FileSystem::Ext4) {
        Ok(mount) => mount,
        Err(unavailable) => return skip(unavailable),
    };
    let pair = Pair::with_repository_on(mount.path());
    let mebibytes = |count: usize| vec![b'x'; count << 20];
    let all: Vec<_> = (0..5)
        .map(|index| {
            pair.write("f", [&mebibytes(2)[..], &[index]].concat());
            pair.snapshot().snapshot().unwrap().clone()
        })
        .collect();
    let repository = Repository::open(&pair.repository).unwrap();
    repository.pin(&all[0]).unwrap();
    let target = repository.available().unwrap() + (3 << 20);
    let plan = repository.plan_free_space(target, None).unwrap();
    assert_eq!(plan.removed(), all[1..3]);
    let decisions = plan.groups()[0].decisions();
    assert_eq!(decisions[3].reasons(), [KeepReason::EnoughSpace]);
    assert_eq!(decisions[4].reasons(), [KeepReason::NewestGood, KeepReason::EnoughSpace]);
    // Rules come first, and what they keep may go as well.
    let with_rules = repository.plan_free_space(target, Some(&KeepRules::default().last(4))).unwrap();
    assert_eq!(with_rules.removed(), all[1..3]);
    let forgotten = repository.forget(&plan).unwrap();
    assert_eq!((forgotten.snapshots(), forgotten.problems()), (&all[1..3], &[][..]));
    assert!(repository.available().unwrap() >= target);
    // Nothing goes for what cannot be reached, nor for what is there already.
    let impossible = repository.plan_free_space(target + (100 << 20), None).unwrap_err();
    assert_eq!(impossible.kind(), ErrorKind::NoSpace);
    assert!(repository.plan_free_space(target, None).unwrap().removed().is_empty());
    assert_eq!(names(&repository), [all[0].clone(), all[3].clone(), all[4].clone()]);
}
