//! What can be done with a repository on a server: locks, keep rules, restoring from it, checking it from here.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use linkdest_core::{
    Cause, ErrorKind, FindingKind, KeepRules, ProblemKind, RelPath, RemoteRepository, Repository, Silent,
    Snapshotter, Ssh, Status, StopFlag,
};
use linkdest_testkit::{Comparison, Flaw, Sshd, skip};

use crate::replicate::{names, second};
use crate::replicate_server::{comparison, history, open, send, to_server};
use crate::sftp::{address, on_a_pipe};
use crate::support::{Pair, set_mtime};
use crate::verify::change_a_byte;

#[test]
fn locks_are_respected_on_both_sides() {
    let Some(words) = on_a_pipe() else { return };
    let pair = Pair::new();
    pair.write("f", "content");
    pair.snapshot();
    send(&pair, &words);
    let lock = second(&pair).join(".linkdest/lock.sftp");
    assert!(!lock.exists());
    fs::write(&lock, "host = \"elsewhere\"\nboot = \"x\"\nprocess = \"7\"\nid = \"0\"\n").unwrap();
    pair.snapshot();
    for result in [
        to_server(&pair, &words).run(&Silent).map(drop),
        Snapshotter::new(&pair.source, second(&pair)).run(&Silent).map(drop),
    ] {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
        assert!(error.to_string().contains("elsewhere"), "{error}");
    }
    assert!(lock.exists());
    fs::remove_file(&lock).unwrap();
    send(&pair, &words);
    assert_eq!(
        fs::read_dir(second(&pair).join(".linkdest"))
            .unwrap()
            .filter(|entry| {
                entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("lock.sftp")
            })
            .count(),
        0
    );
}

#[test]
fn keep_rules_and_pins_hold_on_a_server() {
    let Some(words) = on_a_pipe() else { return };
    let pair = Pair::new();
    pair.write("f", "content");
    (0..4).for_each(|_| drop(pair.snapshot()));
    let all = names(&pair.repository);
    Repository::open(&pair.repository).unwrap().pin(&all[0]).unwrap();
    send(&pair, &words);
    let keep = |dry| {
        let report = to_server(&pair, &words).keep(KeepRules::default().last(1)).dry_run(dry).run(&Silent);
        report.unwrap().removed().to_vec()
    };
    assert_eq!(keep(true), all[1..3]);
    assert_eq!(names(&second(&pair)).len(), 4);
    assert_eq!(keep(false), all[1..3]);
    assert_eq!(names(&second(&pair)), [all[0].clone(), all[3].clone()]);
    let own =
        |directory: &str| fs::read_dir(second(&pair).join(".linkdest").join(directory)).unwrap().count();
    assert_eq!((own("runs"), own("manifests"), own("pins"), own("trash"), own("staging")), (2, 2, 1, 0, 0));
    assert!(open(&pair, &words).snapshots().unwrap()[0].is_pinned());
}

#[test]
fn a_snapshot_on_a_server_is_restored() {
    let Some(words) = on_a_pipe() else { return };
    let pair = Pair::new();
    history(&pair, 2);
    send(&pair, &words);
    let repository = open(&pair, &words);
    let (snapshot, path) = repository.resolve_path("latest").unwrap();
    let back = pair.dir.join("back");
    let report = repository.restore(snapshot.name(), &path, &back).run(&Silent).unwrap();
    assert_eq!(report.status(), Status::Complete, "{:?}", report.problems());
    let ours = pair.repository.join(snapshot.name().as_str());
    // Times come from the manifest, whole.
    Comparison::new().blocks(false).xattrs(|_| false).root_attributes(false).assert_same(&ours, &back);
    // A second time there is nothing to do, and a single file comes alone.
    let report = repository.restore(snapshot.name(), &path, &back).run(&Silent).unwrap();
    assert_eq!((report.counts().files_copied, report.counts().problems), (0, 0));
    let error = repository.restore(snapshot.name(), &RelPath::new("no/such").unwrap(), &back).run(&Silent);
    assert_eq!(error.unwrap_err().kind(), ErrorKind::NoSuchPath);
    // What is damaged there is said.
    let target = Repository::open(second(&pair)).unwrap();
    let all = target.snapshots().unwrap();
    let tree = second(&pair).join(all[1].name().as_str());
    let file = walkdir::WalkDir::new(&tree)
        .into_iter()
        .map(|entry| entry.unwrap())
        .find(|entry| entry.file_type().is_file() && entry.metadata().unwrap().len() > 10)
        .unwrap();
    change_a_byte(file.path());
    let again = pair.dir.join("again");
    let report = repository.restore(all[1].name(), &RelPath::root(), &again).run(&Silent).unwrap();
    assert!(report.problems().iter().all(|one| one.kind() == ProblemKind::Damaged));
    assert!(report.counts().problems >= 1);
}

