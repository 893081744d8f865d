//! Restoring: what comes back is what was saved, and only what differs is written.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use linkdest_core::{
    Action, Collecting, ErrorKind, Overwrite, ProblemKind, Reason, RelPath, Repository, RestoreReport,
    Restorer, Silent, SnapshotName, Status, StopFlag,
};
use linkdest_testkit::{Comparison, Entry, Inventory, deep, rsync_differences};

use crate::support::{Pair, inode, path, set_mtime};

/// A pair with one snapshot, and room for what is restored.
pub struct Saved {
    pub pair: Pair,
    pub repository: Repository,
    pub name: SnapshotName,
    pub tree: PathBuf,
    pub back: PathBuf,
}

impl Saved {
    pub fn of(pair: Pair) -> Self {
        let report = pair.snapshotter().run(&Silent).unwrap();
        let repository = Repository::open(&pair.repository).unwrap();
        let (name, tree) = (report.snapshot().unwrap().clone(), path(&report).to_owned());
        let back = pair.dir.join("back");
        Self { pair, repository, name, tree, back }
    }

    pub fn everything() -> Self {
        let pair = Pair::new();
        pair.make_everything();
        Self::of(pair)
    }

    pub fn small() -> Self {
        let pair = Pair::new();
        fs::create_dir(pair.source.join("d")).unwrap();
        pair.write("a", "hello");
        pair.write("d/b", "bytes");
        Self::of(pair)
    }

    pub fn restorer(&self) -> Restorer<'_> {
        self.repository.restore(&self.name, &RelPath::root(), &self.back)
    }

    pub fn restore(&self) -> RestoreReport {
        complete(&self.restorer())
    }

    fn plan(&self, restorer: Restorer<'_>) -> Vec<(String, Action, Reason)> {
        let monitor = Collecting::default();
        let before = Inventory::of(self.pair.dir.path());
        restorer.dry_run(true).run(&monitor).unwrap();
        before.assert_unchanged(&Inventory::of(self.pair.dir.path()));
        let mut planned: Vec<_> = monitor
            .entries()
            .into_iter()
            .map(|(path, action, reason)| (path.to_string(), action, reason))
            .collect();
        planned.sort_by(|a, b| a.0.cmp(&b.0));
        planned
    }
}

pub fn complete(restorer: &Restorer<'_>) -> RestoreReport {
    let report = restorer.run(&Silent).unwrap();
    assert_eq!(report.status(), Status::Complete, "{:?}", report.problems());
    report
}

/// Both judges: the exact comparison and rsync.
pub fn assert_restored(saved: &Path, back: &Path) {
    Comparison::new().assert_same(saved, back);
    // rsync cannot go where paths are longer than the kernel takes at once.
    if !saved.join("long").exists()
        && let Some(differences) = rsync_differences(saved, back)
    {
        assert_eq!(differences, "", "rsync");
    }
}

#[test]
fn every_kind_comes_back_and_the_snapshot_stays_as_it_was() {
    let saved = Saved::everything();
    let before = Inventory::of(&saved.tree);
    let report = saved.restore();
    assert_restored(&saved.pair.source, &saved.back);
    assert_eq!((report.counts().unchanged, report.counts().deleted), (0, 0));
    before.assert_unchanged(&Inventory::of(&saved.tree));
    // Again there is nothing to do, and nothing is touched.
    let restored = Inventory::of(&saved.back);
    let again = saved.restore();
    assert_eq!(again.counts().unchanged, again.counts().entries);
    assert_eq!((again.counts().attributes_set, again.counts().bytes_copied), (0, 0));
    restored.assert_unchanged(&Inventory::of(&saved.back));
}

#[test]
fn rsync_finds_no_difference_either() {
    let pair = Pair::new();
    pair.make_everything();
    linkdest_testkit::remove_tree(&pair.source.join("long")).unwrap();
    let saved = Saved::of(pair);
    saved.restore();
    assert_restored(&saved.pair.source, &saved.back);
}

#[test]
fn what_was_spoilt_is_mended_and_only_that_is_written() {
    let saved = Saved::everything();
    saved.restore();
    fs::write(saved.back.join("files/new"), "extra").unwrap();
    let victim = first_file(&saved.back.join("files"));
    let size = fs::metadata(&victim).unwrap().len();
    fs::write(&victim, vec![b'!'; usize::try_from(size).unwrap()]).unwrap();
    fs::remove_dir_all(saved.back.join("modes")).unwrap();
    let report = complete(&saved.restorer().delete(true));
    assert_restored(&saved.pair.source, &saved.back);
    assert_eq!(report.counts().deleted, 1);
    assert!(report.counts().unchanged > report.counts().files_copied);
}

