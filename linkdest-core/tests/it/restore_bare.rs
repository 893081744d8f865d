//! Restoring where the manifest is gone: the tree alone tells what was saved.

use std::fs;

use linkdest_core::{RelPath, Repository};
use linkdest_testkit::Comparison;

use crate::restore::{Saved, assert_restored, complete};
use crate::support::{Pair, inode};

#[test]
fn the_tree_is_taken() {
    let saved = Saved::everything();
    fs::remove_dir_all(saved.pair.repository.join(".linkdest/manifests")).unwrap();
    saved.restore();
    assert_restored(&saved.pair.source, &saved.back);
    let again = saved.restore();
    assert_eq!((again.counts().bytes_copied, again.counts().other_created), (0, 0));
    assert_restored(&saved.pair.source, &saved.back);
}

/// The directory was looked for by its name within itself: a problem was told, and its attributes were missing.
#[test]
fn a_directory_of_the_snapshot_comes_back_without_a_problem() {
    let pair = Pair::new();
    fs::create_dir_all(pair.source.join("d/e")).unwrap();
    pair.write("d/e/f", "hello");
    let named =
        rustix::fs::setxattr(pair.source.join("d"), "user.kept", b"kept", rustix::fs::XattrFlags::empty());
    let report = pair.snapshot();
    fs::remove_dir_all(pair.repository.join(".linkdest/manifests")).unwrap();
    let repository = Repository::open(&pair.repository).unwrap();
    let target = pair.dir.join("target");
    let part = RelPath::new("d").unwrap();
    complete(&repository.restore(report.snapshot().unwrap(), &part, &target));
    Comparison::new().assert_same(&pair.source.join("d"), &target);
    if named.is_err() {
        linkdest_testkit::skip("no extended attributes here");
    }
}

#[test]
fn a_shared_copy_is_separated_too() {
    let saved = Saved::small();
    saved.pair.snapshot();
    fs::remove_dir_all(saved.pair.repository.join(".linkdest/manifests")).unwrap();
    fs::create_dir(&saved.back).unwrap();
    fs::hard_link(saved.tree.join("a"), saved.back.join("a")).unwrap();
    complete(&saved.restorer());
    assert_ne!(inode(saved.tree.join("a")), inode(saved.back.join("a")));
    assert_restored(&saved.tree, &saved.back);
}
