//! Making a repository, and its settings.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::probe::{Capabilities, drop_inherited_acls, probe};
use super::{CONTROL, Repository, SETTINGS, read_record, write_record};
use crate::entry::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::os::{Dir, Listing, effective_ids, random_id};
use crate::path::Escaped;

/// The repository's settings, `.linkdest/repository.toml`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Settings {
    format: u32,
    pub id: String,
    created: String,
    pub capabilities: Capabilities,
}

impl Settings {
    /// Reads the settings; `None` if there are none.
    pub fn read(path: &Path, control: &Dir) -> Result<Option<Self>> {
        let place = path.join(".linkdest/repository.toml");
        let damaged = |error: io::Error| Error::io_as(ErrorKind::DamagedRecord, "read", &place, error);
        match read_record(control, SETTINGS).map_err(damaged)? {
            Some(text) => Self::parse(path, &text).map(Some),
            None => Ok(None),
        }
    }

    /// Reads the settings of the repository at a path from their text.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let place = path.join(".linkdest/repository.toml");
        let damaged = |error: io::Error| Error::io_as(ErrorKind::DamagedRecord, "read", &place, error);
        let settings: Self = toml::from_str(text)
            .map_err(|error| damaged(io::Error::new(io::ErrorKind::InvalidData, error.message())))?;
        if settings.format != 1 {
            let message =
                format!("its format is {}, this linkdest knows 1: use a newer one", settings.format);
            return Err(Error::new(ErrorKind::NotARepository, path, message));
        }
        Ok(settings)
    }

    /// The settings of a new repository.
    pub fn new(capabilities: Capabilities) -> io::Result<Self> {
        Ok(Self { format: 1, id: random_id()?, created: Timestamp::now().to_string(), capabilities })
    }

    /// What stands in before the settings are known.
    pub fn none() -> Self {
        let capabilities = Capabilities::remote(false, false, false);
        Self { format: 1, id: String::new(), created: String::new(), capabilities }
    }

    pub fn to_text(&self) -> io::Result<String> {
        toml::to_string(self).map_err(io::Error::other)
    }
}

impl Repository {
    /// Makes a repository: of an absent directory, or of an empty one.
    ///
    /// `lost+found`, `System Volume Information`, `$RECYCLE.BIN` and names with a leading dot do not count as content.
    /// The file system is probed; one without hard links is refused and nothing is left behind. As root the
    /// directory is made private (mode 0700): it will hold copies of other people's files.
    ///
    /// # Errors
    /// [`ErrorKind::NotEmpty`] if something is there, a repository included; [`ErrorKind::NoHardLinks`].
    pub fn init(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::check_init(path)?;
        Self::init_absent(path)
    }

