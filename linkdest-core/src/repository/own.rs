//! Small files of linkdest's own, by name.

use std::io;

use super::{Repository, write_bytes};
use crate::error::{Error, Result};
use crate::os::c_name;

impl Repository {
    /// Says whether everybody may enter it, from the root of the file system down, and run setuid programs in it.
    pub(crate) fn lets_programs_run(&self) -> bool {
        let look = || -> io::Result<bool> {
            let mut at = self.root.open_dir_search(c".")?;
            if at.is_nosuid()? {
                return Ok(false);
            }
            let mut below = None;
            loop {
                let stat = at.stat()?;
                if stat.mode & 0o001 == 0 || below == Some(stat.id) {
                    return Ok(below == Some(stat.id));
                }
                below = Some(stat.id);
                at = at.open_parent_search()?;
            }
        };
        look().unwrap_or(false)
    }

    /// Refuses what follows inodes by their numbers where those differ from name to name.
    pub(crate) fn need_inode_numbers(&self, operation: &'static str) -> Result<()> {
        if self.capabilities().inode_numbers {
            return Ok(());
        }
        let message = "this file system shows another inode number for each name of a file";
        Err(Error::io(operation, &self.path, io::Error::new(io::ErrorKind::Unsupported, message)))
    }

    /// Reads a file of its own; `None` if there is none.
    pub(crate) fn read_own(&self, name: &str, limit: usize) -> Result<Option<Vec<u8>>> {
        let read = || -> io::Result<Vec<u8>> {
            let file = self.control.open_file(&c_name(name)?)?;
            if file.stat()?.kind != crate::entry::Kind::File {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "not a regular file"));
            }
            file.read_small(limit)
        };
        match read() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.map(Some).map_err(|error| Error::io("read", self.control_path(name), error)),
        }
    }

    /// Writes a file of its own in one step.
    pub(crate) fn write_own(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let written = c_name(name).and_then(|name| write_bytes(&self.control, &name, bytes));
        written.map_err(|error| Error::io("write", self.control_path(name), error))
    }

    /// Writes a file of its own in one step, and waits until it is on disk.
    pub(crate) fn write_own_durably(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let temporary = format!("{name}.new");
        let write = || -> io::Result<()> {
            let (name, temporary) = (c_name(name)?, c_name(&temporary)?);
            match self.control.unlink(&temporary) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let file = self.control.create_file(&temporary)?;
            file.write_all_at(bytes, 0)?;
            file.sync()?;
            self.control.rename(&temporary, &self.control, &name)?;
            self.control.sync()
        };
        write().map_err(|error| Error::io("write", self.control_path(name), error))
    }

    /// Removes a file of its own; that it is not there is fine.
    pub(crate) fn remove_own(&self, name: &str) -> Result<()> {
        match c_name(name).and_then(|name| self.control.unlink(&name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.map_err(|error| Error::io("remove", self.control_path(name), error)),
        }
    }
}
