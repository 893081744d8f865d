//! `linkdest expunge`.

use predicates::prelude::*;
use predicates::str::contains;
use serde_json::json;

use crate::place::Place;

/// Two snapshots of a source with a secret that has two names.
fn place() -> (Place, Vec<String>) {
    let place = Place::with_repository();
    std::fs::create_dir(place.join("S/e")).unwrap();
    std::fs::write(place.join("S/e/secret\n"), "password").unwrap();
    std::fs::hard_link(place.join("S/e/secret\n"), place.join("S/zlink")).unwrap();
    for _ in 0..2 {
        place.run(&["snapshot", "S", "R", "-q"]).success();
    }
    let names = place.snapshots();
    (place, names)
}

#[test]
fn it_shows_asks_and_expunges() {
    let (place, names) = place();
    let before = place.inventory();
    let line = |action: &str, name: &str, path: &str| format!("{action}  {name}  {path}");
    let plan = [
        line("remove", &names[0], "e/secret\\x0a\n"),
        line("remove", &names[1], "e/secret\\x0a\n"),
        line("keep  ", &names[0], "zlink  (the same inode; --links)\n"),
        line("keep  ", &names[1], "zlink  (the same inode; --links)\n"),
    ];
    let plan = plan.concat();
    let shown = place.run(&["expunge", "R", "e/secret\n", "-n"]).success().stderr("");
    shown.stdout(plan.clone() + "2 entries would be expunged\n");
    let refused = place.run(&["expunge", "R", "/e//secret\n"]).code(2);
    refused.stdout(contains(plan.as_str())).stderr(contains("--yes"));
    before.assert_unchanged(&place.inventory());
    place.run(&["expunge", "-y", "R", "e"]).success().stdout(contains("2 entries expunged"));
    assert!(!place.join("R").join(&names[0]).join("e").exists());
    place.run(&["expunge", "-y", "R", "e"]).success().stderr(contains("expunged before"));
    place
        .run(&["verify", "R"])
        .success()
        .stdout(contains("no differences").and(contains("2 entries expunged")));
    place.run(&["find", "R", "--versions", "e/secret\n"]).success().stdout(contains("e/  expunged  "));
    let listed = place.run(&["ls", "R", "latest:e"]).code(2);
    listed.stderr(contains("was expunged from the snapshot"));
    place.run(&["restore", "R", "latest:e", "T"]).code(2).stderr(contains("was expunged"));
    place.run(&["snapshot", "S", "R", "-q"]).success();
    let diff = place.run(&["diff", "R", "latest~1"]).success();
    diff.stdout(contains("expunged    e/  (from the first snapshot)\n"));
    place.run(&["expunge", "-y", "R", "none"]).code(2).stderr(contains("no snapshot has none"));
    place.run(&["expunge", "-y", "R", ".."]).code(2);
    place.run(&["expunge", "-y", "R", "/"]).code(2).stderr(contains("delete"));
    place.run(&["expunge", "-y", "S", "e"]).code(10);
}

#[test]
fn programs_are_told_what_it_did() {
    let (place, names) = place();
    let arguments = ["expunge", "R", "zlink", "--links", "--snapshot", "latest", "--json"];
    let entry = |path: &str| json!({"snapshot": names[1], "path": path, "kind": "file"});
    let mut expected = json!({
        "expunged": [entry("zlink"), entry("e/secret\n")], "other_names": [], "dry_run": true
    });
    assert_eq!(place.json(&[&arguments[..], &["-n"]].concat()), [expected.clone()]);
    expected["dry_run"] = json!(false);
    assert_eq!(place.json(&[&arguments[..], &["--yes"]].concat()), [expected]);
    assert!(place.join("R").join(&names[0]).join("zlink").exists());
    assert!(!place.join("R").join(&names[1]).join("zlink").exists());
    let changes = place.json(&["diff", "R", &names[0], "--json"]);
    let changes: Vec<_> = changes.iter().map(|one| (one["path"].as_str().unwrap(), &one["change"])).collect();
    assert_eq!(changes, [("e/secret\n", &json!("expunged")), ("zlink", &json!("expunged"))]);
    let found = place.json(&["find", "R", "zlink", "--json"]);
    let found: Vec<_> = found.iter().map(|one| (&one["expunged"], &one["snapshots"])).collect();
    assert_eq!(found, [(&json!(false), &json!([names[0]])), (&json!(true), &json!([names[1]]))]);
    let verified = place.json(&["verify", "R", "--json"]);
    assert_eq!(verified.last().unwrap()["expunged"], 2);
}
