//! A source, a repository and a canary, and what every snapshot must contain.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use linkdest_core::{Repository, SnapshotName};
use linkdest_testkit::TestDir;

use super::canary::Canary;
use super::edits::Source;
use super::naive::{View, differences, regroup};
use super::observe::{Observed, observe};

/// A snapshot as it must be for ever.
pub struct Known {
    pub name: SnapshotName,
    pub observed: Observed,
    /// Of which inode of the source each entry was made, and in which version.
    pub origin: BTreeMap<Vec<u8>, (usize, u64)>,
    pub pinned: bool,
    /// Nothing was disturbed that later runs learn from it.
    pub whole: bool,
    /// What was taken out of it: a restore leaves that alone.
    pub expunged: BTreeSet<Vec<u8>>,
}

/// What was done, in figures.
#[derive(Debug, Default, Clone, Copy)]
pub struct Figures {
    pub operations: u64,
    pub snapshots: u64,
    pub restores: u64,
    pub removals: u64,
    pub checks: u64,
    pub interrupted: u64,
    pub shared: u64,
}

impl Figures {
    pub fn add(&mut self, other: &Self) {
        self.operations += other.operations;
        self.snapshots += other.snapshots;
        self.restores += other.restores;
        self.removals += other.removals;
        self.checks += other.checks;
        self.interrupted += other.interrupted;
        self.shared += other.shared;
    }
}

/// Everything that a history plays with.
pub struct World {
    /// Keeps the directory until the end.
    _dir: TestDir,
    pub source: Source,
    pub repository: PathBuf,
    pub target: PathBuf,
    pub canary: Canary,
    pub known: Vec<Known>,
    pub log: Vec<String>,
    pub figures: Figures,
}

impl World {
    pub fn new(place: &Path) -> Self {
        let dir = TestDir::new_in(place);
        let canary = Canary::new(dir.join("canary"));
        let source = Source::new(dir.join("source"), dir.join("canary"));
        let (repository, target) = (dir.join("repository"), dir.join("target"));
        let (known, log) = (Vec::new(), Vec::new());
        Self { _dir: dir, source, repository, target, canary, known, log, figures: Figures::default() }
    }

    pub fn open(&self) -> Repository {
        Repository::open(&self.repository).unwrap()
    }

    pub fn say(&mut self, what: impl Into<String>) {
        self.log.push(what.into());
    }

    pub fn names(&self) -> Vec<SnapshotName> {
        self.known.iter().map(|known| known.name.clone()).collect()
    }

    pub fn tree(&self, name: &SnapshotName) -> PathBuf {
        self.repository.join(name.as_str())
    }

    /// The names on disk of what looks like snapshots.
    pub fn on_disk(&self) -> BTreeSet<String> {
        let Ok(entries) = std::fs::read_dir(&self.repository) else { return BTreeSet::new() };
        let directories =
            entries.map(|entry| entry.unwrap()).filter(|entry| entry.file_type().unwrap().is_dir());
        let names = directories.filter_map(|entry| entry.file_name().into_string().ok());
        names.filter(|name| name.parse::<SnapshotName>().is_ok()).collect()
    }

    /// Nothing may have changed but what was asked for.
    pub fn check(&mut self) {
        self.figures.checks += 1;
        self.canary.check();
        let expected: BTreeSet<_> = self.known.iter().map(|known| known.name.to_string()).collect();
        assert_eq!(self.on_disk(), expected, "the snapshots on disk");
        for known in &self.known {
            let found = observe(&self.tree(&known.name));
            assert_same(&known.observed.view, &found.view, known.name.as_str());
            assert_eq!(known.observed.inodes, found.inodes, "{}: other inodes", known.name);
        }
    }

    /// What must hold after every command that wrote and was not disturbed.
    pub fn check_tidy(&self) {
        for place in ["staging", "trash"] {
            let left = std::fs::read_dir(self.repository.join(".linkdest").join(place));
            let left: Vec<_> = left.into_iter().flatten().map(|entry| entry.unwrap().file_name()).collect();
            assert!(left.is_empty(), "{place}: {left:?}");
        }
        if let Some(newest) = self.known.last() {
            let latest = std::fs::read_link(self.repository.join("latest")).unwrap();
            assert_eq!(latest.to_str(), Some(newest.name.as_str()), "latest");
        }
    }

    /// Finds out which snapshots are gone after a disturbed removal that was to remove some: each is whole, or gone.
    pub fn settle_removal(&mut self, going: &[SnapshotName]) {
        let there = self.on_disk();
        self.known.retain(|known| there.contains(known.name.as_str()) || !going.contains(&known.name));
        self.check();
    }
}

impl Known {
    /// Takes paths out of what must be there.
    pub fn without(&self, gone: &BTreeSet<Vec<u8>>) -> Observed {
        let mut observed = self.observed.clone();
        observed.view.retain(|path, _| !gone.contains(path));
        observed.inodes.retain(|path, _| !gone.contains(path));
        regroup(&mut observed.view);
        observed
    }
}

/// Panics with the differences between what must be and what is.
pub fn assert_same(expected: &View, found: &View, what: &str) {
    let told: Vec<_> = differences(expected, found).into_iter().map(|(_, text)| text).collect();
    assert!(told.is_empty(), "{what}: {}", told.join("\n  "));
}
