//! Programs run as others, and what rsync makes of two trees.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;
use std::process::Command;

use linkdest_testkit::{
    Entry, NOBODY, Privileges, TestDir, as_user, build, every_kind_entries, is_root, rsync_differences, skip,
};

#[test]
fn another_user_runs_a_program() {
    if !is_root() {
        return skip("only the superuser runs programs as others");
    }
    let mut command = Command::new("sh");
    command.args(["-c", "id -u; id -G; pwd; echo $VALUE"]).env("VALUE", "kept").current_dir("/proc");
    let output = as_user(NOBODY, &command).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "65534\n65534\n/proc\nkept\n");
}

/// Returns the entries that rsync can handle, and handles quickly.
fn entries() -> Vec<Entry> {
    let mut entries = every_kind_entries(Privileges::current());
    entries.retain(|entry| !entry.path.starts_with(b"long") && entry.path != b"holes/four-gib");
    entries
}

#[test]
fn rsync_agrees() {
    let directory = TestDir::new();
    let [left, right] = ["left", "right"].map(|name| directory.join(name));
    assert_eq!(build(&left, &entries()), []);
    assert_eq!(build(&right, &entries()), []);
    let Some(told) = rsync_differences(&left, &right) else {
        return skip("rsync is not installed");
    };
    assert_eq!(told, "");
    fs::write(right.join("files/text"), "SOME TEXT\n").unwrap();
    let told = rsync_differences(&left, &right).unwrap();
    assert!(told.contains("files/text"), "{told}");
}
