//! A tree on disk, read with nothing but the standard library and two calls for extended attributes.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::naive::{Kind, Seen, View, joined, regroup};

/// A tree as it is on disk, and its inodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    pub view: View,
    pub inodes: BTreeMap<Vec<u8>, u64>,
}

/// The path of an entry of a tree.
pub fn at(root: &Path, path: &[u8]) -> PathBuf {
    if path.is_empty() { root.to_owned() } else { root.join(OsStr::from_bytes(path)) }
}

/// Reads a tree, which must be readable.
pub fn observe(root: &Path) -> Observed {
    let mut found = Observed { view: View::new(), inodes: BTreeMap::new() };
    let mut waiting = vec![Vec::new()];
    while let Some(path) = waiting.pop() {
        let place = at(root, &path);
        let (seen, inode) = look(&place);
        if seen.kind == Kind::Directory {
            let entries = std::fs::read_dir(&place).unwrap();
            waiting.extend(entries.map(|entry| joined(&path, &entry.unwrap().file_name().into_vec())));
        }
        found.view.insert(path.clone(), seen);
        found.inodes.insert(path, inode);
    }
    regroup(&mut found.view);
    found
}

fn look(place: &Path) -> (Seen, u64) {
    let stat =
        std::fs::symlink_metadata(place).unwrap_or_else(|error| panic!("{}: {error}", place.display()));
    let kind = match stat.file_type() {
        kind if kind.is_dir() => Kind::Directory,
        kind if kind.is_symlink() => {
            Kind::Symlink(std::fs::read_link(place).unwrap().into_os_string().into_vec())
        }
        kind if kind.is_fifo() => Kind::Fifo,
        kind if kind.is_file() => Kind::File(std::fs::read(place).unwrap()),
        other => panic!("{}: {other:?}", place.display()),
    };
    let xattrs =
        if matches!(kind, Kind::File(_) | Kind::Directory) { xattrs(place) } else { BTreeMap::new() };
    let seen = Seen {
        mode: if matches!(kind, Kind::Symlink(_)) { 0o777 } else { stat.mode() & 0o7777 },
        kind,
        owner: (stat.uid(), stat.gid()),
        mtime: (stat.mtime(), stat.mtime_nsec()),
        xattrs,
        group: Some(stat.ino().to_string().into_bytes()),
    };
    (seen, stat.ino())
}

fn xattrs(place: &Path) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut list = [0; 1024];
    let length = rustix::fs::llistxattr(place, &mut list).unwrap_or(0);
    let names = list[..length].split(|byte| *byte == 0).filter(|name| name.starts_with(b"user."));
    names
        .map(|name| {
            let mut value = [0; 256];
            let length = rustix::fs::lgetxattr(place, name, &mut value).unwrap();
            (name.to_vec(), value[..length].to_vec())
        })
        .collect()
}
