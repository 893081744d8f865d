//! Replicating to a server: OpenSSH's own on a pipe, and behind a real sshd.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use linkdest_core::{
    Collecting, ErrorKind, Notice, Problem, ProblemKind, RelPath, RemoteRepository, ReplicaState,
    ReplicateReport, Replicator, Repository, Silent, Snapshotter, Ssh, Status, StopFlag, Verifier,
};
use linkdest_testkit::{
    Comparison, Entry, EntryKind, Flaw, Inventory, Sshd, random_edits, sftp_server, skip,
};

use crate::replicate::{names, second, states};
use crate::sftp::{address, entries_for_sftp, on_a_pipe};
use crate::support::{Pair, inode, set_mtime};
use crate::verify::change_a_byte;

pub fn to_server(pair: &Pair, words: &[String]) -> Replicator {
    let target = address(&second(pair));
    Replicator::new(&pair.repository, target).init(true).ssh(Ssh::default().command(words))
}

pub fn send(pair: &Pair, words: &[String]) -> ReplicateReport {
    let report = to_server(pair, words).run(&Silent).unwrap();
    assert_eq!(report.status(), Status::Complete, "{:?}", report.problems());
    report
}

pub fn open(pair: &Pair, words: &[String]) -> RemoteRepository {
    let ssh = Ssh::default().command(words);
    RemoteRepository::open(address(&second(pair)), &ssh, &StopFlag::default()).unwrap()
}

/// What SFTP can hold: no extended attributes, whole seconds.
pub fn comparison() -> Comparison {
    Comparison::new()
        .root_attributes(false)
        .skip_path(".linkdest")
        .skip_path("latest")
        .times(false)
        .blocks(false)
        .xattrs(|_| false)
}

/// The same trees with the same hard links among all of them, and the same times to the second.
fn assert_same(one: &Path, other: &Path) {
    comparison().assert_same(one, other);
    let walk = |root: &Path| {
        let mut times = Vec::new();
        for name in names(root) {
            for entry in walkdir::WalkDir::new(root.join(name.as_str())).sort_by_file_name().min_depth(1) {
                let entry = entry.unwrap();
                let path = entry.path().strip_prefix(root).unwrap().to_owned();
                times.push((path, fs::symlink_metadata(entry.path()).unwrap().mtime()));
            }
        }
        times
    };
    assert_eq!(walk(one), walk(other));
    assert_eq!(names(one), names(other));
    let latest = |repository: &Path| fs::read_link(repository.join("latest")).ok();
    assert_eq!(latest(one), latest(other));
}

pub fn history(pair: &Pair, snapshots: u64) {
    let special = |entry: &Entry| matches!(entry.kind, EntryKind::Fifo | EntryKind::Socket);
    let mut entries = entries_for_sftp();
    let specials: Vec<Vec<u8>> =
        entries.iter().filter(|entry| special(entry)).map(|entry| entry.path.clone()).collect();
    entries.retain(|entry| {
        let linked = match &entry.kind {
            EntryKind::HardLink(other) => specials.contains(other),
            _ => false,
        };
        !special(entry) && !linked
    });
    pair.make(&entries);
    for step in 0..snapshots {
        pair.snapshotter().run(&Silent).unwrap();
        random_edits(&pair.source, 77 + step, 40);
    }
}

