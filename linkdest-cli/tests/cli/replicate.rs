//! `linkdest replicate`.

use std::fs;

use linkdest_testkit::Comparison;
use predicates::prelude::*;
use predicates::str::{contains, is_match};
use serde_json::{Value, json};

use crate::place::{Place, of_type};

/// A repository `R` with so many snapshots.
fn with_snapshots(count: usize) -> Place {
    let place = Place::with_repository();
    (0..count).for_each(|_| drop(place.run(&["snapshot", "S", "R", "-q"]).success()));
    place
}

fn snapshots_in(place: &Place, repository: &str) -> Vec<String> {
    let document = place.json(&["list", repository, "--json"]).remove(0);
    let snapshots = document["snapshots"].as_array().unwrap().iter();
    snapshots.map(|snapshot| snapshot["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn replicate_shows_sends_and_is_done() {
    let place = with_snapshots(2);
    let names = place.snapshots();
    place.run(&["replicate", "R", "T"]).code(10).stderr(contains("not a linkdest repository"));
    let before = place.inventory();
    let would = format!(
        "^send    {}    +3 sent, 0 linked, 10 B\nsend    {}.* +0 sent, 3 linked, 0 B\ndry run, nothing was written: 2 snapshots would be sent in ",
        names[0], names[1]
    );
    let told = place.run(&["replicate", "--init", "-n", "R", "T"]).success();
    told.stdout(is_match(would.replace("    +", " +")).unwrap()).stderr("");
    before.assert_unchanged(&place.inventory());
    let told = place.run(&["replicate", "R/", "T/", "--init", "--no-progress"]).success();
    told.stdout(
        contains("complete: 2 snapshots sent in ").and(contains("8 entries: 3 sent, 3 linked, 10 B")),
    )
    .stderr("");
    assert_eq!(snapshots_in(&place, "T"), names);
    let whole = Comparison::new().root_attributes(false).skip_path(".linkdest").skip_path("latest");
    whole.assert_same(&place.join("R"), &place.join("T"));
    place.run(&["verify", "T"]).success();
    place.run(&["restore", "T", "latest", "back", "-q"]).success();
    let told = place.run(&["replicate", "R", "T"]).success();
    told.stdout(contains("complete: 0 snapshots sent, 2 already there in ")).stderr("");
    place.run(&["replicate", "-q", "R", "T"]).success().stdout("").stderr("");
    // What is done with each entry.
    place.run(&["snapshot", "S", "R", "-q"]).success();
    let told = place.run(&["replicate", "-v", "R", "T"]).success();
    told.stdout(is_match(r"(?m)^link    20\S+/d/b  \(unchanged\)$").unwrap());
}

#[test]
fn replicate_tells_programs_what_it_did() {
    let place = with_snapshots(2);
    let names = place.snapshots();
    for (dry, arguments) in [
        (true, &["replicate", "--init", "R", "T", "--json", "--dry-run"][..]),
        (false, &["replicate", "--init", "R", "T", "--json"]),
    ] {
        let lines = place.json(arguments);
        let replicas = of_type(&lines, "replica");
        let told: Vec<_> = replicas
            .iter()
            .map(|one| (&one["snapshot"], &one["state"], &one["files_copied"], &one["files_linked"]))
            .collect();
        let sent = json!("sent");
        assert_eq!(
            told,
            [
                (&json!(names[0]), &sent, &json!(2), &json!(0)),
                (&json!(names[1]), &sent, &json!(0), &json!(2)),
            ]
        );
        let summary = lines.last().unwrap();
        let expected = json!({
            "message_type": "summary", "path": "T", "status": "complete", "dry_run": dry, "sent": 2, "present": 0,
            "not_kept": 0, "failed": 0, "removed": [], "entries": 8, "directories": 2, "files_linked": 2,
            "files_copied": 2, "files_cloned": 0, "other_linked": 1, "other_created": 1, "bytes_copied": 10,
            "bytes_shared": 10, "problems": 0,
        });
        for (field, value) in expected.as_object().unwrap() {
            assert_eq!(&summary[field], value, "{field}");
        }
        assert_eq!(of_type(&lines, "status").len(), 1);
    }
    let runs = place.json(&["runs", "T", "--json"]).remove(0);
    assert_eq!(runs["runs"][0]["replica_of"].as_str().map(str::len), Some(32));
    let failed = place.run(&["replicate", "R", "R", "--json"]).code(1);
    let line: Value = serde_json::from_slice(&failed.get_output().stdout).unwrap();
    assert_eq!((&line["message_type"], &line["kind"]), (&json!("error"), &json!("source_is_repository")));
}

#[test]
fn snapshots_can_be_named() {
    let place = with_snapshots(4);
    let names = place.snapshots();
    let list = format!("{},latest~3", names[2]);
    place.run(&["replicate", "--init", "-q", "--snapshots", &list, "R", "T"]).success();
    assert_eq!(snapshots_in(&place, "T"), [names[0].clone(), names[2].clone()]);
    place.run(&["replicate", "-q", "R", "T", "--snapshots", "latest"]).success();
    assert_eq!(snapshots_in(&place, "T").len(), 3);
    place
        .run(&["replicate", "-q", "R", "T", "--snapshots", "latest~9"])
        .code(2)
        .stderr(contains("no snapshot"));
    for wrong in [&["--bandwidth", "0"][..], &["--bandwidth", "fast"], &["--keep-daily", "x"], &["more"]] {
        place.run(&[&["replicate", "R", "T"], wrong].concat()).code(2);
    }
    place.run(&["replicate", "-q", "R", "T", "--bandwidth", "500M"]).success();
    assert_eq!(snapshots_in(&place, "T"), names);
}

#[test]
fn what_the_rules_remove_is_asked_for() {
    let place = with_snapshots(3);
    place.run(&["replicate", "--init", "-q", "R", "T"]).success();
    let keep = ["replicate", "R", "T", "--keep-last", "1"];
    let with = |more: &'static str| [&keep[..], &[more]].concat();
    let names = place.snapshots();
    let told = place.run(&keep).code(2).stderr(contains("--yes"));
    told.stdout(contains(format!("remove  {}", names[0])));
    assert_eq!(snapshots_in(&place, "T"), names);
    let told = place.run(&with("-n")).success();
    told.stdout(contains("2 removed").and(contains(format!("remove  {}", names[1]))));
    assert_eq!(snapshots_in(&place, "T"), names);
    place
        .run(&with("-y"))
        .success()
        .stdout(contains("complete: 0 snapshots sent, 3 already there, 2 removed"));
    assert_eq!(snapshots_in(&place, "T"), names[2..]);
    // Nothing to remove: nothing to ask.
    place.run(&keep).success().stdout(contains("2 not kept"));
    assert_eq!(place.snapshots(), names);
}

#[test]
fn problems_are_told_and_the_code_says_so() {
    let place = with_snapshots(2);
    let names = place.snapshots();
    fs::write(place.join("R").join(&names[0]).join("a"), "HELLO").unwrap();
    fs::remove_file(place.join(&format!("R/.linkdest/manifests/{}.ldm", names[1]))).unwrap();
    let told = place.run(&["replicate", "--init", "R", "T", "--no-progress"]).code(3);
    told.stdout(contains("problems: 1 snapshot sent, 1 failed").and(contains("2 problems")))
        .stderr(contains(format!("problem: {}/a: damaged", names[0])).and(contains("reindex")));
    let lock = fs::File::open(place.join("T/.linkdest/lock")).unwrap();
    lock.lock().unwrap();
    place.run(&["replicate", "R", "T"]).code(11).stderr(contains("locked"));
    place.run(&["replicate", "R", "T", "-n"]).code(3);
}
