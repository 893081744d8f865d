//! Profiles: their text, and running them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use linkdest_core::{
    Collecting, ErrorKind, Event, Fact, KeepRules, Outcome, Profile, ProfileRun, Repository, Severity,
    Silent, Snapshotter, Step, StopFlag,
};
use linkdest_testkit::{Inventory, TestDir};

/// A directory with a source, a repository and a profile that begins with both.
struct Place {
    dir: TestDir,
}

impl Place {
    fn new() -> Self {
        let dir = TestDir::new();
        fs::create_dir(dir.join("source")).unwrap();
        fs::write(dir.join("source/a"), "hello").unwrap();
        Repository::init(dir.join("repo")).unwrap();
        Self { dir }
    }

    fn profile(&self, text: &str) -> Profile {
        let whole = format!("source = 'source'\nrepository = 'repo'\n{text}");
        fs::write(self.dir.join("me.toml"), whole).unwrap();
        Profile::load(self.dir.join("me.toml")).unwrap()
    }

    fn snapshots(&self) -> usize {
        Repository::open(self.dir.join("repo")).unwrap().snapshots().unwrap().len()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }
}

/// Hooks that write down what they are told.
const HOOKS: &str = "[hooks]
run-before = 'echo before ${LINKDEST_STATUS-unset} >> log'
run-after = 'echo after $LINKDEST_STATUS $LINKDEST_EXIT_CODE ${LINKDEST_ERROR-unset} >> log'
run-failed = 'echo failed $LINKDEST_STATUS $LINKDEST_EXIT_CODE ${LINKDEST_SNAPSHOT-unset} >> log'
run-finally = 'echo finally $LINKDEST_STATUS $LINKDEST_EXIT_CODE >> log'
";

fn faults(text: &str) -> Vec<(usize, usize, String)> {
    let error = Profile::parse(text, "/etc/linkdest/me.toml").unwrap_err();
    let fault =
        |fault: &linkdest_core::ProfileFault| (fault.line(), fault.column(), fault.message().to_owned());
    error.faults().iter().map(fault).collect()
}

