//! What `snapshot` refuses or marks as suspect, and `accept`.

use std::fs;

use predicates::prelude::*;
use predicates::str::contains;
use serde_json::json;

use crate::place::{Place, json_lines, of_type};

/// A repository with a snapshot of more files than are nothing to wonder at.
fn with_many() -> Place {
    let place = Place::with_repository();
    for number in 0..1200 {
        place.add(format!("{number}"), &format!("content {number}"));
    }
    place.run(&["snapshot", "S", "R", "-q"]).success();
    place
}

fn lose_most(place: &Place) {
    for number in 0..1100 {
        fs::remove_file(place.join("S").join(number.to_string())).unwrap();
    }
}

#[test]
fn an_empty_source_needs_to_be_allowed() {
    let place = Place::with_repository();
    place.run(&["snapshot", "S", "R", "-q"]).success();
    fs::rename(place.join("S"), place.join("away")).unwrap();
    fs::create_dir(place.join("S")).unwrap();
    place.run(&["snapshot", "S", "R", "-n"]).code(1).stderr(contains("--allow-empty"));
    let refused = place.run(&["snapshot", "S", "R", "--json"]).code(1);
    let lines = json_lines(&refused.get_output().stdout);
    let error = of_type(&lines, "error")[0];
    assert_eq!((&error["kind"], &error["exit_code"]), (&json!("source_empty"), &json!(1)));
    assert_eq!(place.snapshots().len(), 1);
    place.run(&["snapshot", "S", "R", "--allow-empty"]).success();
    assert_eq!(place.snapshots().len(), 2);
}

#[test]
fn a_suspect_snapshot_is_told_and_accepted() {
    let place = with_many();
    lose_most(&place);
    let before = place.inventory();
    let planned = place.run(&["snapshot", "S", "R", "-n", "--json"]).code(3);
    let lines = json_lines(&planned.get_output().stdout);
    assert_eq!(of_type(&lines, "summary")[0]["suspect"], json!(true));
    before.assert_unchanged(&place.inventory());
    // Also where only problems are told.
    let run = place.run(&["snapshot", "S", "R", "-q"]).code(3).stdout("");
    run.stderr(contains("suspect: 1100 of the 1204 entries"));
    let names = place.snapshots();
    let shown = place.run(&["snapshot", "S", "R"]).code(3);
    shown.stdout(contains("complete, suspect").and(contains("linkdest accept R ")));
    let list = || place.json(&["list", "R", "--json"])[0]["snapshots"].clone();
    let suspect = |index: usize| list()[index]["suspect"].clone();
    assert_eq!([suspect(0), suspect(1), suspect(2)], [json!(false), json!(true), json!(true)]);
    place.run(&["list", "R"]).success().stdout(contains("complete, suspect"));
    let kept = place.run(&["forget", "R", "--keep-last", "1", "-n"]).success();
    kept.stdout(contains(format!("keep    {}", names[0])).and(contains("nothing to remove")));

    let before = place.inventory();
    place.run(&["accept", "R", "latest", "-n"]).success().stdout(contains("would be accepted"));
    before.assert_unchanged(&place.inventory());
    let told = place.json(&["accept", "R", "latest", "--json"]);
    assert_eq!((&told[0]["changed"], &told[0]["dry_run"]), (&json!(true), &json!(false)));
    assert!(told[0]["suspect_reasons"][0].as_str().unwrap().contains("1100"));
    place.run(&["accept", "R", "latest"]).success().stdout(contains("is not suspect")).stderr("");
    assert_eq!(suspect(2), json!(false));
    place.run(&["snapshot", "S", "R"]).success();
    let kept = place.run(&["forget", "R", "--keep-last", "1", "-n"]).success();
    kept.stdout(contains(format!("remove  {}", names[0])));
    place.run(&["accept", "R", "2000-01-01T000000Z"]).code(2);
    place.run(&["accept", "S", "latest"]).code(10);
}

#[test]
fn how_much_is_a_mass_can_be_set() {
    let place = with_many();
    lose_most(&place);
    for (share, code) in [("off", 0), ("95", 0), ("90%", 3), ("0", 3)] {
        place.run(&["snapshot", "S", "R", "-nq", "--mass-change", share]).code(code);
    }
    for wrong in ["101", "-1", "half", ""] {
        place.run(&["snapshot", "S", "R", "--mass-change", wrong]).code(2).stdout("");
    }
    assert_eq!(place.snapshots().len(), 1);
}

#[test]
fn another_repository_is_refused_before_anything_is_written() {
    let place = Place::new();
    let made = place.json(&["init", "R", "--json"]);
    let id = made[0]["id"].as_str().unwrap().to_owned();
    place.run(&["init", "other"]).success().stdout(contains("its id is "));
    let before = place.inventory();
    for repository in ["other", "absent"] {
        for arguments in [&["--init"][..], &[], &["-n"]] {
            let typed = [&["snapshot", "S", repository, "--repository-id", &id], arguments].concat();
            place.run(&typed).code(10).stdout("").stderr(contains("mounted"));
        }
    }
    before.assert_unchanged(&place.inventory());
    place.run(&["snapshot", "S", "R", "--repository-id", &id]).success();
}

#[test]
fn space_that_must_stay_free_stays_free() {
    let place = Place::with_repository();
    place
        .run(&["snapshot", "S", "R", "-n", "--reserve", "1000000G"])
        .success()
        .stderr(contains("too little space"));
    let refused = place.run(&["snapshot", "S", "R", "--json", "--reserve", "1000000G"]).code(1);
    refused.stderr(contains("forget --free-space")).stdout(contains("\"no_space\""));
    assert_eq!(place.snapshots().len(), 0);
    place.run(&["snapshot", "S", "R", "--reserve", "much"]).code(2);
    place.run(&["snapshot", "S", "R", "--reserve", "1M"]).success();
    // Where nothing is copied, nothing is taken.
    place.run(&["snapshot", "S", "R", "--reserve", "1000000G"]).success();
}
