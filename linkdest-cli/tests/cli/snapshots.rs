//! `linkdest snapshot`: what it prints, what it leaves, where its options may stand.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use predicates::prelude::*;
use predicates::str::contains;

use crate::place::{Place, text};

#[test]
fn the_second_snapshot_links_everything() {
    let place = Place::with_repository();
    place.run(&["snapshot", "S", "R"]).success().stderr("").stdout(
        contains(": complete, 4 entries in ")
            .and(
                contains("0 linked, 2 copied, 0 cloned, 2 created")
                    .or(contains("0 linked, 0 copied, 2 cloned, 2 created")),
            )
            .and(contains("\n  R/20")),
    );
    place
        .run(&["snapshot", "S", "R"])
        .success()
        .stdout(contains("3 linked, 0 copied, 0 cloned, 1 created").and(contains("0 B copied, 10 B shared")));
    let inode = |name: &String| fs::metadata(place.join("R").join(name).join("d/b")).unwrap().ino();
    let snapshots = place.snapshots();
    assert_eq!(snapshots.len(), 2);
    assert_eq!(inode(&snapshots[0]), inode(&snapshots[1]));
    assert_eq!(fs::read_link(place.join("R/latest")).unwrap().to_str(), Some(snapshots[1].as_str()));
}

#[test]
fn options_stand_anywhere_and_trailing_slashes_change_nothing() {
    let place = Place::with_repository();
    for (count, line) in [
        "-q snapshot S R",
        "snapshot -q S R",
        "snapshot S -q R",
        "snapshot S R -q",
        "--quiet --threads 1 snapshot S/ R/",
        "--threads=1 -xq --policy checksum snapshot S// R/",
        "--link-dest S/d snapshot --init S -q --no-sync R",
        "--no-progress --color never --lock-wait 1s snapshot -q S R",
        "snapshot -q -- S R",
    ]
    .into_iter()
    .enumerate()
    {
        let arguments: Vec<_> = line.split(' ').collect();
        place.run(&arguments).success().stdout("").stderr("");
        assert_eq!(place.snapshots().len(), count + 1, "{line}");
    }
}

#[test]
fn init_makes_the_repository_once() {
    let place = Place::new();
    for _ in 0..2 {
        place.run(&["snapshot", "S", "R/", "--init", "-q"]).success();
    }
    assert_eq!(place.snapshots().len(), 2);
}

#[test]
fn a_dry_run_lists_by_path_and_writes_nothing() {
    let place = Place::with_repository();
    place.run(&["snapshot", "S", "R", "-q"]).success();
    place.add("new", "new");
    place.add("a", "hello, longer");
    let before = place.inventory();
    let assert = place.run(&["snapshot", "-n", "S", "R", "--threads", "2"]).success().stderr("");
    let stdout = text(&assert.get_output().stdout);
    let (plan, summary) = stdout.split_once("dry run, nothing was written: 5 entries in ").unwrap();
    let copy = if plan.starts_with("clone") { "clone " } else { "copy  " };
    let expected = format!(
        "{copy}  a  (size or target changed)\n\
         create  d  (directory)\n\
         link    d/b  (same bytes)\n\
         link    link  (unchanged)\n\
         {copy}  new  (new)\n"
    );
    assert_eq!(plan, expected);
    assert!(summary.contains("2 linked, "), "{summary}");
    place.run(&["snapshot", "--dry-run", "S", "R", "-q"]).success().stdout(expected);
    before.assert_unchanged(&place.inventory());
}

#[test]
fn a_dry_run_with_init_makes_no_repository() {
    let place = Place::new();
    let before = place.inventory();
    place.run(&["-n", "snapshot", "--init", "S", "R"]).success().stdout(contains("  a  (new)\n"));
    before.assert_unchanged(&place.inventory());
    assert!(!place.join("R").exists());
}

#[test]
fn verbose_tells_each_entry_with_its_reason() {
    let place = Place::with_repository();
    place.run(&["-v", "snapshot", "S", "R"]).success().stdout(
        contains("  a  (new)\n").and(contains("create  d  (directory)\n")).and(contains(": complete, ")),
    );
    place.run(&["snapshot", "S", "R", "-v"]).success().stdout(contains("link    d/b  (same bytes)\n"));
}

#[test]
fn names_cannot_write_to_the_terminal() {
    let place = Place::with_repository();
    place.add(b"evil\x1b[31m\nlinkdest: \xff\xc2\x9b", "");
    let shown = r"evil\x1b[31m\x0alinkdest: \xff\xc2\x9b  (new)";
    place.run(&["snapshot", "-n", "S", "R", "--color", "always"]).success().stdout(contains(shown));
    place.run(&["snapshot", "-v", "S", "R"]).success().stdout(contains(shown));
}

#[test]
fn a_problem_is_told_even_if_quiet_and_sets_the_code() {
    let place = Place::new();
    place.add("secret\n", "locked away");
    fs::set_permissions(place.join("S/secret\n"), fs::Permissions::from_mode(0o000)).unwrap();
    let output = place.run_as_ordinary_user(&["snapshot", "-q", "--init", "S", "R"]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(text(&output.stdout), "");
    let stderr = text(&output.stderr);
    let line =
        stderr.strip_prefix(r"linkdest: problem: secret\x0a: unreadable: open: Permission denied").unwrap();
    assert_eq!(line.matches('\n').count(), 1, "{stderr}");

    let output = place.run_as_ordinary_user(&["snapshot", "S", "R"]);
    assert_eq!(output.status.code(), Some(3));
    let stdout = text(&output.stdout);
    assert!(stdout.contains(": problems, ") && stdout.contains("\n  1 problem\n"), "{stdout}");
}

#[test]
fn notices_are_told_unless_quiet() {
    let place = Place::new();
    let note = "linkdest: note: repository: skipped, it is the repository\n";
    place
        .run(&["snapshot", "--init", "S", "S/repository"])
        .success()
        .stderr(note)
        .stdout(contains("1 skipped"));
    place.run(&["snapshot", "S", "S/repository", "-q"]).success().stderr("");
}

#[test]
fn what_standard_output_does_not_take_is_told() {
    let place = Place::with_repository();
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    for (arguments, code) in [
        (&["list", "R", "--json"][..], 1),
        (&["snapshot", "-n", "S", "R"], 1),
        // The snapshot is there, all the same.
        (&["snapshot", "S", "R"], 3),
    ] {
        let output = place.linkdest(arguments).stdout(full()).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        assert!(text(&output.stderr).starts_with("linkdest: error: cannot write to standard output: "));
    }
    assert_eq!(place.snapshots().len(), 1);
}

/// As root the repository was made, and the run then refused the umask.
#[test]
fn a_umask_that_cannot_be_worked_with_leaves_no_repository() {
    let place = Place::new();
    let program = place.linkdest(&[]).get_program().to_owned();
    std::fs::create_dir(place.join("empty")).unwrap();
    for repository in ["R", "empty"] {
        for arguments in [&["init", repository][..], &["snapshot", "S", repository, "--init"]] {
            let mut command = std::process::Command::new("sh");
            command.current_dir(place.dir.path()).args(["-c", "umask 0777; exec \"$0\" \"$@\""]);
            let output = command.arg(&program).args(arguments).output().unwrap();
            let code = if linkdest_testkit::is_root() { 2 } else { 1 };
            assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
            assert!(!place.join("R").exists());
            assert_eq!(std::fs::read_dir(place.join("empty")).unwrap().count(), 0);
        }
    }
}
