//! A directory that looks like a snapshot, and how it is looked at.

use std::ffi::CString;
use std::io;
use std::path::PathBuf;

use super::report::{PassedOver, Tool};
use crate::entry::{Kind, Metadata, Timestamp};
use crate::os::{Dir, Listing};
use crate::path::RelPath;
use crate::repository::{Status, is_adoptable};

/// One snapshot of another tool.
#[derive(Debug)]
pub(super) struct Candidate {
    pub tool: Tool,
    /// The path below the directory that is adopted.
    pub tree: RelPath,
    /// When it was made, by the tool's own mark.
    pub started: Timestamp,
    pub status: Status,
    /// What it was made of; empty where the tool does not tell.
    pub source: PathBuf,
    pub host: String,
    pub root: Metadata,
}

/// What was found in a directory.
#[derive(Debug)]
pub(super) struct Search {
    /// The directory itself.
    home: Metadata,
    pub found: Vec<Candidate>,
    pub passed_over: Vec<PassedOver>,
}

impl Search {
    pub fn new(root: &Dir) -> io::Result<Self> {
        Ok(Self { home: root.stat()?, found: Vec::new(), passed_over: Vec::new() })
    }

    /// Takes a directory for a snapshot, unless there is a reason not to.
    pub fn take(&mut self, parent: &Dir, name: &[u8], tree: RelPath, tool: Tool, started: Timestamp) {
        match self.look(parent, name, &tree) {
            Ok(root) => self.found.push(Candidate {
                tool,
                tree,
                started,
                status: Status::Complete,
                source: PathBuf::new(),
                host: String::new(),
                root,
            }),
            Err(reason) => self.pass_over(tree, reason),
        }
    }

    fn look(&self, parent: &Dir, name: &[u8], tree: &RelPath) -> Result<Metadata, String> {
        let cannot = |error: io::Error| format!("cannot be read: {error}");
        let dir = CString::new(name)
            .map_err(io::Error::from)
            .and_then(|name| parent.open_dir(&name))
            .map_err(cannot)?;
        let root = dir.stat().map_err(cannot)?;
        if root.id.device != self.home.id.device || root.mount != self.home.mount {
            return Err("is on another file system, where no hard link reaches".to_owned());
        }
        if !is_adoptable(tree) {
            return Err("is where linkdest keeps its own".to_owned());
        }
        let mut listing = Listing::default();
        dir.list(&mut listing).map_err(cannot)?;
        if listing.entries().is_empty() { Err("is empty".to_owned()) } else { Ok(root) }
    }

    pub fn pass_over(&mut self, path: RelPath, reason: impl Into<String>) {
        self.passed_over.push(PassedOver { path, reason: reason.into() });
    }
}

/// The names of the directories in a directory, sorted; symlinks are none.
pub(super) fn directories(dir: &Dir) -> io::Result<Vec<Vec<u8>>> {
    let mut listing = Listing::default();
    dir.open_dir(c".")?.list(&mut listing)?;
    let mut names = Vec::new();
    for entry in listing.entries() {
        let name = listing.name(*entry);
        let kind = match entry.kind {
            Some(kind) => kind,
            None => dir.stat_at(name)?.kind,
        };
        if kind == Kind::Directory {
            names.push(name.to_bytes().to_vec());
        }
    }
    names.sort();
    Ok(names)
}
