//! `linkdest adopt` and `linkdest runs`.

use std::fs;

use predicates::prelude::*;
use predicates::str::{contains, is_match};
use serde_json::{Value, json};

use crate::place::{Place, of_type};

/// A directory `R` with two snapshots that a script made, and one that it did not finish.
fn with_old_snapshots() -> Place {
    let place = Place::new();
    for day in ["back-2024-06-01_02-00-00", "back-2024-06-02_02-00-00"] {
        fs::create_dir_all(place.join("R").join(day)).unwrap();
        fs::write(place.join("R").join(day).join("a"), "hello").unwrap();
    }
    fs::create_dir(place.join("R/back-2024-06-03_02-00-00")).unwrap();
    place
}

#[test]
fn adopt_shows_asks_and_adopts() {
    let place = with_old_snapshots();
    let before = place.inventory();
    let plan = "adopt  2024-06-01T020000Z    <- back-2024-06-01_02-00-00  (rsync script, 2024-06-01 02:00:00)\n\
                adopt  2024-06-02T020000Z    <- back-2024-06-02_02-00-00  (rsync script, 2024-06-02 02:00:00)\n\
                skip   back-2024-06-03_02-00-00: is empty\n";
    let told = place.run(&["adopt", "R", "-n"]).success();
    told.stdout(format!("{plan}2 snapshots would be adopted; nothing was written\n"))
        .stderr("linkdest: note: rsync script must not rotate, rename or delete here any more\n");
    // Nobody can be asked.
    place.run(&["adopt", "R"]).code(2).stdout(plan).stderr(contains("--yes"));
    before.assert_unchanged(&place.inventory());
    place.run(&["snapshot", "S", "R"]).code(10);
    place.run(&["init", "R"]).code(1).stderr(contains("not empty"));
    let told = place.run(&["adopt", "R/", "--yes", "--no-progress"]).success();
    told.stdout(contains("2 snapshots adopted in ").and(contains("2 files read, 10 B")))
        .stderr(contains("must not"));
    assert_eq!(place.snapshots(), ["2024-06-01T020000Z", "2024-06-02T020000Z"]);
    place
        .run(&["list", "R"])
        .success()
        .stdout(is_match(r"2024-06-01 02:00:00 +\d+ d  complete, adopted +1 +5 B").unwrap());
    place.run(&["ls", "R", "R/back-2024-06-01_02-00-00"]).success().stdout("a\n");
    place.run(&["verify", "R"]).success();
    place.run(&["snapshot", "S", "R", "-q"]).success();
    // There is nothing more to adopt, and nothing to ask.
    place.run(&["adopt", "R"]).success().stdout(contains("0 snapshots adopted, 2 adopted before")).stderr("");
    place.run(&["adopt", "R", "-qy"]).success().stdout("").stderr("");
    place.run(&["delete", "-qy", "R", "latest~2"]).success();
    assert!(!place.join("R/back-2024-06-01_02-00-00").exists());
}

#[test]
fn adopt_tells_programs_what_it_did() {
    let place = with_old_snapshots();
    for (arguments, dry_run, files) in
        [(&["adopt", "R", "--json", "-n"][..], true, 0), (&["adopt", "R", "--json", "--yes"], false, 2)]
    {
        let lines = place.json(arguments);
        let adopted = of_type(&lines, "adopted");
        assert_eq!(adopted[0]["snapshot"], "2024-06-01T020000Z");
        assert_eq!(
            (&adopted[1]["path"], &adopted[1]["tool"]),
            (&json!("back-2024-06-02_02-00-00"), &json!("rsync script"))
        );
        assert_eq!(of_type(&lines, "passed_over")[0]["reason"], "is empty");
        let summary = lines.last().unwrap();
        assert_eq!(summary["message_type"], "summary");
        let told =
            (&summary["adopted"], &summary["dry_run"], &summary["files_read"], &summary["new_repository"]);
        assert_eq!(told, (&json!(2), &json!(dry_run), &json!(files), &json!(true)));
    }
    let listed = place.json(&["list", "R", "--json"]).remove(0);
    let one = &listed["snapshots"][1];
    assert_eq!(
        (&one["adopted"], &one["path"], &one["new_bytes"]),
        (&json!(true), &json!("R/back-2024-06-02_02-00-00"), &json!(5))
    );
}

#[test]
fn what_cannot_be_adopted_is_an_error() {
    let place = Place::new();
    place.run(&["adopt", "absent"]).code(10);
    place.run(&["adopt", "S", "--yes"]).code(10).stderr(contains("known are dated directories"));
    assert!(!place.join("S/.linkdest").exists());
    place.run(&["adopt"]).code(2);
    let failed = place.run(&["adopt", "S", "--json"]).code(10);
    let line: Value = serde_json::from_slice(&failed.get_output().stdout).unwrap();
    assert_eq!((&line["message_type"], &line["kind"]), (&json!("error"), &json!("not_a_repository")));
}

#[test]
fn runs_tell_when_how_long_and_what() {
    let place = Place::with_repository();
    place.run(&["runs", "R"]).success().stdout("").stderr("linkdest: note: there are no runs yet\n");
    place.run(&["runs", "R", "--json"]).success().stdout("{\"runs\":[]}\n");
    for _ in 0..2 {
        place.run(&["snapshot", "S", "R", "-q"]).success();
    }
    let staging = place.join("R/.linkdest/staging/2024-06-01T020000Z");
    fs::create_dir_all(&staging).unwrap();
    let record = place.join("R/.linkdest/runs").join(format!("{}.toml", place.snapshots()[1]));
    let text = fs::read_to_string(record).unwrap().replace(&place.snapshots()[1], "2024-06-01T020000Z");
    let open = text.lines().filter(|line| !line.starts_with("ended") && !line.starts_with("status"));
    fs::write(
        staging.join("run.toml"),
        open.collect::<Vec<_>>().join("\n").replace("sequence = 2", "sequence = 3"),
    )
    .unwrap();
    let source = place.join("S");
    let rows = r"(?s)^RUN .*PROBLEMS  SOURCE\n.*complete +0\.\d s +4 +0 +2 +10 B +0  .*\n.*complete +0\.\d s +4 +3 +0 +0 B +0  .*\n2024-06-01T020000Z .* unfinished +- +- +- +- +- +-  ";
    let told = place.run(&["runs", "R"]).success();
    told.stdout(is_match(rows).unwrap().and(contains(source.to_str().unwrap()))).stderr("");
    let runs = place.json(&["runs", "R", "--json"]).remove(0)["runs"].take();
    let first = &runs[0];
    assert_eq!(
        (&first["status"], &first["sequence"], &first["policy"]),
        (&json!("complete"), &json!(1), &json!("quick"))
    );
    assert_eq!(
        (&first["files_copied"], &first["problems"], &first["adopted"]),
        (&json!(2), &json!(0), &json!(false))
    );
    assert!(
        first["duration_s"].as_f64().is_some_and(|seconds| seconds >= 0.0)
            && first["first_problems"] == json!([])
    );
    assert_eq!(first["source"], source.to_str().unwrap());
    let last = &runs[2];
    assert_eq!(
        (&last["status"], &last["ended"], &last["duration_s"]),
        (&json!("unfinished"), &json!(null), &json!(null))
    );
    place.run(&["runs", "S"]).code(10);
}