fn check_a_history(words: &[String]) {
    let pair = Pair::new();
    history(&pair, 5);
    let before = Inventory::of(&pair.repository);
    let report = send(&pair, words);
    before.assert_unchanged(&Inventory::of(&pair.repository));
    assert_eq!(states(&report), [ReplicaState::Sent; 5]);
    assert_same(&pair.repository, &second(&pair));
    let trees = || {
        names(&second(&pair))
            .iter()
            .map(|name| Inventory::of(&second(&pair).join(name.as_str())))
            .collect::<Vec<_>>()
    };
    let there = trees();
    let report = send(&pair, words);
    assert_eq!(states(&report), [ReplicaState::Present; 5]);
    assert_eq!((report.counts().entries, report.counts().bytes_copied), (0, 0));
    there.iter().zip(trees()).for_each(|(before, after)| before.assert_unchanged(&after));
    // It is a repository like any other: checked where it lies, and from here.
    let target = Repository::open(second(&pair)).unwrap();
    let report = Verifier::new(&target).run(&Silent).unwrap();
    assert_eq!((report.findings(), report.problems()), (&[][..], &[][..]));
    let checked = open(&pair, words).verify().content(true).run(&Silent).unwrap();
    assert_eq!((checked.findings(), checked.problems()), (&[][..], &[][..]));
    assert_eq!((checked.entries(), checked.snapshots().len()), (report.entries(), 5));
    assert!(checked.files_read() > 0 && checked.files_read() <= report.entries());
    // One more comes without what is there.
    pair.snapshotter().run(&Silent).unwrap();
    let report = send(&pair, words);
    assert!(report.counts().files_linked > 0, "{:?}", report.counts());
    assert_same(&pair.repository, &second(&pair));
}

#[test]
fn a_history_arrives_with_all_it_shares_through_a_pipe() {
    if let Some(words) = on_a_pipe() {
        check_a_history(&words);
    }
}

#[test]
fn a_history_arrives_with_all_it_shares_through_sshd() {
    match Sshd::start(Flaw::None) {
        Ok(sshd) => check_a_history(&sshd.command()),
        Err(reason) => skip(reason),
    }
}

#[test]
fn groups_that_change_stay_together_on_a_server() {
    let Some(words) = on_a_pipe() else { return };
    let pair = Pair::new();
    for name in ["a", "b", "c"] {
        pair.write(name, format!("content of {name}"));
    }
    fs::hard_link(pair.source.join("a"), pair.source.join("a2")).unwrap();
    pair.snapshot();
    fs::hard_link(pair.source.join("b"), pair.source.join("b2")).unwrap();
    fs::rename(pair.source.join("c"), pair.source.join("moved")).unwrap();
    pair.snapshot();
    fs::remove_file(pair.source.join("a")).unwrap();
    pair.write("b2", "changed in place, with both names");
    pair.snapshot();
    let report = send(&pair, &words);
    // a, b, c, and b as it was changed.
    assert_eq!(report.counts().files_copied, 4, "{:?}", report.counts());
    assert_same(&pair.repository, &second(&pair));
}

#[test]
fn what_was_changed_on_the_server_is_not_linked_to() {
    let Some(words) = on_a_pipe() else { return };
    let pair = Pair::new();
    for name in ["longer", "time", "mode", "gone", "kept"] {
        pair.write(name, format!("content of {name}"));
    }
    pair.snapshot();
    send(&pair, &words);
    let first = second(&pair).join(names(&second(&pair))[0].as_str());
    fs::OpenOptions::new().append(true).open(first.join("longer")).unwrap().set_len(50).unwrap();
    set_mtime(first.join("time"), 1_000_000, 0);
    fs::set_permissions(first.join("mode"), fs::Permissions::from_mode(0o777)).unwrap();
    fs::remove_file(first.join("gone")).unwrap();
    pair.snapshot();
    let report = send(&pair, &words);
    assert_eq!((report.counts().files_copied, report.counts().files_linked), (4, 1));
    let last = names(&second(&pair))[1].clone();
    comparison().assert_same(&pair.repository.join(last.as_str()), &second(&pair).join(last.as_str()));
}

