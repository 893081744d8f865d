//! Removal of trees that resist.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::indexing_slicing)]

use std::env;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use linkdest_testkit::{
    NOBODY, Privileges, TestDir, as_user, assert_same, every_kind, is_root, remove_tree, skip,
};

#[test]
fn every_kind_is_removed() {
    let directory = TestDir::new();
    let tree = directory.join("tree");
    assert_eq!(every_kind(&tree, Privileges::current()), []);
    remove_tree(&tree).unwrap();
    assert!(!tree.exists());
}

#[test]
fn a_symlink_is_not_followed() {
    let directory = TestDir::new();
    fs::create_dir(directory.join("kept")).unwrap();
    fs::write(directory.join("kept/file"), "kept").unwrap();
    symlink("kept", directory.join("link")).unwrap();
    fs::create_dir(directory.join("tree")).unwrap();
    symlink("../kept", directory.join("tree/link")).unwrap();
    remove_tree(&directory.join("link")).unwrap();
    remove_tree(&directory.join("tree")).unwrap();
    assert!(directory.join("kept/file").exists());
    assert!(!directory.join("tree").exists());
    assert_eq!(remove_tree(&directory.join("tree")).unwrap_err().kind(), std::io::ErrorKind::NotFound);
}

#[test]
fn a_test_directory_goes_with_everything_in_it() {
    let directory = TestDir::new();
    let path = directory.path().to_owned();
    assert_eq!(every_kind(&directory.join("tree"), Privileges::User), []);
    drop(directory);
    assert!(!path.exists());
}

#[test]
fn a_user_removes_forbidden_directories() {
    if !is_root() {
        return build_compare_and_remove();
    }
    let executable = env::current_exe().unwrap();
    let home = TestDir::new().owned_by(NOBODY);
    let mut command = Command::new(&executable);
    command.args(["--exact", "for_a_user", "--ignored"]).env("LINKDEST_TEST_DIR", home.path());
    command.current_dir(home.path());
    if !as_user(NOBODY, Command::new(&executable).arg("--list")).output().unwrap().status.success() {
        return skip("another user cannot run this test's program where it lies");
    }
    let output = as_user(NOBODY, &command).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0, "it was all removed");
}

#[test]
#[ignore = "run by a_user_removes_forbidden_directories, as another user"]
fn for_a_user() {
    assert!(!is_root());
    build_compare_and_remove();
}

fn build_compare_and_remove() {
    let directory = TestDir::new();
    let [left, right] = ["left", "right"].map(|name| directory.join(name));
    assert_eq!(every_kind(&left, Privileges::User), []);
    assert_eq!(every_kind(&right, Privileges::User), []);
    assert_same(&left, &right);
    for mode in [0o000, 0o111, 0o444] {
        fs::set_permissions(left.join("directories/many"), fs::Permissions::from_mode(mode)).unwrap();
        assert_ne!(linkdest_testkit::compare(&left, &right), []);
    }
    remove_tree(&left).unwrap();
    assert!(!left.exists());
}
