//! `linkdest run`, `profile check` and `schedule`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

use linkdest_testkit::{is_root, skip};
use predicates::prelude::*;
use predicates::str::{contains, is_match};
use serde_json::json;

use crate::place::{Place, json_lines, of_type, text};

/// Hooks that write down what they are told.
const HOOKS: &str = "[hooks]
run-after = 'echo after $LINKDEST_STATUS $LINKDEST_EXIT_CODE >> log'
run-failed = 'echo failed $LINKDEST_STATUS $LINKDEST_EXIT_CODE >> log'
run-finally = 'echo finally $LINKDEST_EXIT_CODE >> log'
";

/// A repository, and a profile `me.toml` with this text.
fn with_profile(text: &str) -> Place {
    let place = Place::with_repository();
    write_profile(&place, text);
    place
}

fn write_profile(place: &Place, text: &str) {
    fs::write(place.join("me.toml"), format!("source = 'S'\nrepository = 'R'\n{text}")).unwrap();
}

fn log(place: &Place) -> String {
    let log = fs::read_to_string(place.join("log")).unwrap_or_default();
    let _ = fs::remove_file(place.join("log"));
    log
}

#[test]
fn a_run_tells_a_line_for_each_fact() {
    let place = with_profile(&format!("keep = {{last = 1}}\nverify = {{sample = '100%'}}\n{HOOKS}"));
    let run = place.run(&["run", "me.toml"]).success().stdout("");
    let time = r"(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d ";
    let fact = |fact: &str| is_match(format!("{time}{fact}$")).unwrap();
    run.stderr(
        fact(r"snapshot: \S+Z: complete, 4 entries, 10 bytes copied, 0 problems")
            .and(fact("forget: removed nothing"))
            .and(fact("verify: 1 snapshots checked, 2 files and 10 bytes read, 0 differences, 0 problems"))
            .and(fact("run-after: done"))
            .and(fact("run: ended after .* exit code 0")),
    );
    let first = place.snapshots();
    place.run(&["run", "./me.toml", "-q"]).success().stdout("").stderr("");
    assert_eq!(place.snapshots().len(), 1);
    assert_ne!(place.snapshots(), first);
    assert_eq!(log(&place), "after complete 0\nfinally 0\n".repeat(2));
}

#[test]
fn a_run_tells_programs_what_it_did() {
    let place = with_profile("keep = {last = 1}\n[hooks]\nrun-before = 'echo on standard output'\n");
    let (plan, old) = (place.json(&["run", "me.toml", "--json", "-n"]), place.snapshots());
    assert!(!of_type(&plan, "plan").is_empty() && old.is_empty());
    assert_eq!(plan.last().unwrap()["dry_run"], json!(true));
    let name = |lines: &[serde_json::Value]| lines.last().unwrap()["snapshot"].clone();
    let first = name(&place.json(&["run", "me.toml", "--json"]));
    let lines = place.json(&["--json", "run", "me.toml", "--no-progress"]);
    let summary = lines.last().unwrap();
    assert_eq!(summary["message_type"], "summary");
    assert_eq!((&summary["status"], &summary["profile"]), (&json!("complete"), &json!("me")));
    assert_eq!((&summary["forgotten"], &summary["exit_code"]), (&json!([first]), &json!(0)));
    let steps: Vec<_> = of_type(&lines, "step").iter().map(|line| line["step"].clone()).collect();
    assert_eq!(steps, ["run", "run-before", "run-before", "snapshot", "snapshot", "forget", "run"]);
    fs::rename(place.join("S"), place.join("away")).unwrap();
    let lines = json_lines(&place.run(&["run", "me.toml", "--json"]).code(1).get_output().stdout);
    assert_eq!(lines.last().unwrap()["kind"], "source_unreadable");
}

#[test]
fn profiles_are_found_by_name() {
    let place = with_profile("");
    let run = |name: &str| -> Output {
        place.linkdest(&["run", "-q", name]).env("XDG_CONFIG_HOME", place.join("config")).output().unwrap()
    };
    let told = run("laptop");
    let message = text(&told.stderr);
    assert_eq!(told.status.code(), Some(2));
    assert!(message.contains("config/linkdest/laptop.toml and /etc/linkdest/laptop.toml"), "{message}");
    let directory = place.join("config/linkdest");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("laptop.toml"), "source = '../../S'\nrepository = '../../R'").unwrap();
    assert_eq!(run("laptop").status.code(), Some(0));
    assert_eq!(place.snapshots().len(), 1);
}

#[test]
fn what_is_wrong_with_a_profile_is_told_before_anything_is_done() {
    let place = with_profile("exlude = ['a']\n[hooks]\nrun-finally = 'touch ran'\n");
    let before = place.inventory();
    for command in
        [&["run", "me.toml"][..], &["profile", "check", "me.toml"], &["schedule", "me.toml", "--daily"]]
    {
        let refused = place.run(command).code(2).stdout("");
        refused.stderr(contains("me.toml: line 3, column 1: unknown key `exlude`; did you mean `exclude`?"));
    }
    before.assert_unchanged(&place.inventory());
}

