//! Sources on a server: OpenSSH's own, on a pipe and behind a real sshd.

use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use linkdest_core::filter::FilterBuilder;
use linkdest_core::{
    Checksum, Collecting, ErrorKind, Notice, ProblemKind, Repository, Silent, SnapshotReport, Snapshotter,
    Ssh, Status,
};
use linkdest_testkit::{
    Comparison, Entry, EntryKind, Flaw, Inventory, Privileges, Sshd, every_kind_entries, is_root,
    sftp_server, skip,
};

use crate::support::{Pair, inode, path, set_mtime};

/// The address of a path here.
pub fn address(path: &Path) -> PathBuf {
    let mut text = b"sftp://far".to_vec();
    for &byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => text.push(byte),
            _ => text.extend(format!("%{byte:02x}").bytes()),
        }
    }
    std::ffi::OsString::from_vec(text).into()
}

/// A snapshotter that pulls through a program.
pub fn through(pair: &Pair, words: &[String]) -> Snapshotter {
    Snapshotter::new(address(&pair.source), &pair.repository).init(true).ssh(Ssh::default().command(words))
}

/// The words of the server on a pipe.
pub fn on_a_pipe() -> Option<Vec<String>> {
    match sftp_server() {
        Ok(server) => Some(vec![server.display().to_string()]),
        Err(reason) => {
            skip(reason);
            None
        }
    }
}

pub fn complete(snapshotter: &Snapshotter) -> SnapshotReport {
    let report = snapshotter.run(&Silent).unwrap();
    assert_eq!(report.status(), Status::Complete, "{:?}", report.problems());
    report
}

/// What SFTP can tell: no second's fractions, no times before 1970, no paths longer than a system takes.
pub fn entries_for_sftp() -> Vec<Entry> {
    let is_device =
        |kind: &EntryKind| matches!(kind, EntryKind::CharacterDevice(..) | EntryKind::BlockDevice(..));
    let mut entries = every_kind_entries(Privileges::current());
    // Holes come as zeros: a large one takes its time.
    let is_vast = |kind: &EntryKind| matches!(kind, EntryKind::Sparse(size, _) if *size > 100 << 20);
    entries.retain(|entry| entry.path.len() < 3000 && !is_device(&entry.kind) && !is_vast(&entry.kind));
    for entry in &mut entries {
        entry.mtime = (entry.mtime.0.clamp(0, i64::from(u32::MAX)), 0);
        entry.xattrs.clear();
    }
    let there: std::collections::HashSet<Vec<u8>> = entries.iter().map(|entry| entry.path.clone()).collect();
    entries.retain(|entry| match &entry.kind {
        EntryKind::HardLink(other) => there.contains(other),
        _ => true,
    });
    entries
}

fn comparison() -> Comparison {
    Comparison::new().blocks(false).hard_links(false).xattrs(|_| false)
}

/// Takes two snapshots of every kind of entry, and checks both.
fn check_every_kind(words: &[String]) {
    let pair = Pair::new();
    pair.make(&entries_for_sftp());
    set_mtime(&pair.source, 1_500_000_000, 0);
    let before = Inventory::of(&pair.source);
    let snapshotter = through(&pair, words);
    let first = complete(&snapshotter);
    comparison().assert_same(&pair.source, path(&first));
    let second = complete(&snapshotter);
    comparison().assert_same(&pair.source, path(&second));
    let counts = second.counts();
    assert_eq!((counts.files_copied, counts.other_created), (0, 0), "{counts:?}");
    assert_eq!(inode(path(&first).join("files/large")), inode(path(&second).join("files/large")));
    before.assert_unchanged(&Inventory::of(&pair.source));
}

#[test]
fn every_kind_of_entry_comes_over_a_pipe() {
    let Some(words) = on_a_pipe() else { return };
    check_every_kind(&words);
}

#[test]
fn every_kind_of_entry_comes_through_a_real_sshd() {
    match Sshd::start(Flaw::None) {
        Ok(sshd) => check_every_kind(&sshd.command()),
        Err(reason) => skip(reason),
    }
}