#[test]
fn a_check_from_here_finds_what_it_can_see() {
    let Some(words) = on_a_pipe() else { return };
    let pair = Pair::new();
    for name in ["bytes", "longer", "gone", "time", "kind"] {
        pair.write(name, format!("content of {name}"));
    }
    std::os::unix::fs::symlink("one", pair.source.join("link")).unwrap();
    (0..2).for_each(|_| drop(pair.snapshot()));
    send(&pair, &words);
    let first = second(&pair).join(names(&second(&pair))[0].as_str());
    let at = |name: &str| first.join(name);
    change_a_byte(&at("bytes"));
    fs::OpenOptions::new().append(true).open(at("longer")).unwrap().set_len(50).unwrap();
    let time = fs::metadata(at("time")).unwrap().mtime();
    let link = fs::symlink_metadata(at("link")).unwrap().mtime();
    set_mtime(at("time"), time - 5, 0);
    for name in ["gone", "kind", "link"] {
        fs::remove_file(at(name)).unwrap();
    }
    fs::create_dir(at("kind")).unwrap();
    std::os::unix::fs::symlink("two", at("link")).unwrap();
    set_mtime(at("link"), link, 0);
    fs::write(at("extra"), "x").unwrap();
    let root = fs::metadata(&first).unwrap().mtime();
    set_mtime(&first, root, 0);
    let found = |content: bool, snapshot: usize| {
        let name = names(&second(&pair))[snapshot].clone();
        let report = open(&pair, &words).verify().content(content).snapshot(name).run(&Silent).unwrap();
        let mut found: Vec<_> =
            report.findings().iter().map(|one| (one.place().path.to_string(), one.kind())).collect();
        found.sort();
        found
    };
    use FindingKind::{Attributes, Content, Extra, Missing, Type};
    let mut expected: Vec<(String, FindingKind)> = [
        ("extra", Extra),
        ("gone", Missing),
        ("kind", Type),
        ("link", Content),
        ("longer", Content),
        ("time", Attributes),
    ]
    .map(|(name, kind)| (name.to_owned(), kind))
    .to_vec();
    assert_eq!(found(false, 0), expected);
    expected.insert(0, ("bytes".to_owned(), Content));
    assert_eq!(found(true, 0), expected);
    // The other snapshot shares these inodes.
    let shared: Vec<_> = found(true, 1).into_iter().map(|(name, _)| name).collect();
    assert_eq!(shared, ["bytes", "longer", "time"]);
    // All at once: what is shared is read once, and told of both.
    let report = open(&pair, &words).verify().content(true).run(&Silent).unwrap();
    let bytes: Vec<_> =
        report.findings().iter().filter(|one| one.place().path.to_string() == "bytes").collect();
    assert_eq!(bytes.len(), 2);
    assert!(bytes.iter().all(|one| one.cause() != Some(Cause::Loss)));
    assert!(report.is_noted());
    // None of it is linked to.
    pair.snapshot();
    let report = to_server(&pair, &words).run(&Silent).unwrap();
    assert_eq!(report.counts().files_linked, 2, "{:?}", report.counts());
    let last = names(&second(&pair))[2].clone();
    comparison().assert_same(&pair.repository.join(last.as_str()), &second(&pair).join(last.as_str()));
}

#[test]
fn a_server_that_refuses_is_one_clear_error_to_writers_and_readers() {
    for (flaw, said) in Flaw::FATAL {
        let sshd = match Sshd::start(flaw) {
            Ok(sshd) => sshd,
            Err(reason) => return skip(reason),
        };
        let pair = Pair::new();
        pair.write("f", "content");
        pair.snapshot();
        let words = sshd.command();
        let target = address(&second(&pair));
        let stop = StopFlag::default();
        for error in [
            to_server(&pair, &words).run(&Silent).unwrap_err(),
            to_server(&pair, &words).dry_run(true).run(&Silent).unwrap_err(),
            RemoteRepository::open(target, &Ssh::default().command(&words), &stop).unwrap_err(),
        ] {
            assert_eq!((error.kind(), error.kind().exit_code()), (ErrorKind::Connection, 1), "{error}");
            assert!(error.to_string().contains(said), "{error}");
            assert!(error.to_string().starts_with("sftp://far/"), "{error}");
            assert!(!second(&pair).exists(), "{flaw:?}");
        }
    }
}
