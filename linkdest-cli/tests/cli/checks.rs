//! `linkdest verify` and `linkdest reindex`.

use std::fs;

use predicates::prelude::*;
use predicates::str::{contains, is_match};
use serde_json::json;

use crate::place::{Place, json_lines, of_type};

fn with_snapshots(count: usize) -> Place {
    let place = Place::with_repository();
    (0..count).for_each(|_| drop(place.run(&["snapshot", "S", "R", "-q"]).success()));
    place
}

/// Changes the bytes of `a` in a snapshot.
fn spoil(place: &Place, snapshot: &str) {
    fs::write(place.join("R").join(snapshot).join("a"), "hallo").unwrap();
}

fn manifest(place: &Place, snapshot: &str) -> std::path::PathBuf {
    place.join("R/.linkdest/manifests").join(format!("{snapshot}.ldm"))
}

#[test]
fn sound_snapshots_have_no_differences() {
    let place = with_snapshots(2);
    let summary = r"^2 snapshots checked, 8 entries in \d+\.\d s: no differences\n  2 files read, 10 B\n$";
    place.run(&["verify", "R"]).success().stdout(is_match(summary).unwrap()).stderr("");
    place.run(&["verify", "R/", "-q"]).success().stdout("").stderr("");
    place.run(&["-q", "verify", "R", "latest"]).success();
    place.run(&["verify", "R", "2001-01-01T000000Z"]).code(2);
    place.run(&["verify", "absent"]).code(10);
    place.run(&["verify", "R", "--sample", "0%"]).code(2).stderr(contains("at most 100%"));
    let lines = place.json(&["verify", "R", "--json"]);
    let summary = of_type(&lines, "summary")[0];
    for (field, value) in [
        ("snapshots", json!(2)),
        ("entries", json!(8)),
        ("files_read", json!(2)),
        ("bytes_read", json!(10)),
        ("findings", json!(0)),
        ("problems", json!(0)),
        ("without_manifest", json!([])),
        ("resumed", json!(false)),
        ("damage_noted", json!(true)),
    ] {
        assert_eq!(summary[field], value, "{field}");
    }
    assert!(summary["duration_s"].as_f64().unwrap() >= 0.0);
}

#[test]
fn differences_are_told_with_all_their_names() {
    let place = with_snapshots(2);
    let names = place.snapshots();
    spoil(&place, &names[0]);
    let line = format!("{}/a: content: tampering: its bytes are not those that were saved", names[0]);
    let other = format!("the same file is {}/a\n", names[1]);
    place.run(&["verify", "R", "-q"]).code(4).stdout(contains(line).and(contains(other))).stderr("");
    let output = place.run(&["verify", "R", "--json"]).code(4).get_output().stdout.clone();
    let lines = json_lines(&output);
    let finding = of_type(&lines, "finding")[0];
    assert_eq!((&finding["kind"], &finding["cause"]), (&json!("content"), &json!("tampering")));
    assert_eq!((&finding["snapshot"], &finding["path"]), (&json!(names[0]), &json!("a")));
    assert_eq!(finding["shared"], json!([{"snapshot": names[1], "path": "a"}]));
    assert_eq!(lines.last().unwrap()["findings"], json!(1));
    place.run(&["snapshot", "S", "R", "-q"]).success();
    assert_eq!(fs::read_to_string(place.join("R/latest/a")).unwrap(), "hello");
}

#[test]
fn a_missing_manifest_is_a_note_and_made_anew() {
    let place = with_snapshots(2);
    let names = place.snapshots();
    fs::remove_file(manifest(&place, &names[0])).unwrap();
    fs::write(manifest(&place, &names[1]), "no manifest").unwrap();
    place
        .run(&["verify", "R", "-q"])
        .code(4)
        .stdout(contains(format!(".linkdest/manifests/{}.ldm: the manifest is damaged", names[1])));
    place
        .run(&["verify", "R", &names[0]])
        .success()
        .stderr(contains("has no manifest").and(contains("`reindex`")));

    let before = place.inventory();
    let would = format!(
        "{}: would be indexed, its manifest is missing\n{}: would be indexed, its manifest is damaged\n",
        names[0], names[1]
    );
    place.run(&["reindex", "R", "-n"]).success().stdout(contains(would)).stderr("");
    before.assert_unchanged(&place.inventory());
    let lines = place.json(&["reindex", "R", "--json"]);
    let made: Vec<_> =
        of_type(&lines, "reindexed").iter().map(|line| (&line["snapshot"], &line["reason"])).collect();
    assert_eq!(made, [(&json!(names[0]), &json!("missing")), (&json!(names[1]), &json!("damaged"))]);
    let summary = lines.last().unwrap();
    assert_eq!(
        (&summary["snapshots"], &summary["bytes_read"], &summary["dry_run"]),
        (&json!(2), &json!(10), &json!(false))
    );
    place.run(&["verify", "R", "-q"]).success();
    place.run(&["reindex", "R"]).success().stdout(contains("0 snapshots indexed"));
    place.run(&["reindex", "R", "latest", "-q"]).success().stdout("");
}

#[test]
fn a_locked_repository_can_be_checked_and_not_indexed() {
    let place = with_snapshots(1);
    let lock = fs::File::create(place.join("R/.linkdest/lock")).unwrap();
    lock.lock().unwrap();
    place.run(&["verify", "R", "-q"]).success();
    place.run(&["reindex", "R"]).code(11);
    place.run(&["reindex", "R", "-n"]).success();
}
