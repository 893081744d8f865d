//! Replicating: what arrives, what is refused, what is told.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use linkdest_core::{
    Collecting, ErrorKind, KeepRules, Monitor, ProblemKind, RelPath, ReplicaState, ReplicateReport,
    Replicator, Repository, Silent, SnapshotName, Status, StopFlag,
};
use linkdest_testkit::{
    Comparison, FileSystem, Inventory, LoopMount, NOBODY, as_user, is_root, random_edits, skip,
};

use crate::adopt::{adopt, assert_sound, listed, make};
use crate::support::{Pair, inode, set_mtime};

/// Where the replica goes.
pub fn second(pair: &Pair) -> PathBuf {
    pair.dir.join("second")
}

pub fn replicator(pair: &Pair) -> Replicator {
    Replicator::new(&pair.repository, second(pair)).init(true)
}

/// Replicates everything; nothing may go wrong.
pub fn replicate(pair: &Pair) -> ReplicateReport {
    let report = replicator(pair).run(&Silent).unwrap();
    assert_eq!(report.status(), Status::Complete, "{:?}", report.problems());
    report
}

pub fn names(repository: &Path) -> Vec<SnapshotName> {
    let snapshots = Repository::open(repository).unwrap().snapshots().unwrap();
    snapshots.iter().map(|snapshot| snapshot.name().clone()).collect()
}

/// Both have the same snapshots with the same hard links among all of them.
pub fn assert_same_repositories(pair: &Pair) {
    assert_same_trees(&pair.repository, &second(pair));
    assert_eq!(names(&pair.repository), names(&second(pair)));
}

pub fn assert_same_trees(one: &Path, other: &Path) {
    let whole = Comparison::new().root_attributes(false).skip_path(".linkdest").skip_path("latest");
    whole.assert_same(one, other);
    let latest = |repository: &Path| fs::read_link(repository.join("latest")).ok();
    assert_eq!(latest(one), latest(other));
}

pub fn states(report: &ReplicateReport) -> Vec<ReplicaState> {
    report.replicas().iter().map(linkdest_core::Replica::state).collect()
}

/// Everything there is, over a history of edits.
pub fn history(pair: &Pair, snapshots: u64) {
    pair.make_everything();
    for step in 0..snapshots {
        pair.snapshotter().run(&Silent).unwrap();
        random_edits(&pair.source, 77 + step, 40);
    }
}

#[test]
fn every_kind_of_entry_arrives_over_a_history() {
    let pair = Pair::new();
    history(&pair, 6);
    let before = Inventory::of(&pair.repository);
    let report = replicate(&pair);
    before.assert_unchanged(&Inventory::of(&pair.repository));
    assert_eq!(states(&report), [ReplicaState::Sent; 6]);
    assert!(report.counts().files_linked > report.counts().files_copied, "{:?}", report.counts());
    assert_same_repositories(&pair);
    assert_sound(&second(&pair));
    let trees = || {
        names(&second(&pair))
            .iter()
            .map(|name| Inventory::of(&second(&pair).join(name.as_str())))
            .collect::<Vec<_>>()
    };
    let there = trees();
    let report = replicate(&pair);
    assert_eq!(states(&report), [ReplicaState::Present; 6]);
    assert_eq!((report.counts().entries, report.counts().bytes_copied), (0, 0));
    there.iter().zip(trees()).for_each(|(before, after)| before.assert_unchanged(&after));
}

#[test]
fn onto_other_file_systems() {
    for file_system in [FileSystem::Ext4, FileSystem::Xfs, FileSystem::Btrfs] {
        let mount = match LoopMount::new(file_system) {
            Ok(mount) => mount,
            Err(unavailable) => {
                skip(format!("{unavailable:?}"));
                continue;
            }
        };
        // Both there: blocks are shared where the file system can.
        let pair = Pair::both_on(mount.path());
        history(&pair, 3);
        replicate(&pair);
        assert_same_repositories(&pair);
        assert_sound(&second(&pair));
    }
}

