//! A source that changes, and a repository that is looked at after each mishap.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::cargo::CommandCargoExt as _;
use linkdest_testkit::{Comparison, Inventory, Random, TestDir, describe};

/// A source, and a repository with its snapshots as they were when they were known to be whole.
pub struct Scene {
    pub dir: TestDir,
    pub source: PathBuf,
    pub repository: PathBuf,
    pub random: Random,
    known: BTreeMap<String, Inventory>,
    edits: u64,
    /// Nothing was changed since the last run that published.
    settled: bool,
}

impl Scene {
    /// A source of some 500 entries; the repository is made below `place`, or beside the source.
    pub fn new(place: Option<&Path>, seed: u64) -> Self {
        let dir = TestDir::new();
        let source = dir.join("source");
        for directory in 0..25 {
            let inner = source.join(format!("{}/{directory}", directory % 5));
            std::fs::create_dir_all(&inner).unwrap();
            for file in 0..16_u8 {
                std::fs::write(inner.join(file.to_string()), vec![file; directory * usize::from(file) * 40])
                    .unwrap();
            }
            symlink("1", inner.join("symlink")).unwrap();
            std::fs::hard_link(inner.join("2"), inner.join("name-of-2")).unwrap();
        }
        let repository = place.unwrap_or(dir.path()).join("repository");
        let random = Random::new(seed);
        let mut scene =
            Self { dir, source, repository, random, known: BTreeMap::new(), edits: 0, settled: true };
        scene.succeed(&["init", "REPO", "-q"]);
        scene.recover("at the beginning");
        scene
    }

    /// The program; `SOURCE` and `REPO` among the arguments stand for the paths.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::cargo_bin("linkdest").unwrap();
        self.add_arguments(&mut command, arguments);
        command
    }

    pub fn add_arguments(&self, command: &mut Command, arguments: &[&str]) {
        for argument in arguments {
            match *argument {
                "SOURCE" => command.arg(&self.source),
                "REPO" => command.arg(&self.repository),
                argument => command.arg(argument),
            };
        }
        command.stdin(Stdio::null());
    }

    pub fn succeed(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {:?}: {said}", output.status);
        output
    }

    /// Changes the source as its user would, once between two runs that publish: bytes that were changed with the time
    /// put back may hide behind another change of the same file that explains its change time.
    pub fn edit(&mut self) {
        if !std::mem::replace(&mut self.settled, false) {
            return;
        }
        self.edits += 1;
        linkdest_testkit::random_edits(&self.source, self.edits, 6);
    }

    /// The names in the repository that look like snapshots.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.repository).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| name.starts_with("20")).collect();
        names.sort();
        names
    }

    /// What must hold at any time: known snapshots are untouched, and what else is visible is the source as it is.
    /// Returns the names of those.
    pub fn check(&mut self, what: &str) -> Vec<String> {
        let names = self.names();
        for (name, known) in &self.known {
            let path = self.repository.join(name);
            let differences = match names.contains(name) {
                true => known.differences(&Inventory::of(&path).mounted_anywhere()),
                false => panic!("{what}: {name} is gone"),
            };
            assert!(differences.is_empty(), "{what}: {name}: {}", describe(&differences));
        }
        let new: Vec<_> = names.into_iter().filter(|name| !self.known.contains_key(name)).collect();
        self.settled |= !new.is_empty();
        for name in &new {
            let path = self.repository.join(name);
            let differences = Comparison::new().run(&self.source, &path);
            assert!(differences.is_empty(), "{what}: {name}: {}", describe(&differences));
            self.known.insert(name.clone(), Inventory::of(&path).mounted_anywhere());
        }
        new
    }

    /// What the next run must make of it: a whole snapshot, and nothing left over. Returns how long that took.
    pub fn recover(&mut self, what: &str) -> Duration {
        let started = Instant::now();
        self.succeed(&["snapshot", "SOURCE", "REPO", "-q"]);
        let taken = started.elapsed();
        let new = self.check(what);
        assert_eq!(new.len(), 1, "{what}");
        for place in ["staging", "trash"] {
            let left = std::fs::read_dir(self.repository.join(".linkdest").join(place));
            assert_eq!(left.map_or(0, Iterator::count), 0, "{what}: {place}");
        }
        let latest = std::fs::read_link(self.repository.join("latest")).unwrap();
        assert_eq!(latest.to_str(), Some(new[0].as_str()), "{what}");
        taken
    }

    /// Deletes all but the newest snapshots; verifies those first.
    pub fn tidy(&mut self) {
        self.succeed(&["verify", "REPO", "-q"]);
        let old: Vec<_> = self.known.keys().cloned().collect();
        for name in &old[..old.len().saturating_sub(2)] {
            self.forget(name);
            self.succeed(&["delete", "-qy", "REPO", name]);
        }
    }

    /// Takes a snapshot off the list of what must be there.
    pub fn forget(&mut self, name: &str) -> Inventory {
        self.known.remove(name).unwrap()
    }

    pub fn oldest(&self) -> String {
        self.known.keys().next().unwrap().clone()
    }

    /// Puts a snapshot back on the list.
    pub fn remember(&mut self, name: &str, inventory: Inventory) {
        self.known.insert(name.to_owned(), inventory);
    }
}
