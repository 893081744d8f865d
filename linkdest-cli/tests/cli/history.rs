//! `linkdest diff`, `find`, `ls` and `usage`.

use std::fs;

use predicates::prelude::*;
use predicates::str::{contains, is_match};
use serde_json::json;

use crate::place::Place;

/// Two snapshots with a few changes between them, and their names.
fn changed() -> (Place, Vec<String>) {
    let place = Place::with_repository();
    place.run(&["snapshot", "S", "R", "-q"]).success();
    fs::rename(place.join("S/a"), place.join("S/z\x1b")).unwrap();
    fs::write(place.join("S/d/b"), "other bytes").unwrap();
    place.add(b"\xff", "new");
    place.run(&["snapshot", "S", "R", "-q"]).success();
    let names = place.snapshots();
    (place, names)
}

#[test]
fn a_diff_has_a_line_for_each_change() {
    let (place, names) = changed();
    let told = "attributes  ./  (time)\ncontent     d/b\nrenamed     z\\x1b  (from a)\nadded       \\xff\n";
    for to in [
        &["diff", "R", "latest~1"][..],
        &["diff", "R/", &names[0], "latest"],
        &["diff", "R", &names[0], &names[1]],
    ] {
        place.run(to).success().stdout(told).stderr("");
    }
    let back = place.run(&["diff", "R", "latest", "latest~1"]).success();
    back.stdout(contains("renamed     a  (from z\\x1b)\n").and(contains("removed     \\xff\n")));
    place.run(&["diff", "R", "latest"]).success().stdout("");
}

#[test]
fn a_diff_in_json() {
    let (place, _) = changed();
    let lines = place.json(&["diff", "R", "latest~1", "--json"]);
    let told: Vec<_> =
        lines.iter().map(|line| (line["path"].as_str().unwrap(), line["change"].as_str().unwrap())).collect();
    assert_eq!(told, [(".", "attributes"), ("d/b", "content"), ("z\x1b", "renamed"), ("\u{fffd}", "added")]);
    assert_eq!((&lines[2]["from"], lines[1].get("from")), (&json!("a"), None));
    assert_eq!((&lines[3]["path_b64"], lines[2].get("path_b64")), (&json!("/w=="), None));
    assert_eq!((&lines[0]["aspects"], &lines[0]["after"]), (&json!(["time"]), &json!("directory")));
}

#[test]
fn a_snapshot_that_is_not_there_is_an_error_of_usage() {
    let (place, names) = changed();
    for arguments in [
        &["diff", "R", "latest~2"][..],
        &["diff", "R", "latest", "2001-01-01"],
        &["ls", "R", "nothing:a"],
        &["usage", "R", "nothing"],
    ] {
        place.run(arguments).code(2).stdout("").stderr(contains(&names[0]).and(contains(&names[1])));
    }
    place.run(&["ls", "R", "latest:nothing"]).code(2).stderr(contains("nothing: there is no such entry"));
    place.run(&["ls", "R", "latest:../x"]).code(2);
    let lines = json_error(&place, &["diff", "R", "nothing", "--json"]);
    assert_eq!((&lines["kind"], &lines["exit_code"]), (&json!("no_such_snapshot"), &json!(2)));
    place.run(&["diff", "S", "latest"]).code(10);
    fs::remove_file(place.join("R/.linkdest/manifests").join(format!("{}.ldm", names[0]))).unwrap();
    place.run(&["diff", "R", "latest~1"]).code(1).stderr(contains("reindex"));
}

fn json_error(place: &Place, arguments: &[&str]) -> serde_json::Value {
    let assert = place.run(arguments);
    crate::place::json_lines(&assert.get_output().stdout).remove(0)
}

