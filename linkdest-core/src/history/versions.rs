//! Which versions of a path there are, and in which snapshots.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::list::Item;
use super::side::Side;
use super::stopped;
use super::tree::Tree;
use crate::entry::{Kind, Timestamp};
use crate::error::{Error, Result};
use crate::filter::{DirectoryRules, FilterBuilder, Verdict};
use crate::manifest::ContentHash;
use crate::monitor::StopFlag;
use crate::path::RelPath;
use crate::repository::{Repository, SnapshotName};

/// One version of a path, and the snapshots that have it: see [`Repository::versions`].
#[derive(Debug, Clone)]
pub struct Version {
    item: Item,
    all: Arc<[SnapshotName]>,
    /// The indices of its snapshots.
    inside: Vec<usize>,
}

impl Version {
    /// The path below the source.
    #[must_use]
    pub fn path(&self) -> &RelPath {
        self.item.path()
    }

    /// The entry as the first of the snapshots has it.
    #[must_use]
    pub fn item(&self) -> &Item {
        &self.item
    }

    /// The kind of the entry.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.item.metadata().kind
    }

    /// The size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.item.metadata().size
    }

    /// When the content was last changed.
    #[must_use]
    pub fn mtime(&self) -> Timestamp {
        self.item.metadata().mtime
    }

    /// Whether it was expunged from these snapshots: of what it was only the kind is still known.
    #[must_use]
    pub fn is_expunged(&self) -> bool {
        self.item.is_expunged()
    }

    /// The hash of a file's content, where it is recorded.
    #[must_use]
    pub fn content(&self) -> Option<ContentHash> {
        self.item.content()
    }

    /// The snapshots that have this version, the oldest run first.
    pub fn snapshots(&self) -> impl ExactSizeIterator<Item = &SnapshotName> {
        // The indices come from the same list.
        self.inside.iter().filter_map(|index| self.all.get(*index)).collect::<Vec<_>>().into_iter()
    }

    fn is_same(&self, other: &Item) -> bool {
        let (a, b) = (self.item.metadata(), other.metadata());
        if self.item.is_expunged() || other.is_expunged() {
            return self.item.is_expunged() == other.is_expunged() && a.kind == b.kind;
        }
        let same = a.kind == b.kind && a.mtime == b.mtime && self.item.target() == other.target();
        if a.kind == Kind::Directory {
            return same;
        }
        let same_content = match (self.item.content(), other.content()) {
            (Some(a), Some(b)) => a == b,
            _ => a.kind != Kind::File || a.size == 0 || self.item.inode() == other.inode(),
        };
        same && a.size == b.size && a.rdev == b.rdev && same_content
    }
}

impl Repository {
    /// Tells the versions of a path, from the oldest snapshot to the newest: one for each run of snapshots that have the
    /// same, so that a version that came back is told again.
    ///
    /// Versions are the same when kind, size, modification time and content are, or the target or device; of a
    /// directory kind and time. Where no hash is recorded, content is the same in the same inode. That a path was
    /// [expunged](Self::expunge), or a directory above it, is a version of its own.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let (source, repo) = (dir.path().join("source"), dir.path().join("repo"));
    /// # std::fs::create_dir(&source)?;
    /// use linkdest_core::{RelPath, Repository, Silent, Snapshotter};
    /// for text in ["first", "second!", "second!"] {
    ///     if std::fs::read(source.join("a")).ok().as_deref() != Some(text.as_bytes()) {
    ///         std::fs::write(source.join("a"), text)?;
    ///     }
    ///     Snapshotter::new(&source, &repo).init(true).run(&Silent)?;
    /// }
    /// let versions = Repository::open(&repo)?.versions(&RelPath::new("a").unwrap())?;
    /// let told: Vec<_> = versions.iter().map(|version| (version.size(), version.snapshots().len())).collect();
    /// assert_eq!(told, [(5, 1), (7, 2)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When a snapshot or its manifest cannot be read.
    pub fn versions(&self, path: &RelPath) -> Result<Vec<Version>> {
        let mut found = Versions::of(self, Same::Next)?;
        let expunged = self.expunged()?;
        for index in 0..found.all.len() {
            let Some(name) = found.all.get(index).cloned() else { break };
            let item = match Side::open_if_recorded(self, &name)? {
                Some(mut side) => side.find(path)?.map(|found| Item::recorded(path.clone(), &found.entry())),
                None => Tree::open(self, &name)?.item(path)?,
            };
            // It may have gone with a directory above it, or from a snapshot without a manifest.
            let expunged = || expunged.iter().find(|entry| entry.covers(&name, path)).map(Item::expunged);
            if let Some(item) = item.or_else(expunged) {
                found.add(index, item);
            }
        }
        Ok(found.into_sorted())
    }

