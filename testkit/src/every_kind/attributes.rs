//! Modes, owners, times, extended attributes and ACLs of every kind.

use super::Privileges;
use crate::acl::{ACCESS_ACL, AclEntry, DEFAULT_ACL, acl};
use crate::entry::{Entry, EntryKind};

pub(super) fn modes(privileges: Privileges) -> Vec<Entry> {
    let mut entries = vec![Entry::directory("modes")];
    let mut files = vec![0o400, 0o444, 0o600, 0o755, 0o777, 0o4755, 0o2755, 0o6711, 0o1644];
    let mut directories = vec![0o555, 0o700, 0o777, 0o1777, 0o2775, 0o6755];
    if privileges == Privileges::Root {
        files.extend([0o000, 0o002]);
        directories.extend([0o000, 0o111, 0o666]);
    }
    for mode in files {
        entries.push(Entry::file(format!("modes/file-{mode:04o}"), "text\n").mode(mode));
    }
    for mode in directories {
        let path = format!("modes/directory-{mode:04o}");
        entries.push(Entry::directory(&path).mode(mode));
        entries.push(Entry::file(format!("{path}/file"), "text\n").mode(0o400));
    }
    entries
}

pub(super) fn owners(privileges: Privileges) -> Vec<Entry> {
    if privileges == Privileges::User {
        return Vec::new();
    }
    vec![
        Entry::directory("owners"),
        Entry::file("owners/file", "text\n").owner(1234, 5678),
        Entry::file("owners/group-only", "text\n").owner(0, 5678),
        Entry::file("owners/large", "text\n").owner(4_000_000_000, 4_294_967_294),
        Entry::file("owners/set-ids", "text\n").owner(1234, 5678).mode(0o6755),
        Entry::directory("owners/directory").owner(1234, 5678).mode(0o2770),
        Entry::symlink("owners/symlink", "file").owner(1234, 5678),
        Entry::new("owners/fifo", EntryKind::Fifo).owner(1234, 5678),
    ]
}

pub(super) fn times() -> Vec<Entry> {
    let mut entries = vec![Entry::directory("times")];
    let times = [
        (-2_000_000_000, 1),
        (-1, 999_999_999),
        (0, 0),
        (0, 1),
        (1_600_000_000, 0),
        (1_600_000_000, 999_999_999),
        (2_147_483_648, 1),
        (4_294_967_296, 500),
        (10_000_000_000, 7),
    ];
    for (index, (seconds, nanoseconds)) in times.into_iter().enumerate() {
        let kinds = [
            ("file", EntryKind::File(b"text\n".to_vec())),
            ("directory", EntryKind::Directory),
            ("symlink", EntryKind::Symlink(b"file".to_vec())),
            ("fifo", EntryKind::Fifo),
        ];
        for (name, kind) in kinds {
            entries.push(Entry::new(format!("times/{name}-{index}"), kind).mtime(seconds, nanoseconds));
        }
    }
    entries
}

pub(super) fn xattrs(privileges: Privileges) -> Vec<Entry> {
    let mut entries = vec![
        Entry::directory("xattrs"),
        Entry::file("xattrs/plain", "text\n").xattr("user.linkdest", "a value"),
        Entry::file("xattrs/several", "text\n").xattr("user.one", "1").xattr("user.two", "2"),
        Entry::file("xattrs/empty", "text\n").xattr("user.empty", ""),
        Entry::file("xattrs/binary", "text\n").xattr("user.binary", b"\0\xff\n\0"),
        Entry::file("xattrs/large", "text\n").xattr("user.large", vec![b'x'; 3000]),
        Entry::file("xattrs/odd-name", "text\n").xattr(b"user.\xff \n.x", "1"),
        Entry::file("xattrs/long-name", "text\n").xattr([&b"user."[..], &[b'n'; 250]].concat(), "1"),
        Entry::file("xattrs/read-only", "text\n").mode(0o400).xattr("user.linkdest", "1"),
        Entry::directory("xattrs/directory").xattr("user.linkdest", "of a directory"),
        Entry::directory("xattrs/read-only-directory").mode(0o555).xattr("user.linkdest", "1"),
    ];
    if privileges == Privileges::Root {
        entries.extend(privileged_xattrs());
    }
    entries
}

fn privileged_xattrs() -> Vec<Entry> {
    // Version 2 with the effective flag, then CAP_NET_BIND_SERVICE as permitted.
    let capability = [0x0200_0001_u32, 1 << 10, 0, 0, 0].map(u32::to_le_bytes).concat();
    vec![
        Entry::file("xattrs/trusted", "text\n").xattr("trusted.linkdest", b"\0trusted"),
        Entry::directory("xattrs/trusted-directory").xattr("trusted.linkdest", "of a directory"),
        Entry::symlink("xattrs/trusted-symlink", "plain").xattr("trusted.linkdest", "of a symlink"),
        Entry::symlink("xattrs/trusted-dangling", "nothing").xattr("trusted.linkdest", "dangling"),
        Entry::new("xattrs/trusted-fifo", EntryKind::Fifo).xattr("trusted.linkdest", "of a FIFO"),
        Entry::new("xattrs/trusted-socket", EntryKind::Socket).xattr("trusted.linkdest", "of a socket"),
        Entry::new("xattrs/trusted-device", EntryKind::CharacterDevice(1, 5))
            .xattr("trusted.linkdest", "of a device"),
        Entry::file("xattrs/capability", "text\n").mode(0o755).xattr("security.capability", &capability),
        Entry::file("xattrs/capability-owned", "text\n")
            .owner(1234, 5678)
            .mode(0o4755)
            .xattr("security.capability", &capability),
        Entry::file("xattrs/security", "text\n").xattr("security.linkdest", "1"),
        Entry::directory("xattrs/security-directory").xattr("security.linkdest", "2"),
    ]
}

pub(super) fn acls() -> Vec<Entry> {
    let access = acl(&[
        AclEntry::Owner(6),
        AclEntry::User(1234, 4),
        AclEntry::User(4_000_000_000, 6),
        AclEntry::OwningGroup(4),
        AclEntry::Group(5678, 6),
        AclEntry::Mask(6),
        AclEntry::Other(0),
    ]);
    let directory_access = acl(&[
        AclEntry::Owner(7),
        AclEntry::User(1234, 7),
        AclEntry::OwningGroup(5),
        AclEntry::Mask(5),
        AclEntry::Other(5),
    ]);
    let default = acl(&[
        AclEntry::Owner(7),
        AclEntry::OwningGroup(5),
        AclEntry::Group(5678, 7),
        AclEntry::Mask(7),
        AclEntry::Other(0),
    ]);
    let plain_default = acl(&[AclEntry::Owner(7), AclEntry::OwningGroup(0), AclEntry::Other(0)]);
    vec![
        Entry::directory("acls"),
        Entry::file("acls/file", "text\n").mode(0o660).xattr(ACCESS_ACL, &access),
        Entry::directory("acls/access").xattr(ACCESS_ACL, &directory_access),
        Entry::directory("acls/default").xattr(DEFAULT_ACL, &default),
        Entry::directory("acls/plain-default").xattr(DEFAULT_ACL, &plain_default),
        Entry::directory("acls/both").xattr(ACCESS_ACL, &directory_access).xattr(DEFAULT_ACL, &default),
        Entry::file("acls/default/made-before", "inherits nothing\n"),
        Entry::directory("acls/default/directory-made-before"),
        Entry::new("acls/fifo", EntryKind::Fifo).mode(0o660).xattr(ACCESS_ACL, &access),
    ]
}
