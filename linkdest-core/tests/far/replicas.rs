//! Replicas on a server behind connections that are slow or lost, and repositories that are read from there.

use std::path::{Path, PathBuf};
use std::time::Duration;

use linkdest_core::{
    Collecting, ErrorKind, Notice, RelPath, RemoteRepository, ReplicateReport, Replicator, Repository,
    Silent, Snapshotter, Ssh, Status, StopFlag, Verifier,
};
use linkdest_testkit::{Comparison, TestDir, sftp_server, skip};

use crate::{me, tree};

fn server() -> Option<String> {
    match sftp_server() {
        Ok(server) => Some(server.display().to_string()),
        Err(reason) => {
            skip(reason);
            None
        }
    }
}

/// The way to a server; a lost connection is made anew so often.
fn ssh(words: &[String], attempts: u32) -> Ssh {
    Ssh::default().command(words).patience(Duration::from_secs(20)).attempts(attempts)
}

fn address(path: &Path) -> PathBuf {
    PathBuf::from(format!("sftp://far{}", path.display()))
}

/// A repository with three snapshots.
fn history(dir: &Path) -> PathBuf {
    let (source, repository) = (dir.join("source"), dir.join("repository"));
    tree(&source);
    for step in 0..3 {
        std::fs::write(source.join(format!("{step}/0/3")), format!("changed in step {step}")).unwrap_or(());
        std::fs::write(source.join(format!("new{step}")), format!("new in step {step}")).unwrap();
        std::fs::hard_link(source.join("large"), source.join(format!("link{step}"))).unwrap();
        Snapshotter::new(&source, &repository).init(true).run(&Silent).unwrap();
    }
    repository
}

fn replicator(repository: &Path, target: &Path, words: &[String]) -> Replicator {
    Replicator::new(repository, address(target)).init(true).ssh(ssh(words, 0))
}

fn comparison() -> Comparison {
    Comparison::new().times(false).blocks(false).xattrs(|_| false)
}

pub fn cut_at_any_point() {
    let Some(server) = server() else { return };
    let dir = TestDir::new();
    let repository = history(dir.path());
    let target = dir.join("target");
    let mut cut = 0;
    for part in 0..20 {
        let bytes = 300 + part * part * 200;
        let words = me(&["cut", &bytes.to_string(), &server]);
        if let Err(error) = replicator(&repository, &target, &words).run(&Silent) {
            assert_eq!(error.kind(), ErrorKind::Connection, "{bytes}: {error}");
            cut += 1;
        }
        // What is there is whole.
        let Ok(there) = Repository::open(&target) else { continue };
        for snapshot in there.snapshots().unwrap() {
            let name = snapshot.name().as_str();
            comparison().assert_same(&repository.join(name), &target.join(name));
        }
    }
    assert!(cut >= 10, "{cut}");
    let report = replicator(&repository, &target, &[server]).run(&Silent).unwrap();
    assert_eq!(report.status(), Status::Complete, "{:?}", report.problems());
    let whole = comparison().root_attributes(false).skip_path(".linkdest").skip_path("latest");
    whole.assert_same(&repository, &target);
    for place in ["staging", "trash"] {
        let left = std::fs::read_dir(target.join(".linkdest").join(place));
        assert_eq!(left.map_or(0, Iterator::count), 0, "{place}");
    }
}

/// With a delay for each answer, names that are linked one by one would take far longer than those that are asked for
/// together. How many requests waited for an answer at most, and the report, of what is taken after `change`.
fn waiting_at_most(tree: impl FnOnce(&Path), change: Option<&str>) -> Option<(usize, ReplicateReport)> {
    let server = server()?;
    let dir = TestDir::new();
    let (source, repository, target) = (dir.join("source"), dir.join("repository"), dir.join("target"));
    std::fs::create_dir(&source).unwrap();
    tree(&source);
    let take = || drop(Snapshotter::new(&source, &repository).init(true).run(&Silent).unwrap());
    take();
    if let Some(change) = change {
        replicator(&repository, &target, std::slice::from_ref(&server)).run(&Silent).unwrap();
        std::fs::write(source.join(change), change).unwrap();
        take();
    }
    let note = dir.join("most");
    let words = me(&["delay", "20", note.to_str().unwrap(), &server]);
    let report = replicator(&repository, &target, &words).run(&Silent).unwrap();
    let whole = comparison().root_attributes(false).skip_path(".linkdest").skip_path("latest");
    whole.assert_same(&repository, &target);
    Some((std::fs::read_to_string(&note).unwrap().parse().unwrap(), report))
}

pub fn links_at_once() {
    let files = |source: &Path| (0..300).for_each(|file| small(&source.join(format!("f{file}"))));
    let Some((most, report)) = waiting_at_most(files, Some("new")) else { return };
    assert_eq!((report.counts().files_linked, report.counts().files_copied), (300, 1));
    assert!(most >= 100, "{most}");
    // Also where each directory has few of them.
    let Some((most, report)) = waiting_at_most(directories, Some("0/new")) else { return };
    assert_eq!((report.counts().files_linked, report.counts().files_copied), (80, 1));
    assert!(most >= 40, "{most}");
}

fn small(path: &Path) {
    std::fs::write(path, "x").unwrap();
}

/// Forty directories with a file and a symlink in each, and one below.
fn directories(source: &Path) {
    for directory in 0..40 {
        let below = source.join(format!("{directory}/below"));
        std::fs::create_dir_all(&below).unwrap();
        small(&below.join("f"));
        small(&below.join("../g"));
        std::os::unix::fs::symlink("g", below.join("../link")).unwrap();
    }
}

