//! Expunging that is killed at any of its steps: readers see no loss, and the next command finishes it.

use std::fs;
use std::path::Path;
use std::process::Command;

use linkdest_core::{Repository, Silent, Verifier};
use linkdest_testkit::{Inventory, skip};

use crate::expunge::{assert_recorded, below, changed, expunged_by_verify, name, pair, repository};
use crate::support::path;

/// Runs another test of this program with the repository in its environment, under `strace` if calls are to be killed.
fn child(test: &str, repository: &Path, kill: Option<(&str, u32)>) -> Command {
    let program = std::env::current_exe().unwrap();
    let mut command = match kill {
        None => Command::new(program),
        Some((call, number)) => {
            let mut command = Command::new("strace");
            command.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}")]);
            command.args(["-e", &format!("inject={call}:signal=KILL:when={number}")]).arg(program);
            command
        }
    };
    command.args(["--exact", test, "--ignored"]).env("LINKDEST_EXPUNGE", repository);
    command
}

#[test]
#[ignore = "a part of another test, in a process of its own"]
fn expunging_child() {
    let Some(repository) = std::env::var_os("LINKDEST_EXPUNGE") else { return };
    Repository::open(repository).unwrap().expunge(&below("d/secret")).unwrap();
}

#[test]
fn killed_at_any_step_it_is_finished_by_the_next_command() {
    if !Command::new("strace").arg("-V").output().is_ok_and(|output| output.status.success()) {
        return skip("strace is not installed");
    }
    let mut kills = 0;
    for call in ["renameat2,renameat,rename", "utimensat", "fsync", "syncfs", "unlinkat,unlink,rmdir"] {
        for number in 1.. {
            let pair = pair();
            let reports = [pair.snapshot(), pair.snapshot()];
            let before: Vec<_> = reports.iter().map(|report| Inventory::of(path(report))).collect();
            let run = child("expunge_killed::expunging_child", &pair.repository, Some((call, number)))
                .output()
                .unwrap();
            let killed = !run.status.success();
            kills += u32::from(killed);
            // Readers see no loss in between.
            let seen = Verifier::new(&repository(&pair)).run(&Silent).unwrap();
            let lost: Vec<_> =
                seen.findings().iter().filter(|one| one.kind().as_str() == "missing").collect();
            assert!(lost.is_empty(), "{call} {number}: {lost:?}");
            let begun = !repository(&pair).expunged().unwrap().is_empty();
            let next = pair.snapshot();
            for (report, before) in reports.iter().zip(&before) {
                assert_eq!(changed(before, path(report), &["d/secret"]), [], "{call} {number}");
                assert_eq!(path(report).join("d/secret").exists(), !begun, "{call} {number}");
                if begun {
                    assert_recorded(&pair, name(report), "d/secret");
                }
            }
            assert_eq!(fs::read(path(&next).join("d/secret")).unwrap(), b"password");
            assert_eq!(expunged_by_verify(&pair), if begun { 2 } else { 0 });
            assert!(repository(&pair).expunge(&below("top")).is_ok());
            if !killed {
                break;
            }
        }
    }
    assert!(kills >= 15, "only {kills} kills: is the child killed at all?");
}
