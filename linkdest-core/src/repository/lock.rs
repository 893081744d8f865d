//! The lock of the repository: the kernel's own, so that it dies with the process.

use std::time::{Duration, Instant};

use super::{LOCK, Repository, read_record};
use crate::error::{Error, ErrorKind, Result};
use crate::monitor::StopFlag;
use crate::os::{File, c_name, host_name};
use crate::path::Escaped;

/// The lock, held until dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Drop for Lock {
    /// Unlocks by name: closing alone does not, while a process that was just forked still has the descriptor.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

const RETRY: Duration = Duration::from_millis(100);

/// The lock of runs that write here by way of SFTP, which cannot take the kernel's.
pub(crate) const REMOTE_LOCK: &str = "lock.sftp";

impl Repository {
    /// Takes the lock, waiting at most `patience`.
    pub(crate) fn lock(&self, patience: Duration, stop: &StopFlag) -> Result<Lock> {
        let path = self.control_path("lock");
        let file = self.control.open_or_create_file(LOCK).map_err(|error| Error::io("open", &path, error))?;
        let begun = Instant::now();
        while !file.try_lock().map_err(|error| Error::io("lock", &path, error))? {
            if stop.is_stopped() {
                return Err(Error::interrupted());
            }
            let left = patience.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Err(self.locked(&file));
            }
            std::thread::sleep(left.min(RETRY));
        }
        self.refuse_remote(&file)?;
        // Who holds it is told to people only; the lock itself is the kernel's.
        let holder = format!("process {} on {}\n", std::process::id(), host_name());
        let _ = file.set_len(0).and_then(|()| file.write_all_at(holder.as_bytes(), 0));
        Ok(Lock { file })
    }

    /// A run that writes here by way of SFTP has a lock of its own.
    fn refuse_remote(&self, file: &File) -> Result<()> {
        let path = self.control_path(REMOTE_LOCK);
        let name = c_name(REMOTE_LOCK).map_err(|error| Error::io("name", &path, error))?;
        let held = read_record(&self.control, &name).map_err(|error| Error::io("read", &path, error))?;
        let Some(held) = held else { return Ok(()) };
        let _ = file.unlock();
        let by = Escaped(held.trim().as_bytes()).to_string();
        let message = format!(
            "locked by a run that writes here by SFTP ({by}); if that is no more, remove {}",
            Escaped(crate::native::OsStrExt::as_bytes(path.as_os_str()))
        );
        Err(Error::new(ErrorKind::Locked, &self.path, message))
    }

    fn locked(&self, file: &File) -> Error {
        let holder = file.read_small(1000).unwrap_or_default();
        let holder = Escaped(holder.trim_ascii()).to_string();
        let by = if holder.is_empty() { String::new() } else { format!(" by {holder}") };
        let message = format!("locked{by}; try again later, or wait for the lock");
        Error::new(ErrorKind::Locked, &self.path, message)
    }
}
