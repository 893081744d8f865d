//! What cannot be done is said in one line, with its code, and changes nothing.

use std::fs::{self, File};

use crate::place::{Place, json_lines, text};

/// A command, its exit code, the word in JSON, and what the line on standard error says.
type Case = (&'static [&'static str], i32, &'static str, &'static str);

const CASES: &[Case] = &[
    (&["snapshot", "missing", "R"], 1, "source_unreadable", "missing: "),
    (&["snapshot", "S/a", "R"], 1, "source_not_a_directory", "S/a: "),
    (&["snapshot", "S/a/", "R"], 1, "source_not_a_directory", "S/a: "),
    (&["snapshot", "R", "R"], 1, "source_is_repository", "same directory"),
    (&["snapshot", "S", "absent"], 10, "not_a_repository", "absent: not a linkdest repository"),
    (&["snapshot", "S", "full"], 10, "not_a_repository", "full: not a linkdest repository"),
    (&["snapshot", "S", "full", "-n"], 10, "not_a_repository", "full: not a linkdest repository"),
    (&["snapshot", "S", "full", "--init"], 1, "not_empty", "full: not empty"),
    (&["snapshot", "S", "S/a"], 10, "not_a_repository", "S/a: "),
    (&["snapshot", "S", "R", "--policy", "guess"], 2, "invalid_option", "quick, strict, checksum"),
    (&["snapshot", "S", "R", "--link-dest", "missing"], 2, "bad_reference", "missing: "),
    (&["snapshot", "S", "R", "--link-dest", "S/a"], 2, "bad_reference", "S/a: "),
    (&["snapshot", "S", "R", "--link-dest"], 2, "invalid_option", "--link-dest"),
    (&["snapshot", "S", "R", "--threads", "0"], 2, "invalid_option", "--threads"),
    (&["snapshot", "S", "R", "--threads", "many"], 2, "invalid_option", "--threads"),
    (&["snapshot", "S", "R", "--lock-wait", "10"], 2, "invalid_option", "30s, 10m or 1h"),
    (&["snapshot", "S", "R", "--lock-wait=-1s"], 2, "invalid_option", "negative"),
    (&["snapshot", "S", "R", "--color", "pink"], 2, "invalid_option", "--color"),
    (&["snapshot", "S", "R", "-q", "-v"], 2, "invalid_option", "--quiet"),
    (&["snapshot", "S", "R", "--jsn"], 2, "invalid_option", "--jsn"),
    (&["snapshot", "S", "R", "x\x1b[31m\n"], 2, "invalid_option", "unexpected argument 'x"),
    (&["snapshot", "S"], 2, "invalid_option", "<REPO>"),
    (&["snapshot", "", "R"], 2, "invalid_option", "empty"),
    (&["snapshoot", "S", "R"], 2, "invalid_option", "'snapshot'"),
    (&["snapshot", "S", "absent", "--init", "--link-dest", "missing"], 2, "bad_reference", "missing: "),
    (&["snapshot", "S", "absent", "--init", "-n", "--link-dest", "missing"], 2, "bad_reference", "missing: "),
    (&["snapshot", "S", "R", "-f", "zz *.o"], 2, "rules", "--filter: unknown rule at column 1 of \"zz *.o\""),
    (&["snapshot", "S", "absent", "--init", "-f", "zz"], 2, "rules", "unknown rule"),
    (
        &["snapshot", "S", "absent", "-n", "--rules", "unknown.rules"],
        2,
        "rules",
        "unknown.rules:3: unknown rule",
    ),
    (&["snapshot", "S", "R", "-f", "-z a"], 2, "rules", "bad modifier at column 2 of \"-z a\": expected"),
    (&["snapshot", "S", "R", "-f", "- "], 2, "rules", "--filter: missing pattern"),
    (&["snapshot", "S", "R", "--rules", "absent"], 2, "rules", "--rules: cannot read the rule file absent"),
    (
        &["snapshot", "S", "R", "--rules", "lost.rules"],
        2,
        "rules",
        "lost.rules:1: cannot read the rule file absent",
    ),
    (&["snapshot", "S", "R", "--rules", "a.rules"], 2, "rules", "the rule file a.rules merges itself"),
    (&["snapshot", "S", "R", "--exclude-from", "absent"], 2, "rules", "--exclude-from: cannot read"),
    (&["filter", "list", "S", "--include-from", "absent"], 2, "rules", "--include-from: cannot read"),
    (&["filter", "list", "S", "--rules", "a.rules"], 2, "rules", "b.rules:1: "),
    (&["filter", "explain", "S", "a", "-f", "x"], 2, "rules", "unknown rule"),
    (&["filter", "check", "-f", "x"], 2, "rules", "unknown rule"),
    (
        &["snapshot", "S", "R", "--exclude-larger-than", "1T"],
        2,
        "invalid_option",
        "not a size like 1000, 500M or 4GB",
    ),
    (
        &["snapshot", "S", "R", "--exclude-larger-than", "99999999999G"],
        2,
        "invalid_option",
        "larger than any file",
    ),
    (&["snapshot", "S", "R", "--exclude-if-present", "a/b"], 2, "invalid_option", "not the name of an entry"),
    (&["snapshot", "S", "R", "--on-bad-rules", "guess"], 2, "invalid_option", "fail, ignore-file"),
    (&["filter", "check", "S"], 2, "invalid_option", "no rules to check"),
    (&["filter", "explain", "S"], 2, "invalid_option", "<PATH>"),
    (&["filter", "explain", "S", "/elsewhere"], 2, "invalid_option", "/elsewhere: not below SOURCE"),
    (&["filter", "explain", "S", "../R"], 2, "invalid_option", "`..`"),
    (&["filter", "list", "missing"], 1, "source_unreadable", "missing: "),
    (&["filter", "explain", "missing", "a"], 1, "source_unreadable", "missing: "),
    (&["filter", "list", "S/a"], 1, "source_not_a_directory", "S/a: "),
    (&["filter", "lst", "S"], 2, "invalid_option", "'list'"),
    (&["init", "-n", "full"], 1, "not_empty", "full: not empty"),
    (&["init", "-n", "absent/deep"], 1, "io", "absent: "),
    (&["init", "full"], 1, "not_empty", "full: not empty"),
    (&["init", "R"], 1, "not_empty", "R: is a linkdest repository already"),
    (&["init", "R/"], 1, "not_empty", "R: is a linkdest repository already"),
    (&["init", "absent/deep"], 1, "io", "absent: "),
    (&["list", "full"], 10, "not_a_repository", "full: not a linkdest repository"),
    (&["list", "absent"], 10, "not_a_repository", "absent: not a linkdest repository"),
];

