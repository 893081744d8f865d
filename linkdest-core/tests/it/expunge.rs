//! Removing one path from snapshots that stay: nothing else touched, told by all, finished after every kill.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use linkdest_core::{
    ChangeKind, EntryFlags, ErrorKind, Expunging, Kind, Reindexer, RelPath, Repository, Silent, SnapshotName,
    SnapshotReport, Snapshotter, Verifier,
};
use linkdest_testkit::{Difference, Inventory, NOBODY, as_user, is_root, skip};

use crate::support::{Pair, inode, path, set_mtime};

pub fn repository(pair: &Pair) -> Repository {
    Repository::open(&pair.repository).unwrap()
}

pub fn below(path: &str) -> RelPath {
    RelPath::new(path).unwrap()
}

pub fn name(report: &SnapshotReport) -> &SnapshotName {
    report.snapshot().unwrap()
}

/// What has changed in a tree since, but for what should be gone.
pub fn changed(before: &Inventory, now: &Path, gone: &[&str]) -> Vec<Difference> {
    let mut differences = before.differences(&Inventory::of(now));
    differences.retain(|one| !gone.iter().any(|gone| one.path == gone.as_bytes()));
    differences
}

/// Checks that all that is there is what the manifests tell; returns how much of it was expunged.
pub fn expunged_by_verify(pair: &Pair) -> u64 {
    let report = Verifier::new(&repository(pair)).run(&Silent).unwrap();
    assert_eq!((report.findings(), report.problems()), (&[][..], &[][..]));
    report.expunged()
}

/// Checks that a snapshot's manifest tells of the entry, is a further one, and is the one that its record tells of.
pub fn assert_recorded(pair: &Pair, snapshot: &SnapshotName, path: &str) {
    let repository = repository(pair);
    let manifest = repository.manifest(snapshot).unwrap().unwrap();
    manifest.check().unwrap();
    assert!(manifest.header().generation > 0);
    let found = manifest.find(path.as_bytes(), &mut Default::default()).unwrap().unwrap();
    let entry = found.entry();
    assert_eq!((entry.flags, entry.content, entry.metadata.size), (EntryFlags::EXPUNGED, None, 0));
    let snapshots = repository.snapshots().unwrap();
    let record = snapshots.iter().find(|one| one.name() == snapshot).unwrap().record().unwrap();
    assert_eq!(record.manifest().unwrap(), manifest.digest().to_string());
    assert_eq!(record.counts().entries, manifest.totals().entries);
    assert_eq!(record.counts().bytes, manifest.totals().bytes);
}

/// A source with two files in a directory, and a directory with something in it.
pub fn pair() -> Pair {
    let pair = Pair::new();
    fs::create_dir_all(pair.source.join("d/tree/inner")).unwrap();
    for (name, content) in [("d/secret", "password"), ("d/other", "o"), ("d/tree/inner/f", "f"), ("top", "t")]
    {
        pair.write(name, content);
    }
    symlink("f", pair.source.join("d/tree/inner/link")).unwrap();
    set_mtime(pair.source.join("d"), 1_000_000_000, 123_456_789);
    pair
}

#[test]
fn a_file_goes_from_all_snapshots_and_nothing_else_changes() {
    let pair = pair();
    pair.make_everything();
    let reports = [pair.snapshot(), pair.snapshot(), pair.snapshot()];
    let totals = repository(&pair).manifest(name(&reports[0])).unwrap().unwrap().totals().to_owned();
    let before: Vec<_> = reports.iter().map(|report| Inventory::of(path(report))).collect();
    let planned = repository(&pair).plan_expunge(&below("d/secret"), &Expunging::default()).unwrap();
    assert!(planned.is_dry_run() && path(&reports[0]).join("d/secret").exists());
    let done = repository(&pair).expunge(&below("d/secret")).unwrap();
    for (report, before) in reports.iter().zip(&before) {
        assert_eq!(changed(before, path(report), &["d/secret"]), []);
        assert!(!path(report).join("d/secret").exists());
        assert_recorded(&pair, name(report), "d/secret");
        let now = repository(&pair).manifest(name(report)).unwrap().unwrap();
        assert_eq!((now.totals().entries, now.totals().bytes), (totals.entries - 1, totals.bytes - 8));
        assert_eq!(now.totals().files, totals.files - 1);
    }
    assert_eq!((done.entries().len(), done.other_names(), done.problems()), (3, &[][..], &[][..]));
    for (one, planned) in done.entries().iter().zip(planned.entries()) {
        assert_eq!(
            (one.snapshot(), one.path(), one.kind()),
            (planned.snapshot(), planned.path(), Kind::File)
        );
    }
    assert_eq!(repository(&pair).expunged().unwrap(), done.entries());
    assert_eq!(fs::read_dir(pair.repository.join(".linkdest/trash")).unwrap().count(), 0);
    assert_eq!(expunged_by_verify(&pair), 3);
    // The next run takes it from the source, and all else from the last snapshot.
    let next = pair.snapshot();
    assert_eq!(fs::read(path(&next).join("d/secret")).unwrap(), b"password");
    assert_eq!((next.counts().files_copied, next.counts().bytes_copied), (1, 8));
    assert_eq!(inode(path(&next).join("d/other")), inode(path(&reports[2]).join("d/other")));
    let after = pair.snapshot();
    assert_eq!((after.counts().files_copied, expunged_by_verify(&pair)), (0, 3));
}

