//! A tree with every kind of entry and every kind of attribute.

mod attributes;
mod names;

use std::path::Path;

use crate::build::{Refusal, build};
use crate::entry::{Entry, EntryKind};
use crate::random::Random;
use crate::run::is_root;

const MIB: u64 = 1024 * 1024;

/// What the process that makes a tree may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privileges {
    /// Everything.
    Root,
    /// No devices, no foreign owners, no `trusted.*` and `security.*` attributes; and nothing
    /// that its owner may not read, as such a user could neither copy nor compare it.
    User,
}

impl Privileges {
    /// Returns what this process may do.
    #[must_use]
    pub fn current() -> Self {
        if is_root() { Self::Root } else { Self::User }
    }
}

/// Makes a tree with every kind of entry and attribute, the same one each time.
///
/// Returns everything that the file system refused: nothing on ext4 and Btrfs; on XFS, whose
/// symlinks are short, `symlinks/longer`.
///
/// # Panics
///
/// If `root` cannot be made or opened.
#[must_use]
pub fn every_kind(root: &Path, privileges: Privileges) -> Vec<Refusal> {
    build(root, &every_kind_entries(privileges))
}

/// Returns the entries of [`every_kind`], to be changed before [`build`](crate::build).
#[must_use]
pub fn every_kind_entries(privileges: Privileges) -> Vec<Entry> {
    let mut entries = files();
    entries.extend(holes());
    entries.extend(symlinks());
    entries.extend(special_files(privileges));
    entries.extend(hard_links());
    entries.extend(directories());
    entries.extend(attributes::modes(privileges));
    entries.extend(attributes::owners(privileges));
    entries.extend(attributes::times());
    entries.extend(attributes::xattrs(privileges));
    entries.extend(attributes::acls());
    entries.extend(names::odd_names());
    entries.extend(names::every_byte());
    entries.extend(names::long_path());
    entries
}

fn files() -> Vec<Entry> {
    let mut random = Random::new(1);
    vec![
        Entry::directory("files"),
        Entry::file("files/text", "some text\n"),
        Entry::file("files/empty", ""),
        Entry::file("files/one-byte", "1"),
        Entry::file("files/one-block", random.bytes(4096)),
        Entry::file("files/zeros", vec![0; 5000]),
        Entry::file("files/large", random.bytes(3 * MIB as usize + 17)),
        Entry::file("files/same-content", "some text\n"),
    ]
}

fn holes() -> Vec<Entry> {
    let piece = |offset: u64, seed: u64| (offset, Random::new(seed).bytes(64 * 1024));
    let sparse = |path, size, pieces| Entry::new(path, EntryKind::Sparse(size, pieces));
    vec![
        Entry::directory("holes"),
        sparse("holes/start", MIB, vec![piece(MIB - 64 * 1024, 2)]),
        sparse("holes/middle", MIB, vec![piece(0, 3), piece(MIB - 64 * 1024, 4)]),
        sparse("holes/end", MIB, vec![piece(0, 5)]),
        sparse("holes/all", MIB + 1, Vec::new()),
        sparse("holes/many", 8 * MIB, (0..8).map(|at| piece(at * MIB + 256 * 1024, at)).collect()),
        sparse("holes/four-gib", 4096 * MIB + 64 * 1024, vec![piece(0, 6), piece(4096 * MIB, 7)]),
    ]
}

fn symlinks() -> Vec<Entry> {
    vec![
        Entry::directory("symlinks"),
        Entry::symlink("symlinks/file", "../files/text"),
        Entry::symlink("symlinks/directory", "../files"),
        Entry::symlink("symlinks/dangling", "no such entry"),
        Entry::symlink("symlinks/absolute", "/nowhere/at all"),
        Entry::symlink("symlinks/itself", "itself"),
        Entry::symlink("symlinks/outside", "../../../../../../.."),
        Entry::symlink("symlinks/odd-bytes", b"\xff\n\x1b[0m"),
        Entry::symlink("symlinks/long", vec![b'l'; 1000]),
        Entry::symlink("symlinks/longer", [vec![b'a'; 2000], vec![b'/'], vec![b'b'; 2000]].concat()),
    ]
}

fn special_files(privileges: Privileges) -> Vec<Entry> {
    let mut entries = vec![
        Entry::directory("special"),
        Entry::new("special/fifo", EntryKind::Fifo),
        Entry::new("special/socket", EntryKind::Socket).mode(0o755),
    ];
    if privileges == Privileges::Root {
        entries.extend([
            Entry::new("special/null", EntryKind::CharacterDevice(1, 3)).mode(0o666),
            Entry::new("special/whiteout", EntryKind::CharacterDevice(0, 0)).mode(0),
            Entry::new("special/large-numbers", EntryKind::CharacterDevice(500, 200_000)),
            Entry::new("special/block", EntryKind::BlockDevice(7, 99)).mode(0o660),
        ]);
    }
    entries
}

fn hard_links() -> Vec<Entry> {
    vec![
        Entry::directory("links"),
        Entry::directory("links/sub"),
        Entry::file("links/file-1", "one inode\n"),
        Entry::hard_link("links/file-2", "links/file-1"),
        Entry::hard_link("links/sub/file-3", "links/file-1"),
        Entry::file("links/pair-1", "another inode\n").mode(0o600),
        Entry::hard_link("links/sub/pair-2", "links/pair-1"),
        Entry::file("links/single", "one inode\n"),
        Entry::symlink("links/symlink-1", "file-1"),
        Entry::hard_link("links/sub/symlink-2", "links/symlink-1"),
        Entry::new("links/fifo-1", EntryKind::Fifo),
        Entry::hard_link("links/fifo-2", "links/fifo-1"),
    ]
}

fn directories() -> Vec<Entry> {
    let mut entries = vec![
        Entry::directory("directories"),
        Entry::directory("directories/empty"),
        Entry::directory("directories/many"),
    ];
    entries.extend((0..300).map(|number| {
        Entry::file(format!("directories/many/file-{number}"), number.to_string()).mtime(number, 1)
    }));
    let mut path = "directories/nested".to_owned();
    for level in 0..30 {
        entries.push(Entry::directory(&path).mtime(1_400_000_000 + level, 5));
        path.push_str("/level");
    }
    entries.push(Entry::file(path, "below\n"));
    entries
}
