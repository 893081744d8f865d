//! The trees of snapshots on the server.

use std::ffi::CStr;
use std::io;

use super::RemoteRepository;
use super::files::join;
use crate::descent::Enter;
use crate::entry::{Kind, Metadata, Timestamp};
use crate::repository::{Snapshot, SnapshotName};
use crate::sftp::Attributes;

/// A directory on the server: its path.
#[derive(Debug, Clone)]
pub(crate) struct ServerDir(pub Vec<u8>);

impl ServerDir {
    /// The path of a name in it; of `.` that of itself.
    pub fn child(&self, name: &CStr) -> Vec<u8> {
        if name == c"." { self.0.clone() } else { join(&self.0, name.to_bytes()) }
    }
}

impl Enter for ServerDir {
    fn enter(&self, name: &CStr) -> io::Result<Self> {
        Ok(Self(self.child(name)))
    }
}

/// What a server told of an entry, as the rest knows it; `None` if it does not tell kind, size and time.
pub(crate) fn metadata_of(told: &Attributes) -> Option<Metadata> {
    let kind = told.kind()?;
    let size = told.size.or((kind != Kind::File).then_some(0))?;
    let (_, mtime) = told.times?;
    let mtime = Timestamp { seconds: i64::from(mtime), nanos: 0 };
    let (uid, gid) = told.owner.unwrap_or_default();
    let file = Metadata { ctime: None, ..Metadata::file(size, mtime) };
    Some(Metadata { kind, mode: told.mode.unwrap_or_default() & 0o7777, uid, gid, ..file })
}

/// A time as SFTP has it: whole seconds from 1970 to 2106.
pub(crate) fn seconds_of(time: Timestamp) -> Option<u32> {
    u32::try_from(time.seconds).ok()
}

impl RemoteRepository {
    /// The tree of a snapshot, wherever it is.
    pub(crate) fn tree_of(&self, snapshot: &Snapshot) -> ServerDir {
        ServerDir(join(&self.root, snapshot.tree().as_bytes()))
    }

    /// The names in a directory of a tree, with what is told of each. That it is not there is an error.
    pub(crate) fn list_dir(&self, dir: &ServerDir) -> io::Result<Vec<(Vec<u8>, Attributes)>> {
        let listed = self.list(&dir.0)?;
        if listed.is_empty() {
            self.client.lstat(&dir.0).wait()?;
        }
        Ok(listed)
    }

    /// The tree of a snapshot of linkdest's own.
    pub(crate) fn tree(&self, name: &SnapshotName) -> ServerDir {
        ServerDir(self.at(name.as_str()))
    }
}
