//! What shells are told to complete, and man pages.

use std::fs;
use std::process::Command;

use linkdest_testkit::skip;
use predicates::str::contains;

use crate::place::{Place, text};

/// What is offered for the last of the words.
fn offered(place: &Place, words: &[&str]) -> Vec<String> {
    let mut command = place.linkdest(&["--", "linkdest"]);
    command.args(words).env("LINKDEST_COMPLETE", "bash").env("_CLAP_IFS", "\n");
    command.env("_CLAP_COMPLETE_INDEX", words.len().to_string());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    text(&output.stdout).lines().map(str::to_owned).collect()
}

pub fn with_snapshots() -> Place {
    let place = Place::with_repository();
    place.add("$(touch evil)", "");
    for _ in 0..2 {
        place.run(&["snapshot", "S", "R", "-q"]).success();
    }
    place
}

#[test]
fn snapshots_are_completed() {
    let place = with_snapshots();
    let names = place.snapshots();
    let all = ["latest", &names[1], "latest~1", &names[0]];
    // Options follow.
    assert_eq!(offered(&place, &["diff", "R", ""])[..4], all);
    assert_eq!(offered(&place, &["diff", "./R/", "latest~1", "lat"]), ["latest", "latest~1"]);
    assert_eq!(offered(&place, &["delete", "-n", "R", &names[0], "2"]), [names[1].clone(), names[0].clone()]);
    assert_eq!(offered(&place, &["verify", "R", &names[1]]), [names[1].clone()]);
    assert_eq!(offered(&place, &["restore", "R", "latest"]), ["latest:", "latest~1:"]);
    assert_eq!(offered(&place, &["diff", "absent", "lat"]), Vec::<String>::new());
}

#[test]
fn paths_in_snapshots_are_completed_as_far_as_a_shell_takes_them() {
    let place = with_snapshots();
    assert_eq!(offered(&place, &["restore", "R", "latest:"]), ["latest:a", "latest:d/", "latest:link"]);
    assert_eq!(offered(&place, &["ls", "R", "latest:d/"]), ["latest:d/b"]);
    assert_eq!(offered(&place, &["ls", "R", "latest:nothing/"]), Vec::<String>::new());
}

#[test]
fn commands_options_and_directories_are_completed() {
    let place = with_snapshots();
    assert_eq!(offered(&place, &["rest"]), ["restore"]);
    assert!(offered(&place, &["snapshot", "--dry"]).contains(&"--dry-run".to_owned()));
    assert_eq!(offered(&place, &["list", "./"]), ["./R/", "./S/"]);
    assert_eq!(offered(&place, &["snapshot", "--policy", ""]), ["quick", "strict", "checksum"]);
    assert!(!offered(&place, &[""]).contains(&"man".to_owned()));
}

#[test]
fn each_shell_has_a_script() {
    let place = with_snapshots();
    for (shell, mark) in [
        ("bash", "complete -o nospace"),
        ("zsh", "#compdef linkdest"),
        ("fish", "complete --keep-order --exclusive --command linkdest"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        place
            .run(&["completions", shell])
            .success()
            .stdout(contains(mark))
            .stdout(contains("LINKDEST_COMPLETE"));
    }
    place.run(&["completions", "tcsh"]).code(2);
}

#[test]
fn man_pages_are_written_and_read() {
    let place = Place::new();
    fs::create_dir(place.join("man")).unwrap();
    place.run(&["man", "man"]).success().stdout(contains(" pages written"));
    let pages: Vec<_> = fs::read_dir(place.join("man")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(pages.len() > 25, "{pages:?}");
    place.run(&["man", "absent"]).code(1);
    for page in pages {
        let Ok(output) =
            Command::new("man").args(["--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z"]).arg(&page).output()
        else {
            return skip("there is no man");
        };
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{}: {}",
            page.display(),
            text(&output.stderr)
        );
    }
}