#[test]
fn odd_names_come_as_they_are() {
    let Some(words) = on_a_pipe() else { return };
    let pair = Pair::new();
    let long = [b'n'; 255];
    let names: [&[u8]; 8] =
        [b"\xff\xfe", b"new\nline", &long, b" ", b"%20", b"-oProxy", b"...", b"\x1b[31m red"];
    for name in names {
        pair.make(&[Entry::directory(name), Entry::file([name, b"/", name].concat(), name)]);
    }
    let report = complete(&through(&pair, &words));
    assert_eq!(report.counts().files_copied, 8);
    comparison().times(false).assert_same(&pair.source, path(&report));
}

#[test]
fn a_root_of_an_odd_name_is_found() {
    let Some(words) = on_a_pipe() else { return };
    let mut pair = Pair::new();
    pair.source = pair.dir.join(std::ffi::OsStr::from_bytes(b"so urce\n%41\xff"));
    std::fs::create_dir(&pair.source).unwrap();
    pair.write("a", "hello");
    let report = complete(&through(&pair, &words));
    assert_eq!(std::fs::read(path(&report).join("a")).unwrap(), b"hello");
    let repository = Repository::open(&pair.repository).unwrap();
    let snapshots = repository.snapshots().unwrap();
    let record = snapshots[0].record().unwrap();
    assert_eq!(record.host(), "far");
    assert!(record.source().to_str().unwrap().ends_with("/so%20urce%0A%2541%FF"), "{:?}", record.source());
}

#[test]
fn changes_are_found_and_the_rest_stays_linked() {
    let Some(words) = on_a_pipe() else { return };
    let pair = Pair::new();
    for name in ["same", "longer", "later", "sneaky", "gone"] {
        pair.write(name, "content");
        set_mtime(pair.source.join(name), 1_600_000_000, 0);
    }
    std::os::unix::fs::symlink("old", pair.source.join("link")).unwrap();
    set_mtime(pair.source.join("link"), 1_600_000_000, 0);
    let snapshotter = through(&pair, &words);
    let first = complete(&snapshotter);
    pair.write("longer", "content and more");
    pair.write("later", "tnetnoc");
    set_mtime(pair.source.join("later"), 1_600_000_001, 0);
    pair.write("sneaky", "CONTENT");
    set_mtime(pair.source.join("sneaky"), 1_600_000_000, 0);
    std::fs::remove_file(pair.source.join("gone")).unwrap();
    std::fs::remove_file(pair.source.join("link")).unwrap();
    std::os::unix::fs::symlink("new", pair.source.join("link")).unwrap();
    set_mtime(pair.source.join("link"), 1_600_000_000, 0);
    let second = complete(&snapshotter);
    let read = |report: &SnapshotReport, name: &str| std::fs::read(path(report).join(name)).unwrap();
    assert_eq!(
        (read(&second, "longer"), read(&second, "later")),
        (b"content and more".into(), b"tnetnoc".into())
    );
    assert_eq!(std::fs::read_link(path(&second).join("link")).unwrap(), Path::new("new"));
    assert!(!path(&second).join("gone").exists());
    for (name, shared) in [("same", true), ("longer", false), ("later", false), ("link", false)] {
        assert_eq!(inode(path(&first).join(name)) == inode(path(&second).join(name)), shared, "{name}");
    }
    // Size and time are all that SFTP tells: only a policy that reads finds it.
    assert_eq!(read(&second, "sneaky"), b"content");
    let third = complete(&through(&pair, &words).policy(Checksum::default()));
    assert_eq!(read(&third, "sneaky"), b"CONTENT");
}

#[test]
fn a_file_written_in_the_second_of_the_last_look_is_compared() {
    let Some(words) = on_a_pipe() else { return };
    let pair = Pair::new();
    let soon = i64::try_from(
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() + 3600,
    )
    .unwrap();
    pair.write("a", "first");
    set_mtime(pair.source.join("a"), soon, 0);
    let snapshotter = through(&pair, &words);
    complete(&snapshotter);
    pair.write("a", "other");
    set_mtime(pair.source.join("a"), soon, 0);
    let second = complete(&snapshotter);
    assert_eq!(std::fs::read(path(&second).join("a")).unwrap(), b"other");
}

