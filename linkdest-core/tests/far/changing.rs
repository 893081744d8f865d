//! Sources that change while they are read: what is saved is one version, with its own stamps, or a problem.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use linkdest_core::{ProblemKind, Silent, SnapshotReport, Status};
use linkdest_testkit::{TestDir, sftp_server, skip};

use crate::odd_server::{LATER, content, other_content, replaced_size};
use crate::{me, pull};

/// Takes a snapshot of `/tree` on an odd server.
pub fn take(what: &str, repository: &Path) -> SnapshotReport {
    pull(Path::new("/tree"), repository, &me(&["serve", what])).run(&Silent).unwrap()
}

pub fn complete(what: &str, repository: &Path) -> SnapshotReport {
    let report = take(what, repository);
    assert_eq!(report.status(), Status::Complete, "{what}: {:?}", report.problems());
    report
}

/// The bytes of a file in a snapshot, and its modification time.
pub fn saved(report: &SnapshotReport, name: &str) -> (Vec<u8>, i64) {
    let path = report.path().unwrap().join(name);
    (std::fs::read(&path).unwrap(), std::fs::metadata(path).unwrap().mtime())
}

pub fn replaced_while_read() {
    let dir = TestDir::new();
    for what in ["replaced-shorter", "replaced-equal", "replaced-longer"] {
        let report = complete(what, &dir.join(what));
        let (bytes, mtime) = saved(&report, "large");
        assert!(bytes == other_content(replaced_size(what)), "{what}: {} bytes", bytes.len());
        assert_eq!(mtime, i64::from(LATER), "{what}");
    }
}

/// The listing found it empty; it was written, read, and replaced by something shorter.
pub fn read_early_and_replaced() {
    let dir = TestDir::new();
    let report = complete("grows", &dir.join("repository"));
    assert_eq!(saved(&report, "small"), (other_content(50), i64::from(LATER)));
}

pub fn looked_at_before_it_was_read() {
    let dir = TestDir::new();
    let report = complete("late-look", &dir.join("repository"));
    assert_eq!(saved(&report, "small"), (other_content(10), i64::from(LATER)));
}

pub fn ended_early() {
    let dir = TestDir::new();
    for (what, name, size) in [("early-end", "large", 700_000), ("early-end-small", "middle", 70_000)] {
        let first = take(what, &dir.join("new"));
        assert_eq!(first.status(), Status::Problems);
        let told: Vec<_> = first.problems().iter().map(|one| (one.path().to_string(), one.kind())).collect();
        assert_eq!(told, [(name.to_owned(), ProblemKind::Unreadable)], "{what}");
        let said = format!("ends it after 1000 of its {size} bytes");
        assert!(first.problems()[0].message().contains(&said), "{:?}", first.problems());
        assert!(!first.path().unwrap().join(name).exists());
        std::fs::remove_dir_all(dir.join("new")).unwrap();

        let repository = dir.join(what);
        complete("honest", &repository);
        let second = take(what, &repository);
        let told: Vec<_> = second.problems().iter().map(|one| one.kind()).collect();
        assert_eq!(told, [ProblemKind::CarriedForward], "{what}");
        assert_eq!(saved(&second, name).0, content(size), "{what}");
    }
}

/// Finds a name in what killed runs left.
fn left(repository: &Path, name: &str) -> Option<PathBuf> {
    let mut todo = vec![repository.join(".linkdest/staging")];
    while let Some(dir) = todo.pop() {
        for entry in std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.ends_with(name) {
                return Some(entry);
            }
            todo.extend(entry.is_dir().then_some(entry));
        }
    }
    None
}

/// The connection ends after a file was copied, which is written once more in the same second: the next run must not take
/// the first version from what is left.
pub fn left_in_the_second_it_was_written() {
    let server = match sftp_server() {
        Ok(server) => server.display().to_string(),
        Err(reason) => return skip(reason),
    };
    let dir = TestDir::new();
    let (source, repository) = (dir.join("source"), dir.join("repository"));
    std::fs::create_dir(&source).unwrap();
    let soon = std::time::SystemTime::now() + std::time::Duration::from_secs(3600);
    let write = |content: &str| {
        let file = std::fs::File::create(source.join("a")).unwrap();
        std::io::Write::write_all(&mut &file, content.as_bytes()).unwrap();
        file.set_modified(soon).unwrap();
    };
    write("first");
    std::fs::write(source.join("z"), content(3_000_000)).unwrap();
    let words = me(&["cut", "1000000", &server]);
    pull(&source, &repository, &words).run(&Silent).unwrap_err();
    assert_eq!(std::fs::read(left(&repository, "a").unwrap()).unwrap(), b"first");
    assert_eq!(left(&repository, "z"), None, "a half-written file is left");
    write("other");
    let report = pull(&source, &repository, &[server]).run(&Silent).unwrap();
    assert_eq!(report.status(), Status::Complete);
    assert_eq!(saved(&report, "a").0, b"other");
}
