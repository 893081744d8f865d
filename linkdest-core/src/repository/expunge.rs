//! Removing one path from snapshots that stay: what is asked for, the plan, and what came of it.

use std::collections::HashSet;
use std::io;

use super::expunged::{Attributes, is_at_or_below};
use super::{ExpungedEntry, Removal, Repository, Snapshot, SnapshotName, manifest_error};
use crate::descent::Descent;
use crate::entry::{Kind, Metadata, Timestamp};
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::finding::Sighting;
use crate::manifest::{BlockCache, Manifest};
use crate::os::{Dir, Listing, effective_ids, errno};
use crate::path::RelPath;

/// From which snapshots a path is expunged, and how: see [`Repository::expunge_with`].
///
/// ```
/// use linkdest_core::{Expunging, Removal};
/// let how = Expunging::default().snapshot("2026-11-22T132200Z".parse()?).links(true).removal(Removal::default());
/// # let _ = how;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Expunging {
    snapshots: Vec<SnapshotName>,
    links: bool,
    removal: Removal,
}

impl Expunging {
    /// Adds a snapshot to those that it is removed from. Unset: all.
    #[must_use]
    pub fn snapshot(mut self, name: SnapshotName) -> Self {
        self.snapshots.push(name);
        self
    }

    /// Removes the other names too that the same inodes have in the same snapshot. Unset: they stay, and are told.
    #[must_use]
    pub fn links(self, links: bool) -> Self {
        Self { links, ..self }
    }

    /// Sets how long the lock is waited for, the threads that remove, and what stops it.
    #[must_use]
    pub fn removal(self, removal: Removal) -> Self {
        Self { removal, ..self }
    }
}

/// What was expunged, or would be.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let (source, repo) = (dir.path().join("source"), dir.path().join("repo"));
/// # std::fs::create_dir(&source)?;
/// use linkdest_core::{Expunging, RelPath, Repository, Silent, Snapshotter};
/// std::fs::write(source.join("a"), "secret")?;
/// std::fs::hard_link(source.join("a"), source.join("b"))?;
/// Snapshotter::new(&source, &repo).init(true).run(&Silent)?;
/// let repository = Repository::open(&repo)?;
/// let path = RelPath::new("a").unwrap();
/// let plan = repository.plan_expunge(&path, &Expunging::default())?;
/// assert!(plan.is_dry_run() && plan.problems().is_empty());
/// assert_eq!((plan.entries()[0].path(), plan.other_names()[0].path.as_bytes()), (&path, &b"b"[..]));
/// // With the other names nothing stays.
/// let report = repository.expunge_with(&path, &Expunging::default().links(true))?;
/// assert_eq!((report.entries().len(), report.other_names().len()), (2, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExpungeReport {
    entries: Vec<ExpungedEntry>,
    other_names: Vec<Sighting>,
    problems: Vec<Problem>,
    dry_run: bool,
}

impl ExpungeReport {
    /// The entries, by snapshot, the oldest run first. Empty where all of it was expunged before.
    #[must_use]
    pub fn entries(&self) -> &[ExpungedEntry] {
        &self.entries
    }

    /// Names that the same inodes have elsewhere in the same snapshots, and that stay: the content is still there.
    #[must_use]
    pub fn other_names(&self) -> &[Sighting] {
        &self.other_names
    }

    /// What could not be tidied up, so that its space is not free yet. The next run tries again.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Whether nothing was removed.
    #[must_use]
    pub fn is_dry_run(&self) -> bool {
        self.dry_run
    }
}

impl Repository {
    /// Removes one path, a file or a directory with everything in it, from all snapshots, also from pinned ones.
    ///
    /// The snapshots stay as they are otherwise: the directory that it was in keeps its times, and a new generation of
    /// the manifest says that the entry was expunged, so that nobody takes it for lost. Content that has another path
    /// too, in the same snapshot or in another one, is still there under that. What is in the source is saved again by
    /// the next run, unless a rule excludes it.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let (source, repo) = (dir.path().join("source"), dir.path().join("repo"));
    /// # std::fs::create_dir(&source)?;
    /// use linkdest_core::{ErrorKind, RelPath, Repository, Silent, Snapshotter};
    /// std::fs::write(source.join("secret"), "password")?;
    /// let report = Snapshotter::new(&source, &repo).init(true).run(&Silent)?;
    /// let repository = Repository::open(&repo)?;
    /// let secret = RelPath::new("secret").unwrap();
    /// assert_eq!(repository.expunge(&secret)?.entries().len(), 1);
    /// assert!(!report.path().unwrap().join("secret").exists());
    /// assert_eq!(repository.expunged()?[0].path(), &secret);
    /// // There is nothing left to do.
    /// assert!(repository.expunge(&secret)?.entries().is_empty());
    /// let unknown = repository.expunge(&RelPath::new("unknown").unwrap()).unwrap_err();
    /// assert_eq!(unknown.kind(), ErrorKind::NoSuchPath);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchPath`]; [`ErrorKind::DamagedManifest`] of a snapshot that has the path: `reindex` makes it
    /// anew; [`ErrorKind::Locked`]; [`ErrorKind::InvalidOption`] for the root; or when something cannot be removed or
    /// written. Nothing was removed then, or the next run that writes finishes what was begun.
    pub fn expunge(&self, path: &RelPath) -> Result<ExpungeReport> {
        self.expunge_with(path, &Expunging::default())
    }