#[test]
fn everybody_says_that_it_was_expunged() {
    let pair = pair();
    let first = pair.snapshot();
    repository(&pair).expunge(&below("d")).unwrap();
    fs::write(pair.source.join("new"), "n").unwrap();
    let second = pair.snapshot();
    fs::write(pair.source.join("new"), "nn").unwrap();
    let third = pair.snapshot();
    let how = Expunging::default().snapshot(name(&third).clone());
    repository(&pair).expunge_with(&below("d/secret"), &how).unwrap();
    let repository = repository(&pair);
    let diff = |a, b| {
        let diff = repository.diff(name(a), name(b)).unwrap();
        let said = diff.map(|change| change.unwrap()).filter(|change| change.path() != &RelPath::root());
        said.map(|change| (change.path().to_string(), change.kind(), change.after().is_some()))
            .collect::<Vec<_>>()
    };
    let expunged = |path: &str, there| (path.to_owned(), ChangeKind::Expunged, there);
    assert_eq!(
        diff(&first, &second),
        [
            expunged("d", true),
            expunged("d/other", true),
            expunged("d/secret", true),
            expunged("d/tree", true),
            expunged("d/tree/inner", true),
            expunged("d/tree/inner/f", true),
            expunged("d/tree/inner/link", true),
            ("new".to_owned(), ChangeKind::Added, true),
        ]
    );
    let new = ("new".to_owned(), ChangeKind::Content, true);
    assert_eq!(diff(&second, &third), [expunged("d/secret", false), new]);
    assert_eq!(diff(&first, &first), []);
    let told = |versions: Vec<linkdest_core::Version>| {
        let told =
            versions.iter().map(|one| (one.path().to_string(), one.is_expunged(), one.snapshots().len()));
        told.collect::<Vec<_>>()
    };
    assert_eq!(
        told(repository.versions(&below("d/secret")).unwrap()),
        [("d".to_owned(), true, 1), ("d/secret".to_owned(), false, 1), ("d/secret".to_owned(), true, 1)]
    );
    let found = [("d/secret".to_owned(), false, 1), ("d/secret".to_owned(), true, 1)];
    assert_eq!(told(repository.find("secret").unwrap()), found);
    let target = pair.dir.join("target");
    for (report, path) in [(&first, "d"), (&first, "d/tree/inner/f"), (&third, "d/secret")] {
        let listed = repository.ls(name(report), &below(path)).unwrap_err();
        let restored = repository.restore(name(report), &below(path), &target).run(&Silent).unwrap_err();
        for error in [listed, restored] {
            assert_eq!(error.kind(), ErrorKind::NoSuchPath);
            assert!(error.to_string().contains("expunged"), "{error}");
        }
    }
    let listed: Vec<_> =
        repository.ls(name(&third), &below("d")).unwrap().map(|item| item.unwrap()).collect();
    assert_eq!(listed.len(), 2);
    // What is left is restored, and what was expunged is not taken away from where it is.
    fs::create_dir_all(target.join("d")).unwrap();
    fs::write(target.join("d/secret"), "mine").unwrap();
    fs::write(target.join("d/extra"), "x").unwrap();
    let report =
        repository.restore(name(&third), &RelPath::root(), &target).delete(true).run(&Silent).unwrap();
    assert_eq!(report.problems(), []);
    assert_eq!(fs::read(target.join("d/secret")).unwrap(), b"mine");
    assert!(target.join("d/tree/inner/f").exists() && !target.join("d/extra").exists());
    assert_eq!(expunged_by_verify(&pair), 2);
    // It is put back by hand: not what was recorded.
    fs::write(path(&third).join("d/secret"), "again").unwrap();
    let report = Verifier::new(&repository).run(&Silent).unwrap();
    assert!(report.findings().iter().any(|finding| finding.message().contains("expunged")));
}