#[test]
fn a_clock_that_moved_by_an_hour_stores_no_content() {
    let Some(words) = on_a_pipe() else { return };
    let pair = Pair::new();
    std::fs::create_dir(pair.source.join("d")).unwrap();
    let names: Vec<String> = (0..100).map(|number| format!("d/{number}")).collect();
    for (index, name) in names.iter().enumerate() {
        pair.write(name, name);
        set_mtime(pair.source.join(name), 1_600_000_000 + i64::try_from(index).unwrap(), 0);
    }
    let snapshotter = through(&pair, &words);
    let first = complete(&snapshotter);
    for (index, name) in names.iter().enumerate() {
        set_mtime(pair.source.join(name), 1_600_003_600 + i64::try_from(index).unwrap(), 0);
    }
    for trust in [false, true] {
        let monitor = Collecting::default();
        let report = through(&pair, &words).trust_shift(trust).run(&monitor).unwrap();
        let counts = report.counts();
        assert_eq!((counts.files_copied, counts.files_linked, counts.bytes_copied), (0, 100, 0));
        assert_eq!(monitor.notices().contains(&Notice::TimesShifted { seconds: 3600 }), !trust);
        for name in &names {
            assert_eq!(inode(path(&first).join(name)), inode(path(&report).join(name)), "{name}");
        }
        let repository = Repository::open(&pair.repository).unwrap();
        let manifest = repository.manifest(report.snapshot().unwrap()).unwrap().unwrap();
        let found = manifest.find(b"d/7", &mut linkdest_core::BlockCache::default()).unwrap().unwrap();
        assert_eq!(found.entry().metadata.mtime.seconds, 1_600_003_607);
    }
}

#[test]
fn devices_and_what_may_not_be_read_are_problems() {
    let Some(words) = on_a_pipe() else { return };
    if !is_root() {
        return skip("devices and other users need root");
    }
    let pair = Pair::new();
    pair.make(&[
        Entry::file("a", "hello"),
        Entry::new("null", EntryKind::CharacterDevice(1, 3)),
        Entry::file("secret", "secret").mode(0),
        Entry::directory("closed").mode(0),
        Entry::file("closed/b", "b"),
    ]);
    std::os::unix::fs::chown(pair.dir.path(), Some(65534), Some(65534)).unwrap();
    let as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--", &words[0]];
    let report = through(&pair, &as_nobody.map(str::to_owned)).run(&Silent).unwrap();
    let mut problems: Vec<_> =
        report.problems().iter().map(|problem| (problem.path().to_string(), problem.kind())).collect();
    problems.sort();
    let unreadable = |path: &str| (path.to_owned(), ProblemKind::Unreadable);
    assert_eq!(problems, [unreadable("closed"), unreadable("null"), unreadable("secret")]);
    assert!(report.problems().iter().any(|problem| problem.message().contains("SFTP does not tell")));
    assert_eq!(std::fs::read(path(&report).join("a")).unwrap(), b"hello");
    assert!(!path(&report).join("null").exists());
}

#[test]
fn rules_markers_and_rule_files_work_from_afar() {
    let Some(words) = on_a_pipe() else { return };
    let pair = Pair::new();
    pair.make(&[
        Entry::file("a.o", "o"),
        Entry::file("keep", "k"),
        Entry::directory("d"),
        Entry::file("d/.rules", "- *.tmp\n"),
        Entry::file("d/x.tmp", "x"),
        Entry::file("d/y", "y"),
        Entry::directory("cache"),
        Entry::file("cache/.nobackup", ""),
        Entry::file("cache/z", "z"),
    ]);
    let filter = FilterBuilder::new().exclude("*.o").rule("dir-merge .rules").build_without_files().unwrap();
    let filtering = linkdest_core::Filtering::from(filter).exclude_if_present(".nobackup");
    let report = complete(&through(&pair, &words).filter(filtering));
    let there = |name: &str| path(&report).join(name).exists();
    let names = ["keep", "d/y", "d/.rules", "a.o", "d/x.tmp", "cache/z"];
    assert_eq!(names.map(there), [true, true, true, false, false, false]);
}

