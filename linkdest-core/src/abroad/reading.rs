//! Files on the server that are read: contents in order, manifests here and there.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use super::RemoteRepository;
use super::files::if_there;
use super::trees::metadata_of;
use crate::entry::{Kind, Metadata};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{Manifest, ReadAt};
use crate::os::{File, XattrBuffer};
use crate::policy::attributes::Reach;
use crate::repository::{SnapshotName, manifest_error};
use crate::sftp::{Attributes, Client, Handle, Reading};
use crate::source::{KnownXattrs, SourceFile};

/// So much of a manifest is read at once.
const PART: usize = 128 << 10;
/// So many parts are kept.
const PARTS: usize = 12;

/// A file on the server, read in order; opened once more where the connection was lost and made anew.
pub(crate) struct RemoteFile {
    client: Arc<Client>,
    path: Vec<u8>,
    /// What it was when it was opened first.
    told: Attributes,
    reading: Mutex<Option<Reading>>,
}

impl RemoteFile {
    /// Opens a regular file, and looks at what was opened.
    pub fn open(client: &Arc<Client>, path: Vec<u8>) -> io::Result<(Self, Metadata)> {
        let (told, metadata, reading) = client.persistently(|| open_to_read(client, &path))?;
        let (client, reading) = (Arc::clone(client), Mutex::new(Some(reading)));
        Ok((Self { client, path, told, reading }, metadata))
    }
}

fn open_to_read(client: &Arc<Client>, path: &[u8]) -> io::Result<(Attributes, Metadata, Reading)> {
    // Both at once: what is opened is no symlink, unless somebody was very quick.
    let (looked, opened) = (client.lstat(path), client.open(path));
    let (looked, handle) = (looked.wait()?, opened.wait()?);
    let found = metadata_of(&looked).filter(|found| found.kind == Kind::File);
    let Some(metadata) = found else {
        drop(client.close(&handle));
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is no regular file there"));
    };
    let reading = Reading::new(Arc::clone(client), handle, metadata.size);
    Ok((looked, metadata, reading))
}

/// Refuses what was opened once more and is not what it was.
fn check_same(then: &Attributes, now: &Attributes) -> io::Result<()> {
    let stamp = |told: &Attributes| (told.size, told.times.map(|(_, mtime)| mtime));
    if stamp(then) == stamp(now) {
        return Ok(());
    }
    let message = "it was replaced while the connection was lost";
    Err(io::Error::new(io::ErrorKind::StaleNetworkFileHandle, message))
}

impl SourceFile for RemoteFile {
    fn stat(&self) -> io::Result<Metadata> {
        let told = self.client.persistently(|| self.client.lstat(&self.path).wait())?;
        metadata_of(&told).ok_or_else(|| io::ErrorKind::Unsupported.into())
    }

    fn xattrs(&self, _: &Reach, _: &mut XattrBuffer) -> io::Result<KnownXattrs> {
        Ok(KnownXattrs::default())
    }

    fn local(&self) -> Option<&File> {
        None
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        self.client.persistently(|| {
            let open = match &mut *reading {
                Some(open) => open,
                closed => {
                    let (told, _, open) = open_to_read(&self.client, &self.path)?;
                    check_same(&self.told, &told)?;
                    closed.insert(open)
                }
            };
            let read = open.read_at(buffer, offset);
            if read.as_ref().is_err_and(|error| Error::within(error).is_some()) {
                // What was open on a lost connection is not.
                *reading = None;
            }
            read
        })
    }
}

/// A manifest on the server: parts of it are kept, those that were asked for last. It is opened once more where the
/// connection was lost and made anew.
struct RemoteManifest {
    client: Arc<Client>,
    path: Vec<u8>,
    /// What it was when it was opened first.
    told: Attributes,
    open: Mutex<Opened>,
}

struct Opened {
    /// `None` of a connection that was lost.
    handle: Option<Handle>,
    parts: Vec<(u64, Vec<u8>)>,
}

impl std::fmt::Debug for RemoteManifest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RemoteManifest").finish_non_exhaustive()
    }
}

impl Drop for RemoteManifest {
    fn drop(&mut self) {
        let open = self.open.get_mut().unwrap_or_else(PoisonError::into_inner);
        open.handle.take().into_iter().for_each(|handle| drop(self.client.close(&handle)));
    }
}

