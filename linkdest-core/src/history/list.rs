//! What is in a snapshot, below a path: from its manifest, or from its tree where it has none.

use std::ffi::{CStr, CString};

use super::side::Side;
use super::tree::{Tree, read_link};
use crate::entry::{Kind, Metadata};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{ContentHash, Directory, Entry};
use crate::os::{Dir, Listing};
use crate::path::RelPath;
use crate::repository::{Repository, SnapshotName};

/// One entry of a snapshot: see [`Repository::ls`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    path: RelPath,
    metadata: Metadata,
    target: Vec<u8>,
    content: Option<ContentHash>,
    inode: u64,
}

impl Item {
    /// The path below the source.
    #[must_use]
    pub fn path(&self) -> &RelPath {
        &self.path
    }

    /// What the source's entry was. Device and inode numbers are those of the source, the device as the manifest numbers
    /// it; where the snapshot has no manifest they are those of the repository.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Where a symlink leads.
    #[must_use]
    pub fn target(&self) -> Option<&[u8]> {
        (self.metadata.kind == Kind::Symlink).then_some(self.target.as_slice())
    }

    /// The hash of a file's content, where it is recorded.
    #[must_use]
    pub fn content(&self) -> Option<ContentHash> {
        self.content
    }

    /// The inode in the repository, 0 if unknown.
    pub(super) fn inode(&self) -> u64 {
        self.inode
    }

    pub(super) fn recorded(path: RelPath, entry: &Entry<'_>) -> Self {
        Self {
            path,
            metadata: entry.metadata,
            target: entry.target.to_vec(),
            content: entry.content,
            inode: entry.repository_inode,
        }
    }

    fn on_disk(path: RelPath, metadata: Metadata, target: Vec<u8>) -> Self {
        Self { path, metadata, target, content: None, inode: metadata.id.inode }
    }
}

impl Repository {
    /// Lists a directory of a snapshot, by name; of anything else the entry itself.
    ///
    /// It is told from the manifest, or from the tree where the snapshot has none.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let (source, repo) = (dir.path().join("source"), dir.path().join("repo"));
    /// # std::fs::create_dir_all(source.join("d"))?;
    /// use linkdest_core::{RelPath, Repository, Silent, Snapshotter};
    /// std::fs::write(source.join("d/file"), "hello")?;
    /// let report = Snapshotter::new(&source, &repo).init(true).run(&Silent)?;
    /// let repository = Repository::open(&repo)?;
    /// let items = repository.ls(report.snapshot().unwrap(), &RelPath::root())?.recursive();
    /// let items = items.collect::<Result<Vec<_>, _>>()?;
    /// assert_eq!(items[0].path().as_bytes(), b"d");
    /// assert_eq!((items[1].path().as_bytes(), items[1].metadata().size), (&b"d/file"[..], 5));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchPath`] if the snapshot has no such path, and when it cannot be read.
    pub fn ls(&self, snapshot: &SnapshotName, path: &RelPath) -> Result<Items> {
        let mut reader = match Side::open_if_recorded(self, snapshot)? {
            Some(side) => Reader::Manifest(Box::new(side)),
            None => Reader::Tree(Tree::open(self, snapshot)?),
        };
        let Some(first) = reader.find(path)? else {
            let path = self.tree_path(snapshot).join(path.as_path());
            return Err(Error::new(ErrorKind::NoSuchPath, path, "there is no such entry in the snapshot"));
        };
        let mut items = Items { reader, recursive: false, levels: Vec::new(), single: None };
        if first.metadata.kind == Kind::Directory {
            items.enter(path)?;
        } else {
            items.single = Some(first);
        }
        Ok(items)
    }
}

/// The entries of a snapshot's directory: see [`Repository::ls`]. It ends after an error.
#[derive(Debug)]
pub struct Items {
    reader: Reader,
    recursive: bool,
    levels: Vec<Level>,
    single: Option<Item>,
}