#[test]
fn the_example_in_the_documentation_is_a_profile() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/example-profile.toml");
    let profile = Profile::load(&path).unwrap();
    assert_eq!((profile.name(), profile.source()), ("example-profile", Path::new("/")));
    assert_eq!(profile.repository_id().map(str::len), Some(32));
    let keep = "daily 14, weekly 8, monthly 12, yearly unlimited, within 7d";
    assert_eq!(profile.keep_rules().to_string(), keep);
    let document = fs::read_to_string(path.with_file_name("profiles.md")).unwrap();
    let example = fs::read_to_string(&path).unwrap();
    assert!(document.contains(&example), "docs/profiles.md shows another example");
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_a_suggestion() {
    let good = "source = '/s'\nrepository = '/r'\n";
    for (text, line, column, message) in [
        ("sorce = 1", 3, 1, "unknown key `sorce`; did you mean `source`?"),
        ("one_file_system = true", 3, 1, "unknown key `one_file_system`; did you mean `one-file-system`?"),
        ("[keep]\nlast = 1\n dayly = 7", 5, 2, "unknown key `dayly`; did you mean `daily`?"),
        (
            "[hooks]\nbefore = 'x'",
            4,
            1,
            "unknown key `before`; there are run-before, run-after, run-failed, run-finally",
        ),
        ("é = 1", 3, 1, "unclosed"),
        ("policy = 'quik'", 3, 10, "`quik` is none of quick, strict, checksum; did you mean `quick`?"),
        ("threads = 0", 3, 11, "0 is not between 1 and 65535"),
        ("threads = '2'", 3, 11, "expected a whole number, found text"),
        ("keep = 7", 3, 8, "expected a table of keys, found a whole number"),
        ("keep = {daily = -1}", 3, 17, "-1 is not between 0 and 4294967295"),
        ("keep = {within = 'soon'}", 3, 18, ""),
        ("free-space = '50 G'", 3, 14, "not a size like 1000, 500M or 4GB"),
        ("verify = {sample = '0%'}", 3, 20, "a sample is more than 0% and at most 100%, as in 10%"),
        ("lock-wait = '-5s'", 3, 13, "not a duration like 30s, 10m or 1h"),
        ("exclude = ['a', 2]", 3, 17, "expected text in quotes, found a whole number"),
        ("exclude-if-present = 'a/b'", 3, 22, "not the name of an entry in a directory"),
        ("rules = ''", 3, 9, "a path cannot be empty"),
        ("rules = '~you/x'", 3, 9, "only `~/` is expanded: write the path in full, or `./~you/x` for a name"),
        ("link-dest = \"a\\u0000b\"", 3, 13, "a NUL character cannot be part of it"),
        ("repository-id = 'x'", 3, 17, ""),
        ("hooks = {run-before = ' '}", 3, 23, "a hook cannot be empty"),
        ("hooks = {run-before = []}", 3, 23, "a hook needs a program"),
        ("guards = {mass-change = 101}", 3, 25, "101 is not between 0 and 100"),
        ("source = '/t'", 3, 1, "duplicate key"),
        ("threads = ", 3, 11, ""),
    ] {
        let found = faults(&format!("{good}{text}"));
        let told = format!("{text}: {found:?}");
        if text.starts_with('é') {
            assert_eq!(found[0].0, 3, "{told}");
            continue;
        }
        assert_eq!((found.len(), found[0].0, found[0].1), (1, line, column), "{told}");
        assert!(found[0].2.starts_with(message), "{told}");
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let found = faults("threads = 0\n[keep]\ndayly = 1\n[hooks]\nrun-befor = 'x'\n");
    let lines: Vec<usize> = found.iter().map(|(line, ..)| *line).collect();
    assert_eq!(lines, [1, 1, 1, 3, 5], "{found:?}");
    assert!(found.iter().any(|(.., message)| message == "`source` is missing"));
}

#[test]
fn paths_start_at_the_profile_or_at_home() {
    let home = PathBuf::from(std::env::var_os("HOME").expect("a test needs a HOME"));
    for (given, path) in [
        ("/a/b/", PathBuf::from("/a/b")),
        ("a", "/etc/linkdest/a".into()),
        ("../a", "/etc/linkdest/../a".into()),
        ("~", home.clone()),
        ("~/a", home.join("a")),
        ("~//a", home.join("a")),
        ("./~/a", "/etc/linkdest/~/a".into()),
    ] {
        let text = format!("source = '{given}'\nrepository = '/r'");
        let profile = Profile::parse(&text, "/etc/linkdest/me.toml").unwrap();
        assert_eq!(profile.source(), path, "{given}");
    }
}

#[test]
fn files_that_are_no_profiles_are_refused() {
    let dir = TestDir::new();
    fs::write(dir.join("large.toml"), "#".repeat((1 << 20) + 1)).unwrap();
    fs::write(dir.join("bytes.toml"), b"source = '\xff'").unwrap();
    fs::create_dir(dir.join("dir.toml")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(dir.join("pipe.toml")).status().unwrap().success());
    for name in ["large.toml", "bytes.toml", "dir.toml", "pipe.toml", "none.toml"] {
        let error = Profile::load(dir.join(name)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Profile, "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
    let error = Profile::load("no-such-profile-anywhere").unwrap_err();
    assert!(error.to_string().contains("/etc/linkdest/no-such-profile-anywhere.toml"), "{error}");
}

#[test]
fn a_run_takes_a_snapshot_forgets_checks_and_tells() {
    let place = Place::new();
    let profile = place.profile(&format!("keep = {{last = 2}}\nverify = {{sample = '100%'}}\n{HOOKS}"));
    for count in [1, 2, 2] {
        let monitor = Collecting::default();
        let report = profile.run(&monitor).unwrap();
        assert_eq!((report.exit_code(), place.snapshots()), (0, count));
        let ended = |event: Event| match event {
            Event::Fact(Fact { step, outcome: Outcome::Done, .. }) => Some(step),
            _ => None,
        };
        let steps: Vec<Step> = monitor.events().into_iter().filter_map(ended).collect();
        let all = [
            Step::RunBefore,
            Step::Snapshot,
            Step::Forget,
            Step::Verify,
            Step::RunAfter,
            Step::RunFinally,
            Step::Run,
        ];
        assert_eq!(steps, all);
        assert_eq!(report.verified().unwrap().files_read(), 1);
    }
    let once = "before unset\nafter complete 0 unset\nfinally complete 0\n";
    assert_eq!(place.log(), once.repeat(3));
}

#[test]
fn only_snapshots_of_its_own_source_are_forgotten() {
    let place = Place::new();
    fs::create_dir(place.dir.join("other")).unwrap();
    for _ in 0..3 {
        Snapshotter::new(place.dir.join("other"), place.dir.join("repo")).run(&Silent).unwrap();
    }
    let profile = place.profile("keep = {last = 1}\n");
    for _ in 0..2 {
        assert_eq!(profile.run(&Silent).unwrap().exit_code(), 0);
    }
    assert_eq!(place.snapshots(), 4);
    // Others' snapshots do not go for space either: all that there is would not be enough.
    let profile = place.profile("free-space = 4611686018427387904\n");
    let report = profile.run(&Silent).unwrap();
    assert_eq!((report.exit_code(), report.errors()[0].kind()), (3, ErrorKind::NoSpace));
    assert_eq!(place.snapshots(), 5);
}

#[test]
fn a_failed_snapshot_runs_run_failed() {
    let place = Place::new();
    let profile = place.profile(&format!("keep = {{last = 1}}\n{HOOKS}"));
    fs::rename(place.dir.join("source"), place.dir.join("away")).unwrap();
    let error = profile.run(&Silent).unwrap_err();
    assert_eq!((error.kind(), error.kind().exit_code()), (ErrorKind::SourceUnreadable, 1));
    assert_eq!(place.log(), "before unset\nfailed failed 1 unset\nfinally failed 1\n");
}

#[test]
fn bad_rules_are_told_before_anything_runs_but_run_failed_hears_of_them() {
    let place = Place::new();
    let profile = place.profile(&format!("rules = 'missing.rules'\n{HOOKS}"));
    assert_eq!(profile.run(&Silent).unwrap_err().kind(), ErrorKind::Rules);
    assert_eq!(place.log(), "failed failed 2 unset\nfinally failed 2\n");
    assert_eq!(place.snapshots(), 0);
}

#[test]
fn a_hook_before_that_fails_means_no_snapshot() {
    let place = Place::new();
    let profile = place.profile(&HOOKS.replace("'echo before ${LINKDEST_STATUS-unset} >> log'", "'exit 9'"));
    let error = profile.run(&Silent).unwrap_err();
    assert_eq!((error.kind(), error.kind().exit_code()), (ErrorKind::Hook, 1));
    assert!(error.to_string().contains("exit status: 9"), "{error}");
    assert_eq!((place.snapshots(), place.log().as_str()), (0, "failed failed 1 unset\nfinally failed 1\n"));
}

#[test]
fn other_hooks_that_fail_spoil_the_exit_code_alone() {
    for hook in ["run-after", "run-finally"] {
        let place = Place::new();
        let profile = place.profile(&format!("[hooks]\n{hook} = ['/nonexistent/program']\n"));
        let report = profile.run(&Silent).unwrap();
        assert_eq!((report.exit_code(), place.snapshots()), (3, 1));
        assert_eq!(report.failed_hooks()[0].hook().as_str(), hook);
    }
}

#[test]
fn a_wrong_repository_is_not_written_to() {
    let place = Place::new();
    let id = Repository::open(place.dir.join("repo")).unwrap().id().to_owned();
    assert_eq!(place.profile(&format!("repository-id = '{id}'\n")).run(&Silent).unwrap().exit_code(), 0);
    let profile = place.profile(&format!("repository-id = '{}'\n", "0".repeat(32)));
    let before = Inventory::of(&place.dir.join("repo"));
    assert_eq!(profile.run(&Silent).unwrap_err().kind(), ErrorKind::WrongRepository);
    before.assert_unchanged(&Inventory::of(&place.dir.join("repo")));
}

#[test]
fn a_dry_run_writes_nothing_and_runs_no_hooks() {
    let place = Place::new();
    place.profile("").run(&Silent).unwrap();
    let profile = place.profile(&format!("keep = {{last = 1}}\nverify = {{sample = '5%'}}\n{HOOKS}"));
    place.profile("").run(&Silent).unwrap();
    let before = Inventory::of(place.dir.path());
    let report = ProfileRun::new(&profile).dry_run(true).run(&Silent).unwrap();
    assert_eq!((report.exit_code(), report.plan().unwrap().removed().len()), (0, 1));
    before.assert_unchanged(&Inventory::of(place.dir.path()));
}

#[test]
fn a_run_that_was_stopped_in_a_hook_after_the_snapshot_says_so() {
    let place = Place::new();
    let profile = place.profile("[hooks]\nrun-after = 'touch begun; sleep 300'\n");
    let stop = StopFlag::default();
    let report = std::thread::scope(|scope| {
        let run = scope.spawn(|| ProfileRun::new(&profile).stop(stop.clone()).run(&Silent).unwrap());
        while !place.dir.join("begun").exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        stop.stop();
        run.join().unwrap()
    });
    assert!(report.snapshot().snapshot().is_some());
    assert_eq!((report.failed_hooks().len(), report.exit_code()), (1, 130));
}

#[test]
fn stopping_ends_a_hook_with_its_children_and_the_last_hooks_run() {
    let place = Place::new();
    let profile = place.profile(
        "[hooks]\nrun-before = 'sleep 300 & echo $! > pid; wait'\nrun-failed = 'echo failed $LINKDEST_STATUS >> log'\n\
         run-finally = 'echo finally $LINKDEST_EXIT_CODE >> log'\n",
    );
    let stop = StopFlag::default();
    let begun = Instant::now();
    let error = std::thread::scope(|scope| {
        let run = scope.spawn(|| ProfileRun::new(&profile).stop(stop.clone()).run(&Silent).unwrap_err());
        let pid = place.dir.join("pid");
        while !fs::read_to_string(&pid).is_ok_and(|pid| pid.ends_with('\n')) {
            assert!(begun.elapsed() < Duration::from_secs(60), "the hook never began");
            std::thread::sleep(Duration::from_millis(5));
        }
        stop.stop();
        run.join().unwrap()
    });
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    assert_eq!(place.log(), "failed interrupted\nfinally 130\n");
    assert!(begun.elapsed() < Duration::from_secs(60));
    let pid = fs::read_to_string(place.dir.join("pid")).unwrap();
    let child = PathBuf::from("/proc").join(pid.trim());
    let ended = || fs::read_to_string(child.join("stat")).map_or(true, |stat| stat.contains(") Z "));
    while !ended() {
        assert!(begun.elapsed() < Duration::from_secs(60), "a child of the hook still runs");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_check_says_what_a_run_would_meet() {
    let place = Place::new();
    let check = place.profile("keep = {daily = 7}\n").check();
    assert_eq!((check.exit_code(), check.remarks()), (0, &[][..]));
    assert!(check.plan().iter().any(|line| line == "forget: all of this source but daily 7"), "{check:?}");
    let remarks = |text: &str| {
        let check = place.profile(text).check();
        let remark = |(severity, message): &(Severity, String)| (*severity, message.clone());
        (check.exit_code(), check.remarks().iter().map(remark).collect::<Vec<_>>())
    };
    for (text, code, part) in [
        ("exclude = 'a[b'\n", 3, "a[b"),
        ("rules = 'none'\n", 2, "none"),
        ("hooks = {run-after = ['no-such-program']}\n", 2, "no-such-program"),
        ("hooks = {run-after = ['./me.toml']}\n", 2, "./me.toml"),
        ("link-dest = 'none'\n", 2, "none"),
        ("repository-id = '00000000000000000000000000000000'\n", 2, "id"),
    ] {
        let (found, told) = remarks(text);
        assert_eq!((found, told.len()), (code, 1), "{text}: {told:?}");
        assert!(told[0].1.contains(part), "{told:?}");
    }
    assert_eq!(remarks("hooks = {run-after = ['sh', '-c', 'x']}\n"), (0, vec![]));
    place.profile("");
    fs::set_permissions(place.dir.join("me.toml"), fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(Profile::load(place.dir.join("me.toml")).unwrap().check().exit_code(), 3);
    // What is not there may be mounted by the first hook.
    fs::remove_dir_all(place.dir.join("source")).unwrap();
    assert_eq!(place.profile("hooks = {run-before = 'true'}\n").check().remarks()[0].0, Severity::Warning);
}

#[test]
fn keep_rules_are_told_in_words() {
    assert_eq!(
        KeepRules::default().weekly(2).within("1y".parse().unwrap()).to_string(),
        "weekly 2, within 1y"
    );
}

#[test]
fn nothing_is_forgotten_after_a_suspect_snapshot() {
    let place = Place::new();
    for number in 0..1100 {
        fs::write(place.dir.join("source").join(number.to_string()), "x").unwrap();
    }
    let profile = place.profile(&format!("keep = {{last = 1}}\n{HOOKS}"));
    assert_eq!(profile.run(&Silent).unwrap().exit_code(), 0);
    for number in 0..1050 {
        fs::remove_file(place.dir.join("source").join(number.to_string())).unwrap();
    }
    let report = profile.run(&Silent).unwrap();
    assert!(report.snapshot().is_suspect() && report.forgotten().is_none());
    assert_eq!((report.exit_code(), place.snapshots()), (3, 2));
    assert!(place.log().ends_with("after suspect 3 unset\nfinally suspect 3\n"), "{}", place.log());
}

#[test]
fn guards_are_set_as_the_profile_says() {
    let place = Place::new();
    place.profile("").run(&Silent).unwrap();
    fs::remove_file(place.dir.join("source/a")).unwrap();
    assert_eq!(place.profile("").run(&Silent).unwrap_err().kind(), ErrorKind::SourceEmpty);
    assert_eq!(place.profile("guards = {allow-empty = true}\n").run(&Silent).unwrap().exit_code(), 0);
    fs::write(place.dir.join("source/b"), "new").unwrap();
    let full = place.profile("guards = {reserve = 4611686018427387904}\n").run(&Silent).unwrap_err();
    assert_eq!(full.kind(), ErrorKind::NoSpace);
}