fn first_file(dir: &Path) -> PathBuf {
    let files = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    let large = |entry: &fs::DirEntry| {
        let stat = entry.metadata().unwrap();
        stat.is_file() && stat.len() > 0 && stat.len() < 1 << 20 && entry.file_name() != "new"
    };
    files.filter(large).map(|entry| entry.path()).min().unwrap()
}

#[test]
fn a_single_entry_is_written_as_the_target() {
    let saved = Saved::small();
    let file = RelPath::new("d/b").unwrap();
    complete(&saved.repository.restore(&saved.name, &file, &saved.back));
    assert_eq!(fs::read(&saved.back).unwrap(), b"bytes");
    assert_ne!(inode(&saved.back), inode(saved.tree.join("d/b")));
    // A symlink that is the target is replaced, not written through.
    let (canary, link) = (saved.pair.dir.join("canary"), saved.pair.dir.join("link"));
    fs::write(&canary, "canary").unwrap();
    symlink(&canary, &link).unwrap();
    complete(&saved.repository.restore(&saved.name, &file, &link));
    assert!(fs::symlink_metadata(&link).unwrap().is_file());
    assert_eq!(fs::read(&canary).unwrap(), b"canary");
    let absent = saved.repository.restore(&saved.name, &RelPath::new("no").unwrap(), &link).run(&Silent);
    assert_eq!(absent.unwrap_err().kind(), ErrorKind::NoSuchPath);
    let directory = saved.repository.restore(&saved.name, &file, saved.pair.dir.path()).run(&Silent);
    assert_eq!(directory.unwrap_err().kind(), ErrorKind::InvalidOption);
}

