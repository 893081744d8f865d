//! Hard-link groups that are set aside while names of theirs are still to come: in a file, so that millions of them
//! take a few bytes of memory each.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::entry::FileId;
use crate::os::{Dir, File, c_name};

/// What tells inodes apart besides their number: the mount that they are seen through, and the device.
type FileSystem = (Option<u64>, u64);

/// Where groups are in the file, by inode.
type Places = HashMap<u64, u64>;

/// Groups that were set aside.
#[derive(Debug)]
pub(super) struct Resting {
    /// A shard grows alone, so that little memory is needed for growing.
    shards: [Mutex<HashMap<FileSystem, Places>>; SHARDS],
    file: OnceLock<File>,
    making: Mutex<()>,
    end: AtomicU64,
}

const SHARDS: usize = 64;

impl Default for Resting {
    fn default() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            file: OnceLock::new(),
            making: Mutex::default(),
            end: AtomicU64::new(0),
        }
    }
}

impl Resting {
    /// Sets a group aside, as bytes.
    ///
    /// # Errors
    /// What cannot be written to a file in `scratch`.
    pub fn put(&self, scratch: &Dir, mount: Option<u64>, id: FileId, group: &[u8]) -> io::Result<()> {
        let length = u32::try_from(group.len()).map_err(io::Error::other)?;
        let mut bytes = Vec::with_capacity(group.len() + 4);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(group);
        let place = self.end.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.file(scratch)?.write_all_at(&bytes, place)?;
        self.shard(id).entry((mount, id.device)).or_default().insert(id.inode, place);
        Ok(())
    }

    /// Takes a group back, if it is here, and tells where it was.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn take(&self, mount: Option<u64>, id: FileId) -> io::Result<Option<(u64, Vec<u8>)>> {
        let Some(file) = self.file.get() else { return Ok(None) };
        let place = match self.shard(id).entry((mount, id.device)) {
            Entry::Occupied(mut places) => places.get_mut().remove(&id.inode),
            Entry::Vacant(_) => None,
        };
        place.map(|place| Ok((place, read(file, place)?))).transpose()
    }

    /// Reads what was put in a place.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn read(&self, place: u64) -> io::Result<Vec<u8>> {
        self.file.get().map_or(Err(io::ErrorKind::NotFound.into()), |file| read(file, place))
    }

    fn shard(&self, id: FileId) -> MutexGuard<'_, HashMap<FileSystem, Places>> {
        let index = usize::try_from(id.inode).unwrap_or_default() % SHARDS;
        let [first, ..] = &self.shards;
        self.shards.get(index).unwrap_or(first).lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file, which has no name: nothing of it can stay behind.
    fn file(&self, scratch: &Dir) -> io::Result<&File> {
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = self.file.get() {
            return Ok(file);
        }
        let file = scratch.create_nameless(&c_name("hard-links")?)?;
        Ok(self.file.get_or_init(|| file))
    }
}

fn read(file: &File, place: u64) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    fill(file, &mut length, place)?;
    let mut group = vec![0; u32::from_le_bytes(length) as usize];
    fill(file, &mut group, place + 4)?;
    Ok(group)
}

fn fill(file: &File, buffer: &mut [u8], place: u64) -> io::Result<()> {
    let wanted = buffer.len();
    if file.read_at(buffer, place)? == wanted {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "what was set aside of hard links came back changed"))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests look at their trees by path")]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_aside_comes_back_once() {
        let dir = tempfile::tempdir().unwrap();
        let scratch = Dir::open_operator_path(dir.path()).unwrap();
        let resting = Resting::default();
        let id = |device, inode| FileId { device, inode };
        assert_eq!(resting.take(None, id(1, 7)).unwrap(), None);
        for (mount, id, group) in [
            (None, id(1, 7), &b"a"[..]),
            (Some(3), id(1, 7), b""),
            (None, id(2, 7), b"long"),
            (None, id(1, 71), b"d"),
        ] {
            resting.put(&scratch, mount, id, group).unwrap();
        }
        resting.put(&scratch, None, id(1, 7), b"again").unwrap();
        assert_eq!(dir.path().read_dir().unwrap().count(), 0);
        for (mount, id, group) in [
            (None, id(1, 7), Some(&b"again"[..])),
            (None, id(1, 7), None),
            (Some(3), id(1, 7), Some(b"")),
            (None, id(2, 7), Some(b"long")),
            (None, id(1, 71), Some(b"d")),
            (Some(3), id(1, 71), None),
        ] {
            let taken = resting.take(mount, id).unwrap();
            assert_eq!(taken.as_ref().map(|(_, bytes)| &bytes[..]), group);
            if let Some((place, bytes)) = taken {
                assert_eq!(resting.read(place).unwrap(), bytes);
            }
        }
    }
}
