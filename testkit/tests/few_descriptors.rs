//! Deep and wide trees, with few descriptors to spare.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::indexing_slicing)]

use linkdest_testkit::{Aspect, Comparison, Inventory, TestDir, compare, deep, remove_tree, wide};
use rustix::process::{Resource, Rlimit, setrlimit};

/// Limits this whole process, and so the tests of this file only.
fn limit_descriptors() {
    setrlimit(Resource::Nofile, Rlimit { current: Some(256), maximum: Some(256) }).unwrap();
}

/// Times differ, as nothing sets them here.
fn without_times() -> Comparison {
    Comparison::new().times(false)
}

#[test]
fn a_deep_tree_is_compared_recorded_and_removed() {
    limit_descriptors();
    let directory = TestDir::new();
    let [left, right] = ["left", "right"].map(|name| directory.join(name));
    deep(&left, 5000);
    deep(&right, 5000);
    without_times().assert_same(&left, &right);
    assert!(compare(&left, &right).iter().all(|found| found.aspect == Aspect::Time));

    let before = Inventory::of(&left);
    assert_eq!(before.len(), 5002);
    before.assert_unchanged(&Inventory::of(&left));

    remove_tree(&left).unwrap();
    assert!(!left.exists());
}

#[test]
fn a_difference_at_the_bottom_is_found() {
    limit_descriptors();
    let directory = TestDir::new();
    let [left, right] = ["left", "right"].map(|name| directory.join(name));
    deep(&left, 3000);
    deep(&right, 3001);
    let found = without_times().run(&left, &right);
    let told: Vec<_> = found.iter().map(|found| (found.path.len(), found.aspect.clone())).collect();
    // Three thousand times `d/`, and then the name.
    assert_eq!(told, [(6001, Aspect::Extra), (6001, Aspect::Missing)]);
}

#[test]
fn a_wide_tree_is_compared_and_removed() {
    limit_descriptors();
    let directory = TestDir::new();
    let [left, right] = ["left", "right"].map(|name| directory.join(name));
    wide(&left, 5000);
    wide(&right, 5000);
    without_times().assert_same(&left, &right);
    std::fs::remove_dir(right.join("003777")).unwrap();
    assert_eq!(without_times().run(&left, &right).len(), 1);
    remove_tree(&left).unwrap();
    assert!(!left.exists());
}