    /// Finds all entries, in all snapshots, whose path matches a pattern of rsync's filter language: `*.txt` by name,
    /// `docs/*.txt` by the last names of the path, `/docs/**` from the root, `docs/` directories only. Each version of
    /// each path is told once, by path, then from the oldest on.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let (source, repo) = (dir.path().join("source"), dir.path().join("repo"));
    /// # std::fs::create_dir(&source)?;
    /// use linkdest_core::{Repository, Silent, Snapshotter};
    /// std::fs::write(source.join("a.txt"), "hello")?;
    /// let report = Snapshotter::new(&source, &repo).init(true).run(&Silent)?;
    /// let found = Repository::open(&repo)?.find("*.txt")?;
    /// assert_eq!(found[0].path().as_bytes(), b"a.txt");
    /// assert!(found[0].snapshots().eq(report.snapshot()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::InvalidOption`](crate::ErrorKind::InvalidOption) for an empty pattern, and when a snapshot or its
    /// manifest cannot be read.
    pub fn find(&self, pattern: impl AsRef<[u8]>) -> Result<Vec<Version>> {
        self.find_with(pattern, &StopFlag::default())
    }

    /// Finds the same as [`find`](Self::find), unless it is stopped from outside.
    ///
    /// # Errors
    /// As `find`; [`ErrorKind::Interrupted`](crate::ErrorKind::Interrupted).
    pub fn find_with(&self, pattern: impl AsRef<[u8]>, stop: &StopFlag) -> Result<Vec<Version>> {
        let pattern = Pattern::new(pattern.as_ref())?;
        let mut found = Versions::of(self, Same::Any)?;
        for index in 0..found.all.len() {
            let Some(name) = found.all.get(index).cloned() else { break };
            match Side::open_if_recorded(self, &name)? {
                Some(side) => found.add_recorded(index, &side, &pattern, stop)?,
                None => {
                    for item in self.ls(&name, &RelPath::root())?.recursive() {
                        let item = item?;
                        go_on(stop)?;
                        if pattern.takes(item.path().as_bytes(), item.metadata().kind) {
                            found.add(index, item);
                        }
                    }
                }
            }
        }
        Ok(found.into_sorted())
    }
}

fn go_on(stop: &StopFlag) -> Result<()> {
    if stop.is_stopped() { Err(stopped()) } else { Ok(()) }
}

/// A pattern as an exclude rule has it.
struct Pattern(DirectoryRules);

impl Pattern {
    fn new(pattern: &[u8]) -> Result<Self> {
        let rule = [b"- ", pattern].concat();
        let filter = FilterBuilder::new().exclude(rule).build_without_files();
        let filter = filter.map_err(|_| Error::option("a pattern cannot be empty"))?;
        Ok(Self(filter.root_without_files("/".as_ref())))
    }

    fn takes(&self, path: &[u8], kind: Kind) -> bool {
        self.0.decide(path, kind == Kind::Directory).verdict() == Verdict::Exclude
    }
}

/// With which earlier version one is the same.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Same {
    /// That of the snapshot before it.
    Next,
    /// Any.
    Any,
}

/// The versions of all paths that were met.
struct Versions {
    all: Arc<[SnapshotName]>,
    same: Same,
    paths: BTreeMap<Vec<u8>, Vec<Version>>,
}

impl Versions {
    fn of(repository: &Repository, same: Same) -> Result<Self> {
        let all = repository.snapshots()?.iter().map(|snapshot| snapshot.name().clone()).collect();
        Ok(Self { all, same, paths: BTreeMap::new() })
    }

    fn add(&mut self, index: usize, item: Item) {
        let versions = self.paths.entry(item.path().as_bytes().to_vec()).or_default();
        let goes_on = |version: &&mut Version| {
            let next = version.inside.last().is_some_and(|last| last + 1 == index);
            (self.same == Same::Any || next) && version.is_same(&item)
        };
        match versions.iter_mut().rfind(goes_on) {
            Some(version) => version.inside.push(index),
            None => versions.push(Version { item, all: Arc::clone(&self.all), inside: vec![index] }),
        }
    }

    fn add_recorded(&mut self, index: usize, side: &Side, pattern: &Pattern, stop: &StopFlag) -> Result<()> {
        let mut path = Vec::new();
        for directory in side.manifest.walk() {
            go_on(stop)?;
            let directory = directory.map_err(|error| side.failed(error))?;
            path.clear();
            path.extend_from_slice(directory.path().as_bytes());
            if !path.is_empty() {
                path.push(b'/');
            }
            let length = path.len();
            for entry in directory.entries() {
                path.truncate(length);
                path.extend_from_slice(entry.name);
                if pattern.takes(&path, entry.metadata.kind) {
                    self.add(index, Item::recorded(directory.path().child(entry.name), &entry));
                }
            }
        }
        Ok(())
    }

    fn into_sorted(self) -> Vec<Version> {
        self.paths.into_values().flatten().collect()
    }
}
