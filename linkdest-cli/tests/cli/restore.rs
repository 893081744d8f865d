//! `linkdest restore`: as root, as an ordinary user, and what programs read.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use linkdest_testkit::{Comparison, is_root, rsync_differences, skip};
use predicates::prelude::*;
use predicates::str::contains;

use crate::place::{Place, json_lines, of_type, text};

fn saved() -> Place {
    let place = Place::with_repository();
    place.run(&["snapshot", "S", "R", "-q"]).success();
    place
}

#[test]
fn a_restore_is_the_source_and_a_second_one_finds_nothing_to_do() {
    let place = saved();
    let lines = place.json(&["restore", "R", "latest", "T/", "--json"]);
    let summary = lines.last().unwrap();
    assert_eq!(
        (&summary["message_type"], &summary["status"], &summary["files_copied"], &summary["bytes_copied"]),
        (&"summary".into(), &"complete".into(), &2.into(), &10.into()),
    );
    Comparison::new().assert_same(&place.join("S"), &place.join("T"));
    assert!(
        rsync_differences(&place.join("S"), &place.join("T"))
            .is_none_or(|differences| differences.is_empty())
    );
    let lines = place.json(&["restore", "-n", "--json", "R", "latest", "T"]);
    assert!(of_type(&lines, "plan").is_empty());
    let summary = lines.last().unwrap();
    assert_eq!((&summary["unchanged"], &summary["dry_run"]), (&4.into(), &true.into()));
    place.run(&["restore", "R", "latest:/d/b", "file"]).success().stdout(contains("1 copied"));
    assert_eq!(fs::read(place.join("file")).unwrap(), b"bytes");
}

#[test]
fn the_plan_is_what_is_done() {
    let place = saved();
    place.run(&["restore", "R", "latest", "T", "-q"]).success().stdout("");
    fs::write(place.join("T/a"), "longer than before").unwrap();
    fs::write(place.join("T/extra"), "").unwrap();
    let before = place.inventory();
    let asked = ["restore", "R", "latest", "T", "--delete"];
    place.run(&[&asked[..], &["-n"]].concat()).success().stdout(
        contains("copy    a  (size or target changed)").and(contains("delete  extra  (not in the snapshot)")),
    );
    let lines = place.json(&[&asked[..], &["-n", "--json"]].concat());
    let plan = of_type(&lines, "plan");
    let plan: Vec<_> = plan.iter().map(|line| (&line["path"], &line["action"])).collect();
    let expected = [(".", "attributes"), ("a", "copy"), ("extra", "delete")]
        .map(|(path, action)| (path.into(), action.into()));
    assert_eq!(plan, expected.iter().map(|(path, action)| (path, action)).collect::<Vec<_>>());
    before.assert_unchanged(&place.inventory());
    place.run(&["restore", "R", "latest", "T", "--overwrite", "never", "-q"]).success();
    assert_eq!(fs::read(place.join("T/a")).unwrap(), b"longer than before");
    place.run(&asked).success();
    Comparison::new().assert_same(&place.join("S"), &place.join("T"));
}

#[test]
fn what_cannot_be_is_told_with_its_exit_code() {
    let place = saved();
    place.run(&["restore", "R", "latest:nothing", "T"]).code(2).stderr(contains("no such entry"));
    place.run(&["restore", "R", "2001-01-01", "T"]).code(2);
    place.run(&["restore", "S", "latest", "T"]).code(10);
    place.run(&["restore", "R", "latest", "R"]).code(2).stderr(contains("lies in the repository"));
    place.run(&["restore", "R", "latest", "no/such/T"]).code(1);
    let tree = place.join("R").join(&place.snapshots()[0]);
    fs::write(tree.join("a"), "HELLO").unwrap();
    let done = place.run(&["restore", "R", "latest", "T", "--json"]).code(3);
    let lines = json_lines(&done.get_output().stdout);
    let problem = of_type(&lines, "problem")[0];
    assert_eq!((&problem["kind"], &problem["path"]), (&"damaged".into(), &"a".into()));
    assert_eq!(fs::read(place.join("T/d/b")).unwrap(), b"bytes");
}

#[test]
fn a_user_gets_everything_but_owners_and_that_is_said_once() {
    if !is_root() {
        return skip("only root can make other people's files and then be somebody else");
    }
    let place = Place::new();
    fs::set_permissions(place.join("S/d"), fs::Permissions::from_mode(0o555)).unwrap();
    fs::set_permissions(place.join("S/a"), fs::Permissions::from_mode(0o444)).unwrap();
    fs::set_permissions(place.join("S"), fs::Permissions::from_mode(0o555)).unwrap();
    for arguments in [&["snapshot", "--init", "S", "R", "-q"][..], &["restore", "R", "latest", "T"]] {
        let _ = fs::remove_file(place.join("linkdest"));
        let done = place.run_as_ordinary_user(arguments);
        assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
        if arguments[0] == "restore" {
            assert!(
                text(&done.stderr).contains("owners of 5 entries were not restored"),
                "{}",
                text(&done.stderr)
            );
        }
    }
    let judge = || Comparison::new().owners(false);
    judge().assert_same(&place.join("S"), &place.join("T"));
    // Again, into directories that may not be written to, with one file spoilt.
    let victim = place.join("T/d/b");
    fs::write(&victim, "spoilt").unwrap();
    fs::remove_file(place.join("T/a")).unwrap();
    let _ = fs::remove_file(place.join("linkdest"));
    let done = place.run_as_ordinary_user(&["restore", "R", "latest", "T"]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    judge().assert_same(&place.join("S"), &place.join("T"));
    // Root sets the owners that the manifest has.
    place.run(&["restore", "R", "latest", "T"]).success().stderr("");
    Comparison::new().assert_same(&place.join("S"), &place.join("T"));
    assert_eq!(fs::metadata(&victim).unwrap().uid(), 0);
}
