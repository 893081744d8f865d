//! Ctrl-C and SIGTERM.

use std::fs::{self, File};
use std::io::Read as _;
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::place::{Place, json_lines, text};

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Waits until the process handles SIGINT itself.
fn wait_for_handler(child: &Child) {
    let status = format!("/proc/{}/status", child.id());
    let handles = || {
        let status = fs::read_to_string(&status).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim().to_owned();
        u64::from_str_radix(&caught, 16).unwrap() & 0b10 != 0
    };
    while !handles() {
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn waiting_for_the_lock_can_be_interrupted() {
    let place = Place::with_repository();
    let lock = File::create(place.join("R/.linkdest/lock")).unwrap();
    lock.lock().unwrap();
    let before = place.inventory();
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let mut command = place.linkdest(&["snapshot", "S", "R", "--lock-wait", "1h", "--json"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        wait_for_handler(&child);
        send(&child, signal);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code));
        let error = json_lines(&output.stdout).remove(0);
        assert_eq!((&error["kind"], &error["exit_code"]), (&"interrupted".into(), &code.into()));
        let stderr = text(&output.stderr);
        assert!(stderr.starts_with("linkdest: error: stopped") && stderr.lines().count() == 1, "{stderr}");
        before.assert_unchanged(&place.inventory());
    }
}

#[test]
fn an_interrupted_run_publishes_nothing_and_the_next_one_is_whole() {
    let place = Place::with_repository();
    let long = "x".repeat(200);
    for number in 0..2000 {
        place.add(format!("{long}{number}"), "x");
    }
    // Nobody reads on, so the run stands still where the pipe is full, long before its end.
    let mut command = place.linkdest(&["snapshot", "S", "R", "--threads", "1", "-v"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut [0]).unwrap();
    send(&child, Signal::INT);
    std::thread::sleep(Duration::from_millis(200));
    let mut rest = Vec::new();
    stdout.read_to_end(&mut rest).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(text(&output.stderr).starts_with("linkdest: error: stopped"), "{}", text(&output.stderr));
    assert_eq!(place.snapshots(), [""; 0]);
    assert!(place.join("R/latest").symlink_metadata().is_err());

    place.run(&["snapshot", "S", "R", "-q"]).success();
    let published = fs::read_dir(place.join("R").join(&place.snapshots()[0])).unwrap().count();
    assert_eq!(published, fs::read_dir(place.join("S")).unwrap().count());
}

#[test]
fn a_list_that_nobody_reads_on_can_be_interrupted() {
    let place = Place::new();
    let long = "x".repeat(200);
    for number in 0..2000 {
        place.add(format!("{long}{number}"), "x");
    }
    let mut command = place.linkdest(&["filter", "list", "S", "--exclude=a"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut [0]).unwrap();
    send(&child, Signal::TERM);
    std::thread::sleep(Duration::from_millis(200));
    let mut rest = Vec::new();
    stdout.read_to_end(&mut rest).unwrap();
    assert!(rest.len() < 300_000, "{} bytes", rest.len());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(143));
    assert_eq!(text(&output.stderr), "linkdest: error: stopped\n");
}