#[test]
fn what_is_known_of_the_runs_travels_too() {
    let pair = Pair::new();
    for number in 0..1200 {
        pair.write(&format!("f{number}"), "content");
    }
    pair.snapshot();
    fs::set_permissions(pair.source.join("f1"), fs::Permissions::from_mode(0o000)).unwrap();
    for number in 10..1200 {
        fs::remove_file(pair.source.join(format!("f{number}"))).unwrap();
        pair.write(&format!("g{number}"), format!("other {number}"));
    }
    let suspect = pair.snapshotter().mass_change(Some(10)).run(&Silent).unwrap();
    assert!(suspect.is_suspect());
    let source = Repository::open(&pair.repository).unwrap();
    source.pin(&names(&pair.repository)[0]).unwrap();
    replicate(&pair);
    let target = Repository::open(second(&pair)).unwrap();
    let (ours, theirs) = (source.snapshots().unwrap(), target.snapshots().unwrap());
    assert_eq!(ours.len(), theirs.len());
    for (our, their) in ours.iter().zip(&theirs) {
        assert_eq!((our.is_pinned(), our.is_suspect()), (their.is_pinned(), their.is_suspect()));
        assert_eq!((our.status(), our.started()), (their.status(), their.started()));
        let (our, their) = (our.record().unwrap(), their.record().unwrap());
        assert_eq!((our.source(), our.host(), our.policy()), (their.source(), their.host(), their.policy()));
        assert_eq!(
            (our.sequence(), our.counts(), our.ended()),
            (their.sequence(), their.counts(), their.ended())
        );
        assert_eq!((our.problems(), our.suspect()), (their.problems(), their.suspect()));
        assert_eq!((our.replica_of(), their.replica_of()), (None, Some(source.id())));
        let manifest = target.manifest(their.snapshot()).unwrap().unwrap();
        assert_eq!(their.manifest(), Some(&*manifest.digest().to_string()));
        let ours = source.manifest(their.snapshot()).unwrap().unwrap();
        let figures =
            |totals: &linkdest_core::Totals| (totals.entries, totals.directories, totals.files, totals.bytes);
        assert_eq!(figures(ours.totals()), figures(manifest.totals()));
        assert_eq!(ours.devices(), manifest.devices());
    }
    assert_eq!(
        fs::read_link(second(&pair).join("latest")).unwrap(),
        Path::new(names(&pair.repository)[1].as_str())
    );
}

#[test]
fn a_replica_is_a_repository_like_any_other() {
    let pair = Pair::new();
    pair.write("f", "content");
    pair.snapshot();
    replicate(&pair);
    // The next snapshot goes there, and to a third place from there.
    let report = linkdest_core::Snapshotter::new(&pair.source, second(&pair)).run(&Silent).unwrap();
    assert_eq!((report.counts().files_linked, report.counts().files_copied), (1, 0));
    let third = pair.dir.join("third");
    let report = Replicator::new(second(&pair), &third).init(true).run(&Silent).unwrap();
    assert_eq!(report.replicas().len(), 2);
    assert_same_trees(&second(&pair), &third);
    // Which snapshot it is does not depend on the way that it took.
    let report = Replicator::new(&pair.repository, &third).run(&Silent).unwrap();
    assert_eq!(states(&report), [ReplicaState::Present]);
    let report = Replicator::new(&third, &pair.repository).run(&Silent).unwrap();
    assert_eq!(states(&report), [ReplicaState::Present, ReplicaState::Sent]);
    assert_sound(&pair.repository);
    assert_sound(&third);
}

#[test]
fn adopted_snapshots_arrive_under_their_names() {
    let pair = Pair::new();
    make(&pair.repository, &["daily.0/f", "daily.1/f", "daily.1/gone"]);
    set_mtime(pair.repository.join("daily.1"), 1_600_000_000, 0);
    fs::remove_file(pair.repository.join("daily.0/f")).unwrap();
    fs::hard_link(pair.repository.join("daily.1/f"), pair.repository.join("daily.0/f")).unwrap();
    adopt(&pair.repository);
    replicate(&pair);
    let there = second(&pair);
    for ((name, tree), arrived) in listed(&pair.repository).into_iter().zip(names(&there)) {
        assert_eq!(name, arrived.as_str());
        Comparison::new().assert_same(&pair.repository.join(tree), &there.join(&name));
    }
    let [older, newer] = &names(&there)[..] else { panic!() };
    assert_eq!(inode(there.join(older.as_str()).join("f")), inode(there.join(newer.as_str()).join("f")));
    assert_sound(&there);
}

