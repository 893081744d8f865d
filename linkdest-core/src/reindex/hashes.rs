//! The hash of every inode that was read.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::entry::{FileId, Kind, Metadata, Timestamp};
use crate::inodes::InodeSet;
use crate::manifest::{ContentHash, Manifest, ManifestError};

/// Hashes by inode, 40 bytes each and a little: those of inodes with one name are forgotten with their snapshot.
#[derive(Debug, Default)]
pub(super) struct Hashes {
    begun: InodeSet,
    shared: Mutex<HashMap<u64, ContentHash>>,
    alone: Mutex<HashMap<u64, ContentHash>>,
    trusted: HashMap<u64, Trusted>,
}

/// What a sound manifest says of an inode.
#[derive(Debug)]
struct Trusted {
    hash: ContentHash,
    size: u64,
    mtime: Timestamp,
}

impl Hashes {
    /// Takes over what a manifest says; it is believed where size and modification time are the recorded ones.
    pub fn trust(&mut self, manifest: &Manifest) -> Result<(), ManifestError> {
        for directory in manifest.walk() {
            for entry in directory?.entries() {
                let (metadata, inode) = (entry.metadata, entry.repository_inode);
                if let Some(hash) = entry.content
                    && metadata.kind == Kind::File
                    && inode != 0
                {
                    self.trusted.insert(inode, Trusted { hash, size: metadata.size, mtime: metadata.mtime });
                }
            }
        }
        Ok(())
    }

    /// Says whether an inode is still to be read, and takes it that the caller does so.
    pub fn begin(&self, disk: &Metadata) -> bool {
        if !self.begun.insert(disk.id) {
            return false;
        }
        let trusted = self.trusted.get(&disk.id.inode);
        let trusted = trusted.filter(|known| (known.size, known.mtime) == (disk.size, disk.mtime));
        if let Some(Trusted { hash, .. }) = trusted {
            self.insert(disk, *hash);
        }
        trusted.is_none()
    }

    pub fn insert(&self, disk: &Metadata, hash: ContentHash) {
        let map = if disk.nlink > 1 { &self.shared } else { &self.alone };
        lock(map).insert(disk.id.inode, hash);
    }

    pub fn get(&self, id: FileId) -> Option<ContentHash> {
        let alone = lock(&self.alone).get(&id.inode).copied();
        alone.or_else(|| lock(&self.shared).get(&id.inode).copied())
    }

    /// A snapshot is done: inodes with one name are not met again.
    pub fn forget_single(&self) {
        *lock(&self.alone) = HashMap::new();
    }
}

fn lock(map: &Mutex<HashMap<u64, ContentHash>>) -> MutexGuard<'_, HashMap<u64, ContentHash>> {
    map.lock().unwrap_or_else(PoisonError::into_inner)
}
