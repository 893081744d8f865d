//! Each single difference between two trees of every kind is told, and nothing else.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::fs;

use linkdest_testkit::{
    ACCESS_ACL, AclEntry, Aspect, Comparison, DEFAULT_ACL, Entry, EntryKind, Privileges, TestDir, acl,
    assert_same, build, compare, describe, every_kind, every_kind_entries, is_root, remove_tree, skip,
};

/// A change of one tree and the only differences it may make.
type Case = (fn(&mut Vec<Entry>), &'static [u8], Aspect);

fn entry<'a>(entries: &'a mut [Entry], path: &str) -> &'a mut Entry {
    entries.iter_mut().find(|entry| entry.path == path.as_bytes()).unwrap()
}

fn remove(entries: &mut Vec<Entry>, path: &str) {
    entries.retain(|entry| entry.path != path.as_bytes());
}

fn change_byte(entries: &mut [Entry], path: &str, offset: usize) {
    match &mut entry(entries, path).kind {
        EntryKind::File(bytes) => bytes[offset] ^= 1,
        EntryKind::Sparse(_, pieces) => pieces.last_mut().unwrap().1[offset] ^= 1,
        other => panic!("{other:?} has no bytes"),
    }
}

fn xattr(name: &str) -> Aspect {
    Aspect::Xattr(name.as_bytes().to_vec())
}

/// Changes that any user can make.
fn plain_cases() -> Vec<Case> {
    vec![
        (|all| change_byte(all, "files/text", 3), b"files/text", Aspect::Content),
        (|all| change_byte(all, "files/one-byte", 0), b"files/one-byte", Aspect::Content),
        (|all| change_byte(all, "files/large", 3_000_000), b"files/large", Aspect::Content),
        (|all| change_byte(all, "holes/four-gib", 65_535), b"holes/four-gib", Aspect::Content),
        (|all| entry(all, "files/empty").kind = EntryKind::File(b"x".to_vec()), b"files/empty", Aspect::Size),
        (|all| entry(all, "files/text").mode = 0o645, b"files/text", Aspect::Mode),
        (|all| entry(all, "modes/file-4755").mode = 0o755, b"modes/file-4755", Aspect::Mode),
        (|all| entry(all, "modes/directory-1777").mode = 0o777, b"modes/directory-1777", Aspect::Mode),
        (|all| entry(all, "special/fifo").mode = 0o600, b"special/fifo", Aspect::Mode),
        (|all| entry(all, "files/text").mtime.1 += 1, b"files/text", Aspect::Time),
        (|all| entry(all, "times/symlink-1").mtime.1 -= 1, b"times/symlink-1", Aspect::Time),
        (|all| entry(all, "times/directory-6").mtime.0 += 1, b"times/directory-6", Aspect::Time),
        (|all| entry(all, "special/socket").mtime.1 += 1, b"special/socket", Aspect::Time),
        (
            |all| entry(all, "symlinks/long").kind = EntryKind::Symlink(vec![b'k'; 1000]),
            b"symlinks/long",
            Aspect::Target,
        ),
        (|all| remove(all, "files/one-block"), b"files/one-block", Aspect::Missing),
        (|all| all.push(Entry::file("files/new", "")), b"files/new", Aspect::Extra),
        (|all| all.push(Entry::directory("directories/new")), b"directories/new", Aspect::Extra),
        (|all| entry(all, "special/fifo").kind = EntryKind::File(Vec::new()), b"special/fifo", Aspect::Kind),
        (|all| entry(all, "files/empty").kind = EntryKind::Directory, b"files/empty", Aspect::Kind),
    ]
}

/// Changes of link groups and of allocated space.
fn inode_cases() -> Vec<Case> {
    vec![
        (
            |all| entry(all, "links/sub/file-3").kind = EntryKind::File(b"one inode\n".to_vec()),
            b"links/sub/file-3",
            Aspect::Links,
        ),
        (
            |all| entry(all, "links/single").kind = EntryKind::HardLink(b"links/file-1".to_vec()),
            b"links/single",
            Aspect::Links,
        ),
        (
            |all| entry(all, "links/sub/symlink-2").kind = EntryKind::Symlink(b"file-1".to_vec()),
            b"links/sub/symlink-2",
            Aspect::Links,
        ),
        (|all| entry(all, "links/fifo-2").kind = EntryKind::Fifo, b"links/fifo-2", Aspect::Links),
        (
            |all| {
                let EntryKind::Sparse(_, pieces) = &mut entry(all, "holes/middle").kind else {
                    panic!("it has holes");
                };
                pieces.push((65_536, vec![0; 14 * 65_536]));
            },
            b"holes/middle",
            Aspect::Blocks,
        ),
    ]
}

