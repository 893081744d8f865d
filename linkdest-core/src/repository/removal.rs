//! Removing a tree of ours: any depth, any width, with a handful of open directories and no recursion.

use std::ffi::{CStr, CString};
use std::io;

use crate::entry::{FileId, Kind, Metadata};
use crate::os::{Dir, Listing};

/// One directory on the way down: which it is, and what is still to be removed below it.
struct Level {
    id: FileId,
    name: CString,
    directories: Vec<CString>,
}

/// Removes `name` and everything below it. That it is not there is fine.
pub(super) fn remove_tree(parent: &Dir, name: &CStr) -> io::Result<()> {
    remove_tree_but(parent, name, &|_| false)
}

/// Removes `name` and everything below it, but stops at a directory that `spared` says must stay.
pub(crate) fn remove_tree_but(
    parent: &Dir,
    name: &CStr,
    spared: &dyn Fn(&Metadata) -> bool,
) -> io::Result<()> {
    let Some(stat) = parent.stat_if_there(name)? else { return Ok(()) };
    if stat.kind != Kind::Directory {
        return parent.unlink(name);
    }
    let mut listing = Listing::default();
    let mut current = open_writable(parent, name)?;
    let mut levels = vec![empty_of_files(&current, name, spared, &mut listing)?];
    while let Some(level) = levels.last_mut() {
        if let Some(directory) = level.directories.pop() {
            let child = open_writable(&current, &directory)?;
            levels.push(empty_of_files(&child, &directory, spared, &mut listing)?);
            current = child;
            continue;
        }
        let Some(done) = levels.pop() else { break };
        match levels.last() {
            None => return parent.remove_dir(&done.name),
            Some(above) => {
                let up = current.open_parent_search()?;
                if up.stat()?.id != above.id {
                    return Err(io::Error::other("a directory was moved while it was being removed"));
                }
                up.remove_dir(&done.name)?;
                current = up;
            }
        }
    }
    Ok(())
}

/// Removes what is no directory, and returns the directories.
fn empty_of_files(
    dir: &Dir,
    name: &CStr,
    spared: &dyn Fn(&Metadata) -> bool,
    listing: &mut Listing,
) -> io::Result<Level> {
    let stat = dir.stat()?;
    if spared(&stat) {
        return Err(io::Error::other("a mount point or the repository lies in it"));
    }
    let mut directories = Vec::new();
    dir.list(listing)?;
    for entry in listing.entries() {
        let entry_name = listing.name(*entry);
        let kind = match entry.kind {
            Some(kind) => kind,
            None => dir.stat_at(entry_name)?.kind,
        };
        if kind == Kind::Directory {
            directories.push(entry_name.to_owned());
        } else {
            dir.unlink(entry_name)?;
        }
    }
    Ok(Level { id: stat.id, name: name.to_owned(), directories })
}

/// Opens a directory so that names in it can be removed; its owner may not have that permission yet.
pub(super) fn open_writable(parent: &Dir, name: &CStr) -> io::Result<Dir> {
    let opened = parent.open_dir(name);
    let writable = match &opened {
        Ok(dir) => dir.stat()?.mode & 0o700 == 0o700,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => false,
        Err(_) => return opened,
    };
    if writable {
        return opened;
    }
    parent.open_dir_search(name)?.set_mode_search(0o700)?;
    parent.open_dir(name)
}