    /// Removes one path as [`expunge`](Self::expunge) does, from the snapshots and in the way that is asked for.
    ///
    /// # Errors
    /// As `expunge`; [`ErrorKind::NoSuchSnapshot`].
    pub fn expunge_with(&self, path: &RelPath, how: &Expunging) -> Result<ExpungeReport> {
        let stop = &how.removal.stop;
        let lock = self.lock(how.removal.lock_wait, stop)?;
        self.repair()?;
        let mut report = self.plan(path, how)?;
        if !report.entries.is_empty() {
            let mut all = self.expunged()?;
            all.retain(|known| !report.entries.iter().any(|new| new.covers(&known.snapshot, &known.path)));
            all.extend(report.entries.iter().cloned());
            self.write_expunged(&all)?;
            self.finish_expunging(stop)?;
        }
        drop(lock);
        for entry in &mut report.entries {
            entry.pending = None;
        }
        let emptied = self.empty_trash(how.removal.threads, true, stop);
        report.problems.extend(emptied.err().as_ref().map(Problem::housekeeping));
        Ok(report)
    }

    /// Tells what [`expunge_with`](Self::expunge_with) would remove; nothing is written.
    ///
    /// # Errors
    /// As `expunge_with`, but for what only writing can tell.
    pub fn plan_expunge(&self, path: &RelPath, how: &Expunging) -> Result<ExpungeReport> {
        let mut report = self.plan(path, how)?;
        for entry in &mut report.entries {
            entry.pending = None;
        }
        Ok(ExpungeReport { dry_run: true, ..report })
    }

    fn plan(&self, path: &RelPath, how: &Expunging) -> Result<ExpungeReport> {
        if path.as_bytes().is_empty() {
            return Err(Error::option("this is the whole snapshot; `delete` removes snapshots"));
        }
        let snapshots = self.snapshots()?;
        for name in &how.snapshots {
            if !snapshots.iter().any(|snapshot| snapshot.name() == name) {
                let message = format!("there is no snapshot {name}");
                return Err(Error::new(ErrorKind::NoSuchSnapshot, &self.path, message));
            }
        }
        let mut report = ExpungeReport::default();
        let wanted =
            |snapshot: &&Snapshot| how.snapshots.is_empty() || how.snapshots.contains(snapshot.name());
        let known = self.expunged()?;
        for snapshot in snapshots.iter().filter(wanted) {
            if how.removal.stop.is_stopped() {
                return Err(Error::interrupted());
            }
            self.plan_one(snapshot, path, how.links, &mut report)?;
        }
        let done = |name: &SnapshotName| known.iter().any(|entry| entry.covers(name, path));
        let before = snapshots.iter().filter(wanted).any(|snapshot| done(snapshot.name()));
        if report.entries.is_empty() && !before {
            let message = format!("no snapshot has {path}");
            return Err(Error::new(ErrorKind::NoSuchPath, &self.path, message));
        }
        Ok(report)
    }

    fn plan_one(
        &self,
        snapshot: &Snapshot,
        path: &RelPath,
        links: bool,
        report: &mut ExpungeReport,
    ) -> Result<()> {
        let name = snapshot.name();
        let failed = |error| Error::io("open", snapshot.path(), error);
        let tree = self.open_tree(name).map_err(failed)?;
        let Some((entry, disk)) = self.look(&tree, name, path)? else { return Ok(()) };
        let manifest = self.manifest(name)?;
        if let Some(manifest) = &manifest {
            self.check_manifest(name, manifest)?;
        }
        report.entries.push(entry);
        for other in self.other_names(name, &tree, manifest.as_ref(), path, &disk)? {
            let found = if links { self.look(&tree, name, &other)? } else { None };
            match found {
                Some((entry, _)) => report.entries.push(entry),
                None => report.other_names.push(Sighting { snapshot: name.to_string(), path: other }),
            }
        }
        Ok(())
    }

