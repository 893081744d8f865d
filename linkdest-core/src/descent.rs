//! Going from directory to directory in a tree, name by name, with a handful of descriptors.

use std::ffi::{CStr, CString};
use std::io;

use crate::os::Dir;
use crate::path::RelPath;

/// So many directories on the way down are kept open; those below are opened again from there.
const KEPT: usize = 8;

/// A directory that leads to those in it.
pub(crate) trait Enter: Sized {
    /// Goes to a sub-directory, never through a symlink.
    fn enter(&self, name: &CStr) -> io::Result<Self>;
}

impl Enter for Dir {
    fn enter(&self, name: &CStr) -> io::Result<Self> {
        self.open_dir_search(name)
    }
}

/// Where somebody is in a tree: directories that lie close together cost one opening each.
///
/// Directories are open for searching only; whoever lists one opens `.` in it.
#[derive(Debug)]
pub(crate) struct Descent<'r, D = Dir> {
    root: &'r D,
    kept: Vec<(Vec<u8>, D)>,
    deepest: Option<D>,
    /// The path of the directory that was opened last.
    at: Option<Vec<u8>>,
}

impl<'r, D: Enter> Descent<'r, D> {
    pub fn new(root: &'r D) -> Self {
        Self { root, kept: Vec::new(), deepest: None, at: None }
    }

    /// Opens a directory, never through a symlink.
    pub fn open(&mut self, path: &RelPath) -> io::Result<&D> {
        if self.at.as_deref() == Some(path.as_bytes()) {
            return Ok(self.current());
        }
        self.at = None;
        let names: Vec<&[u8]> =
            path.as_bytes().split(|&byte| byte == b'/').filter(|name| !name.is_empty()).collect();
        let known = self.kept.iter().zip(&names).take_while(|((kept, _), name)| kept == *name).count();
        self.kept.truncate(known);
        self.deepest = None;
        for name in names.iter().skip(known) {
            let next = self.current().enter(&CString::new(*name)?)?;
            if self.kept.len() < KEPT {
                self.kept.push((name.to_vec(), next));
            } else {
                self.deepest = Some(next);
            }
        }
        self.at = Some(path.as_bytes().to_vec());
        Ok(self.current())
    }

    fn current(&self) -> &D {
        self.deepest.as_ref().or_else(|| self.kept.last().map(|(_, dir)| dir)).unwrap_or(self.root)
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make their trees by path")]
mod tests {
    use super::*;

    #[test]
    fn every_directory_is_found_from_every_other() {
        let dir = tempfile::tempdir().unwrap();
        let deep = (0..12).map(|level| level.to_string()).collect::<Vec<_>>().join("/");
        let paths = ["", "a", "a/b", "c", "0/1", &deep, "0/1/2/3/4/5/6/7/8/9"];
        for path in paths {
            std::fs::create_dir_all(dir.path().join(path)).unwrap();
        }
        std::os::unix::fs::symlink("a", dir.path().join("link")).unwrap();
        let root = Dir::open_operator_path(dir.path()).unwrap();
        let mut descent = Descent::new(&root);
        let inode = |path: &str| {
            use std::os::unix::fs::MetadataExt as _;
            std::fs::metadata(dir.path().join(path)).unwrap().ino()
        };
        for from in paths {
            for to in paths {
                descent.open(&RelPath::new(from).unwrap()).unwrap();
                let found = descent.open(&RelPath::new(to).unwrap()).unwrap();
                assert_eq!(found.stat().unwrap().id.inode, inode(to), "{from} {to}");
                assert!(descent.open(&RelPath::new("link/b").unwrap()).is_err());
            }
        }
    }
}
