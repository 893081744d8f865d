//! Directories that are listed once more, instead of looking at each file that was read of them.

use std::path::Path;
use std::time::Duration;

use linkdest_core::{Silent, SnapshotReport, Status};
use linkdest_testkit::TestDir;

use crate::changing::{complete, saved, take};
use crate::odd_server::{EACH, FILES, LATER, MANY, THEN, content, many, other_content};
use crate::{me, pull};

/// What SFTP calls requests.
const OPEN: usize = 3;
const CLOSE: usize = 4;
const READ: usize = 5;
const LSTAT: usize = 7;
const OPENDIR: usize = 11;
const READDIR: usize = 12;
/// What is looked at alone: four files are too few to list their directory for, and the other one does not list itself.
const ALONE: usize = FILES.len() + 1;

/// Says that all files are there that were to be, the one aside.
fn check_others(report: &SnapshotReport) {
    for (name, size) in FILES {
        assert!(saved(report, name).0 == content(*size), "{name}");
    }
    for name in many().iter().filter(|name| *name != "07") {
        assert_eq!(saved(report, &format!("d/{name}")), (content(EACH), i64::from(THEN)), "{name}");
    }
}

/// Takes a snapshot; returns how often the server was asked for each kind of thing.
fn counted(what: &str) -> Vec<usize> {
    let dir = TestDir::new();
    let note = dir.join("note");
    let words = me(&["serve", what, note.to_str().unwrap()]);
    let report = pull(Path::new("/tree"), &dir.join("repository"), &words).run(&Silent).unwrap();
    assert_eq!(report.status(), Status::Complete, "{:?}", report.problems());
    check_others(&report);
    assert_eq!(saved(&report, "d/07").0, content(EACH));
    // It is written when the server ends, which nobody waits for very long.
    while !note.exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let text = std::fs::read_to_string(&note).unwrap();
    text.split(' ').map(|count| count.parse().unwrap()).take(20).collect()
}

pub fn few_requests() {
    let asked = counted("lists-afresh");
    let files = MANY + FILES.len();
    assert_eq!(asked[OPEN], files, "{asked:?}");
    // The root when it is connected to and when it is read, the directory in it, and that once more: one part without the end.
    assert_eq!((asked[OPENDIR], asked[READDIR]), (4, 7), "{asked:?}");
    assert_eq!(asked[CLOSE], files + 4, "{asked:?}");
    assert!(asked[READ] >= files && asked[READ] <= files + 30, "{asked:?}");
    assert_eq!(asked[LSTAT], ALONE, "{asked:?}");
}

/// A file is replaced right after it was read: the listing tells, and it is read anew.
pub fn changed() {
    let dir = TestDir::new();
    let report = complete("lists-changed", &dir.join("repository"));
    check_others(&report);
    assert_eq!(saved(&report, "d/07"), (other_content(EACH), i64::from(LATER)));
}

/// A server that answers what comes later before a read: the listing must not be asked for yet.
pub fn asked_for_too_early() {
    let dir = TestDir::new();
    let report = complete("lists-late", &dir.join("repository"));
    check_others(&report);
    assert_eq!(saved(&report, "d/07"), (other_content(EACH), i64::from(LATER)));
}

pub fn gone() {
    let dir = TestDir::new();
    let report = take("lists-gone", &dir.join("repository"));
    check_others(&report);
    assert!(!report.path().unwrap().join("d/07").exists());
    assert_eq!((report.problems().len(), report.counts().vanished), (0, 1), "{:?}", report.problems());
}

/// The second listing is refused, or has fewer names in each part than others have.
pub fn not_told() {
    let alone = counted("lists-once");
    assert_eq!((alone[OPENDIR], alone[LSTAT]), (4, MANY + ALONE), "{alone:?}");
    let few = counted("lists-few");
    assert_eq!(few[LSTAT], MANY - 7 + ALONE, "{few:?}");
}