#[test]
fn exit_codes_are_those_that_are_documented() {
    let place = with_profile(HOOKS);
    // Problems: published, and run-after hears of it.
    fs::write(place.join("S/.rules"), "nonsense").unwrap();
    write_profile(&place, &format!("filters = [': .rules']\non-bad-rules = 'ignore-file'\n{HOOKS}"));
    place.run(&["run", "-q", "me.toml"]).code(3);
    assert_eq!(log(&place), "after problems 3\nfinally 3\n");
    // A failing hook.
    write_profile(&place, &HOOKS.replace("'echo after", "'exit 5; echo after"));
    place.run(&["run", "-q", "me.toml"]).code(3).stderr(contains("run-after: failed: exit status: 5"));
    assert_eq!(log(&place), "finally 3\n");
    write_profile(&place, &format!("{HOOKS}run-before = 'exit 5'\n"));
    let count = place.snapshots().len();
    place.run(&["run", "-q", "me.toml"]).code(1).stderr(contains("error: run-before failed: exit status: 5"));
    assert_eq!((log(&place).as_str(), place.snapshots().len()), ("failed failed 1\nfinally 1\n", count));
    // Damage in the sample.
    write_profile(&place, &format!("verify = {{sample = '100%'}}\n{HOOKS}"));
    fs::write(place.join("R").join(&place.snapshots()[0]).join("a"), "hallo").unwrap();
    place.run(&["run", "-q", "me.toml"]).code(4).stderr(contains("verify: failed: "));
    assert_eq!(log(&place), "after complete 4\nfinally 4\n");
    // Another run.
    write_profile(&place, HOOKS);
    let lock = fs::File::open(place.join("R/.linkdest/lock")).unwrap();
    lock.lock().unwrap();
    place.run(&["run", "-q", "me.toml"]).code(11);
    place.run(&["run", "-q", "me.toml", "--lock-wait", "10ms"]).code(11);
    drop(lock);
    assert_eq!(log(&place), "failed failed 11\nfinally 11\n".repeat(2));
    // No repository.
    fs::rename(place.join("R"), place.join("away")).unwrap();
    place.run(&["run", "-q", "me.toml"]).code(10);
    assert_eq!(log(&place), "failed failed 10\nfinally 10\n");
}

#[test]
fn a_signal_ends_the_hook_and_the_last_hooks_run() {
    let place = with_profile(&format!("{HOOKS}run-before = 'touch begun; sleep 300'\n"));
    let run = place.linkdest(&["run", "-q", "me.toml"]).spawn().unwrap();
    let mut run = Killed(run);
    wait_for("the hook", Duration::from_secs(60), || place.join("begun").exists());
    let id = rustix::process::Pid::from_raw(i32::try_from(run.0.id()).unwrap()).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    assert_eq!(run.0.wait().unwrap().code(), Some(143));
    assert_eq!((log(&place).as_str(), place.snapshots().len()), ("failed interrupted 130\nfinally 130\n", 0));
}

#[test]
fn a_check_tells_what_a_run_would_do() {
    let place = with_profile(&format!("keep = {{daily = 7}}\n{HOOKS}"));
    let before = place.inventory();
    let told = place.run(&["profile", "check", "me.toml"]).success().stderr("");
    told.stdout(contains("forget: all of this source but daily 7\n").and(contains("run-after: echo after ")));
    let told = place.json(&["profile", "check", "me.toml", "--json"]);
    assert_eq!((&told[0]["profile"], &told[0]["remarks"]), (&json!("me"), &json!([])));
    before.assert_unchanged(&place.inventory());
    write_profile(&place, "exclude = 'a[b'\n");
    place.run(&["profile", "check", "me.toml"]).code(3).stderr(contains("problem: ").and(contains("a[b")));
    write_profile(&place, "hooks = {run-after = ['./none']}\n");
    place.run(&["profile", "check", "me.toml"]).code(2).stderr(contains("error: run-after: ./none"));
}

