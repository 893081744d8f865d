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

/// Removes `name` and everything below it, but nothing that is mounted there. That it is not there is fine.
pub(super) fn remove_tree(parent: &Dir, name: &CStr) -> io::Result<()> {
    let above = parent.stat()?;
    remove_tree_but(parent, name, &|stat| is_mounted_on(&above, stat))
}

/// Says whether a directory is of another mount than one above it: what is mounted somewhere is not that place's own.
pub(super) fn is_mounted_on(above: &Metadata, stat: &Metadata) -> bool {
    match (above.mount, stat.mount) {
        (Some(above), Some(mount)) => above != mount,
        _ => above.id.device != stat.id.device,
    }
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
    let (mut current, id) = open_writable(parent, name, spared)?;
    let mut levels = vec![empty_of_files(&current, id, name, &mut listing)?];
    while let Some(level) = levels.last_mut() {
        if let Some(directory) = level.directories.pop() {
            let (child, id) = open_writable(&current, &directory, spared)?;
            levels.push(empty_of_files(&child, id, &directory, &mut listing)?);
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
fn empty_of_files(dir: &Dir, id: FileId, name: &CStr, listing: &mut Listing) -> io::Result<Level> {
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
    Ok(Level { id, name: name.to_owned(), directories })
}

/// Opens a directory so that names in it can be removed, unless it is to be spared; its owner may not have that permission
/// yet.
pub(super) fn open_writable(
    parent: &Dir,
    name: &CStr,
    spared: &dyn Fn(&Metadata) -> bool,
) -> io::Result<(Dir, FileId)> {
    let checked = |dir: &Dir| match dir.stat()? {
        stat if spared(&stat) => Err(io::Error::other("a mount point or the repository lies in it")),
        stat => Ok((stat.mode & 0o700 == 0o700, stat.id)),
    };
    match parent.open_dir(name) {
        Ok(dir) => {
            if let (true, id) = checked(&dir)? {
                return Ok((dir, id));
            }
        }
        Err(error) if error.kind() != io::ErrorKind::PermissionDenied => return Err(error),
        Err(_) => {}
    }
    let narrow = parent.open_dir_search(name)?;
    checked(&narrow)?;
    narrow.set_mode_search(0o700)?;
    let dir = parent.open_dir(name)?;
    let (_, id) = checked(&dir)?;
    Ok((dir, id))
}