#[test]
fn owners_and_modes_can_be_left_out() {
    use std::os::unix::fs::MetadataExt as _;
    let Some(words) = on_a_pipe() else { return };
    let pair = Pair::new();
    pair.make(&[Entry::file("a", "hello").mode(0o666), Entry::directory("d").mode(0o777)]);
    if is_root() {
        std::os::unix::fs::chown(pair.source.join("a"), Some(1234), Some(1234)).unwrap();
    }
    let report = complete(&through(&pair, &words).keep_modes(false).keep_owners(false));
    let stat = |name: &str| std::fs::symlink_metadata(path(&report).join(name)).unwrap();
    assert_eq!((stat("a").mode() & 0o7777, stat("d").mode() & 0o7777), (0o600, 0o700));
    assert_eq!(stat("a").uid(), std::fs::metadata(pair.dir.path()).unwrap().uid());
    let again = complete(&through(&pair, &words).keep_modes(false).keep_owners(false));
    assert_eq!(again.counts().files_linked, 1);
    let error = pair.snapshotter().keep_owners(false).run(&Silent).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidOption);
}

#[test]
fn the_same_mode_of_everything_is_made_up() {
    let Some(words) = on_a_pipe() else { return };
    let pair = Pair::new();
    pair.make(&[
        Entry::file("a", "a").mode(0o777),
        Entry::file("b", "b").mode(0o777),
        Entry::directory("d").mode(0o777),
    ]);
    let fake = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(&pair.source, fake).unwrap();
    let monitor = Collecting::default();
    let report = through(&pair, &words).run(&monitor).unwrap();
    assert!(
        monitor.notices().iter().any(|notice| matches!(notice, Notice::SourceOdd(_))),
        "{:?}",
        monitor.notices()
    );
    use std::os::unix::fs::MetadataExt as _;
    assert_eq!(std::fs::metadata(path(&report).join("a")).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn an_empty_source_and_a_missing_one_are_refused() {
    let Some(words) = on_a_pipe() else { return };
    let pair = Pair::new();
    pair.write("a", "hello");
    let snapshotter = through(&pair, &words);
    complete(&snapshotter);
    std::fs::remove_file(pair.source.join("a")).unwrap();
    assert_eq!(snapshotter.run(&Silent).unwrap_err().kind(), ErrorKind::SourceEmpty);
    std::fs::remove_dir(&pair.source).unwrap();
    assert_eq!(snapshotter.run(&Silent).unwrap_err().kind(), ErrorKind::SourceUnreadable);
    std::fs::write(&pair.source, "a file").unwrap();
    assert_eq!(snapshotter.run(&Silent).unwrap_err().kind(), ErrorKind::SourceNotADirectory);
    assert_eq!(Repository::open(&pair.repository).unwrap().snapshots().unwrap().len(), 1);
}

#[test]
fn a_server_that_refuses_is_one_clear_error() {
    for (flaw, said) in Flaw::FATAL {
        let sshd = match Sshd::start(flaw) {
            Ok(sshd) => sshd,
            Err(reason) => return skip(reason),
        };
        let pair = Pair::new();
        pair.write("a", "hello");
        let error = through(&pair, &sshd.command()).run(&Silent).unwrap_err();
        assert_eq!((error.kind(), error.kind().exit_code()), (ErrorKind::Connection, 1), "{error}");
        assert!(error.to_string().contains(said), "{error}");
        assert!(error.to_string().starts_with("sftp://far/"), "{error}");
        assert!(!pair.repository.exists(), "{flaw:?}");
    }
}

#[test]
fn a_program_that_cannot_be_started_is_named() {
    let pair = Pair::new();
    let error = through(&pair, &["/nonexistent/ssh".to_owned()]).run(&Silent).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(error.to_string().contains("/nonexistent/ssh: cannot be started"), "{error}");
    let ends = through(&pair, &["sh", "-c", "echo what happened >&2; exit 3"].map(str::to_owned));
    let error = ends.run(&Silent).unwrap_err();
    assert!(error.to_string().contains("exit status: 3): what happened"), "{error}");
    let chatty = through(&pair, &["sh", "-c", "echo Welcome to this server; cat"].map(str::to_owned));
    let error = chatty.run(&Silent).unwrap_err();
    assert!(error.to_string().contains("begins with text"), "{error}");
}
