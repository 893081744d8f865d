//! What lies outside, and must be left alone by all that points at it.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// A directory with files in it that nobody has any business with.
pub struct Canary {
    pub root: PathBuf,
    known: Vec<State>,
}

#[derive(Debug, PartialEq, Eq)]
struct State {
    path: PathBuf,
    identity: (u64, u32, u32, u64),
    modified: (i64, i64),
    changed: (i64, i64),
    links: u64,
    bytes: Option<Vec<u8>>,
}

impl Canary {
    pub fn new(root: PathBuf) -> Self {
        std::fs::create_dir_all(root.join("inner")).unwrap();
        for name in ["file", "inner/file", "a", "inner/b"] {
            std::fs::write(root.join(name), format!("the canary's {name}")).unwrap();
        }
        // Attackers give further names to this one: its links are not watched.
        std::fs::write(root.join("linked"), "the canary's linked file").unwrap();
        let known = state(&root);
        Self { root, known }
    }

    /// Panics if anything of it was touched.
    pub fn check(&self) {
        assert_eq!(self.known, state(&self.root), "the canary was touched");
    }
}

fn state(root: &Path) -> Vec<State> {
    let mut found = Vec::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(path) = waiting.pop() {
        let stat = std::fs::symlink_metadata(&path).unwrap();
        if stat.is_dir() {
            waiting.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        let is_linked = path.ends_with("linked");
        found.push(State {
            identity: (stat.ino(), stat.mode(), stat.uid(), stat.size()),
            modified: (stat.mtime(), stat.mtime_nsec()),
            changed: if is_linked { (0, 0) } else { (stat.ctime(), stat.ctime_nsec()) },
            links: if is_linked { 0 } else { stat.nlink() },
            bytes: stat.is_file().then(|| std::fs::read(&path).unwrap()),
            path,
        });
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}
