//! The shapes of `--json`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::place::{Place, json_lines, of_type, text};

const SUMMARY: [&str; 20] = [
    "message_type",
    "snapshot",
    "status",
    "suspect",
    "dry_run",
    "entries",
    "directories",
    "files_linked",
    "files_copied",
    "files_cloned",
    "other_created",
    "relinked_limit",
    "vanished",
    "skipped",
    "excluded",
    "bytes_copied",
    "bytes_shared",
    "problems",
    "duration_s",
    "other_linked",
];

fn assert_fields(line: &Value, fields: &[&str]) {
    for field in fields {
        assert!(line.get(field).is_some(), "{field} is missing: {line}");
    }
}

#[test]
fn a_run_ends_with_its_summary() {
    let place = Place::with_repository();
    let lines = place.json(&["snapshot", "S", "R", "--json"]);
    let (summary, before) = lines.split_last().unwrap();
    assert_eq!(summary["message_type"], "summary");
    assert_fields(summary, &SUMMARY);
    assert_eq!(summary["snapshot"], place.snapshots()[0].as_str());
    assert_eq!(summary["path"], format!("R/{}", place.snapshots()[0]));
    assert_eq!((&summary["status"], &summary["suspect"]), (&json!("complete"), &json!(false)));
    assert_eq!((&summary["dry_run"], &summary["problems"]), (&json!(false), &json!(0)));
    assert_eq!((&summary["entries"], &summary["directories"]), (&json!(4), &json!(1)));
    assert!(summary["duration_s"].as_f64().unwrap() > 0.0);
    // A run this short has one status line.
    assert_eq!(before, [json!({"message_type": "status", "entries": 4, "bytes": 10})]);

    let lines = place.json(&["--json", "snapshot", "S", "R"]);
    let summary = lines.last().unwrap();
    assert_eq!((&summary["files_linked"], &summary["files_copied"]), (&json!(2), &json!(0)));
    assert_eq!((&summary["bytes_copied"], &summary["bytes_shared"]), (&json!(0), &json!(10)));

    for option in ["-q", "--no-progress"] {
        let lines = place.json(&["snapshot", "S", "R", "--json", option]);
        assert_eq!(lines.len(), 1, "{option}");
        assert_eq!(lines[0]["message_type"], "summary");
    }
}

#[test]
fn a_dry_run_has_a_plan_and_no_snapshot() {
    let place = Place::with_repository();
    place.run(&["snapshot", "S", "R", "-q"]).success();
    place.add(b"\xff\x7f", "");
    let lines = place.json(&["snapshot", "-n", "S", "R", "--json"]);
    let plan = of_type(&lines, "plan");
    let told: Vec<_> = plan.iter().map(|line| (line["path"].as_str().unwrap(), &line["action"])).collect();
    let (link, create) = (json!("link"), json!("create"));
    assert_eq!(told[..4], [("a", &link), ("d", &create), ("d/b", &link), ("link", &link)]);
    assert_eq!(plan[0]["reason"], "same bytes");
    assert_eq!(plan[0].get("path_b64"), None);
    // Not one byte of a name is lost.
    assert_eq!((told[4].0, &plan[4]["path_b64"]), ("\u{fffd}\u{7f}", &json!("/38=")));
    let summary = lines.last().unwrap();
    assert_fields(summary, &SUMMARY);
    assert_eq!((&summary["snapshot"], &summary["dry_run"]), (&Value::Null, &json!(true)));
    assert_eq!(place.snapshots().len(), 1);
}

#[test]
fn a_problem_is_a_line_with_all_its_parts() {
    let place = Place::new();
    for name in [&b"secret"[..], b"secret\xff"] {
        place.add(name, "locked away");
    }
    for entry in fs::read_dir(place.join("S")).unwrap().map(Result::unwrap) {
        if entry.file_name().to_string_lossy().starts_with("secret") {
            fs::set_permissions(entry.path(), fs::Permissions::from_mode(0o000)).unwrap();
        }
    }
    let output = place.run_as_ordinary_user(&["snapshot", "--init", "S", "R", "--json"]);
    assert_eq!(output.status.code(), Some(3));
    let lines = json_lines(&output.stdout);
    let problems = of_type(&lines, "problem");
    assert_eq!(problems.len(), 2);
    for problem in &problems {
        assert_eq!((&problem["kind"], &problem["errno"]), (&json!("unreadable"), &json!(13)));
        assert_fields(problem, &["operation", "message"]);
    }
    let find = |path| problems.iter().find(|problem| problem["path"] == path).unwrap();
    assert_eq!(find("secret").get("path_b64"), None);
    assert_eq!(find("secret\u{fffd}")["path_b64"], "c2VjcmV0/w==");
    let summary = lines.last().unwrap();
    assert_eq!((&summary["status"], &summary["problems"]), (&json!("problems"), &json!(2)));
    assert_eq!(text(&output.stderr).matches("linkdest: problem: secret").count(), 2);
}

#[test]
fn a_list_is_one_document() {
    let place = Place::with_repository();
    for _ in 0..2 {
        place.run(&["snapshot", "S", "R", "-q"]).success();
    }
    fs::remove_file(place.join("R/.linkdest/runs").join(format!("{}.toml", place.snapshots()[0]))).unwrap();
    let documents = place.json(&["list", "R", "--json"]);
    assert_eq!(documents.len(), 1);
    let snapshots = documents[0]["snapshots"].as_array().unwrap();
    assert_eq!(snapshots.len(), 2);
    for snapshot in snapshots {
        let (name, started) = (snapshot["name"].as_str().unwrap(), snapshot["started"].as_str().unwrap());
        let second = name.split_once('Z').unwrap().0;
        assert!(started.ends_with('Z') && started.replace(':', "").starts_with(second), "{name} {started}");
        assert_eq!(
            (&snapshot["status"], &snapshot["suspect"], &snapshot["pinned"]),
            (&json!("complete"), &json!(false), &json!(false))
        );
    }
    let figures = |snapshot: &Value| (snapshot["entries"].clone(), snapshot["bytes"].clone());
    assert_eq!(figures(&snapshots[0]), (Value::Null, Value::Null));
    assert_eq!(figures(&snapshots[1]), (json!(4), json!(10)));
}

#[test]
fn init_tells_what_it_made() {
    let place = Place::new();
    let documents = place.json(&["init", "R/", "--json"]);
    assert_eq!(documents.len(), 1);
    assert_eq!(
        (&documents[0]["path"], &documents[0]["capabilities"]["hard_links"]),
        (&json!("R"), &json!(true))
    );
    assert_eq!(documents[0]["id"].as_str().unwrap().len(), 32);
}