#[test]
fn a_snapshot_is_listed() {
    let (place, names) = changed();
    place.run(&["ls", "R", "latest~1"]).success().stdout("a\nd/\nlink\n").stderr("");
    place.run(&["ls", "R", "latest~1", "-R"]).success().stdout("a\nd/\nd/b\nlink\n");
    place.run(&["ls", "R", "latest:d/"]).success().stdout("d/b\n");
    place.run(&["ls", "R", &format!("R/{}/d/b", names[0])]).success().stdout("d/b\n");
    place.run(&["ls", "--print0", "R", "latest"]).success().stdout(&b"d/\0link\0z\x1b\0\xff\0"[..]);
    let long = r"^-rw-r--r-- +\d+ +\d+ +5  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d  a\ndrwx.*  d/\nlrwxrwxrwx .*  link -> a\n$";
    place.run(&["ls", "-l", "R", "latest~1"]).success().stdout(is_match(long).unwrap());
    let lines = place.json(&["ls", "--json", "R", "latest~1"]);
    assert_eq!(
        (&lines[0]["path"], &lines[0]["kind"], &lines[0]["size"]),
        (&json!("a"), &json!("file"), &json!(5))
    );
    assert_eq!((&lines[2]["target"], &lines[0]["content"].as_str().unwrap().len()), (&json!("a"), &64));
    fs::remove_dir_all(place.join("R/.linkdest/manifests")).unwrap();
    place.run(&["ls", "R", "latest~1", "-R"]).success().stdout("a\nd/\nd/b\nlink\n");
}

#[test]
fn paths_are_found_with_their_versions() {
    let (place, names) = changed();
    let found = format!(r"^d/b  5 B  .*  {}\nd/b  11 B  .*  {}\n$", names[0], names[1]);
    place.run(&["find", "R", "b"]).success().stdout(is_match(&found).unwrap());
    place.run(&["find", "R", "--versions", "/d/b"]).success().stdout(is_match(&found).unwrap());
    place.run(&["find", "R", "/link"]).success().stdout(contains(format!("{}, {}\n", names[0], names[1])));
    place.run(&["find", "R", "--print0", "?"]).success().stdout(&b"a\0d\0d/b\0\xff\0"[..]);
    place.run(&["find", "R", "nothing"]).success().stdout("").stderr("linkdest: note: nothing was found\n");
    let lines = place.json(&["find", "R", "--json", "--versions", "d/b"]);
    assert_eq!((&lines[0]["snapshots"], &lines[1]["size"]), (&json!([names[0]]), &json!(11)));
    assert_eq!(place.json(&["find", "R", "--json", "nothing"]).len(), 0);
    for wrong in [
        &["find", "R"][..],
        &["find", "R", ""],
        &["find", "R", "a", "--versions", "a"],
        &["find", "R", "--versions", "../a"],
    ] {
        place.run(wrong).code(2);
    }
}

#[test]
fn usage_is_a_table_or_a_document() {
    let (place, names) = changed();
    let size = r" +\d+(\.\d)? (B|KiB)";
    let table = format!(
        r"^SNAPSHOT +SIZE +NEW +FREED\n{}{size}{size}{size}\n{}{size}{size}{size}\n$",
        names[0], names[1]
    );
    place.run(&["usage", "R"]).success().stdout(is_match(&table).unwrap());
    let both = [&["usage", "R"][..], &[&names[0], "latest"]].concat();
    place.run(&both).success().stdout(contains("all of them together"));
    let document = place.json(&["usage", "R", "--json", "latest~1"]).remove(0);
    assert_eq!(document["snapshots"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&document["snapshots"][0]["name"], &document["snapshots"][0]["bytes"]),
        (&json!(names[0]), &json!(10))
    );
    assert_eq!(document["snapshots"][0]["freed_bytes"], document["freed_bytes"]);
    let empty = Place::with_repository();
    empty.run(&["usage", "R"]).success().stdout("").stderr(contains("no snapshots yet"));
}

#[test]
fn reading_changes_nothing() {
    let (place, _) = changed();
    let before = place.inventory();
    for arguments in
        [&["diff", "R", "latest~1"][..], &["ls", "-R", "R", "latest"], &["find", "R", "*"], &["usage", "R"]]
    {
        place.run(arguments).success();
    }
    before.assert_unchanged(&place.inventory());
}

#[test]
fn a_day_is_that_of_the_clock_on_the_wall() {
    let place = Place::with_repository();
    for name in ["2026-11-19T233000Z", "2026-11-20T120000Z"] {
        fs::create_dir(place.join("R").join(name)).unwrap();
        fs::write(place.join("R").join(name).join(name), "").unwrap();
    }
    for (zone, day, listed) in
        [("UTC", "2026-11-19", "2026-11-19T233000Z"), ("Asia/Tokyo", "2026-11-20", "2026-11-20T120000Z")]
    {
        let output = place.linkdest(&["ls", "R", day]).env("TZ", zone).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{listed}\n"), "{zone}");
    }
    let output = place.linkdest(&["ls", "R", "2026-11-19"]).env("TZ", "Asia/Tokyo").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}