#[test]
fn damage_is_written_down_there_and_never_linked_to() {
    let Some(words) = on_a_pipe() else { return };
    let pair = Pair::new();
    pair.write("bad", "content");
    fs::hard_link(pair.source.join("bad"), pair.source.join("bad2")).unwrap();
    pair.write("good", "content of another");
    pair.snapshot();
    let tree = pair.repository.join(names(&pair.repository)[0].as_str());
    change_a_byte(&tree.join("bad"));
    let report = to_server(&pair, &words).run(&Silent).unwrap();
    assert_eq!(report.problems().iter().map(Problem::kind).collect::<Vec<_>>(), [ProblemKind::Damaged]);
    let target = Repository::open(second(&pair)).unwrap();
    let noted: Vec<_> = target.damages().unwrap().iter().map(|one| one.path().to_string()).collect();
    assert_eq!(noted, ["bad", "bad2"]);
    assert!(target.snapshots().unwrap()[0].is_suspect());
    change_a_byte(&tree.join("bad"));
    pair.snapshot();
    let report = to_server(&pair, &words).run(&Silent).unwrap();
    assert_eq!((report.counts().files_copied, states(&report)[1]), (1, ReplicaState::Sent));
    let last = second(&pair).join(names(&second(&pair))[1].as_str());
    assert_eq!(fs::read(last.join("bad2")).unwrap(), b"content");
    assert_eq!(inode(last.join("bad")), inode(last.join("bad2")));
}

#[test]
fn what_sftp_cannot_make_is_left_out_and_said() {
    let Some(words) = on_a_pipe() else { return };
    let pair = Pair::new();
    pair.make(&[
        Entry::file("f", "content"),
        Entry::new("fifo", EntryKind::Fifo),
        Entry::new("socket", EntryKind::Socket),
    ]);
    pair.snapshot();
    let monitor = Collecting::default();
    let report = to_server(&pair, &words).run(&monitor).unwrap();
    assert_eq!(report.status(), Status::Complete, "{:?}", report.problems());
    assert!(monitor.notices().contains(&Notice::NotMade { entries: 2 }), "{:?}", monitor.notices());
    assert_eq!(open(&pair, &words).verify().run(&Silent).unwrap().findings(), []);
}

#[test]
fn a_server_without_hard_links_is_refused_and_nothing_is_left() {
    let Ok(server) = sftp_server() else { return skip("no sftp-server") };
    let pair = Pair::new();
    pair.write("f", "content");
    pair.snapshot();
    for (denied, said) in [("hardlink", "hard links"), ("posix-rename", "in one step")] {
        let words = [server.display().to_string(), "-P".to_owned(), denied.to_owned()];
        let error = to_server(&pair, &words).run(&Silent).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoHardLinks, "{error}");
        assert!(error.to_string().contains(said), "{error}");
        assert!(!second(&pair).exists());
    }
    // One that may write nothing.
    let words = [server.display().to_string(), "-R".to_owned()];
    let error = to_server(&pair, &words).run(&Silent).unwrap_err();
    assert!(error.to_string().contains("second"), "{error}");
    assert!(!second(&pair).exists());
    // What else a server lacks costs less.
    let words = ["-P", "fsync,lsetstat,statvfs,limits,copy-data"].map(str::to_owned);
    let words = [vec![server.display().to_string()], words.to_vec()].concat();
    send(&pair, &words);
    assert_same(&pair.repository, &second(&pair));
}

#[test]
fn places_that_are_no_repository_are_refused() {
    let Some(words) = on_a_pipe() else { return };
    let pair = Pair::new();
    pair.write("f", "content");
    pair.snapshot();
    let run = |target: &Path, init: bool| {
        let ssh = Ssh::default().command(&words);
        Replicator::new(&pair.repository, address(target)).init(init).ssh(ssh).run(&Silent)
    };
    for (target, init, kind) in [
        (second(&pair), false, ErrorKind::NotARepository),
        (pair.source.clone(), true, ErrorKind::NotEmpty),
        (pair.source.join("f"), true, ErrorKind::NotEmpty),
    ] {
        let error = run(&target, init).unwrap_err();
        assert_eq!(error.kind(), kind, "{}: {error}", target.display());
    }
    assert!(!second(&pair).exists());
    let dry = to_server(&pair, &words).dry_run(true).run(&Silent).unwrap();
    assert_eq!((states(&dry), dry.counts().files_copied), (vec![ReplicaState::Sent], 1));
    assert!(!second(&pair).exists());
    fs::create_dir(second(&pair)).unwrap();
    run(&second(&pair), true).unwrap();
    assert_same(&pair.repository, &second(&pair));
}