fn open_manifest(client: &Client, path: &[u8]) -> io::Result<(Handle, Attributes)> {
    let handle = client.open(path).wait()?;
    let told = client.fstat(&handle).wait()?;
    Ok((handle, told))
}

impl RemoteManifest {
    /// Loads one part, opening the file once more if need be.
    fn load(&self, handle: &mut Option<Handle>, number: u64) -> io::Result<Vec<u8>> {
        self.client.persistently(|| {
            let open = match &mut *handle {
                Some(open) => open,
                closed => {
                    let (open, told) = open_manifest(&self.client, &self.path)?;
                    check_same(&self.told, &told)?;
                    closed.insert(open)
                }
            };
            let read = self.load_from(open, number);
            if read.as_ref().is_err_and(|error| Error::within(error).is_some()) {
                *handle = None;
            }
            read
        })
    }

    /// Reads one part, as many requests at once as it takes; it is shorter at the end of the file alone.
    fn load_from(&self, handle: &Handle, number: u64) -> io::Result<Vec<u8>> {
        let start = number * PART as u64;
        let mut bytes = Vec::new();
        while bytes.len() < PART {
            let step = self.client.limits().read.min(PART);
            let read = |at: usize| {
                let length = step.min(PART - at);
                (length, self.client.read(handle, start + at as u64, length))
            };
            let asked: Vec<_> = (bytes.len()..PART).step_by(step).map(read).collect();
            let mut short = false;
            for (wanted, asked) in asked {
                let data = asked.wait()?;
                // What comes after a short answer is asked for again.
                if short {
                    continue;
                }
                let Some(data) = data else { return Ok(bytes) };
                short = data.bytes().len() < wanted;
                bytes.extend_from_slice(data.bytes());
            }
        }
        Ok(bytes)
    }
}

impl ReadAt for RemoteManifest {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let Opened { handle, parts } = &mut *open;
        let mut filled = 0;
        while let Some(to) = buffer.get_mut(filled..).filter(|to| !to.is_empty()) {
            let at = offset + filled as u64;
            let number = at / PART as u64;
            match parts.iter().position(|(known, _)| *known == number) {
                Some(place) => {
                    if let Some(recent) = parts.get_mut(..=place) {
                        recent.rotate_right(1);
                    }
                }
                None => {
                    let part = self.load(handle, number)?;
                    parts.truncate(PARTS - 1);
                    parts.insert(0, (number, part));
                }
            }
            let start = usize::try_from(at % PART as u64).unwrap_or_default();
            let from = parts.first().and_then(|(_, part)| part.get(start..)).unwrap_or_default();
            let count = from.len().min(to.len());
            if count == 0 {
                break;
            }
            to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
            filled += count;
        }
        Ok(filled)
    }
}

impl RemoteRepository {
    /// Opens the manifest of a snapshot; `None` if it has none.
    pub(crate) fn manifest(&self, name: &SnapshotName) -> Result<Option<Manifest>> {
        let place = self.manifest_path(name);
        let failed = |operation| {
            let place = place.clone();
            move |error| Error::io(operation, place, error)
        };
        let path = self.own(&format!("manifests/{name}.ldm"));
        let opened = self.client.persistently(|| if_there(open_manifest(&self.client, &path)));
        let Some((handle, told)) = opened.map_err(failed("open"))? else { return Ok(None) };
        let open = Mutex::new(Opened { handle: Some(handle), parts: Vec::new() });
        let remote = RemoteManifest { client: Arc::clone(&self.client), path, told, open };
        let size = told.size.unwrap_or_default();
        let manifest =
            Manifest::open_remote(Box::new(remote), size).map_err(|error| manifest_error(&place, error))?;
        if manifest.header().snapshot != name.as_str() {
            let message = format!("is the manifest of {}", manifest.header().snapshot);
            return Err(Error::new(ErrorKind::DamagedManifest, place, message));
        }
        Ok(Some(manifest))
    }

    /// Where the manifest of a snapshot is, for messages.
    pub(crate) fn manifest_path(&self, name: &SnapshotName) -> std::path::PathBuf {
        self.own_path(&format!("manifests/{name}.ldm"))
    }
}
