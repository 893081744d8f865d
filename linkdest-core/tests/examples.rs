//! The examples run, and do what they say.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use linkdest_testkit::{TestDir, skip};

/// Where cargo puts the examples: beside the tests.
fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(Path::parent).unwrap().join("examples").join(name)
}

fn run(name: &str, dir: &TestDir) -> Output {
    Command::new(example(name)).arg(dir.join("source")).arg(dir.join("repository")).output().unwrap()
}

#[test]
fn the_examples_take_snapshots() {
    // `cargo test --test examples` alone does not build them.
    if !example("progress").is_file() {
        return skip("the examples are not built");
    }
    let dir = TestDir::new();
    std::fs::create_dir(dir.join("source")).unwrap();
    std::fs::write(dir.join("source/file"), "hello").unwrap();
    for (name, told) in [
        ("progress", "5 bytes copied"),
        ("custom_policy", "1 files linked, 0 copied"),
        ("custom_monitor", ""),
    ] {
        let output = run(name, &dir);
        assert!(output.status.success(), "{name}: {output:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains(told), "{name}: {output:?}");
        // Without arguments they say how they are called.
        assert_eq!(Command::new(example(name)).output().unwrap().status.code(), Some(2));
    }
    std::fs::write(dir.join("source/file"), "hello again").unwrap();
    let told = String::from_utf8(run("custom_monitor", &dir).stdout).unwrap();
    assert!(told.starts_with("       1  "), "{told}");
}
