//! Kernel calls of the program that fail, by strace.

use std::process::{Command, Output};

use assert_cmd::cargo::CommandCargoExt as _;
use linkdest_testkit::{Comparison, skip};

use crate::rounds;
use crate::scene::Scene;

const CALLS: &[&str] = &[
    "openat",
    "statx",
    "getdents64",
    "pread64",
    "read",
    "pwrite64",
    "write",
    "linkat",
    "symlinkat",
    "mkdirat",
    "unlinkat",
    "renameat2",
    "renameat",
    "fchown",
    "fchmod",
    "utimensat",
    "flistxattr",
    "ftruncate",
    "fsync",
    "syncfs",
    "flock",
    "ioctl",
    "copy_file_range",
    "fstat",
    "newfstatat",
    "fstatfs",
    "lseek",
    "clone3",
];
const ERRORS: &[&str] =
    &["EIO", "ENOSPC", "EDQUOT", "EMLINK", "EACCES", "EPERM", "ENOMEM", "EINTR", "ENOSYS", "EROFS"];
/// The first use of a call, some in the middle, and late ones.
const USES: &[&str] = &["1", "2", "5", "17", "60", "200"];

/// Runs a snapshot in which one call fails.
fn with_fault(scene: &Scene, call: &str, error: &str, nth: &str) -> Option<Output> {
    let program = Command::cargo_bin("linkdest").unwrap().get_program().to_owned();
    let mut command = Command::new("strace");
    let inject = format!("inject={call}:error={error}:when={nth}");
    // Only the calls in question are stopped at.
    command.args([
        "-f",
        "-qq",
        "--seccomp-bpf",
        "-o",
        "/dev/null",
        "-e",
        &format!("trace={call}"),
        "-e",
        &inject,
    ]);
    command.arg(program);
    scene.add_arguments(&mut command, &["snapshot", "SOURCE", "REPO", "-q", "--json", "--threads", "1"]);
    command.output().ok()
}

/// Whether the failure tells, when the file system is tried out, that it cannot hold something: no fault.
fn is_an_answer(call: &str, error: &str) -> bool {
    matches!(call, "fchmod" | "fchown" | "symlinkat" | "ioctl")
        && matches!(error, "EPERM" | "EACCES" | "ENOSYS")
        // Or that a file of the source can have no extended attributes.
        || (call, error) == ("flistxattr", "ENOSYS")
}

/// The paths of the problems that a run named.
fn named(output: &Output) -> Vec<String> {
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = lines.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let problems = lines.filter(|line| line["message_type"] == "problem");
    problems.filter_map(|line| line["path"].as_str().map(str::to_owned)).collect()
}

#[test]
fn every_failing_call_is_an_error_or_a_named_problem() {
    let mut scene = Scene::new(None, 7);
    let (mut injected, mut fatal, mut with_problems) = (0, 0, 0);
    let all = CALLS.len() * ERRORS.len() * USES.len();
    // A step that has no divisor in common with the lengths above visits all combinations in the end.
    let wanted = usize::try_from(rounds(60)).unwrap().min(all);
    for at in (0..all).map(|number| number * 1009 % all).take(wanted + wanted / 20) {
        let (call, rest) = (CALLS[at % CALLS.len()], at / CALLS.len());
        let (error, nth) = (ERRORS[rest % ERRORS.len()], USES[rest / ERRORS.len()]);
        if is_an_answer(call, error) {
            continue;
        }
        let what = format!("{call} {nth} fails with {error}");
        scene.edit();
        let before = scene.names();
        let Some(output) = with_fault(&scene, call, error, nth) else { return skip("needs strace") };
        injected += 1;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let new: Vec<_> = scene.names().into_iter().filter(|name| !before.contains(name)).collect();
        match (output.status.code(), new.as_slice()) {
            (Some(0), [_]) => {}
            (Some(3), [name]) => {
                with_problems += 1;
                let (path, named) = (scene.repository.join(name), named(&output));
                // What could not be told on standard output was told on the other one.
                let untold = said.contains("standard output");
                assert!(!named.is_empty() || untold, "{what}: 3, and no problem named: {said}");
                for difference in Comparison::new().run(&scene.source, &path) {
                    // What is named may be the other name of a hard link.
                    let other = difference.left.strip_prefix("linked with ").unwrap_or_default();
                    let of = |path: &String| {
                        path == "."
                            || [&difference.path, other.as_bytes()]
                                .iter()
                                .any(|of| of.starts_with(path.as_bytes()))
                    };
                    assert!(named.iter().any(of), "{what}: {difference} is not named: {named:?}");
                }
                // What is in it was judged; it is not what the source is.
                scene.succeed(&["delete", "-qy", "REPO", name]);
            }
            (Some(0 | 3), []) => panic!("{what}: success, and nothing published"),
            (_, []) => {
                fatal += 1;
                assert!(
                    !said.is_empty() || !output.stdout.is_empty(),
                    "{what}: {:?}, no word",
                    output.status
                );
                assert!(!said.contains("panicked"), "{what}: {said}");
            }
            (code, new) => panic!("{what}: {code:?}, and yet {new:?}: {said}"),
        }
        scene.check(&what);
        scene.recover(&what);
        if injected % 8 == 0 {
            scene.tidy();
        }
    }
    println!("{injected} faults: {fatal} errors, {with_problems} with problems");
    assert!(fatal > 0);
}
