//! A directory with a small source, and the program run in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command as StdCommand, Output};

use assert_cmd::Command;
use assert_cmd::cargo::CommandCargoExt as _;
use linkdest_testkit::{Entry, Inventory, NOBODY, TestDir, as_user, build, is_root};
use serde_json::Value;

/// A directory that holds the source `S`; the repository is `R`, where there is one.
pub struct Place {
    pub dir: TestDir,
}

impl Place {
    /// A source with an entry of most kinds, and no repository.
    pub fn new() -> Self {
        let place = Self { dir: TestDir::new() };
        let entries = [
            Entry::directory("d"),
            Entry::file("d/b", "bytes"),
            Entry::file("a", "hello"),
            Entry::symlink("link", "a"),
        ];
        assert!(build(&place.dir.join("S"), &entries).is_empty());
        place
    }

    /// The same with an empty repository.
    pub fn with_repository() -> Self {
        let place = Self::new();
        place.run(&["init", "R", "-q"]).success().stdout("").stderr("");
        place
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Makes a file in the source.
    pub fn add(&self, name: impl AsRef<[u8]>, bytes: &str) {
        use std::os::unix::ffi::OsStrExt as _;
        let name = std::ffi::OsStr::from_bytes(name.as_ref());
        fs::write(self.join("S").join(name), bytes).unwrap();
    }

    /// The state of everything, source and repository.
    pub fn inventory(&self) -> Inventory {
        Inventory::of(self.dir.path())
    }

    /// The program, in this directory, with an environment that changes nothing.
    pub fn linkdest(&self, arguments: &[&str]) -> StdCommand {
        let mut command = StdCommand::cargo_bin("linkdest").unwrap();
        command.current_dir(self.dir.path()).args(arguments);
        command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").env("TZ", "UTC");
        command
    }

    pub fn run(&self, arguments: &[&str]) -> assert_cmd::assert::Assert {
        Command::from_std(self.linkdest(arguments)).assert()
    }

    /// Runs as a user whom permissions bind.
    pub fn run_as_ordinary_user(&self, arguments: &[&str]) -> Output {
        if !is_root() {
            return self.linkdest(arguments).output().unwrap();
        }
        std::os::unix::fs::chown(self.dir.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        let program = self.join("linkdest");
        copy_program(&program);
        let mut command = StdCommand::new(program);
        command.current_dir(self.dir.path()).args(arguments);
        as_user(NOBODY, &command).output().unwrap()
    }

    /// The names of the published snapshots.
    pub fn snapshots(&self) -> Vec<String> {
        let document = self.json(&["list", "R", "--json"]).remove(0);
        let snapshots = document["snapshots"].as_array().unwrap().iter();
        snapshots.map(|snapshot| snapshot["name"].as_str().unwrap().to_owned()).collect()
    }

    /// Runs with success and reads the lines of standard output as JSON.
    pub fn json(&self, arguments: &[&str]) -> Vec<Value> {
        json_lines(&self.run(arguments).success().get_output().stdout)
    }
}

/// Copies the program to where another user can reach it.
///
/// A process of its own copies: a file that this one has open for writing could not be run while a child of another
/// test holds it as well.
pub fn copy_program(target: &Path) {
    let program = StdCommand::cargo_bin("linkdest").unwrap().get_program().to_owned();
    assert!(StdCommand::new("cp").arg(program).arg(target).status().unwrap().success());
}

pub fn json_lines(stdout: &[u8]) -> Vec<Value> {
    text(stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The lines of one kind.
pub fn of_type<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["message_type"] == kind).collect()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
