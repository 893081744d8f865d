//! Trees that change while they are read or written, by chance or by an attacker: nothing outside is read, written,
//! listed or removed, nothing hangs, and what a quiet run makes afterwards is exact.
//!
//! A canary lies outside, with the names that the trees have. `LINKDEST_SWAPS=40000` asks each test for so many swaps,
//! instead of a few thousand.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests stop where an assumption fails, and reach their trees by path"
)]

mod attack;
mod moving_source;
mod planted_repository;
mod planted_target;
mod watchdog;

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use linkdest_testkit::TestDir;

/// The directories and files that every tree here has, and the canary as well.
const DIRECTORIES: u32 = 6;
const FILES: u32 = 5;

/// Says whether the test asks more than the portable backend can do, and that it is skipped then.
fn beyond_portable(lack: &str) -> bool {
    if cfg!(linkdest_portable) {
        linkdest_testkit::skip_beyond(format_args!("the portable backend has {lack}"));
    }
    cfg!(linkdest_portable)
}

fn wanted_swaps() -> u64 {
    std::env::var("LINKDEST_SWAPS").map_or(2_000, |swaps| swaps.parse().unwrap())
}

/// A source, room for a repository and a target, and a canary.
struct Scene {
    dir: TestDir,
    source: PathBuf,
    repository: PathBuf,
    target: PathBuf,
    canary: PathBuf,
    known: Vec<State>,
}

/// What `stat` tells of one entry of the canary; its access time tells whether it was read.
#[derive(Debug, PartialEq, Eq)]
struct State {
    path: PathBuf,
    identity: (u64, u32, u32, u64),
    accessed: (i64, i64),
    modified: (i64, i64),
    changed: (i64, i64),
    links: u64,
}

impl Scene {
    fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() { TestDir::new_in(memory) } else { TestDir::new() };
        let [source, repository, target, canary] =
            ["source", "repository", "target", "canary"].map(|name| dir.join(name));
        fill(&source, "of the source");
        fill(&canary, "SECRET");
        // Attackers give further names to this one.
        std::fs::write(dir.join("linked"), "the linked file").unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
        let known = state(&canary);
        Self { dir, source, repository, target, canary, known }
    }

    /// Panics if anything of the canary was read, listed, changed or removed.
    fn check(&self) {
        assert_eq!(self.known, state(&self.canary), "the canary was touched");
        assert_eq!(std::fs::read(self.dir.join("linked")).unwrap(), b"the linked file");
        assert_eq!(std::fs::metadata(self.dir.join("linked")).unwrap().mode() & 0o7777, 0o644);
    }
}

fn fill(root: &Path, text: &str) {
    for directory in 0..DIRECTORIES {
        let inner = root.join(format!("d{directory}/inner"));
        std::fs::create_dir_all(&inner).unwrap();
        for file in 0..FILES {
            for place in [inner.parent().unwrap(), &inner] {
                let path = place.join(format!("f{file}"));
                std::fs::write(&path, format!("{text} {directory} {file}").repeat(40)).unwrap();
                std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
            }
        }
    }
}

/// Looks at all entries whose names are known: a listing would move access times itself.
fn state(canary: &Path) -> Vec<State> {
    let mut paths = vec![canary.to_owned()];
    for directory in 0..DIRECTORIES {
        let outer = canary.join(format!("d{directory}"));
        let inner = outer.join("inner");
        paths
            .extend((0..FILES).flat_map(|file| [&outer, &inner].map(|place| place.join(format!("f{file}")))));
        paths.extend([outer, inner]);
    }
    paths.into_iter().map(look).collect()
}

fn look(path: PathBuf) -> State {
    let stat = std::fs::symlink_metadata(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    State {
        identity: (stat.ino(), stat.mode(), stat.uid(), stat.size()),
        accessed: (stat.atime(), stat.atime_nsec()),
        modified: (stat.mtime(), stat.mtime_nsec()),
        changed: (stat.ctime(), stat.ctime_nsec()),
        links: stat.nlink(),
        path,
    }
}

/// Panics if a tree has anything of the canary's in it.
fn assert_no_secret(tree: &Path) {
    let mut waiting = vec![tree.to_owned()];
    while let Some(path) = waiting.pop() {
        let stat = std::fs::symlink_metadata(&path).unwrap();
        if stat.is_dir() {
            waiting.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if stat.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            assert!(!bytes.windows(6).any(|part| part == b"SECRET"), "{} has a secret", path.display());
        }
    }
}
