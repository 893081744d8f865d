//! How many kernel calls an entry costs, and what happens when one of them fails.
//!
//! Built with `RUSTFLAGS="--cfg linkdest_calls"`; without it there is nothing to count.

#![cfg(linkdest_calls)]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::panic,
    reason = "tests stop where an assumption fails"
)]

mod costs;
mod failing;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use linkdest_core::calls::{Call, trace};
use linkdest_core::{Error, Silent, SnapshotReport, Snapshotter};
use linkdest_testkit::TestDir;

/// The trace is the whole process's.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

struct Tree {
    _alone: MutexGuard<'static, ()>,
    dir: TestDir,
    source: PathBuf,
}

/// A directory of the source with two files, a directory, and a symlink.
fn tree() -> Tree {
    let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = TestDir::new();
    let source = dir.join("source");
    std::fs::create_dir_all(source.join("directory/inner")).unwrap();
    std::fs::write(source.join("directory/regular-one"), "hello").unwrap();
    std::fs::write(source.join("directory/regular-two"), vec![3; 200_000]).unwrap();
    std::os::unix::fs::symlink("target", source.join("directory/symlink")).unwrap();
    // Older than two seconds before the first run: nothing need be compared.
    std::thread::sleep(std::time::Duration::from_millis(2100));
    Tree { _alone: alone, source, dir }
}

impl Tree {
    fn run(&self, fail: Option<(Call, usize, i32)>) -> (Result<SnapshotReport, Error>, Vec<trace::Made>) {
        let one = NonZeroUsize::new(1).unwrap();
        let snapshotter = Snapshotter::new(&self.source, self.dir.join("repository")).init(true).threads(one);
        trace::start(fail);
        let result = snapshotter.run(&Silent);
        (result, trace::finish())
    }
}

/// The calls on one name, by kind.
fn calls_on(made: &[trace::Made], name: &str) -> BTreeMap<Call, usize> {
    let mut calls = BTreeMap::new();
    for one in made.iter().filter(|one| one.name == name.as_bytes()) {
        *calls.entry(one.call).or_default() += 1;
    }
    calls
}

/// All calls, by kind.
fn all_calls(made: &[trace::Made]) -> BTreeMap<Call, usize> {
    made.iter().fold(BTreeMap::new(), |mut calls, one| {
        *calls.entry(one.call).or_default() += 1;
        calls
    })
}
