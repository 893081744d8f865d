//! The directory that holds the snapshots.
//!
//! A direct child that is a real directory with the name of a snapshot is a complete snapshot. Everything else of ours
//! lives in `.linkdest/`; everything else that lies there is foreign.

mod accept;
mod adopted;
mod clearing;
mod damage;
mod delete;
mod expunge;
mod expunged;
mod expunging;
mod forget;
mod init;
mod lock;
mod manifests;
mod name;
mod own;
pub(crate) mod part_lists;
mod pins;
pub(crate) mod probe;
mod publish;
pub(crate) mod record;
mod records;
mod removal;
mod replica;
mod resolve;
mod scratch;
mod snapshots;
mod source_name;
pub(crate) mod staging;
mod trash;
mod tree;
pub(crate) mod written;

pub use damage::Damage;
pub use delete::{Deleted, Removal};
pub use expunge::{ExpungeReport, Expunging};
pub use expunged::ExpungedEntry;
pub use forget::{Decision, ForgetPlan, Group};
pub use name::{InvalidSnapshotName, SnapshotName};
pub use probe::Capabilities;
pub use record::{InvalidRunRecord, RunRecord, Status};
pub use snapshots::Snapshot;
pub use source_name::SourceName;

pub(crate) use adopted::{AdoptedTree, is_adoptable};
pub(crate) use damage::{damages_from, damages_to};
pub(crate) use forget::plan as plan_retention;
pub(crate) use init::{Settings, parent_of};
pub(crate) use lock::{Lock, REMOTE_LOCK};
pub(crate) use manifests::manifest_error;
pub(crate) use publish::check_latest;
pub(crate) use removal::remove_tree_but;
pub(crate) use replica::{Identity, MOST_LEFTOVERS};
pub(crate) use resolve::pick;
pub(crate) use scratch::Scratch;
pub(crate) use staging::Staging;

use std::ffi::CStr;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::os::{Dir, File};

pub(crate) const CONTROL: &CStr = c".linkdest";
const SETTINGS: &CStr = c"repository.toml";
const LOCK: &CStr = c"lock";
const RUNS: &CStr = c"runs";
const MANIFESTS: &CStr = c"manifests";
const STAGING: &CStr = c"staging";
const LATEST: &CStr = c"latest";
/// No record of ours is larger; a larger one is damaged.
pub(crate) const RECORD_LIMIT: usize = 16 << 20;

/// An open repository.
///
/// Opening and reading take no lock. The directory is held open: renaming its parents meanwhile does no harm.
///
/// ```
/// use linkdest_core::Repository;
/// let dir = tempfile::tempdir()?;
/// let repository = Repository::init(dir.path().join("repo"))?;
/// assert!(repository.snapshots()?.is_empty());
/// assert!(repository.capabilities().hard_links);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Repository {
    path: PathBuf,
    pub(crate) root: Dir,
    pub(crate) control: Dir,
    settings: init::Settings,
}

impl Repository {
    /// Opens a repository.
    ///
    /// # Errors
    /// [`ErrorKind::NotARepository`] if the directory is missing or was not initialised;
    /// [`ErrorKind::DamagedRecord`] if its settings cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        match Self::open_if_initialised(path)? {
            Some(repository) => Ok(repository),
            None => Err(Error::new(
                ErrorKind::NotARepository,
                path,
                "not a linkdest repository; `init` makes it one (is the disk mounted that it should be on?)",
            )),
        }
    }

    /// Opens a repository; `None` if there is a directory that is none.
    pub(crate) fn open_if_initialised(path: &Path) -> Result<Option<Self>> {
        let not_found = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
        let root = match Dir::open_operator_path(path) {
            Err(error) if not_found(&error) => return Ok(None),
            Err(error) => return Err(Error::io_as(ErrorKind::NotARepository, "open", path, error)),
            Ok(root) => root,
        };
        let control = match root.open_dir(CONTROL) {
            Err(error) if not_found(&error) => return Ok(None),
            Err(error) => return Err(Error::io("open", path.join(".linkdest"), error)),
            Ok(control) => control,
        };
        let Some(settings) = init::Settings::read(path, &control)? else { return Ok(None) };
        Ok(Some(Self { path: path.to_owned(), root, control, settings }))
    }

    /// The path that the repository was opened by.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The repository's own name for itself: 32 hexadecimal digits, made at `init`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.settings.id
    }

    /// Says whether this is the repository that is meant.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use linkdest_core::{ErrorKind, Repository};
    /// let repository = Repository::init(dir.path().join("repo"))?;
    /// repository.check_id(repository.id())?;
    /// assert_eq!(repository.check_id("0123").unwrap_err().kind(), ErrorKind::WrongRepository);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::WrongRepository`] if its [id](Self::id) is another one.
    pub fn check_id(&self, expected: &str) -> Result<()> {
        if self.id() == expected {
            return Ok(());
        }
        let expected = crate::path::Escaped(expected.as_bytes());
        let message = format!(
            "is another repository: its id is {}, not {expected}; is the right disk mounted?",
            self.id()
        );
        Err(Error::new(ErrorKind::WrongRepository, &self.path, message))
    }

    /// What its file system was found able to do at `init`.
    #[must_use]
    pub fn capabilities(&self) -> &Capabilities {
        &self.settings.capabilities
    }

    /// The path of one of its own files, for messages.
    pub(crate) fn control_path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(".linkdest").join(name)
    }

    /// Opens a directory of its own records, making it if it is missing.
    pub(crate) fn control_dir(&self, name: &CStr) -> Result<Dir> {
        let path = || self.control_path(Path::new(&*name.to_string_lossy()));
        match self.control.make_dir(name) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(Error::io("make directory", path(), error));
            }
            _ => {}
        }
        self.control.open_dir(name).map_err(|error| Error::io("open", path(), error))
    }
}

/// Writes a small record under a temporary name and renames it into place.
fn write_record(dir: &Dir, name: &CStr, text: &str) -> io::Result<()> {
    write_bytes(dir, name, text.as_bytes())
}

/// Replaces a small record that must not get lost: after a crash there is the old one or the new one.
fn replace_record(dir: &Dir, name: &CStr, text: &str) -> io::Result<()> {
    write_temporary(dir, name, text.as_bytes(), &|file| file.sync())?;
    dir.sync()
}

/// Writes a file under a temporary name and renames it into place.
fn write_bytes(dir: &Dir, name: &CStr, bytes: &[u8]) -> io::Result<()> {
    write_temporary(dir, name, bytes, &|_| Ok(()))
}

fn write_temporary(
    dir: &Dir,
    name: &CStr,
    bytes: &[u8],
    finish: &dyn Fn(&File) -> io::Result<()>,
) -> io::Result<()> {
    let temporary = crate::os::c_name(&format!("{}.new", name.to_string_lossy()))?;
    match dir.unlink(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = dir.create_file(&temporary)?;
    file.write_all_at(bytes, 0)?;
    finish(&file)?;
    dir.rename(&temporary, dir, name)
}

/// Reads a small record; `None` if there is none. Only a regular file is read.
fn read_record(dir: &Dir, name: &CStr) -> io::Result<Option<String>> {
    let file: File = match dir.open_file(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    if file.stat()?.kind != crate::entry::Kind::File {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "not a regular file"));
    }
    let bytes = file.read_small(RECORD_LIMIT)?;
    String::from_utf8(bytes).map(Some).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}