#[test]
fn a_manifest_made_anew_tells_it_too() {
    let pair = pair();
    let first = pair.snapshot();
    repository(&pair).expunge(&below("d/secret")).unwrap();
    repository(&pair).expunge(&below("d/tree")).unwrap();
    for lost in [false, true] {
        if lost {
            fs::remove_dir_all(pair.repository.join(".linkdest/manifests")).unwrap();
        }
        Reindexer::new(&repository(&pair)).all(true).run(&Silent).unwrap();
        assert_recorded(&pair, name(&first), "d/secret");
        assert_recorded(&pair, name(&first), "d/tree");
        assert_eq!(expunged_by_verify(&pair), 2);
    }
    // The directory above goes too: what was said of those in it goes with it.
    repository(&pair).expunge(&below("d")).unwrap();
    assert_eq!(repository(&pair).expunged().unwrap().len(), 1);
    assert_eq!(expunged_by_verify(&pair), 1);
    // And all of it is forgotten with the snapshot.
    pair.snapshot();
    repository(&pair).delete(&[name(&first).clone()]).unwrap();
    assert_eq!(repository(&pair).expunged().unwrap(), []);
}

#[test]
fn other_names_of_the_inode_are_told_and_go_if_asked() {
    for manifest in [true, false] {
        let pair = pair();
        for link in ["link", "d/zlink"] {
            fs::hard_link(pair.source.join("d/secret"), pair.source.join(link)).unwrap();
        }
        set_mtime(pair.source.join("d"), 1_000_000_000, 5);
        let report = pair.snapshot();
        if !manifest {
            fs::remove_dir_all(pair.repository.join(".linkdest/manifests")).unwrap();
        }
        let told = |done: &linkdest_core::ExpungeReport| {
            done.other_names().iter().map(|one| one.path.to_string()).collect::<Vec<_>>()
        };
        let plan = repository(&pair).plan_expunge(&below("d"), &Expunging::default()).unwrap();
        assert_eq!(told(&plan), ["link"]);
        let done = repository(&pair).expunge(&below("d/zlink")).unwrap();
        assert_eq!(told(&done), ["d/secret", "link"]);
        assert!(path(&report).join("link").exists());
        let done = repository(&pair).expunge_with(&below("link"), &Expunging::default().links(true)).unwrap();
        let gone: Vec<_> = done.entries().iter().map(|entry| entry.path().to_string()).collect();
        assert_eq!((gone, told(&done)), (vec!["link".to_owned(), "d/secret".to_owned()], vec![]));
        let d = fs::metadata(path(&report).join("d")).unwrap();
        assert_eq!((d.mtime(), d.mtime_nsec()), (1_000_000_000, 5));
        if manifest {
            assert_eq!(expunged_by_verify(&pair), 3);
        }
    }
}

#[test]
fn the_names_that_are_left_of_a_group_are_linked_to() {
    let pair = pair();
    for link in ["link", "zlink"] {
        fs::hard_link(pair.source.join("d/secret"), pair.source.join(link)).unwrap();
    }
    let first = pair.snapshot();
    repository(&pair).expunge(&below("d/secret")).unwrap();
    let next = pair.snapshot();
    assert_eq!((next.counts().files_copied, next.counts().bytes_copied), (0, 0));
    let expected = inode(path(&first).join("link"));
    for name in ["d/secret", "link", "zlink"] {
        assert_eq!(inode(path(&next).join(name)), expected, "{name}");
    }
    assert_eq!(expunged_by_verify(&pair), 1);
}

#[test]
fn what_cannot_be_expunged_is_refused_before_anything_is_removed() {
    let pair = pair();
    let reports = [pair.snapshot(), pair.snapshot()];
    let repository = repository(&pair);
    let absent = Expunging::default().snapshot("2000-01-01T000000Z".parse().unwrap());
    let all = Expunging::default();
    let kind = |path: &str, how: &Expunging| repository.expunge_with(&below(path), how).unwrap_err().kind();
    assert_eq!(kind("", &all), ErrorKind::InvalidOption);
    assert_eq!(kind("d/none", &all), ErrorKind::NoSuchPath);
    assert_eq!(kind("top/none", &all), ErrorKind::NoSuchPath);
    assert_eq!(kind("d/tree/inner/link/f", &all), ErrorKind::NoSuchPath);
    assert_eq!(kind("top", &absent), ErrorKind::NoSuchSnapshot);
    let manifest = pair.repository.join(format!(".linkdest/manifests/{}.ldm", name(&reports[1])));
    let sound = fs::read(&manifest).unwrap();
    fs::write(&manifest, &sound[..100]).unwrap();
    assert_eq!(kind("top", &all), ErrorKind::DamagedManifest);
    fs::write(&manifest, sound).unwrap();
    let lock = fs::File::open(pair.repository.join(".linkdest/lock")).unwrap();
    lock.lock().unwrap();
    assert_eq!(kind("top", &all), ErrorKind::Locked);
    assert!(reports.iter().all(|report| path(report).join("top").exists()));
    assert_eq!(repository.expunged().unwrap(), []);
}

