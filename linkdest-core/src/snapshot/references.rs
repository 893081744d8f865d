//! What unchanged entries are linked to: earlier snapshots, leftovers of killed runs, `--link-dest` directories.

use std::ffi::CString;
use std::io;
use std::path::{Path, PathBuf};

use super::{Snapshotter, points};
use crate::descent::Descent;
use crate::entry::{FileId, Kind, Metadata, Timestamp};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{BlockCache, Entry, Found, Manifest};
use crate::native::OsStrExt as _;
use crate::os::{Dir, effective_ids, is_this_boot};
use crate::path::{Escaped, RelPath};
use crate::repository::staging::Leftover;
use crate::repository::{Repository, RunRecord, SnapshotName, parent_of};

/// One tree that entries may be linked to.
pub(super) struct Reference {
    /// What the root of the source is compared with.
    pub root: Dir,
    /// Of a snapshot of the repository: which it is.
    pub snapshot: Option<SnapshotName>,
    /// Of an adopted one: where its tree has the source.
    pub at: Option<At>,
    /// How people know it: a snapshot's name, or a path.
    pub label: String,
    /// When the run began that made it, where that is known.
    pub started: Option<Timestamp>,
    /// Its stamps prove nothing (its files may never have reached the disk, or the clock went back): content must be
    /// compared.
    pub unproven: bool,
    /// What its run wrote down, if that is there and sound; only the first reference has one.
    pub manifest: Option<Manifest>,
    /// It was made by this user: another one sees and stores other extended attributes.
    pub same_user: bool,
    /// It was made of this source, or the operator says that it stands for it. Where there are no change times, size and
    /// time of another source's file prove nothing.
    pub same_source: bool,
    /// What is known of it if it is a snapshot of this source; only of the first reference.
    pub previous: Option<Previous>,
}

/// The newest snapshot of this source.
pub(super) struct Previous {
    pub entries: u64,
    /// Why it is suspect, if it is.
    pub suspect: Vec<String>,
}

/// A place below the root of a snapshot's tree.
pub(super) struct At {
    pub path: RelPath,
    /// The root of the tree: paths in the manifest begin there.
    top: Dir,
    /// What the manifest has of the place, if there is one.
    record: Option<Found>,
}

impl Reference {
    /// Where paths in the manifest begin.
    pub fn top(&self) -> &Dir {
        self.at.as_ref().map_or(&self.root, |at| &at.top)
    }

    /// What the manifest has of the directory that the root of the source is compared with.
    pub fn root_record(&self) -> Option<Entry<'_>> {
        match &self.at {
            Some(at) => at.record.as_ref().map(Found::entry),
            None => self.manifest.as_ref().map(Manifest::root),
        }
    }

    /// The snapshot that this is, and the path in it of what has a path in the source.
    pub fn place(&self, path: &RelPath) -> Option<(SnapshotName, RelPath)> {
        let base = self.at.as_ref().map_or(&[][..], |at| at.path.as_bytes());
        let parts = [base, path.as_bytes()].into_iter().filter(|part| !part.is_empty());
        Some((self.snapshot.clone()?, RelPath::from_names(parts)))
    }
}

/// The references of a run, and manifests that cannot be read: those count as missing.
pub(super) struct Collected {
    pub references: Vec<Reference>,
    pub damaged: Vec<Error>,
}

/// More than this cost more in looking than they save in copying (the number is rsync's).
pub(super) const MOST: usize = 20;

/// Collects the references in their order: the newest snapshot of this source, else the newest of any; leftovers,
/// newest first; the given directories. The source is known by its path and its host.
pub(super) fn collect(
    repository: &Repository,
    source: &Origin<'_>,
    now: Timestamp,
    leftovers: &[Leftover],
    link_dest: &[PathBuf],
) -> Result<Collected> {
    let mut damaged = Vec::new();
    let mut references: Vec<Reference> = newest(repository, source, &mut damaged)?.into_iter().collect();
    references.extend(leftovers.iter().filter_map(|leftover| of_leftover(leftover, source)));
    for reference in &mut references {
        // The clock went back since: a ctime from before that run may be one from after it.
        reference.unproven |= reference.started.is_some_and(|started| started > now);
    }
    // What the operator asked for by name is not crowded out by leftovers.
    references.truncate(MOST.saturating_sub(link_dest.len()).max(1));
    references.extend(given(&repository.root, repository.path(), link_dest)?);
    Ok(Collected { references, damaged })
}

/// The source of a run: where it is, and what is in it.
pub(super) struct Origin<'s> {
    /// What its snapshots are known by.
    pub path: &'s Path,
    /// Its absolute path where it is.
    pub place: &'s Path,
    pub host: &'s str,
    /// The names in its root, with their kinds.
    pub names: &'s dyn Fn() -> io::Result<Vec<(CString, Kind)>>,
}

impl Origin<'_> {
    fn is_of(&self, record: &RunRecord) -> bool {
        record.source() == self.path && record.host() == self.host
    }
}

