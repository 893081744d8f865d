//! The entries of a tree, kept up to date while it is edited.

use std::collections::BTreeMap;
use std::io;
use std::ops::Bound;
use std::path::Path;

use rustix::fs::{AtFlags, FileType};

use crate::descent::Descent;
use crate::random::Random;

/// Paths longer than this are left alone, as edits go by path.
const LONGEST_PATH: usize = 2000;

/// Every entry by its path below the root, with its kind; the root has the empty path.
pub(crate) struct Population {
    kinds: BTreeMap<Vec<u8>, FileType>,
}

impl Population {
    /// Lists a tree.
    pub(crate) fn of(root: &Path) -> io::Result<Self> {
        let mut at = Descent::open(root)?;
        let mut kinds = BTreeMap::from([(Vec::new(), FileType::Directory)]);
        let mut pending = vec![list(&at, &mut kinds)?];
        while let Some(names) = pending.last_mut() {
            if let Some(name) = names.pop() {
                at.enter(&name)?;
                // What may not be read is left as it is.
                pending.push(list(&at, &mut kinds).unwrap_or_default());
                continue;
            }
            pending.pop();
            if !pending.is_empty() {
                at.leave()?;
            }
        }
        Ok(Self { kinds })
    }

    /// Returns the path of a random entry that `accepts` accepts.
    pub(crate) fn pick(
        &self,
        random: &mut Random,
        accepts: impl Fn(&[u8], FileType) -> bool,
    ) -> Option<Vec<u8>> {
        let fitting: Vec<_> = self.kinds.iter().filter(|(path, kind)| accepts(path, **kind)).collect();
        (!fitting.is_empty()).then(|| random.one_of(&fitting).0.clone())
    }

    pub(crate) fn contains(&self, path: &[u8]) -> bool {
        self.kinds.contains_key(path)
    }

    pub(crate) fn kind(&self, path: &[u8]) -> FileType {
        self.kinds[path]
    }

    pub(crate) fn add(&mut self, path: Vec<u8>, kind: FileType) {
        self.kinds.insert(path, kind);
    }

    /// Returns how many entries lie below a directory.
    pub(crate) fn count_below(&self, path: &[u8]) -> usize {
        self.kinds.range(below(path)).count()
    }

    /// Forgets an entry and everything below it, and returns them.
    pub(crate) fn remove(&mut self, path: &[u8]) -> Vec<(Vec<u8>, FileType)> {
        let mut paths: Vec<_> = self.kinds.range(below(path)).map(|(path, _)| path.clone()).collect();
        paths.push(path.to_vec());
        paths.into_iter().filter_map(|path| self.kinds.remove_entry(&path)).collect()
    }

    /// Follows the renaming of an entry.
    pub(crate) fn rename(&mut self, from: &[u8], to: &[u8]) {
        for (path, kind) in self.remove(from) {
            self.add([to, &path[from.len()..]].concat(), kind);
        }
    }
}

/// Returns the range of all paths below a directory: those between `path/` and `path0`.
fn below(path: &[u8]) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
    if path.is_empty() {
        return (Bound::Excluded(Vec::new()), Bound::Unbounded);
    }
    let end = [path, &[b'/' + 1]].concat();
    (Bound::Excluded([path, b"/"].concat()), Bound::Excluded(end))
}

/// Adds the entries of a directory and returns the sub-directories to enter.
fn list(at: &Descent, kinds: &mut BTreeMap<Vec<u8>, FileType>) -> io::Result<Vec<Vec<u8>>> {
    let mut directories = Vec::new();
    for (name, _) in at.names()? {
        let path = at.path_of(&name);
        if path.len() > LONGEST_PATH {
            continue;
        }
        let stat = rustix::fs::statat(at.here(), name.as_slice(), AtFlags::SYMLINK_NOFOLLOW)?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        kinds.insert(path, kind);
        if kind == FileType::Directory {
            directories.push(name);
        }
    }
    Ok(directories)
}