/// Changes of extended attributes and ACLs.
fn xattr_cases() -> Vec<Case> {
    vec![
        (|all| entry(all, "xattrs/plain").xattrs[0].1.push(0), b"xattrs/plain", xattr("user.linkdest")),
        (|all| entry(all, "xattrs/empty").xattrs.clear(), b"xattrs/empty", xattr("user.empty")),
        (|all| entry(all, "xattrs/large").xattrs[0].1[2999] = 0, b"xattrs/large", xattr("user.large")),
        (
            |all| entry(all, "xattrs/directory").xattrs[0].1[0] = b'O',
            b"xattrs/directory",
            xattr("user.linkdest"),
        ),
        (
            |all| entry(all, "files/text").xattrs.push((b"user.new".to_vec(), Vec::new())),
            b"files/text",
            xattr("user.new"),
        ),
        (|all| entry(all, "acls/file").xattrs[0].1 = other_acl(), b"acls/file", xattr(ACCESS_ACL)),
        (|all| entry(all, "acls/default").xattrs[0].1 = other_acl(), b"acls/default", xattr(DEFAULT_ACL)),
        (|all| entry(all, "acls/both").xattrs.truncate(1), b"acls/both", xattr(DEFAULT_ACL)),
    ]
}

/// Changes that only the superuser can make.
fn root_cases() -> Vec<Case> {
    vec![
        (|all| entry(all, "owners/file").owner = Some((1235, 5678)), b"owners/file", Aspect::Owner),
        (|all| entry(all, "owners/symlink").owner = Some((1234, 5)), b"owners/symlink", Aspect::Group),
        (|all| entry(all, "owners/directory").owner = Some((0, 5678)), b"owners/directory", Aspect::Owner),
        (
            |all| entry(all, "special/null").kind = EntryKind::CharacterDevice(1, 4),
            b"special/null",
            Aspect::Device,
        ),
        (
            |all| entry(all, "special/block").kind = EntryKind::BlockDevice(7, 98),
            b"special/block",
            Aspect::Device,
        ),
        (
            |all| entry(all, "special/block").kind = EntryKind::CharacterDevice(7, 99),
            b"special/block",
            Aspect::Kind,
        ),
        (
            |all| entry(all, "xattrs/trusted-symlink").xattrs.clear(),
            b"xattrs/trusted-symlink",
            xattr("trusted.linkdest"),
        ),
        (
            |all| entry(all, "xattrs/trusted-fifo").xattrs[0].1.push(1),
            b"xattrs/trusted-fifo",
            xattr("trusted.linkdest"),
        ),
        (
            |all| entry(all, "xattrs/capability").xattrs[0].1[5] ^= 1,
            b"xattrs/capability",
            xattr("security.capability"),
        ),
    ]
}

fn other_acl() -> Vec<u8> {
    acl(&[
        AclEntry::Owner(6),
        AclEntry::User(4321, 4),
        AclEntry::OwningGroup(4),
        AclEntry::Mask(6),
        AclEntry::Other(0),
    ])
}

/// Returns the entries of every kind but those that are many of one sort, to be quick.
fn base() -> Vec<Entry> {
    let mut entries = every_kind_entries(Privileges::current());
    entries
        .retain(|entry| !entry.path.starts_with(b"bytes/") && !entry.path.starts_with(b"directories/many/"));
    entries
}

fn check(cases: Vec<Case>) {
    let directory = TestDir::new();
    let left = directory.join("left");
    assert_eq!(build(&left, &base()), []);
    for (number, (change, path, aspect)) in cases.into_iter().enumerate() {
        let mut entries = base();
        change(&mut entries);
        let right = directory.join(format!("right-{number}"));
        assert_eq!(build(&right, &entries), []);
        let found = compare(&left, &right);
        let told: Vec<_> = found.iter().map(|found| (found.path.as_slice(), found.aspect.clone())).collect();
        assert_eq!(told, [(path, aspect)], "{}", describe(&found));
        remove_tree(&right).unwrap();
    }
}

