//! The attributes that an entry is to have: those of its record, long values from the tree that they must match.

use std::ffi::{CStr, CString};
use std::io;

use super::far::{Far, Stamps};
use super::tree::Tree;
use crate::entry::Kind;
use crate::error::{Problem, ProblemKind, Result};
use crate::manifest::{ContentHash, Entry, EntryFlags, XattrValue};
use crate::os::{Dir, XattrPlace, Xattrs};
use crate::path::RelPath;
use crate::policy::attributes::XattrPlaceInRun;
use crate::source::read_xattrs;

/// A long value: its name, and the hash that it has.
type Long = (CString, ContentHash);

impl<F: Far> Tree<'_, '_, F> {
    /// The attributes that an entry's record has. Long values are read from the tree, of what `open` opens.
    pub fn recorded(
        &mut self,
        entry: &Entry<'_>,
        open: impl FnOnce(&mut Self) -> io::Result<Dir>,
        path: &RelPath,
    ) -> Result<Stamps> {
        let metadata = entry.metadata;
        let (mut xattrs, long) = self.sorted(entry);
        let mut incomplete = false;
        if !long.is_empty() {
            let found = open(self).and_then(|dir| self.stored(&dir, entry));
            match found {
                Ok(found) => incomplete = !self.take_long(entry, path, long, &found, &mut xattrs),
                Err(error) => {
                    self.source_problem(path, "read extended attributes", error)?;
                    incomplete = true;
                }
            }
        }
        let reach = self.far.reach();
        if !reach.owner && (metadata.uid, metadata.gid) != reach.born {
            self.running.watch.out_of_reach("owners");
        }
        Ok(Stamps { metadata, xattrs, incomplete })
    }

    /// The attributes of a record that can be kept at the target: whole values, and those that only the tree has.
    fn sorted(&self, entry: &Entry<'_>) -> (Xattrs, Vec<Long>) {
        let (mut whole, mut long) = (Xattrs::new(), Vec::new());
        for (name, value) in entry.xattrs {
            let c_name = || CString::new(name).unwrap_or_default();
            match (self.far.reach().xattr(name), value) {
                (XattrPlaceInRun::Kept, XattrValue::Whole(value)) => whole.push((c_name(), value.to_vec())),
                (XattrPlaceInRun::Kept, XattrValue::Digest { hash, .. }) => long.push((c_name(), hash)),
                (XattrPlaceInRun::OutOfReach(what), _) => self.running.watch.out_of_reach(what),
                (XattrPlaceInRun::Ignored, _) => {}
            }
        }
        (whole, long)
    }

    fn stored(&mut self, dir: &Dir, entry: &Entry<'_>) -> io::Result<Xattrs> {
        let reach = *self.far.reach();
        let name = CString::new(entry.name)?;
        let place = match entry.metadata.kind {
            Kind::Directory => XattrPlace::Dir(dir),
            _ => XattrPlace::At(dir, &name),
        };
        Ok(read_xattrs(place, &reach, &mut self.xattrs)?.kept)
    }

    /// Takes the long values that the tree has as they were saved; says whether these are all.
    fn take_long(
        &mut self,
        entry: &Entry<'_>,
        path: &RelPath,
        long: Vec<Long>,
        found: &Xattrs,
        to: &mut Xattrs,
    ) -> bool {
        let mut whole = true;
        for (name, hash) in long {
            let value = found.iter().find(|(other, _)| *other == name).map(|(_, value)| value);
            match value {
                Some(value) if ContentHash::of(value) == hash => to.push((name, value.clone())),
                _ => {
                    whole = false;
                    let (kind, said) = match value {
                        Some(_) => (ProblemKind::Damaged, "is not what was saved"),
                        None if entry.flags.contains(EntryFlags::NOT_STORED) => {
                            (ProblemKind::NotStored, "could not be stored there either")
                        }
                        None => (ProblemKind::Damaged, "is not there any more"),
                    };
                    let message = format!("{} {said}", crate::path::Escaped(name.to_bytes()));
                    self.problem(Problem::new(path.clone(), kind, "read extended attributes", message));
                }
            }
        }
        whole
    }
}

/// Says whether a name at the target has the extended attributes of a record.
pub(super) fn has_xattrs<F: Far>(far: &mut F, entry: &Entry<'_>, dir: &F::Dir, name: &CStr) -> bool {
    let Ok(there) = far.xattrs(dir, name) else { return false };
    let mut wanted = 0;
    for (name, value) in entry.xattrs {
        if !matches!(far.reach().xattr(name), XattrPlaceInRun::Kept) {
            continue;
        }
        wanted += 1;
        let found = there.iter().find(|(other, _)| other.to_bytes() == name).map(|(_, value)| value);
        let same = |found: &Vec<u8>| match value {
            XattrValue::Whole(value) => *found == value,
            XattrValue::Digest { hash, .. } => ContentHash::of(found) == hash,
        };
        if !found.is_some_and(same) {
            return false;
        }
    }
    there.len() == wanted
}