    /// Says whether [`init`](Self::init) would be refused, as far as that can be told without writing: hard links are
    /// not tried.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// linkdest_core::Repository::check_init(dir.path().join("repo"))?;
    /// assert!(!dir.path().join("repo").exists());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`init`](Self::init) that concern what is there already.
    pub fn check_init(path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        if Self::open_if_initialised(path)?.is_some() {
            return Err(Error::new(ErrorKind::NotEmpty, path, "is a linkdest repository already"));
        }
        match Dir::open_operator_path(path) {
            Ok(root) => refuse_content(path, &root),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let parent = parent_of(path);
                Dir::open_operator_path(&parent).map(drop).map_err(|error| Error::io("open", parent, error))
            }
            Err(error) => Err(Error::io("open", path, error)),
        }
    }

    /// Opens the repository, or makes it if there is none.
    pub(crate) fn open_or_init(path: &Path) -> Result<Self> {
        match Self::open_if_initialised(path)? {
            Some(repository) => Ok(repository),
            None => Self::init_absent(path),
        }
    }

    /// Makes a repository of a directory that other tools keep snapshots in; its mode stays.
    pub(crate) fn init_around(path: &Path) -> Result<Self> {
        let root = Dir::open_operator_path(path).map_err(|error| Error::io("open", path, error))?;
        Self::make_control(path, &root)?;
        root.sync().map_err(|error| Error::io("sync", path, error))?;
        Self::open(path)
    }

    fn init_absent(path: &Path) -> Result<Self> {
        let made = match Dir::make_operator_path(path) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            Err(error) => return Err(Error::io("make directory", path, error)),
        };
        let result = Self::init_in(path);
        if result.is_err() && made {
            // It was empty and is ours; that it cannot be removed would only hide the error that counts.
            let _ = Dir::remove_operator_path(path);
        }
        result
    }

    fn init_in(path: &Path) -> Result<Self> {
        let root = Dir::open_operator_path(path).map_err(|error| Error::io("open", path, error))?;
        refuse_content(path, &root)?;
        Self::make_control(path, &root)?;
        if effective_ids().0 == 0 {
            root.set_mode(0o700).map_err(|error| Error::io("set mode", path, error))?;
        }
        root.sync().map_err(|error| Error::io("sync", path, error))?;
        Self::open(path)
    }

    fn make_control(path: &Path, root: &Dir) -> Result<()> {
        let made = match root.make_dir(CONTROL) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            Err(error) => return Err(Error::io("make directory", path.join(".linkdest"), error)),
        };
        let settings = Self::fill_control(path, root, made);
        if settings.is_err() && made {
            let _ = root.remove_dir(CONTROL);
        }
        settings
    }

    fn fill_control(path: &Path, root: &Dir, made: bool) -> Result<()> {
        let place = path.join(".linkdest");
        let failed = |operation| {
            let place = &place;
            move |error| Error::io(operation, place, error)
        };
        let control = root.open_dir(CONTROL).map_err(failed("open"))?;
        control.set_mode(0o700).map_err(failed("set mode"))?;
        let probed = probe(&control).map_err(failed("probe"))?;
        if let Some(error) = probed.link_error {
            return Err(Error::io_as(ErrorKind::NoHardLinks, "keep hard links here: link", path, error));
        }
        if made {
            // What a parent hands down is not the umask's doing.
            drop_inherited_acls(&control).map_err(failed("remove inherited ACLs"))?;
            refuse_umask(probed.capabilities.modes, new_mode(&control).map_err(failed("probe"))?)?;
        }
        let settings = Settings::new(probed.capabilities).map_err(failed("make a name for"))?;
        let text = settings.to_text().map_err(failed("write"))?;
        write_record(&control, SETTINGS, &text).map_err(failed("write"))?;
        control.sync().map_err(failed("sync"))
    }
}

/// The mode that a new directory has.
fn new_mode(dir: &Dir) -> io::Result<u32> {
    let name = c"probe-directory";
    dir.make_dir(name)?;
    let found = dir.stat_at(name);
    dir.remove_dir(name)?;
    Ok(found?.mode)
}

/// Refuses a umask that new directories of a run could not be written with.
pub(super) fn refuse_umask(modes: bool, born: u32) -> Result<()> {
    if modes && born & 0o700 != 0o700 {
        let message = "the umask takes away the owner's own permissions; use one such as 022 or 077";
        return Err(Error::option(message));
    }
    Ok(())
}

/// Where a directory lies that may not exist yet.
pub(crate) fn parent_of(path: &Path) -> std::path::PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => ".".into(),
    }
}

/// A disk with something on it is not taken over by mistake.
fn refuse_content(path: &Path, root: &Dir) -> Result<()> {
    let mut listing = Listing::default();
    root.list(&mut listing).map_err(|error| Error::io("list", path, error))?;
    for entry in listing.entries() {
        let name = listing.name(*entry).to_bytes();
        let ignored: [&[u8]; 3] = [b"lost+found", b"System Volume Information", b"$RECYCLE.BIN"];
        if !name.starts_with(b".") && !ignored.contains(&name) {
            let message = format!(
                "not empty (it holds {:?}); a repository begins in an empty directory",
                Escaped(name).to_string()
            );
            return Err(Error::new(ErrorKind::NotEmpty, path, message));
        }
    }
    Ok(())
}