fn newest(
    repository: &Repository,
    source: &Origin<'_>,
    damaged: &mut Vec<Error>,
) -> Result<Option<Reference>> {
    let snapshots = repository.snapshots()?;
    let same_source = |record: &RunRecord| source.is_of(record);
    let newest =
        snapshots.iter().rev().find(|one| one.record().is_some_and(same_source)).or_else(|| snapshots.last());
    let Some(newest) = newest else { return Ok(None) };
    let failed = |error| Error::io("open", newest.path(), error);
    let opened = repository.open_tree(newest.name()).and_then(|top| {
        let base = if newest.is_adopted() { points::find(&top, source)? } else { RelPath::root() };
        Ok((top, base))
    });
    let (top, base) = match opened {
        // Another tool's tree may be out of this user's reach.
        Err(error) if newest.is_adopted() && error.kind() == io::ErrorKind::PermissionDenied => {
            damaged.push(failed(error));
            return Ok(None);
        }
        opened => opened.map_err(failed)?,
    };
    let record = newest.record();
    let manifest = match repository.manifest(newest.name()) {
        Ok(manifest) => manifest,
        Err(error) => {
            damaged.push(error);
            None
        }
    };
    let previous = record.filter(|record| same_source(record)).map(|record| Previous {
        entries: manifest.as_ref().map_or(record.counts().entries, |manifest| manifest.totals().entries),
        suspect: record.suspect().to_vec(),
    });
    let (root, at) = if base == RelPath::root() {
        (top, None)
    } else {
        let root =
            Descent::new(&top).open(&base).and_then(|root| root.open_dir_search(c".")).map_err(failed)?;
        let found =
            manifest.as_ref().map(|manifest| manifest.find(base.as_bytes(), &mut BlockCache::default()));
        // A manifest that cannot be read there is met again, and told of, where it is used.
        let record = found.and_then(std::result::Result::ok).flatten();
        (root, Some(At { path: base, top, record }))
    };
    let name = newest.name();
    let label = at.as_ref().map_or_else(|| name.to_string(), |at| format!("{name}:{}", at.path));
    Ok(Some(Reference {
        snapshot: Some(name.clone()),
        at,
        same_source: previous.is_some(),
        previous,
        same_user: repository
            .manifest_owner(newest.name())
            .is_ok_and(|owner| owner == Some(effective_ids().0)),
        manifest,
        root,
        label,
        started: record.map(RunRecord::started),
        unproven: record.is_some_and(|record| !record.synced && !is_this_boot(&record.boot_id)),
    }))
}

/// Of a killed run, what was written in this boot is as the kernel holds it; after a crash it may not be.
fn of_leftover(leftover: &Leftover, source: &Origin<'_>) -> Option<Reference> {
    let root = leftover.tree.as_ref()?.open_dir_search(c".").ok()?;
    let record = leftover.record.as_ref()?;
    Some(Reference {
        snapshot: None,
        at: None,
        manifest: None,
        same_user: false,
        previous: None,
        root,
        same_source: source.is_of(record),
        label: format!("unfinished {}", leftover.name.to_string_lossy()),
        started: Some(record.started()),
        unproven: !is_this_boot(&record.boot_id),
    })
}

/// Opens the given references before anything is written; an absent repository will lie where its parent is.
pub(super) fn check_references(asked: &Snapshotter, source: FileId) -> Result<Vec<Reference>> {
    if asked.link_dest.is_empty() {
        return Ok(Vec::new());
    }
    let parent = || Dir::open_operator_path(&parent_of(&asked.repository));
    let here = Dir::open_operator_path(&asked.repository).or_else(|_| parent());
    match here {
        Ok(here) => {
            let references = given(&here, &asked.repository, &asked.link_dest)?;
            let is_source = |one: &&Reference| one.root.stat().is_ok_and(|stat| stat.id == source);
            match references.iter().find(is_source) {
                Some(one) => {
                    let message = "is the source: a snapshot must not share files with what will change";
                    Err(Error::new(ErrorKind::BadReference, &one.label, message))
                }
                None => Ok(references),
            }
        }
        // That there is no place for the repository is the error to report, and it will be.
        Err(_) => Ok(Vec::new()),
    }
}

/// Opens the `--link-dest` directories. Links reach no further than one file system, seen through one mount.
///
/// `here` is the repository, or where it is going to be.
fn given(here: &Dir, repository: &Path, link_dest: &[PathBuf]) -> Result<Vec<Reference>> {
    if link_dest.len() > MOST {
        return Err(Error::option(format!("at most {MOST} reference directories can be given")));
    }
    let here: Metadata = here.stat().map_err(|error| Error::io("stat", repository, error))?;
    link_dest.iter().map(|path| given_one(&here, repository, path)).collect()
}

fn given_one(here: &Metadata, repository: &Path, path: &Path) -> Result<Reference> {
    let shown = |path: &Path| Escaped(path.as_os_str().as_bytes()).to_string();
    let bad = |error| Error::io_as(ErrorKind::BadReference, "use as a reference: open", path, error);
    let root = Dir::open_operator_path(path).map_err(bad)?;
    let there = root.stat().map_err(bad)?;
    if there.id.device != here.id.device || there.mount != here.mount {
        let repository = shown(repository);
        let message = format!(
            "cannot be a reference: it is on another file system than the repository {repository}, where no hard link \
             reaches"
        );
        return Err(Error::new(ErrorKind::BadReference, path, message));
    }
    Ok(Reference {
        same_source: true,
        snapshot: None,
        at: None,
        root,
        label: shown(path),
        started: None,
        unproven: false,
        manifest: None,
        same_user: false,
        previous: None,
    })
}

#[cfg(test)]
impl Reference {
    /// A reference that nothing is known of but its name.
    pub fn of_tests(label: &str) -> Self {
        Self {
            snapshot: None,
            at: None,
            root: Dir::open_operator_path(Path::new(".")).unwrap(),
            label: label.to_owned(),
            started: None,
            unproven: false,
            manifest: None,
            same_user: false,
            same_source: true,
            previous: None,
        }
    }
}