#[test]
fn a_schedule_is_written_and_removed_and_never_over_another_file() {
    let place = with_profile("");
    let schedule = |arguments: &[&str]| -> Output {
        let mut command = place.linkdest(&[&["schedule", "me.toml", "--user"], arguments].concat());
        command.env("XDG_CONFIG_HOME", place.join("config")).output().unwrap()
    };
    let timer = place.join("config/systemd/user/linkdest-me.timer");
    for dry in ["--print", "--dry-run"] {
        let told = schedule(&["--daily", dry]);
        assert!(told.status.success() && !timer.exists());
        assert!(text(&told.stdout).contains("linkdest-me.timer"));
    }
    assert!(text(&schedule(&["--weekly", "--print"]).stdout).contains("OnCalendar=weekly\n"));
    let told = schedule(&["--daily"]);
    assert!(text(&told.stdout).contains("systemctl --user enable --now linkdest-me.timer"), "{told:?}");
    assert!(fs::read_to_string(&timer).unwrap().contains("Persistent=true"));
    assert_eq!(fs::metadata(&timer).unwrap().permissions().mode() & 0o777, 0o644);
    // What it wrote it may write again.
    assert_eq!(schedule(&["--calendar", "Mon 18:00"]).status.code(), Some(0));
    assert!(fs::read_to_string(&timer).unwrap().contains("OnCalendar=Mon 18:00\n"));
    fs::write(&timer, "[Timer]\n").unwrap();
    let service = timer.with_extension("service");
    fs::remove_file(&service).unwrap();
    for arguments in [&["--daily"][..], &["--remove"]] {
        let refused = schedule(arguments);
        assert_eq!((refused.status.code(), service.exists()), (Some(2), false), "{refused:?}");
        assert_eq!(fs::read_to_string(&timer).unwrap(), "[Timer]\n");
    }
    fs::remove_file(&timer).unwrap();
    assert!(schedule(&["--hourly"]).status.success() && timer.exists() && service.exists());
    assert!(schedule(&["--remove"]).status.success() && !timer.exists() && !service.exists());
    assert!(text(&schedule(&["--remove"]).stdout).contains("nothing to remove"));
    assert_eq!(schedule(&[]).status.code(), Some(2));
    assert_eq!(schedule(&["--daily", "--hourly"]).status.code(), Some(2));
}

#[test]
fn run_parts_makes_the_daily_snapshot() {
    if Command::new("run-parts").arg("--help").output().is_err() {
        return skip("run-parts is not there");
    }
    let place = with_profile(&format!("keep = {{last = 2}}\n{HOOKS}"));
    let told = place.run(&["schedule", "me.toml", "--user", "--cron", "--daily", "--print"]).success();
    let line = text(&told.get_output().stdout);
    let command = line.trim_end().splitn(6, ' ').last().unwrap();
    let daily = place.join("daily");
    fs::create_dir(&daily).unwrap();
    fs::write(daily.join("linkdest"), format!("#!/bin/sh\n{command}\n")).unwrap();
    fs::set_permissions(daily.join("linkdest"), fs::Permissions::from_mode(0o755)).unwrap();
    let run_parts =
        || Command::new("run-parts").arg("--report").arg(&daily).current_dir("/").output().unwrap();
    for count in [1, 2, 2] {
        let told = run_parts();
        assert!(told.status.success() && told.stdout.is_empty() && told.stderr.is_empty(), "{told:?}");
        assert_eq!(place.snapshots().len(), count);
    }
    assert_eq!(log(&place), "after complete 0\nfinally 0\n".repeat(3));
    let newest = place.snapshots();
    for (hooks, code, told) in [
        (HOOKS.replace("'echo after", "'exit 5; echo after"), 3, "finally 3\n"),
        (format!("{HOOKS}run-before = 'exit 5'\n"), 1, "failed failed 1\nfinally 1\n"),
    ] {
        write_profile(&place, &format!("keep = {{last = 3}}\n{hooks}"));
        let output = run_parts();
        assert!(text(&output.stderr).contains(&format!("exited with return code {code}")), "{output:?}");
        assert_eq!(log(&place), told);
    }
    assert_eq!(place.snapshots()[..2], newest);
    assert_eq!(place.snapshots().len(), 3);
}

/// A process that does not outlive the test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn wait_for(what: &str, patience: Duration, is_there: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_there() {
        assert!(begun.elapsed() < patience, "{what} did not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn cron_itself_makes_the_snapshot() {
    if !is_root() || Command::new("cron").arg("-h").output().is_err() {
        return skip("needs root and a cron daemon");
    }
    let name = format!("linkdest-test-{}", std::process::id());
    let place = Place::with_repository();
    let profile = place.join(&format!("{name}.toml"));
    let profile = profile.to_str().unwrap();
    fs::write(profile, format!("source = 'S'\nrepository = 'R'\n{HOOKS}")).unwrap();
    let schedule = ["schedule", profile, "--system", "--cron", "--calendar", "* * * * *"].map(str::to_owned);
    let schedule: Vec<&str> = schedule.iter().map(String::as_str).collect();
    place.run(&schedule).success().stdout(contains(format!("/etc/cron.d/linkdest-{name}: written")));
    // One that runs already takes no second one.
    let _cron = Killed(Command::new("cron").arg("-f").spawn().unwrap());
    let removed = std::panic::catch_unwind(|| {
        wait_for("the snapshot", Duration::from_secs(90), || place.join("log").exists());
    });
    place.run(&["schedule", profile, "--system", "--cron", "--remove"]).success();
    removed.unwrap();
    wait_for("the end", Duration::from_secs(30), || {
        fs::read_to_string(place.join("log")).unwrap().contains("after complete 0\nfinally 0\n")
    });
    assert!(!place.snapshots().is_empty());
}
