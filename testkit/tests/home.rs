//! The generated tree.

#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use linkdest_testkit::{HomeTree, TestDir, assert_same};

/// Counts entries, directories and bytes.
fn count(directory: &Path) -> (usize, usize, u64) {
    let mut sum = (0, 0, 0);
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        assert!(metadata.mtime() <= 1_700_000_000);
        sum.0 += 1;
        if metadata.is_dir() {
            let below = count(&entry.path());
            sum = (sum.0 + below.0, sum.1 + 1 + below.1, sum.2 + below.2);
        } else if metadata.is_file() {
            sum.2 += metadata.len();
        }
    }
    sum
}

#[test]
fn equal_seeds_make_equal_trees_of_the_wanted_size() {
    let directory = TestDir::new();
    let tree = HomeTree { entries: 1500, directories: 150, bytes: 3_000_000, seed: 7 };
    let [one, other] = ["one", "other"].map(|name| directory.join(name));
    tree.make(&one).unwrap();
    tree.make(&other).unwrap();
    assert_same(&one, &other);
    let (entries, directories, bytes) = count(&one);
    assert_eq!((entries, directories), (1500, 150));
    assert!((2_990_000..=3_000_000).contains(&bytes), "{bytes}");
}
