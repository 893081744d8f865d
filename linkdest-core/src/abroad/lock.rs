//! The lock of a repository on a server: a file that is made exclusively, and says whose it is.
//!
//! SFTP has no locks that die with a process. A lock of a process of this machine that is no more is taken over; any
//! other stays until somebody removes the file. Runs on the server itself respect it; theirs cannot be seen from here.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::RemoteRepository;
use super::files::if_there;
use crate::entry::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::monitor::StopFlag;
use crate::os::{Dir, boot_id, host_name, random_id};
use crate::path::Escaped;
use crate::repository::REMOTE_LOCK;

const RETRY: Duration = Duration::from_secs(1);

/// The ids of the locks that this process holds: one that it left behind with a lost connection is nobody's.
static HELD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

fn held() -> MutexGuard<'static, BTreeSet<String>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The lock, held until dropped.
pub(crate) struct RemoteLock<'r> {
    repository: &'r RemoteRepository,
    text: String,
    id: String,
}

impl Drop for RemoteLock<'_> {
    fn drop(&mut self) {
        let path = self.repository.own(REMOTE_LOCK);
        // Somebody may have decided that it is nobody's, and taken it.
        if let Ok(Some(text)) = self.repository.read_small(&path)
            && text == self.text.as_bytes()
        {
            let _ = self.repository.client.remove(&path).wait();
        }
        held().remove(&self.id);
    }
}

/// What a lock says of its owner.
struct Owner<'t> {
    host: &'t str,
    boot: &'t str,
    process: &'t str,
    id: &'t str,
}

impl<'t> Owner<'t> {
    fn parse(text: &'t str) -> Option<Self> {
        let value = |key: &str| {
            text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"'))
        };
        Some(Self {
            host: value("host")?,
            boot: value("boot")?,
            process: value("process")?,
            id: value("id")?,
        })
    }

    /// Says whether it was a process of this machine that is no more.
    fn is_gone(&self) -> bool {
        let boot = boot_id();
        if self.host != host_name() || boot.is_empty() {
            return false;
        }
        let number = self.process.parse::<u32>();
        if self.boot == boot && number == Ok(std::process::id()) {
            return !held().contains(self.id);
        }
        self.boot != boot
            || number.is_ok_and(|number| {
                let there = Dir::open_operator_path(Path::new(&format!("/proc/{number}")));
                there.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
            })
    }
}

impl RemoteRepository {
    /// Takes the lock, waiting at most `patience`.
    pub(crate) fn lock(&self, patience: Duration, stop: &StopFlag) -> Result<RemoteLock<'_>> {
        let place = self.own_path(REMOTE_LOCK);
        let failed = |operation| {
            let place = &place;
            move |error| Error::io(operation, place, error)
        };
        let id = random_id().map_err(failed("make a name for"))?;
        let text = format!(
            "host = \"{}\"\nboot = \"{}\"\nprocess = \"{}\"\nsince = \"{}\"\nid = \"{}\"\n",
            host_name().escape_default(),
            boot_id(),
            std::process::id(),
            Timestamp::now(),
            id,
        );
        let begun = Instant::now();
        loop {
            held().insert(id.clone());
            match self.try_lock(&text, &id) {
                Ok(true) => return Ok(RemoteLock { repository: self, text, id }),
                tried => {
                    held().remove(&id);
                    tried.map_err(failed("lock"))?;
                }
            }
            if stop.is_stopped() {
                return Err(Error::interrupted());
            }
            let held = self.read_small(&self.own(REMOTE_LOCK)).map_err(failed("read"))?;
            let Some(held) = held else { continue };
            if self.take_over(&held).map_err(failed("take over"))? {
                continue;
            }
            let left = patience.saturating_sub(begun.elapsed());
            if left.is_zero() {
                let by = Escaped(held.trim_ascii()).to_string();
                let message = format!(
                    "locked ({by}); if that run is no more, remove .linkdest/{REMOTE_LOCK} there, or wait for the lock"
                );
                return Err(Error::new(ErrorKind::Locked, &self.address, message));
            }
            std::thread::sleep(left.min(RETRY));
        }
    }

    fn try_lock(&self, text: &str, id: &str) -> io::Result<bool> {
        // Written whole, then named: nobody finds a lock without an owner.
        let path = self.own(REMOTE_LOCK);
        let own = [&path[..], b".", id.as_bytes()].concat();
        self.write_new(&own, text.as_bytes())?;
        let linked = self.client.link(&own, &path).wait();
        let removed = self.client.remove(&own).wait();
        match linked {
            Ok(()) => removed.map(|()| true),
            Err(error) if Error::within(&error).is_some() => Err(error),
            // What is there is somebody's lock; if nothing is, this server has something against it.
            Err(error) => match if_there(self.client.lstat(&path).wait())? {
                Some(_) => Ok(false),
                None => Err(error),
            },
        }
    }

    /// Removes a lock whose owner is no more; says whether it did.
    fn take_over(&self, held: &[u8]) -> io::Result<bool> {
        let is_gone =
            std::str::from_utf8(held).ok().and_then(Owner::parse).is_some_and(|owner| owner.is_gone());
        if !is_gone {
            return Ok(false);
        }
        let path = self.own(REMOTE_LOCK);
        let aside = [&path[..], b".", random_id()?.as_bytes()].concat();
        if if_there(self.client.rename(&path, &aside).wait())?.is_none() {
            return Ok(true);
        }
        // Somebody else may have been quicker, and this be the lock of a run that goes on.
        let taken = self.read_small(&aside)?.unwrap_or_default();
        if taken == held {
            return self.client.remove(&aside).wait().map(|()| true);
        }
        self.client.link(&aside, &path).wait()?;
        self.client.remove(&aside).wait()?;
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_process_of_this_machine_can_be_known_to_be_gone() {
        let (host, boot) = (host_name(), boot_id());
        if boot.is_empty() {
            return;
        }
        let own = std::process::id().to_string();
        for (host, boot, process, gone) in [
            (host.as_str(), boot.as_str(), own.as_str(), true),
            (&host, &boot, "4294967295", true),
            (&host, "another", &own, true),
            ("elsewhere", &boot, "4294967295", false),
            (&host, &boot, "no number", false),
        ] {
            let text = format!("host = \"{host}\"\nboot = \"{boot}\"\nprocess = \"{process}\"\nid = \"0\"\n");
            assert_eq!(Owner::parse(&text).unwrap().is_gone(), gone, "{text}");
        }
        assert!(Owner::parse("host = \"x\"").is_none());
        held().insert("here".to_owned());
        let text = format!("host = \"{host}\"\nboot = \"{boot}\"\nprocess = \"{own}\"\nid = \"here\"\n");
        assert!(!Owner::parse(&text).unwrap().is_gone());
        held().remove("here");
    }
}
