//! What unchanged entries are linked to: earlier snapshots, leftovers of killed runs, `--link-dest` directories.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::entry::{Metadata, Timestamp};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::Manifest;
use crate::os::{Dir, boot_id, c_name, effective_ids};
use crate::path::Escaped;
use crate::repository::staging::Leftover;
use crate::repository::{Repository, RunRecord};

/// One tree that entries may be linked to.
pub(super) struct Reference {
    pub root: Dir,
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
    /// What is known of it if it is a snapshot of this source; only of the first reference.
    pub previous: Option<Previous>,
}

/// The newest snapshot of this source.
pub(super) struct Previous {
    pub entries: u64,
    /// Why it is suspect, if it is.
    pub suspect: Vec<String>,
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
    source: (&Path, &str),
    now: Timestamp,
    leftovers: &[Leftover],
    link_dest: &[PathBuf],
) -> Result<Collected> {
    let mut damaged = Vec::new();
    let mut references: Vec<Reference> = newest(repository, source, &mut damaged)?.into_iter().collect();
    references.extend(leftovers.iter().filter_map(of_leftover));
    for reference in &mut references {
        // The clock went back since: a ctime from before that run may be one from after it.
        reference.unproven |= reference.started.is_some_and(|started| started > now);
    }
    // What the operator asked for by name is not crowded out by leftovers.
    references.truncate(MOST.saturating_sub(link_dest.len()).max(1));
    references.extend(given(&repository.root, repository.path(), link_dest)?);
    Ok(Collected { references, damaged })
}

fn newest(
    repository: &Repository,
    (source, host): (&Path, &str),
    damaged: &mut Vec<Error>,
) -> Result<Option<Reference>> {
    let snapshots = repository.snapshots()?;
    let same_source = |record: &RunRecord| record.source() == source && record.host() == host;
    let newest =
        snapshots.iter().rev().find(|one| one.record().is_some_and(same_source)).or_else(|| snapshots.last());
    let Some(newest) = newest else { return Ok(None) };
    let failed = |error| Error::io("open", newest.path(), error);
    let name = c_name(newest.name().as_str()).map_err(failed)?;
    let root = repository.root.open_dir_search(&name).map_err(failed)?;
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
    Ok(Some(Reference {
        previous,
        same_user: repository
            .manifest_owner(newest.name())
            .is_ok_and(|owner| owner == Some(effective_ids().0)),
        manifest,
        root,
        label: newest.name().to_string(),
        started: record.map(RunRecord::started),
        unproven: record.is_some_and(|record| !record.synced && record.boot_id != boot_id()),
    }))
}

/// Of a killed run, what was written in this boot is as the kernel holds it; after a crash it may not be.
fn of_leftover(leftover: &Leftover) -> Option<Reference> {
    let root = leftover.tree.as_ref()?.open_dir_search(c".").ok()?;
    let record = leftover.record.as_ref()?;
    Some(Reference {
        manifest: None,
        same_user: false,
        previous: None,
        root,
        label: format!("unfinished {}", leftover.name.to_string_lossy()),
        started: Some(record.started()),
        unproven: record.boot_id != boot_id(),
    })
}

/// Opens the `--link-dest` directories. Links reach no further than one file system, seen through one mount.
///
/// `here` is the repository, or where it is going to be.
pub(super) fn given(here: &Dir, repository: &Path, link_dest: &[PathBuf]) -> Result<Vec<Reference>> {
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
            root: Dir::open_operator_path(Path::new(".")).unwrap(),
            label: label.to_owned(),
            started: None,
            unproven: false,
            manifest: None,
            same_user: false,
            previous: None,
        }
    }
}