pub fn files_at_once() {
    let files = |source: &Path| (0..100).for_each(|file| small(&source.join(format!("f{file}"))));
    let Some((most, report)) = waiting_at_most(files, None) else { return };
    assert_eq!(report.counts().files_copied, 100);
    assert!(most >= 30, "{most}");
    let Some((most, report)) = waiting_at_most(directories, None) else { return };
    assert_eq!(report.counts().files_copied, 80);
    assert!(most >= 30, "{most}");
}

fn is_revived(monitor: &Collecting) -> bool {
    monitor.notices().contains(&Notice::Reconnected)
}

pub fn made_anew() {
    let Some(server) = server() else { return };
    let dir = TestDir::new();
    let repository = history(dir.path());
    let mut revived = 0;
    for (number, bytes) in [1500, 4000, 9000, 14_000, 17_000, 20_000, 30_000].into_iter().enumerate() {
        let (target, note) = (dir.join(format!("t{number}")), dir.join(format!("n{number}")));
        let words = me(&["cut-once", &bytes.to_string(), note.to_str().unwrap(), &server]);
        let monitor = Collecting::default();
        let replicator = replicator(&repository, &target, &words).ssh(ssh(&words, 4));
        match replicator.run(&monitor) {
            Ok(report) => {
                assert_eq!(report.status(), Status::Complete, "{bytes}: {:?}", report.problems());
                let whole = comparison().root_attributes(false).skip_path(".linkdest").skip_path("latest");
                whole.assert_same(&repository, &target);
                let own = |place: &str| std::fs::read_dir(target.join(".linkdest").join(place));
                assert_eq!(own("staging").map_or(0, Iterator::count), 0, "{bytes}");
                assert!(!target.join(".linkdest/lock.sftp").exists(), "{bytes}");
                let there = Repository::open(&target).unwrap();
                let checked = Verifier::new(&there).run(&Silent).unwrap();
                assert_eq!((checked.findings(), checked.problems()), (&[][..], &[][..]), "{bytes}");
                revived += usize::from(is_revived(&monitor));
            }
            // Before it was known that there is a repository.
            Err(error) => assert_eq!(error.kind(), ErrorKind::Connection, "{bytes}: {error}"),
        }
    }
    assert!(revived >= 4, "{revived}");
}

/// A repository on a server: where it is, and its snapshots.
fn sent(dir: &Path, server: &str) -> PathBuf {
    let repository = history(dir);
    replicator(&repository, &dir.join("target"), &[server.to_owned()]).run(&Silent).unwrap();
    dir.join("target")
}

pub fn read_over_a_new_connection() {
    let Some(server) = server() else { return };
    let dir = TestDir::new();
    let target = sent(dir.path(), &server);
    let (mut restored, mut checked, mut listed) = (0, 0, 0);
    for (number, bytes) in [600, 1500, 3000, 8000, 20_000, 50_000, 400_000].into_iter().enumerate() {
        let note = |what: &str| dir.join(format!("{what}{number}")).display().to_string();
        let open = |what: &str| {
            let words = me(&["cut-once", &bytes.to_string(), &note(what), &server]);
            RemoteRepository::open(address(&target), &ssh(&words, 4), &StopFlag::default())
        };
        let back = dir.join(format!("back{number}"));
        if let Ok(repository) = open("restore") {
            let snapshots = repository.snapshots().unwrap();
            assert_eq!(snapshots.len(), 3, "{bytes}");
            listed += 1;
            let monitor = Collecting::default();
            let last = snapshots.last().unwrap().name();
            let report = repository.restore(last, &RelPath::root(), &back).run(&monitor).unwrap();
            assert_eq!(report.status(), Status::Complete, "{bytes}: {:?}", report.problems());
            comparison().assert_same(&target.join(last.as_str()), &back);
            restored += usize::from(is_revived(&monitor));
        }
        if let Ok(repository) = open("verify") {
            let monitor = Collecting::default();
            let report = repository.verify().content(true).run(&monitor).unwrap();
            assert_eq!((report.findings(), report.problems()), (&[][..], &[][..]), "{bytes}");
            checked += usize::from(is_revived(&monitor));
        }
    }
    assert!(listed >= 4 && restored >= 4 && checked >= 4, "{listed} {restored} {checked}");
}

pub fn lost_while_read() {
    let Some(server) = server() else { return };
    let dir = TestDir::new();
    let target = sent(dir.path(), &server);
    for bytes in [0, 600, 8000, 400_000] {
        let words = me(&["cut", &bytes.to_string(), &server]);
        let back = dir.join("back");
        let open = || RemoteRepository::open(address(&target), &ssh(&words, 0), &StopFlag::default());
        let restored = open().and_then(|there| {
            let last = there.snapshots()?.pop().unwrap().name().clone();
            there.restore(&last, &RelPath::root(), &back).run(&Silent).map(drop)
        });
        let checked = open().and_then(|there| there.verify().content(true).run(&Silent).map(drop));
        for done in [restored, checked] {
            let error = done.unwrap_err();
            assert_eq!(
                (error.kind(), error.kind().exit_code()),
                (ErrorKind::Connection, 1),
                "{bytes}: {error}"
            );
            assert!(error.to_string().starts_with("sftp://far/"), "{error}");
        }
        // A file that did not arrive whole has no name.
        assert!(!back.join("large").exists(), "{bytes}");
    }
}