#[test]
fn repositories_are_not_mixed_up() {
    let pair = Pair::new();
    pair.write("f", "content");
    pair.snapshot();
    let run = |target: &Path| Replicator::new(&pair.repository, target).init(true).run(&Silent).map(drop);
    let refused = |target: &Path, kind: ErrorKind| {
        let error = run(target).unwrap_err();
        assert_eq!(error.kind(), kind, "{}: {error}", target.display());
    };
    let before = Inventory::of(&pair.repository);
    let link = pair.dir.join("link");
    std::os::unix::fs::symlink(&pair.repository, &link).unwrap();
    let tree = pair.repository.join(names(&pair.repository)[0].as_str());
    for target in
        [&pair.repository, &link, &pair.repository.join("below"), &tree, &pair.repository.join(".linkdest/x")]
    {
        refused(target, ErrorKind::SourceIsRepository);
    }
    refused(pair.dir.path(), ErrorKind::SourceIsRepository);
    refused(&pair.source, ErrorKind::NotEmpty);
    before.assert_unchanged(&Inventory::of(&pair.repository));
    let error = Replicator::new(&pair.repository, second(&pair)).run(&Silent).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotARepository);
    assert!(!second(&pair).exists());
    let error = Replicator::new(&pair.source, second(&pair)).init(true).run(&Silent).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotARepository);
    let absent: SnapshotName = "2001-01-01T000000Z".parse().unwrap();
    let error = replicator(&pair).snapshot(absent).run(&Silent).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSuchSnapshot);
    assert!(names(&second(&pair)).is_empty());
}

#[test]
fn another_snapshot_of_the_same_name_stays() {
    let pair = Pair::new();
    pair.write("f", "content");
    pair.snapshot();
    let name = names(&pair.repository)[0].clone();
    Repository::init(second(&pair)).unwrap();
    let there = second(&pair).join(name.as_str());
    fs::create_dir(&there).unwrap();
    fs::write(there.join("mine"), "other").unwrap();
    for _ in 0..2 {
        let report = replicator(&pair).run(&Silent).unwrap();
        assert_eq!(states(&report), [ReplicaState::Failed]);
        let problem = &report.problems()[0];
        assert_eq!((problem.kind(), problem.path().to_string()), (ProblemKind::InTheWay, name.to_string()));
        assert_eq!(fs::read_dir(&there).unwrap().count(), 1);
    }
    fs::remove_dir_all(&there).unwrap();
    fs::write(&there, "a file").unwrap();
    assert_eq!(states(&replicator(&pair).run(&Silent).unwrap()), [ReplicaState::Failed]);
    fs::remove_file(&there).unwrap();
    replicate(&pair);
    assert_same_repositories(&pair);
}

#[test]
fn keep_rules_say_what_is_brought_and_what_stays() {
    let pair = Pair::new();
    (0..5).for_each(|_| drop(pair.snapshot()));
    let all = names(&pair.repository);
    let keep = |last: u32, dry: bool| {
        let replicator = replicator(&pair).keep(KeepRules::default().last(last)).dry_run(dry);
        replicator.run(&Silent).unwrap()
    };
    for dry in [true, false] {
        let report = keep(2, dry);
        let (left, sent) = (ReplicaState::NotKept, ReplicaState::Sent);
        assert_eq!(states(&report), [left, left, left, sent, sent]);
        assert!(report.removed().is_empty());
    }
    assert_eq!(names(&second(&pair)), all[3..]);
    let (left, present) = (ReplicaState::NotKept, ReplicaState::Present);
    assert_eq!(states(&keep(2, false)), [left, left, left, present, present]);
    pair.snapshot();
    let all = names(&pair.repository);
    for dry in [true, false] {
        assert_eq!(keep(2, dry).removed(), &all[3..4]);
    }
    assert_eq!(names(&second(&pair)), all[4..]);
    // What is pinned is precious there as well.
    Repository::open(&pair.repository).unwrap().pin(&all[0]).unwrap();
    keep(1, false);
    assert_eq!(names(&second(&pair)), [all[0].clone(), all[5].clone()]);
}

