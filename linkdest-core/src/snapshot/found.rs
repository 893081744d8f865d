//! The source of a run: found, opened, and what it is known by.

use std::ffi::CString;
use std::io;
use std::path::{Path, PathBuf};

use super::references::Origin;
use crate::entry::{FileId, Kind, Metadata};
use crate::error::{Error, ErrorKind, Result};
use crate::os::{Dir, host_name};
use crate::sftp::Address;

/// A source that was found.
pub(super) struct Found<'f, S> {
    pub source: S,
    /// Opens it once more: while the repository's lock was waited for, it may have gone.
    pub again: &'f dyn Fn() -> Result<S>,
    pub known: Known,
}

/// What is known of a source before it is walked.
pub(super) struct Known {
    /// Which inode its root is, on this machine.
    pub id: FileId,
    /// What its snapshots are known by.
    pub path: PathBuf,
    /// Its absolute path where it is.
    pub place: PathBuf,
    pub host: String,
}

impl Known {
    /// What the references are looked for with.
    pub fn origin<'k>(&'k self, names: &'k dyn Fn() -> io::Result<Vec<(CString, Kind)>>) -> Origin<'k> {
        Origin { path: &self.path, place: &self.place, host: &self.host, names }
    }
}

pub(super) fn open_source(path: &Path) -> Result<(Dir, Metadata)> {
    let kind = |error: &io::Error| match error.kind() {
        io::ErrorKind::NotADirectory => ErrorKind::SourceNotADirectory,
        _ => ErrorKind::SourceUnreadable,
    };
    let failed = |error| Error::io_as(kind(&error), "read the source: open", path, error);
    let dir = Dir::open_operator_path(path).map_err(failed)?;
    let metadata = dir.stat().map_err(failed)?;
    Ok((dir, metadata))
}

/// The backup of the backup would grow with each run.
pub(super) fn refuse_same(source: &Path, metadata: &Metadata, repository: &Path) -> Result<()> {
    let Ok(root) = Dir::open_operator_path(repository) else { return Ok(()) };
    let same = |dir: &Dir| dir.stat().is_ok_and(|stat| stat.id == metadata.id);
    if same(&root) {
        return Err(Error::new(
            ErrorKind::SourceIsRepository,
            source,
            "source and repository are the same directory",
        ));
    }
    let control = root.open_dir(c".linkdest");
    let staging = control.as_ref().ok().and_then(|control| control.open_dir(c"staging").ok());
    if control.is_ok_and(|control| same(&control)) || staging.is_some_and(|staging| same(&staging)) {
        let message = "the source is where the repository keeps its records";
        return Err(Error::new(ErrorKind::SourceIsRepository, source, message));
    }
    Ok(())
}

/// The host that snapshots of a source are known by: this one, or the server.
pub(crate) fn host_of(path: &Path) -> String {
    match Address::is_one(path).then(|| Address::parse(path)) {
        Some(Ok(address)) => address.host,
        _ => host_name(),
    }
}

/// The source's path as its snapshots are known by: absolute, without resolving symlinks in it; of one on a server, its
/// address in one form.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    if Address::is_one(path) {
        return Address::parse(path).map_or_else(|_| path.to_owned(), |address| address.canonical());
    }
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    // Trailing slashes change nothing.
    absolute.components().collect()
}