impl Items {
    /// Lists what is in sub-directories too, each after the directory itself.
    #[must_use]
    pub fn recursive(mut self) -> Self {
        self.recursive = true;
        self
    }

    fn enter(&mut self, path: &RelPath) -> Result<()> {
        let level = self.reader.level(path)?;
        self.levels.push(level);
        Ok(())
    }

    fn advance(&mut self) -> Result<Option<Item>> {
        while let Some(level) = self.levels.last_mut() {
            match self.reader.item(level)? {
                None => drop(self.levels.pop()),
                Some(item) => {
                    if self.recursive && item.metadata.kind == Kind::Directory {
                        self.enter(&item.path)?;
                    }
                    return Ok(Some(item));
                }
            }
        }
        Ok(None)
    }
}

impl Iterator for Items {
    type Item = Result<Item>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(single) = self.single.take() {
            return Some(Ok(single));
        }
        let next = self.advance();
        if next.is_err() {
            self.levels.clear();
        }
        next.transpose()
    }
}

#[derive(Debug)]
enum Reader {
    Manifest(Box<Side>),
    Tree(Tree),
}

/// A directory that is being listed.
#[derive(Debug)]
enum Level {
    /// With the index of the next entry.
    Recorded(Directory, usize),
    /// With the names that are still to come, the next one last.
    OnDisk(RelPath, Vec<CString>),
}

impl Reader {
    fn find(&mut self, path: &RelPath) -> Result<Option<Item>> {
        match self {
            Self::Manifest(side) => {
                let found = side.find(path)?;
                Ok(found.map(|found| Item::recorded(path.clone(), &found.entry())))
            }
            Self::Tree(tree) => tree.item(path),
        }
    }

    fn level(&mut self, path: &RelPath) -> Result<Level> {
        match self {
            Self::Manifest(side) => {
                let child = side.find(path)?.and_then(|found| found.entry().child);
                let child = child.ok_or_else(|| {
                    side.failed(crate::manifest::ManifestError::Damaged(
                        "a directory without a record".into(),
                    ))
                })?;
                Ok(Level::Recorded(side.directory(child)?, 0))
            }
            Self::Tree(tree) => Ok(Level::OnDisk(path.clone(), tree.names(path)?)),
        }
    }

    fn item(&mut self, level: &mut Level) -> Result<Option<Item>> {
        match (level, self) {
            (Level::Recorded(directory, next), _) => {
                let entry = directory.get(*next);
                *next += 1;
                Ok(entry.map(|entry| Item::recorded(directory.path().child(entry.name), &entry)))
            }
            (Level::OnDisk(path, names), Self::Tree(tree)) => {
                let Some(name) = names.pop() else { return Ok(None) };
                let path = path.child(name.to_bytes());
                match tree.item(&path)? {
                    Some(item) => Ok(Some(item)),
                    None => Err(tree.failed("stat", &path, std::io::ErrorKind::NotFound.into())),
                }
            }
            (Level::OnDisk(..), Self::Manifest(_)) => Ok(None),
        }
    }
}

impl Tree {
    /// Looks at an entry; `None` if there is none.
    pub(super) fn item(&mut self, path: &RelPath) -> Result<Option<Item>> {
        let Some(metadata) = self.stat(path)? else { return Ok(None) };
        let target = match metadata.kind {
            Kind::Symlink => self.at(path, "read link", read_link)?,
            _ => Vec::new(),
        };
        Ok(Some(Item::on_disk(path.clone(), metadata, target)))
    }

    /// Reads the names in a directory, the last one first.
    fn names(&mut self, path: &RelPath) -> Result<Vec<CString>> {
        let mut listing = Listing::default();
        let list = |dir: &Dir, name: &CStr| dir.open_dir(name)?.list(&mut listing);
        self.at(path, "list", list)?;
        let mut names: Vec<_> =
            listing.entries().iter().map(|entry| listing.name(*entry).to_owned()).collect();
        names.sort_unstable_by(|a, b| b.cmp(a));
        Ok(names)
    }
}