#[test]
fn nothing_that_was_planted_is_followed_or_written_to() {
    let saved = Saved::small();
    let outside = saved.pair.dir.join("outside");
    fs::create_dir(&outside).unwrap();
    for name in ["a", "b", "c"] {
        fs::write(outside.join(name), "canary").unwrap();
    }
    let before = Inventory::of(&outside);
    fs::create_dir(&saved.back).unwrap();
    symlink(outside.join("a"), saved.back.join("a")).unwrap();
    symlink(&outside, saved.back.join("d")).unwrap();
    complete(&saved.restorer());
    assert_restored(&saved.tree, &saved.back);
    before.assert_unchanged(&Inventory::of(&outside));
    // A hard link to something else: even what looks the same gets an inode of its own.
    for same in [false, true] {
        let stamp = fs::metadata(saved.tree.join("a")).unwrap();
        let planted = saved.pair.dir.join(format!("planted-{same}"));
        fs::write(&planted, if same { "hello" } else { "other" }).unwrap();
        fs::set_permissions(&planted, stamp.permissions()).unwrap();
        set_mtime(&planted, stamp.mtime(), u32::try_from(stamp.mtime_nsec()).unwrap());
        fs::remove_file(saved.back.join("a")).unwrap();
        fs::hard_link(&planted, saved.back.join("a")).unwrap();
        complete(&saved.restorer().checksum(!same));
        assert_restored(&saved.tree, &saved.back);
        assert_ne!(inode(&planted), inode(saved.back.join("a")));
        assert_eq!(fs::read(&planted).unwrap(), if same { b"hello" } else { b"other" });
    }
    // A copy of the snapshot by hard links shares nothing with it afterwards.
    fs::remove_file(saved.back.join("a")).unwrap();
    fs::hard_link(saved.tree.join("a"), saved.back.join("a")).unwrap();
    complete(&saved.restorer());
    assert_ne!(inode(saved.tree.join("a")), inode(saved.back.join("a")));
    // A FIFO is neither read nor waited for.
    fs::remove_file(saved.back.join("a")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(saved.back.join("a")).status().unwrap();
    assert!(made.success());
    complete(&saved.restorer());
    assert_restored(&saved.tree, &saved.back);
}

#[test]
fn groups_are_joined_and_split_as_they_were() {
    let pair = Pair::new();
    fs::create_dir(pair.source.join("d")).unwrap();
    for (one, other) in [("a", "d/a"), ("b", "d/b")] {
        pair.write(one, "linked");
        fs::hard_link(pair.source.join(one), pair.source.join(other)).unwrap();
        set_mtime(pair.source.join(one), 1_500_000_000, 0);
    }
    pair.write("alone", "linked");
    set_mtime(pair.source.join("alone"), 1_500_000_000, 0);
    let saved = Saved::of(pair);
    saved.restore();
    assert_restored(&saved.pair.source, &saved.back);
    // All names become one inode, with the right content and attributes.
    for name in ["d/a", "b", "d/b", "alone"] {
        fs::remove_file(saved.back.join(name)).unwrap();
        fs::hard_link(saved.back.join("a"), saved.back.join(name)).unwrap();
    }
    saved.restore();
    assert_restored(&saved.pair.source, &saved.back);
    // Each name becomes an inode of its own.
    fs::remove_file(saved.back.join("d/a")).unwrap();
    fs::copy(saved.back.join("a"), saved.back.join("d/a")).unwrap();
    set_mtime(saved.back.join("d/a"), 1_500_000_000, 0);
    let report = saved.restore();
    assert_restored(&saved.pair.source, &saved.back);
    assert_eq!((report.counts().linked, report.counts().files_copied), (1, 0));
}

#[test]
fn overwriting_is_as_asked() {
    let saved = Saved::small();
    saved.restore();
    let unchanged = inode(saved.back.join("d/b"));
    let stamp = fs::metadata(saved.back.join("a")).unwrap();
    // The same size and time: only the bytes tell.
    fs::write(saved.back.join("a"), "HELLO").unwrap();
    set_mtime(saved.back.join("a"), stamp.mtime(), u32::try_from(stamp.mtime_nsec()).unwrap());
    saved.restore();
    assert_eq!(fs::read(saved.back.join("a")).unwrap(), b"HELLO");
    complete(&saved.restorer().overwrite(Overwrite::Never).checksum(true));
    assert_eq!(fs::read(saved.back.join("a")).unwrap(), b"HELLO");
    complete(&saved.restorer().checksum(true));
    assert_eq!(fs::read(saved.back.join("a")).unwrap(), b"hello");
    assert_eq!(inode(saved.back.join("d/b")), unchanged);
    // With checksums another time is an attribute; with one name it is set on the inode that is there.
    set_mtime(saved.back.join("d/b"), 5, 5);
    let report = complete(&saved.restorer().checksum(true));
    assert_eq!((report.counts().attributes_set, inode(saved.back.join("d/b"))), (1, unchanged));
    assert_restored(&saved.tree, &saved.back);
    fs::set_permissions(saved.back.join("d/b"), fs::Permissions::from_mode(0o4711)).unwrap();
    let report = saved.restore();
    assert_eq!((report.counts().attributes_set, inode(saved.back.join("d/b"))), (1, unchanged));
    let report = complete(&saved.restorer().overwrite(Overwrite::Always));
    assert_eq!(report.counts().files_copied, 2);
    assert_ne!(inode(saved.back.join("d/b")), unchanged);
    assert_restored(&saved.tree, &saved.back);
}

#[test]
fn extra_entries_stay_unless_they_are_to_go() {
    let saved = Saved::small();
    saved.restore();
    fs::create_dir_all(saved.back.join("d/extra/deep")).unwrap();
    fs::write(saved.back.join("d/extra/deep/file"), "mine").unwrap();
    fs::remove_file(saved.back.join("a")).unwrap();
    fs::create_dir_all(saved.back.join("a/inside")).unwrap();
    let report = saved.restorer().run(&Silent).unwrap();
    assert_eq!(report.problems()[0].kind(), ProblemKind::InTheWay);
    assert!(saved.back.join("d/extra/deep/file").exists() && saved.back.join("a/inside").exists());
    let planned = saved.plan(saved.restorer().delete(true));
    let expected = [("a", Action::Copy, Reason::KindChanged), ("d/extra", Action::Delete, Reason::Extra)];
    let expected: Vec<_> =
        expected.into_iter().map(|(path, action, reason)| (path.to_owned(), action, reason)).collect();
    assert_eq!(planned, expected);
    complete(&saved.restorer().delete(true));
    assert_restored(&saved.tree, &saved.back);
}

#[test]
fn a_dry_run_tells_what_a_run_would_do() {
    let saved = Saved::small();
    let new = |path: &str, action| (path.to_owned(), action, Reason::New);
    let all = [
        new(".", Action::Create),
        new("a", Action::Copy),
        new("d", Action::Create),
        new("d/b", Action::Copy),
    ];
    assert_eq!(saved.plan(saved.restorer()), all);
    saved.restore();
    assert_eq!(saved.plan(saved.restorer()), []);
    fs::set_permissions(saved.back.join("d"), fs::Permissions::from_mode(0o711)).unwrap();
    let attributes = ("d".to_owned(), Action::Attributes, Reason::AttributesChanged);
    assert_eq!(saved.plan(saved.restorer()), [attributes]);
}

#[test]
fn damage_is_told_and_a_file_that_fails_stops_nothing() {
    let saved = Saved::small();
    fs::write(saved.tree.join("a"), "hell0").unwrap();
    fs::remove_file(saved.tree.join("d/b")).unwrap();
    let report = saved.restorer().run(&Silent).unwrap();
    let mut kinds: Vec<_> =
        report.problems().iter().map(|one| (one.path().to_string(), one.kind())).collect();
    kinds.sort();
    let expected = [("a".to_owned(), ProblemKind::Damaged), ("d/b".to_owned(), ProblemKind::Unreadable)];
    assert_eq!((kinds, report.status()), (expected.to_vec(), Status::Problems));
    assert_eq!(fs::read(saved.back.join("a")).unwrap(), b"hell0");
}

#[test]
fn attributes_that_only_the_manifest_has_come_back() {
    let pair = Pair::new();
    pair.make(&[Entry::file("f", "x")]);
    pair.snapshot();
    fs::set_permissions(pair.source.join("f"), fs::Permissions::from_mode(0o751)).unwrap();
    let report = pair.snapshotter().record_attributes(true).run(&Silent).unwrap();
    assert_eq!(report.counts().recorded_only, 1);
    let repository = Repository::open(&pair.repository).unwrap();
    let back = pair.dir.join("back");
    complete(&repository.restore(report.snapshot().unwrap(), &RelPath::root(), &back));
    assert_restored(&pair.source, &back);
}

#[test]
fn a_default_acl_of_the_target_is_not_inherited() {
    use linkdest_testkit::AclEntry::{Mask, Other, Owner, OwningGroup, User};
    let saved = Saved::small();
    let acl = linkdest_testkit::acl(&[Owner(7), User(1234, 7), OwningGroup(7), Mask(7), Other(0)]);
    let entry = Entry::directory("back").xattr("system.posix_acl_default", acl);
    if !linkdest_testkit::build(saved.pair.dir.path(), &[entry]).is_empty() {
        return linkdest_testkit::skip("no ACLs here");
    }
    fs::set_permissions(&saved.back, fs::Permissions::from_mode(0o2777)).unwrap();
    saved.restore();
    assert_restored(&saved.tree, &saved.back);
}

#[test]
fn a_deep_tree_comes_back_with_few_descriptors() {
    let pair = Pair::new();
    deep(&pair.source, 1000);
    let saved = Saved::of(pair);
    saved.restore();
    Comparison::new().assert_same(&saved.pair.source, &saved.back);
    let again = saved.restore();
    assert_eq!(again.counts().unchanged, again.counts().entries);
}

#[test]
fn the_repository_is_never_written_to() {
    let saved = Saved::small();
    let before = Inventory::of(&saved.pair.repository);
    for target in [saved.pair.repository.clone(), saved.tree.clone(), saved.tree.join("new")] {
        let error =
            saved.repository.restore(&saved.name, &RelPath::root(), &target).run(&Silent).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidOption, "{error}");
    }
    // It lies in the target, and is nothing that the snapshot has.
    let around = saved.repository.restore(&saved.name, &RelPath::root(), saved.pair.dir.path()).delete(true);
    let report = around.run(&Silent).unwrap();
    assert_eq!(report.counts().problems, 1);
    before.assert_unchanged(&Inventory::of(&saved.pair.repository));
}

