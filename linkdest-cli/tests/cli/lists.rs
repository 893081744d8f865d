//! `linkdest list`, `--help`, `--version`, colours, and readers that go away.

use std::io::pipe;

use predicates::prelude::*;
use predicates::str::{contains, is_match};

use crate::place::Place;

#[test]
fn an_empty_repository_has_nothing_to_list() {
    let place = Place::with_repository();
    place.run(&["list", "R"]).success().stdout("").stderr("linkdest: note: there are no snapshots yet\n");
    place.run(&["list", "R", "-q"]).success().stdout("").stderr("");
    place.run(&["list", "R", "--json"]).success().stdout("{\"snapshots\":[]}\n").stderr("");
}

#[test]
fn snapshots_are_listed_the_oldest_first() {
    let place = Place::with_repository();
    for _ in 0..2 {
        place.run(&["snapshot", "S", "R", "-q"]).success();
    }
    std::fs::remove_file(place.join("R/.linkdest/runs").join(format!("{}.toml", place.snapshots()[0])))
        .unwrap();
    let row = r"\d{4}-\d\d-\d\dT\d{6}Z(-\d\d)? +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +\d+ s  complete +";
    let head = "SNAPSHOT +STARTED +AGE +STATUS +ENTRIES +SIZE +NEW +PROBLEMS";
    let table = format!(r"^{head}\n{row}- +- +- +-\n{row}4 +10 B +0 B +0\n$");
    place.run(&["list", "R/"]).success().stdout(is_match(table).unwrap());
}

#[test]
fn colour_is_for_terminals_unless_asked_for() {
    let place = Place::with_repository();
    place.run(&["snapshot", "S", "R", "-q"]).success();
    place.run(&["list", "R"]).success().stdout(contains("\x1b").not());
    place.run(&["list", "R", "--color", "always"]).success().stdout(contains("\x1b[32mcomplete\x1b[0m"));
    place.run(&["--color=always", "list", "absent"]).code(10).stderr(contains("\x1b["));
    place.run(&["--color=never", "list", "absent"]).code(10).stderr(contains("\x1b[").not());
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = Place::with_repository();
    for arguments in [
        &["snapshot", "S", "R"][..],
        &["snapshot", "S", "R", "--json"],
        &["snapshot", "S", "R", "-n"],
        &["list", "R"],
        &["list", "R", "--json"],
        &["ls", "R", "latest"],
        &["diff", "R", "latest"],
        &["find", "R", "*"],
        &["usage", "R"],
        &["runs", "R"],
        &["filter", "list", "S"],
        &["filter", "explain", "S", "a"],
        &["snapshot", "--help"],
        &["--version"],
    ] {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let output = place.linkdest(arguments).stdout(writer).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
    }
    assert_eq!(place.snapshots().len(), 2);
}

#[test]
fn help_is_short_or_long() {
    let place = Place::new();
    let version = format!("linkdest {}\n", env!("CARGO_PKG_VERSION"));
    place.run(&["--version"]).success().stdout(version).stderr("");
    for command in [
        &["init"][..],
        &["snapshot"],
        &["list"],
        &["ls"],
        &["diff"],
        &["find"],
        &["usage"],
        &["verify"],
        &["reindex"],
        &["adopt"],
        &["runs"],
        &["restore"],
        &["filter"],
        &["filter", "list"],
        &["filter", "explain"],
        &["filter", "check"],
    ] {
        place
            .run(&[command, &["-h"]].concat())
            .success()
            .stdout(contains("Usage: ").and(contains("Exit status:").not()));
        place.run(&[command, &["--help"]].concat()).success().stdout(contains("Exit status:"));
    }
    place.run(&["--help"]).success().stdout(contains("Exit status:").and(contains("Examples:")));
    place.run(&[]).code(2).stderr(contains("Usage: linkdest"));
}