    /// Looks at an entry and at the directory that it is in; `None` if it is not there.
    fn look(
        &self,
        tree: &Dir,
        name: &SnapshotName,
        path: &RelPath,
    ) -> Result<Option<(ExpungedEntry, Metadata)>> {
        let place = || self.path.join(name.as_str()).join(path.as_path());
        let look = || -> io::Result<Option<(Metadata, Metadata)>> {
            let (parent, name) = path.split();
            let mut descent = Descent::new(tree);
            let dir = descent.open(&parent)?;
            Ok(dir.stat_if_there(&std::ffi::CString::new(name)?)?.zip(Some(dir.stat()?)))
        };
        let (disk, parent) = match look() {
            Err(error) if errno::is_absent(&error) => return Ok(None),
            Err(error) => return Err(Error::io("stat", place(), error)),
            Ok(None) => return Ok(None),
            Ok(Some(found)) => found,
        };
        let user = effective_ids().0;
        if user != 0 && user != parent.uid {
            // Nobody else can put its times back.
            let error =
                io::Error::new(io::ErrorKind::PermissionDenied, "the directory that it is in is not yours");
            return Err(Error::io("expunge", place(), error));
        }
        let entry = ExpungedEntry {
            snapshot: name.clone(),
            path: path.clone(),
            kind: disk.kind,
            time: Timestamp::now(),
            pending: Some(Attributes { mtime: parent.mtime, mode: parent.mode & 0o7777 }),
        };
        Ok(Some((entry, disk)))
    }

    /// The names that what is at or below a path has elsewhere in the same snapshot.
    fn other_names(
        &self,
        name: &SnapshotName,
        tree: &Dir,
        manifest: Option<&Manifest>,
        path: &RelPath,
        disk: &Metadata,
    ) -> Result<Vec<RelPath>> {
        let names = match manifest {
            Some(manifest) => linked_by_record(manifest, path, self.capabilities().inode_numbers)
                .map_err(|error| manifest_error(self.manifest_path(name), error))?,
            None if disk.kind != Kind::Directory && disk.nlink == 1 => Vec::new(),
            None => {
                self.need_inode_numbers("expunge without a manifest: find other names in").and_then(|()| {
                    linked_on_disk(tree)
                        .map_err(|error| Error::io("list", self.path.join(name.as_str()), error))
                })?
            }
        };
        let inside: HashSet<u64> =
            names.iter().filter(|(other, _)| is_at_or_below(other, path)).map(|(_, inode)| *inode).collect();
        let outside =
            names.into_iter().filter(|(other, inode)| inside.contains(inode) && !is_at_or_below(other, path));
        let mut outside: Vec<_> = outside.map(|(other, _)| other).collect();
        outside.sort_unstable();
        Ok(outside)
    }
}

/// All names of inodes that had several, by the manifest; none where the path is a file with one name. Where the
/// repository's numbers prove nothing, those of the source stand in.
fn linked_by_record(
    manifest: &Manifest,
    path: &RelPath,
    believed: bool,
) -> std::result::Result<Vec<(RelPath, u64)>, crate::manifest::ManifestError> {
    let mut names = Vec::new();
    let found = manifest.find(path.as_bytes(), &mut BlockCache::default())?;
    let alone = found.is_some_and(|found| {
        let metadata = found.entry().metadata;
        metadata.kind != Kind::Directory && metadata.nlink == 1
    });
    if alone {
        return Ok(names);
    }
    for directory in manifest.walk() {
        let directory = directory?;
        for entry in directory.entries() {
            let metadata = entry.metadata;
            let inode = if believed { entry.repository_inode } else { metadata.id.inode };
            if metadata.kind != Kind::Directory && metadata.nlink > 1 && inode != 0 {
                names.push((directory.path().child(entry.name), inode));
            }
        }
    }
    Ok(names)
}

/// All names of inodes that have several, on disk, where there is no manifest; those of other snapshots count too.
fn linked_on_disk(tree: &Dir) -> io::Result<Vec<(RelPath, u64)>> {
    let (mut names, mut waiting) = (Vec::new(), vec![RelPath::root()]);
    let (mut descent, mut listing) = (Descent::new(tree), Listing::default());
    while let Some(path) = waiting.pop() {
        let dir = descent.open(&path)?;
        dir.open_dir(c".")?.list(&mut listing)?;
        for listed in listing.entries() {
            let name = listing.name(*listed);
            let disk = dir.stat_at(name)?;
            let path = path.child(name.to_bytes());
            if disk.kind == Kind::Directory {
                waiting.push(path);
            } else if disk.nlink > 1 {
                names.push((path, disk.id.inode));
            }
        }
    }
    Ok(names)
}