#[test]
fn a_stop_ends_the_run() {
    let saved = Saved::small();
    let stop = StopFlag::default();
    stop.stop();
    assert_eq!(saved.restorer().stop(stop).run(&Silent).unwrap_err().kind(), ErrorKind::Interrupted);
}

/// What could not be saved is in the run record alone: without it everything that the snapshot lacks was removed.
#[test]
fn without_a_run_record_nothing_extra_is_removed_and_that_is_said() {
    let saved = Saved::small();
    saved.restore();
    fs::write(saved.back.join("d/extra"), "perhaps the only copy").unwrap();
    let record = saved.pair.repository.join(format!(".linkdest/runs/{}.toml", saved.name));
    let text = fs::read(&record).unwrap();
    for lost in [None, Some("format = 1\nsnapshot = 7\n")] {
        fs::remove_file(&record).unwrap();
        lost.into_iter().for_each(|text| fs::write(&record, text).unwrap());
        let report = saved.restorer().delete(true).run(&Silent).unwrap();
        let told: Vec<_> = report.problems().iter().map(|one| (one.path().to_string(), one.kind())).collect();
        assert_eq!(told, [("d/extra".to_owned(), ProblemKind::InTheWay)]);
        assert!(report.problems()[0].message().contains("run record"), "{:?}", report.problems());
        assert!(saved.back.join("d/extra").exists());
        fs::write(&record, &text).unwrap();
    }
    complete(&saved.restorer().delete(true));
    assert!(!saved.back.join("d/extra").exists());
}
