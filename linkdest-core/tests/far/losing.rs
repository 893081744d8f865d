//! Servers that lose things: their disk, names that they list, a part of a listing, the connection at a bad time.

use std::path::Path;

use linkdest_core::filter::FilterBuilder;
use linkdest_core::{ErrorKind, Filtering, ProblemKind, SnapshotReport, Status};
use linkdest_testkit::TestDir;

use crate::changing::{complete, saved, take};
use crate::odd_server::{FILES, content, other_content};
use crate::{error_of, me, pull};

fn told(report: &SnapshotReport) -> Vec<(String, ProblemKind)> {
    report.problems().iter().map(|problem| (problem.path().to_string(), problem.kind())).collect()
}

/// Each name that was listed is "no such file" from some moment on, and the root is gone or empty.
pub fn disk_gone() {
    let dir = TestDir::new();
    for what in ["ejected", "ejected-empty"] {
        let repository = dir.join(what);
        let snapshotter = pull(Path::new("/tree"), &repository, &me(&["serve", what]));
        let error = error_of(&snapshotter, &repository);
        assert_eq!((error.kind(), error.kind().exit_code()), (ErrorKind::SourceUnreadable, 1), "{error}");
    }
}

pub fn listed_and_not_there() {
    let dir = TestDir::new();
    for (what, name) in [("unopenable", "middle"), ("unlistable", "d")] {
        let report = take(what, &dir.join(what));
        assert_eq!(report.status(), Status::Problems, "{what}");
        assert_eq!(told(&report), [(name.to_owned(), ProblemKind::Unreadable)]);
        assert_eq!(report.counts().vanished, 0);
    }
    let repository = dir.join("earlier");
    complete("full", &repository);
    let report = take("unlistable", &repository);
    assert_eq!(told(&report), [("d".to_owned(), ProblemKind::CarriedForward)]);
    assert_eq!(saved(&report, "d/c").0, content(7));
}

pub fn names_behind_the_end() {
    let dir = TestDir::new();
    let report = complete("names-behind-end", &dir.join("repository"));
    for (name, size) in FILES {
        assert_eq!(saved(&report, name).0, content(*size), "{name}");
    }
    assert!(report.path().unwrap().join("d").is_dir());
}

/// What was listed before the listing broke is new; only the rest is carried forward.
pub fn listing_breaks() {
    let dir = TestDir::new();
    let repository = dir.join("repository");
    complete("full", &repository);
    let report = take("broken-listing", &repository);
    assert_eq!(told(&report), [("d".to_owned(), ProblemKind::CarriedForward)], "{:?}", report.problems());
    let contents = ["d/a", "d/b", "d/c"].map(|name| saved(&report, name).0);
    assert_eq!(contents, [other_content(5), content(6), content(7)]);
    assert_eq!(report.counts().carried_forward, 1);
}

pub fn lost_at_a_rule_file() {
    let dir = TestDir::new();
    for ignore in [false, true] {
        let filter = FilterBuilder::new().rule("dir-merge .rules").build_without_files().unwrap();
        let filtering = Filtering::from(filter).ignore_bad_rules(ignore);
        let repository = dir.join(if ignore { "ignoring" } else { "strict" });
        let snapshotter =
            pull(Path::new("/tree"), &repository, &me(&["serve", "gone-at-rules"])).filter(filtering);
        let error = error_of(&snapshotter, &repository);
        assert_eq!((error.kind(), error.kind().exit_code()), (ErrorKind::Connection, 1), "{error}");
    }
}

pub fn no_file_system_numbers() {
    let dir = TestDir::new();
    let repository = dir.join("repository");
    let words = me(&["serve", "no-ids"]);
    let error = error_of(&pull(Path::new("/tree"), &repository, &words).one_file_system(true), &repository);
    assert_eq!(error.kind(), ErrorKind::InvalidOption, "{error}");
    complete("no-ids", &repository);
}
