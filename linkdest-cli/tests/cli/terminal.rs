//! What is asked on a terminal: `script` of util-linux makes one.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use linkdest_testkit::skip;

use crate::place::{Place, text};

/// Types an answer to a command that runs on a terminal; returns what was on the screen, and the exit code. `None` if
/// there is no `script`.
fn on_a_terminal(place: &Place, arguments: &[&str], typed: &str) -> Option<(String, Option<i32>)> {
    let program = place.linkdest(&[]).get_program().to_str().unwrap().to_owned();
    // A shell that runs the tests in the background may have told them to ignore it.
    let line = format!("env --default-signal=INT {program} {}", arguments.join(" "));
    let mut script = Command::new("script");
    script.args(["-qec", &line, "/dev/null"]).current_dir(place.dir.path()).env("TZ", "UTC");
    script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = script.spawn().ok()?;
    let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut screen = Vec::new();
    let mut byte = [0];
    // What is typed too early may go to whoever ran before.
    while !screen.ends_with(b"[y/N] ") && output.read(&mut byte).unwrap() == 1 {
        screen.extend(byte);
    }
    input.write_all(typed.as_bytes()).unwrap();
    output.read_to_end(&mut screen).unwrap();
    drop(input);
    Some((text(&screen), child.wait().unwrap().code()))
}

#[test]
fn what_is_removed_is_asked_for_on_a_terminal() {
    for command in [&["delete", "R", "latest~1"][..], &["forget", "R", "--keep-last", "1"]] {
        let place = Place::with_repository();
        for _ in 0..2 {
            place.run(&["snapshot", "S", "R", "-q"]).success();
        }
        let names = place.snapshots();
        for answer in ["n\n", "\n", "yeah\n", "\u{4}"] {
            let Some((screen, code)) = on_a_terminal(&place, command, answer) else {
                return skip("there is no `script`");
            };
            assert!(screen.contains("Remove this snapshot? [y/N]"), "{screen}");
            assert!(
                screen.contains("nothing was removed") && screen.contains("1 snapshot would free"),
                "{screen}"
            );
            assert_eq!((code, place.snapshots()), (Some(0), names.clone()), "{answer:?}");
        }
        let (screen, code) = on_a_terminal(&place, command, "Yes\n").unwrap();
        assert!(screen.contains("1 snapshot removed"), "{screen}");
        assert_eq!((code, place.snapshots()), (Some(0), names[1..].to_vec()));
    }
}

#[test]
fn ctrl_c_answers_the_question_as_well() {
    let place = Place::with_repository();
    for _ in 0..2 {
        place.run(&["snapshot", "S", "R", "-q"]).success();
    }
    let names = place.snapshots();
    // The terminal makes a signal of it.
    let Some((screen, code)) = on_a_terminal(&place, &["delete", "R", "latest~1"], "\u{3}") else {
        return skip("there is no `script`");
    };
    assert!(screen.contains("[y/N]") && !screen.contains("removed"), "{screen}");
    assert_eq!((code, place.snapshots()), (Some(130), names));
}