fn place() -> Place {
    let place = Place::with_repository();
    fs::create_dir(place.join("full")).unwrap();
    fs::write(place.join("full/file"), "mine").unwrap();
    for (name, text) in [
        ("unknown.rules", "# mine\n\nzz *.o\n"),
        ("lost.rules", "merge absent\n"),
        ("a.rules", "merge b.rules\n"),
        ("b.rules", ". a.rules\n"),
    ] {
        fs::write(place.join(name), text).unwrap();
    }
    place
}

#[test]
fn bad_input_is_one_line_and_changes_nothing() {
    let place = place();
    let before = place.inventory();
    for (arguments, code, _, said) in CASES {
        let output = place.linkdest(arguments).output().unwrap();
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(*code), "{arguments:?}: {stderr}");
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
        assert_eq!(stderr.matches('\n').count(), 1, "{arguments:?}: {stderr}");
        assert!(stderr.starts_with("linkdest: error: ") && stderr.contains(said), "{arguments:?}: {stderr}");
        assert!(!stderr.contains('\x1b'), "{arguments:?}: {stderr:?}");
        before.assert_unchanged(&place.inventory());
    }
}

#[test]
fn bad_input_is_told_as_json_too() {
    let place = place();
    for (arguments, code, kind, said) in
        CASES.iter().filter(|(arguments, ..)| arguments.last() != Some(&"--link-dest"))
    {
        let output = place.linkdest(arguments).arg("--json").output().unwrap();
        let lines = json_lines(&output.stdout);
        assert_eq!(lines.len(), 1, "{arguments:?}");
        let error = &lines[0];
        assert_eq!(error["message_type"], "error");
        assert_eq!(error["kind"], *kind, "{arguments:?}");
        assert_eq!(error["exit_code"], *code, "{arguments:?}");
        assert_eq!(output.status.code(), Some(*code), "{arguments:?}");
        assert!(error["message"].as_str().unwrap().contains(said), "{arguments:?}: {error}");
    }
    let error = place.run(&["list", "absent", "--json"]).code(10);
    assert_eq!(json_lines(&error.get_output().stdout)[0]["path"], "absent");
}

#[test]
fn a_locked_repository_is_an_error_at_once_and_after_the_wait() {
    let place = Place::with_repository();
    let lock = File::create(place.join("R/.linkdest/lock")).unwrap();
    lock.lock().unwrap();
    let before = place.inventory();
    for arguments in [&["snapshot", "S", "R"][..], &["snapshot", "S", "R", "--lock-wait", "200ms"]] {
        let assert = place.run(arguments).code(11).stdout("");
        let stderr = text(&assert.get_output().stderr);
        assert!(stderr.starts_with("linkdest: error: R: locked") && stderr.lines().count() == 1, "{stderr}");
        before.assert_unchanged(&place.inventory());
    }
    // Reading takes no lock, nor does planning.
    place.run(&["list", "R"]).success();
    place.run(&["snapshot", "-n", "S", "R"]).success();

    let waiting = place.linkdest(&["snapshot", "S", "R", "-q", "--lock-wait", "1m"]).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(place.snapshots(), [""; 0]);
    drop(lock);
    assert!(waiting.wait_with_output().unwrap().status.success());
    assert_eq!(place.snapshots().len(), 1);
}
