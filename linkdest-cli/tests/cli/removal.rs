//! `linkdest delete`, `forget`, `pin` and `unpin`.

use linkdest_testkit::Inventory;
use predicates::prelude::*;
use predicates::str::{contains, is_match};
use serde_json::json;

use crate::place::Place;

/// A repository with so many snapshots.
fn with_snapshots(count: usize) -> (Place, Vec<String>) {
    let place = Place::with_repository();
    for _ in 0..count {
        place.run(&["snapshot", "S", "R", "-q"]).success();
    }
    let names = place.snapshots();
    (place, names)
}

#[test]
fn delete_shows_asks_and_deletes() {
    let (place, names) = with_snapshots(3);
    let before = place.inventory();
    let plan = format!("remove  {}\n1 snapshot would free ", names[0]);
    place.run(&["delete", "R", "latest~2", "-n"]).success().stdout(contains(plan.as_str())).stderr("");
    // Nobody can be asked.
    let refused = place.run(&["delete", "R", "latest~2"]).code(2);
    refused.stdout(contains(plan.as_str())).stderr(contains("--yes"));
    before.assert_unchanged(&place.inventory());
    place.run(&["delete", "--yes", "R/", &names[0]]).success().stdout(contains("1 snapshot removed"));
    assert_eq!(place.snapshots(), names[1..]);
    place.run(&["delete", "-qy", "R", "latest", "latest"]).success().stdout("").stderr("");
    assert_eq!(place.snapshots(), names[1..2]);
    let target = std::fs::read_link(place.join("R/latest")).unwrap();
    assert_eq!(target.to_str(), Some(names[1].as_str()));
    place.run(&["delete", "-y", "R", "latest"]).code(1).stderr(contains("no good snapshot would be left"));
    place.run(&["delete", "-y", "R", "2000-01-01T000000Z"]).code(2);
    place.run(&["delete", "-y", "S", "latest"]).code(10);
    place.run(&["delete", "R"]).code(2);
}

#[test]
fn delete_tells_programs_what_it_did() {
    let (place, names) = with_snapshots(2);
    let told = place.json(&["delete", "R", "latest~1", "--json", "-n"]);
    assert_eq!((&told[0]["removed"], &told[0]["dry_run"]), (&json!([names[0]]), &json!(true)));
    assert!(told[0]["freed_bytes"].as_u64().unwrap() > 0);
    let told = place.json(&["delete", "R", "latest~1", "--json", "--yes"]);
    assert_eq!((told.len(), &told[0]["dry_run"]), (1, &json!(false)));
    assert_eq!(place.snapshots(), names[1..]);
}

#[test]
fn pinned_snapshots_stay() {
    let (place, names) = with_snapshots(3);
    place.run(&["pin", "R", &names[0], "-n"]).success().stdout(contains("would be pinned"));
    place.run(&["pin", "R", &names[0]]).success().stdout(contains("is now pinned"));
    place.run(&["pin", "R", &names[0]]).success().stdout(contains("is already pinned"));
    let pinned = |index: usize| place.json(&["list", "R", "--json"])[0]["snapshots"][index]["pinned"].clone();
    assert_eq!((pinned(0), pinned(1)), (json!(true), json!(false)));
    place.run(&["list", "R"]).success().stdout(contains("complete, pinned"));
    place.run(&["delete", "-y", "R", &names[0], &names[1]]).code(1).stderr(contains("is pinned"));
    assert_eq!(place.snapshots(), names);
    place.run(&["forget", "-y", "R", "--keep-last", "1"]).success().stdout(contains("(pinned)"));
    assert_eq!(place.snapshots(), [names[0].clone(), names[2].clone()]);
    let told = place.json(&["unpin", "R", &names[0], "--json"]);
    let expected = json!({"snapshot": names[0], "pinned": false, "changed": true, "dry_run": false});
    assert_eq!(told, [expected]);
    place.run(&["delete", "-y", "R", &names[0]]).success();
}

