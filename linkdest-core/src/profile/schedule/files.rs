//! Files that are written for a scheduler, and known again.

use std::ffi::CString;
use std::io;
use std::path::{Path, PathBuf};

use super::locate::escaped;
use crate::error::{Error, Result};
use crate::native::OsStrExt as _;
use crate::os::{Dir, File, c_name};

/// No file of ours is larger, in bytes.
const LIMIT: usize = 64 << 10;

/// A file that makes a profile run: see [`Schedule::files`](crate::Schedule::files).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleFile {
    pub(super) path: PathBuf,
    pub(super) text: String,
    pub(super) marker: String,
}

/// The first line, by which a file is known to be ours, and whose.
pub(super) fn marker(profile: &Path) -> Result<String> {
    if profile.as_os_str().as_bytes().len() > 4096 {
        return Err(Error::profile(profile, "the path of the profile is too long"));
    }
    Ok(format!("# Written by `linkdest schedule` for {}\n", escaped(profile)))
}

impl ScheduleFile {
    /// Where it is, or will be.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is in it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Refuses a place where something lies that was not written for this profile.
    pub(super) fn check(&self) -> Result<()> {
        let found = match File::open_regular_operator_path(&self.path).and_then(|file| file.read_small(LIMIT))
        {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            found => found.unwrap_or_default(),
        };
        if found.starts_with(self.marker.as_bytes()) {
            return Ok(());
        }
        let message = format!(
            "{}: is there, and was not written by `linkdest schedule` for this profile; move it away first",
            escaped(&self.path)
        );
        Err(Error::profile(&self.path, message))
    }

    /// Writes it in one step, for everybody to read.
    pub(super) fn write(&self) -> Result<()> {
        let write = || -> io::Result<()> {
            let (dir, name) = self.place(true)?;
            let temporary = c_name(&format!(".{}.new", name.to_string_lossy()))?;
            match dir.unlink(&temporary) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let file = dir.create_file(&temporary)?;
            file.write_all_at(self.text.as_bytes(), 0)?;
            file.set_mode(0o644)?;
            file.sync()?;
            dir.rename(&temporary, &dir, &name)
        };
        write().map_err(|error| Error::io("write", &self.path, error))
    }

    /// Removes it; says whether it was there.
    pub(super) fn remove(&self) -> Result<bool> {
        let removed = self.place(false).and_then(|(dir, name)| dir.unlink(&name));
        match removed {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            removed => removed.map(|()| true).map_err(|error| Error::io("remove", &self.path, error)),
        }
    }

    /// The directory, made if that is asked for, and the name in it.
    fn place(&self, make: bool) -> io::Result<(Dir, CString)> {
        let directory = self.path.parent().unwrap_or(Path::new("/"));
        if make {
            make_all(directory)?;
        }
        let name = self.path.file_name().unwrap_or_default();
        Ok((Dir::open_operator_path(directory)?, CString::new(name.as_bytes())?))
    }
}

/// Makes a directory and those above it that are missing.
fn make_all(directory: &Path) -> io::Result<()> {
    let mut above: Vec<&Path> = directory.ancestors().collect();
    above.reverse();
    for path in above {
        match Dir::open_operator_path(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => match Dir::make_operator_path(path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            },
            // One that may not be read may still be passed through.
            _ => {}
        }
    }
    Ok(())
}