#[test]
fn it_goes_from_the_trees_of_killed_runs_too() {
    let pair = pair();
    let report = pair.snapshot();
    let staging = pair.repository.join(".linkdest/staging/2001-01-01T000000Z");
    fs::create_dir_all(staging.join("tree/d")).unwrap();
    fs::hard_link(path(&report).join("d/secret"), staging.join("tree/d/secret")).unwrap();
    let record = pair.repository.join(format!(".linkdest/runs/{}.toml", name(&report)));
    let record = fs::read_to_string(record).unwrap().replace(name(&report).as_str(), "2001-01-01T000000Z");
    fs::write(staging.join("run.toml"), record).unwrap();
    repository(&pair).expunge(&below("d/secret")).unwrap();
    assert!(!staging.join("tree/d/secret").exists() && staging.join("tree/d").exists());
}

#[test]
fn what_stands_in_the_way_of_finishing_keeps_nobody_from_a_backup() {
    if !is_root() {
        return skip("only root can make a file immutable");
    }
    let pair = pair();
    let report = pair.snapshot();
    let set = |flag: &str| {
        let output = Command::new("chattr").arg(flag).arg(path(&report).join("d/secret")).output();
        output.is_ok_and(|output| output.status.success())
    };
    if !set("+i") {
        return skip("this file system has no immutable files");
    }
    let error = repository(&pair).expunge(&below("d/secret")).unwrap_err();
    assert_eq!(error.io_error().and_then(std::io::Error::raw_os_error), Some(1), "{error}");
    pair.snapshotter().run(&Silent).unwrap();
    assert!(path(&report).join("d/secret").exists());
    assert!(set("-i"));
    pair.snapshot();
    assert!(!path(&report).join("d/secret").exists());
    assert_recorded(&pair, name(&report), "d/secret");
}

#[test]
fn a_directory_that_its_owner_may_not_write_is_left_as_it_was() {
    if !is_root() {
        return skip("only root can be somebody else");
    }
    let pair = pair();
    let chown = Command::new("chown").arg("-R").arg(NOBODY.to_string()).arg(pair.dir.path()).status();
    assert!(chown.unwrap().success());
    for directory in ["d/tree", "d"] {
        fs::set_permissions(pair.source.join(directory), fs::Permissions::from_mode(0o500)).unwrap();
    }
    let program = pair.dir.join("test");
    assert!(
        Command::new("cp").arg(std::env::current_exe().unwrap()).arg(&program).status().unwrap().success()
    );
    let mut command = Command::new(program);
    command.args(["--exact", "expunge::as_the_owner", "--ignored"]).env("LINKDEST_OWNED", pair.dir.path());
    let output = as_user(NOBODY, &command).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(expunged_by_verify(&pair), 2);
    // Root expunges what a user saved: whose it is does not change.
    repository(&pair).expunge(&below("top")).unwrap();
    assert_eq!(expunged_by_verify(&pair), 3);
}

#[test]
#[ignore = "a part of another test, as another user"]
fn as_the_owner() {
    let Some(dir) = std::env::var_os("LINKDEST_OWNED") else { return };
    let (source, repo) = (Path::new(&dir).join("source"), Path::new(&dir).join("repository"));
    let first = Snapshotter::new(&source, &repo).init(true).run(&Silent).unwrap();
    let repository = Repository::open(&repo).unwrap();
    for gone in ["d/tree", "d/secret"] {
        repository.expunge(&below(gone)).unwrap();
        assert!(!path(&first).join(gone).exists());
    }
    let d = fs::metadata(path(&first).join("d")).unwrap();
    assert_eq!((d.mode() & 0o7777, d.mtime(), d.mtime_nsec()), (0o500, 1_000_000_000, 123_456_789));
}