#[test]
fn a_repository_that_can_hold_more_than_sftp_is_not_mixed_with_less() {
    let Some(words) = on_a_pipe() else { return };
    let pair = Pair::new();
    pair.write("f", "content");
    pair.snapshot();
    Repository::init(second(&pair)).unwrap();
    let error = to_server(&pair, &words).run(&Silent).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidOption, "{error}");
    assert!(names(&second(&pair)).is_empty());
    // It can be listed and restored from.
    Snapshotter::new(&pair.source, second(&pair)).run(&Silent).unwrap();
    let repository = open(&pair, &words);
    let name = repository.snapshots().unwrap()[0].name().clone();
    let back = pair.dir.join("back");
    repository.restore(&name, &RelPath::root(), &back).run(&Silent).unwrap();
    assert_eq!(fs::read(back.join("f")).unwrap(), b"content");
}

#[test]
fn a_copy_of_a_directory_on_the_way_is_no_way_out() {
    let Some(words) = on_a_pipe() else { return };
    // Names that a shell, a path or a protocol could misread.
    let pair = Pair::new();
    pair.make(&[
        Entry::directory("d"),
        Entry::file("d/a\nb", "1"),
        Entry::file("d/\u{fe}", "2"),
        Entry::file("d/-rf *", "3"),
        Entry::file(vec![b'x'; 255], "4"),
        Entry::file(b"\xff\xfe", "5"),
    ]);
    (0..2).for_each(|_| drop(pair.snapshot()));
    send(&pair, &words);
    assert_same(&pair.repository, &second(&pair));
}

/// The paths of what is left in staging.
fn staged(pair: &Pair) -> Vec<PathBuf> {
    let entries = fs::read_dir(second(pair).join(".linkdest/staging")).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn what_a_stopped_run_sent_is_taken_and_what_a_restart_may_have_lost_is_read() {
    let Some(words) = on_a_pipe() else { return };
    for restarted in [false, true] {
        let pair = Pair::new();
        for number in 0..200 {
            fs::create_dir_all(pair.source.join(format!("d{}", number % 20))).unwrap();
            pair.write(&format!("d{}/f{number}", number % 20), format!("content {number}"));
        }
        pair.snapshot();
        let stop = StopFlag::default();
        let monitor = crate::replicate_doubtful::StopAt::new(100, &stop);
        let error = to_server(&pair, &words).stop(stop).run(&monitor).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Interrupted);
        assert!(names(&second(&pair)).is_empty());
        let [left] = &staged(&pair)[..] else { panic!("{:?}", staged(&pair)) };
        if restarted {
            let record = fs::read_to_string(left.join("run.toml")).unwrap();
            let lines =
                record.lines().map(|line| if line.starts_with("boot_id") { "boot_id = ''" } else { line });
            fs::write(left.join("run.toml"), lines.collect::<Vec<_>>().join("\n")).unwrap();
            let file = walkdir::WalkDir::new(left.join("tree"))
                .into_iter()
                .map(|entry| entry.unwrap())
                .find(|entry| entry.file_type().is_file())
                .unwrap();
            change_a_byte(file.path());
        }
        let report = send(&pair, &words);
        assert!(report.counts().files_linked > 50, "{:?}", report.counts());
        assert_eq!(report.counts().files_linked + report.counts().files_copied, 200);
        assert_same(&pair.repository, &second(&pair));
        assert!(staged(&pair).is_empty());
    }
}