#[test]
fn two_equal_trees_are_the_same() {
    let directory = TestDir::new();
    let [left, right] = ["left", "right"].map(|name| directory.join(name));
    assert_eq!(every_kind(&left, Privileges::current()), []);
    assert_eq!(every_kind(&right, Privileges::current()), []);
    assert_same(&left, &right);
    assert_same(&left, &left);
}

#[test]
fn one_plain_change_is_found() {
    check(plain_cases());
}

#[test]
fn one_change_of_inodes_is_found() {
    check(inode_cases());
}

#[test]
fn one_change_of_xattrs_is_found() {
    check(xattr_cases());
}

#[test]
fn one_change_by_the_superuser_is_found() {
    if !is_root() {
        return skip("owners and devices need the superuser");
    }
    check(root_cases());
}

/// Returns two small trees that differ as `left` and `right` do.
fn two_trees(left: &[Entry], right: &[Entry]) -> TestDir {
    let directory = TestDir::new();
    assert_eq!(build(&directory.join("left"), left), []);
    assert_eq!(build(&directory.join("right"), right), []);
    directory
}

#[test]
fn a_switch_leaves_out_what_it_names() {
    let left = [Entry::directory("d"), Entry::file("d/f", "1").xattr("user.x", "1"), Entry::file("g", "")];
    let right = [
        Entry::directory("d").mtime(1, 1),
        Entry::file("d/f", "2").xattr("user.x", "2").mode(0o600).mtime(2, 2),
        Entry::hard_link("g", "d/f"),
    ];
    let trees = two_trees(&left, &right);
    let everything =
        || Comparison::new().times(false).modes(false).hard_links(false).xattrs(|_| false).skip_path("g");
    let found = |comparison: Comparison| {
        let found = comparison.run(&trees.join("left"), &trees.join("right"));
        found.into_iter().map(|found| found.aspect).collect::<Vec<_>>()
    };
    assert_eq!(found(everything()), [Aspect::Content]);
    assert_eq!(found(everything().modes(true)), [Aspect::Mode, Aspect::Content]);
    assert_eq!(found(everything().xattrs(|_| true)), [xattr("user.x"), Aspect::Content]);
    assert_eq!(found(everything().times(true)), [Aspect::Time, Aspect::Time, Aspect::Content]);
    assert_eq!(found(everything().times(true).directory_times(false)), [Aspect::Time, Aspect::Content]);
    assert_eq!(found(everything().skip_name("f")), []);
    assert_eq!(found(everything().skip_path("d")), []);
}

#[test]
fn the_roots_are_compared_unless_left_out() {
    let trees = two_trees(&[], &[]);
    let times = fs::FileTimes::new().set_modified(std::time::UNIX_EPOCH);
    fs::File::open(trees.join("right")).unwrap().set_times(times).unwrap();
    let found = compare(&trees.join("left"), &trees.join("right"));
    assert_eq!(found.len(), 1, "{}", describe(&found));
    assert_eq!((found[0].path.as_slice(), &found[0].aspect), (&b""[..], &Aspect::Time));
    Comparison::new().root_attributes(false).assert_same(&trees.join("left"), &trees.join("right"));
}

#[test]
fn swapped_link_groups_are_told_name_by_name() {
    let file = |path: &str| Entry::file(path, "same");
    let left = [file("a"), Entry::hard_link("b", "a"), file("c"), Entry::hard_link("d", "c")];
    let right = [file("a"), Entry::hard_link("c", "a"), file("b"), Entry::hard_link("d", "b")];
    let trees = two_trees(&left, &right);
    let found = compare(&trees.join("left"), &trees.join("right"));
    let paths: Vec<_> = found.iter().map(|found| found.path.as_slice()).collect();
    assert_eq!(paths, [b"b", b"c", b"d"]);
    assert_eq!(found[0].to_string(), "b: links: left linked with a, right first of 2 linked names");
}

#[test]
fn a_missing_tree_is_told() {
    let directory = TestDir::new();
    let found = compare(directory.path(), &directory.join("nothing"));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].aspect, Aspect::Unreadable);
}

#[test]
#[should_panic(expected = "name\\n\\xff: missing on the right")]
fn the_list_is_readable() {
    let trees = two_trees(&[Entry::file(b"name\n\xff", "")], &[]);
    assert_same(&trees.join("left"), &trees.join("right"));
}