#[test]
fn forget_says_for_each_snapshot_which_rule_keeps_it() {
    let (place, names) = with_snapshots(3);
    let before = place.inventory();
    let rules = ["forget", "R", "--keep-last", "1", "--keep-within", "0d", "--keep-yearly=1"];
    let shown = place.run(&[&rules[..], &["-n"]].concat()).success().stderr("");
    let line = |action: &str, name: &str, why: &str| format!(r"  {action} +{name} +\S+ \S+  \({why}\)\n");
    let table = [
        line("remove", &names[0], "no rule keeps it"),
        line("remove", &names[1], "no rule keeps it"),
        line("keep", &names[2], "last, yearly, newest good"),
    ];
    shown.stdout(is_match(table.concat()).unwrap().and(contains("2 snapshots would free ")));
    place.run(&rules).code(2).stderr(contains("--yes"));
    before.assert_unchanged(&place.inventory());
    let told = place.json(&[&rules[..], &["--json", "-y"]].concat());
    assert_eq!(told.len(), 1);
    assert_eq!((&told[0]["removed"], &told[0]["dry_run"]), (&json!(names[..2]), &json!(false)));
    let group = &told[0]["groups"][0];
    assert_eq!(group["path"], place.join("S").to_str().unwrap());
    assert_eq!(group["snapshots"][0]["action"], "remove");
    assert_eq!(group["snapshots"][2]["reasons"], json!(["last", "yearly", "newest_good"]));
    assert_eq!(place.snapshots(), names[2..]);
    // Where nothing goes, nobody is asked.
    place.run(&rules).success().stdout(contains("nothing to remove"));
}

#[test]
fn forget_needs_rules_that_keep_something() {
    let (place, names) = with_snapshots(2);
    for arguments in [
        &[][..],
        &["--keep-daily", "0"],
        &["--keep-within", "0h"],
        &["--keep-daily", "-1"],
        &["--keep-within", "2 weeks"],
        &["--free-space", "much"],
    ] {
        place.run(&[&["forget", "R", "-y"], arguments].concat()).code(2).stdout("");
    }
    assert_eq!(place.snapshots(), names);
}

#[test]
fn forget_for_space_removes_nothing_in_vain() {
    let (place, names) = with_snapshots(2);
    place.run(&["forget", "R", "-y", "--free-space", "1K"]).success().stdout(contains("enough space"));
    let refused = place.run(&["forget", "R", "-y", "--free-space", "1000000000G"]).code(1);
    refused.stderr(contains("nothing was removed"));
    assert_eq!(place.snapshots(), names);
}

#[test]
fn a_killed_deletion_leaves_a_whole_snapshot_or_none_and_the_next_command_finishes_it() {
    let place = Place::with_repository();
    for number in 0..2000 {
        let directory = place.join("S").join(format!("{}", number % 40));
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join(number.to_string()), "x").unwrap();
    }
    place.run(&["snapshot", "S", "R", "-q"]).success();
    let (mut whole, mut gone) = (0, 0);
    for round in 0..20 {
        place.run(&["snapshot", "S", "R", "-q"]).success();
        assert_eq!(std::fs::read_dir(place.join("R/.linkdest/trash")).map_or(0, Iterator::count), 0);
        let name = place.snapshots().remove(0);
        let tree = place.join("R").join(&name);
        let before = Inventory::of(&tree);
        let mut deletion = place.linkdest(&["delete", "-qy", "R", &name]).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(round * 3));
        deletion.kill().unwrap();
        deletion.wait().unwrap();
        if tree.exists() {
            before.assert_unchanged(&Inventory::of(&tree));
            whole += 1;
        } else {
            assert!(!place.snapshots().contains(&name));
            gone += 1;
        }
    }
    println!("{whole} whole, {gone} gone");
    assert!(whole > 0, "killed too late each time");
    place.run(&["snapshot", "S", "R", "-q"]).success();
    assert_eq!(std::fs::read_dir(place.join("R/.linkdest/trash")).map_or(0, Iterator::count), 0);
}
