//! An inventory tells any change of a tree, and no change of link counts.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use linkdest_testkit::{Aspect, Inventory, Privileges, TestDir, every_kind};
use rustix::fs::XattrFlags;

/// A change of a tree, and the path and aspect it must be told by.
type Case = (fn(&Path), &'static [u8], Aspect);

fn keeping_time(path: &Path, change: impl FnOnce(&Path)) {
    let modified = fs::metadata(path).unwrap().modified().unwrap();
    change(path);
    fs::File::options().append(true).open(path).unwrap().set_modified(modified).unwrap();
}

fn cases() -> Vec<Case> {
    vec![
        (
            |root| keeping_time(&root.join("files/text"), |path| fs::write(path, "SOME TEXT\n").unwrap()),
            b"files/text",
            Aspect::Content,
        ),
        (
            |root| fs::set_permissions(root.join("files"), fs::Permissions::from_mode(0o700)).unwrap(),
            b"files",
            Aspect::Mode,
        ),
        (
            |root| {
                let path = root.join("xattrs/plain");
                rustix::fs::setxattr(path, "user.linkdest", b"other", XattrFlags::empty()).unwrap();
            },
            b"xattrs/plain",
            Aspect::Xattr(b"user.linkdest".to_vec()),
        ),
        (
            |root| {
                fs::rename(root.join("files/empty"), root.join("files/new")).unwrap();
                fs::write(root.join("files/empty"), "").unwrap();
            },
            b"files/empty",
            Aspect::Inode,
        ),
        (
            |root| {
                fs::remove_file(root.join("symlinks/file")).unwrap();
                symlink("elsewhere", root.join("symlinks/file")).unwrap();
            },
            b"symlinks/file",
            Aspect::Target,
        ),
        (|root| fs::remove_file(root.join("bytes/a")).unwrap(), b"bytes/a", Aspect::Missing),
        (|root| fs::create_dir(root.join("new")).unwrap(), b"new", Aspect::Extra),
    ]
}

#[test]
fn each_change_is_told() {
    let directory = TestDir::new();
    let tree = directory.join("tree");
    assert_eq!(every_kind(&tree, Privileges::current()), []);
    let mut before = Inventory::of(&tree);
    before.assert_unchanged(&Inventory::of(&tree));
    for (change, path, aspect) in cases() {
        change(&tree);
        let after = Inventory::of(&tree);
        let found = before.differences(&after);
        let is_told = found.iter().any(|found| found.path == path && found.aspect == aspect);
        assert!(is_told, "{aspect} is missing in {found:?}");
        before = after;
    }
}

#[test]
fn another_link_is_no_change() {
    let directory = TestDir::new();
    let tree = directory.join("tree");
    assert_eq!(every_kind(&tree, Privileges::current()), []);
    let before = Inventory::of(&tree);
    fs::hard_link(tree.join("files/text"), directory.join("other name")).unwrap();
    before.assert_unchanged(&Inventory::of(&tree));
    assert!(before.get("files/text").unwrap().content.is_some());
    assert!(before.get("nothing").is_none());
}