#[test]
fn a_dry_run_tells_what_would_be_sent_and_writes_nothing() {
    let pair = Pair::new();
    history(&pair, 4);
    let before = Inventory::of(pair.dir.path());
    let would = replicator(&pair).dry_run(true).run(&Silent).unwrap();
    before.assert_unchanged(&Inventory::of(pair.dir.path()));
    let done = replicate(&pair);
    for (would, done) in would.replicas().iter().zip(done.replicas()) {
        let figures = |one: &linkdest_core::Replica| {
            let counts = one.counts();
            let copied = counts.files_copied + counts.files_cloned;
            (
                one.state(),
                counts.entries,
                counts.directories,
                copied,
                counts.files_linked,
                counts.other_created,
                counts.other_linked,
            )
        };
        assert_eq!(figures(would), figures(done), "{}", done.snapshot());
    }
    assert!(would.is_dry_run() && would.counts().entries > 0);
}

#[test]
fn bytes_take_their_time_and_a_wish_to_stop_is_heard() {
    struct Stop(StopFlag, std::sync::atomic::AtomicU64);
    impl Monitor for Stop {
        fn progress(&self, _: &linkdest_core::Progress) {
            if self.1.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 2 {
                self.0.stop();
            }
        }
    }
    let pair = Pair::new();
    pair.write("f", vec![7; 3 << 20]);
    pair.snapshot();
    let stop = StopFlag::default();
    let monitor = Stop(stop.clone(), 0.into());
    // At this rate it would take for ever.
    let error = replicator(&pair).bandwidth(10).stop(stop).run(&monitor).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    assert!(names(&second(&pair)).is_empty());
    replicate(&pair);
    assert_same_repositories(&pair);
}

#[test]
fn an_ordinary_user_brings_what_that_user_can() {
    if !is_root() {
        return skip("only root can be somebody else");
    }
    let pair = Pair::new();
    pair.write("mine", "content");
    pair.write("others", "content");
    fs::create_dir(pair.source.join("d")).unwrap();
    pair.write("d/f", "content");
    std::os::unix::fs::chown(pair.source.join("others"), Some(5), Some(5)).unwrap();
    fs::set_permissions(pair.source.join("d"), fs::Permissions::from_mode(0o555)).unwrap();
    fs::set_permissions(&pair.source, fs::Permissions::from_mode(0o555)).unwrap();
    (0..2).for_each(|_| drop(pair.snapshot()));
    let chown =
        Command::new("chown").args(["-R", &format!("{NOBODY}:{NOBODY}")]).arg(pair.dir.path()).status();
    assert!(chown.unwrap().success());
    let program = pair.dir.join("test");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let mut command = Command::new(program);
    command
        .args(["--exact", "replicate::as_the_user", "--ignored"])
        .env("LINKDEST_REPLICATED", pair.dir.path());
    let output = as_user(NOBODY, &command).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_same_repositories(&pair);
    // The real owner is in the manifest.
    let target = Repository::open(second(&pair)).unwrap();
    let name = &names(&second(&pair))[1];
    let items = target.ls(name, &RelPath::new("others").unwrap()).unwrap();
    let owners: Vec<u32> = items.map(|item| item.unwrap().metadata().uid).collect();
    assert_eq!(owners, [5]);
    assert_sound(&second(&pair));
    assert_eq!(fs::metadata(second(&pair).join(name.as_str())).unwrap().mode() & 0o7777, 0o555);
}

#[test]
#[ignore = "a part of another test, as another user"]
fn as_the_user() {
    let Some(dir) = std::env::var_os("LINKDEST_REPLICATED") else { return };
    let dir = Path::new(&dir);
    let monitor = Collecting::default();
    let replicator = Replicator::new(dir.join("repository"), dir.join("second")).init(true);
    let report = replicator.run(&monitor).unwrap();
    assert_eq!(report.problems(), []);
    assert!(
        monitor.notices().iter().any(|notice| notice.to_string().starts_with("owners of")),
        "{:?}",
        monitor.notices()
    );
}
