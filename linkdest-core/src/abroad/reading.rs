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
use crate::sftp::{Client, Handle, Reading};
use crate::source::{KnownXattrs, SourceFile};

/// So much of a manifest is read at once.
const PART: usize = 128 << 10;
/// So many parts are kept.
const PARTS: usize = 12;

/// A file on the server, read in order.
pub(crate) struct RemoteFile {
    client: Arc<Client>,
    path: Vec<u8>,
    reading: Mutex<Reading>,
}

impl RemoteFile {
    /// Opens a regular file, and looks at what was opened.
    pub fn open(client: &Arc<Client>, path: Vec<u8>) -> io::Result<(Self, Metadata)> {
        // Both at once: what is opened is no symlink, unless somebody was very quick.
        let (looked, opened) = (client.lstat(&path), client.open(&path));
        let (looked, handle) = (looked.wait()?, opened.wait()?);
        let found = metadata_of(&looked).filter(|found| found.kind == Kind::File);
        let Some(metadata) = found else {
            drop(client.close(&handle));
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it is no regular file there"));
        };
        let reading = Mutex::new(Reading::new(Arc::clone(client), handle, metadata.size));
        Ok((Self { client: Arc::clone(client), path, reading }, metadata))
    }
}

impl SourceFile for RemoteFile {
    fn stat(&self) -> io::Result<Metadata> {
        let told = self.client.lstat(&self.path).wait()?;
        metadata_of(&told).ok_or_else(|| io::ErrorKind::Unsupported.into())
    }

    fn xattrs(&self, _: &Reach, _: &mut XattrBuffer) -> io::Result<KnownXattrs> {
        Ok(KnownXattrs::default())
    }

    fn local(&self) -> Option<&File> {
        None
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner).read_at(buffer, offset)
    }
}

/// A manifest on the server: parts of it are kept, those that were asked for last.
struct RemoteManifest {
    client: Arc<Client>,
    handle: Handle,
    parts: Mutex<Vec<(u64, Vec<u8>)>>,
}

impl std::fmt::Debug for RemoteManifest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RemoteManifest").finish_non_exhaustive()
    }
}

impl Drop for RemoteManifest {
    fn drop(&mut self) {
        drop(self.client.close(&self.handle));
    }
}

impl RemoteManifest {
    /// Reads one part, as many requests at once as it takes; it is shorter at the end of the file alone.
    fn load(&self, number: u64) -> io::Result<Vec<u8>> {
        let start = number * PART as u64;
        let mut bytes = Vec::new();
        while bytes.len() < PART {
            let step = self.client.limits().read.min(PART);
            let asked: Vec<_> = (bytes.len()..PART)
                .step_by(step)
                .map(|at| {
                    (
                        step.min(PART - at),
                        self.client.read(&self.handle, start + at as u64, step.min(PART - at)),
                    )
                })
                .collect();
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
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
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
                    let part = self.load(number)?;
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
        let Some(handle) = if_there(self.client.open(&path).wait()).map_err(failed("open"))? else {
            return Ok(None);
        };
        let told = self.client.fstat(&handle).wait();
        let remote = RemoteManifest { client: Arc::clone(&self.client), handle, parts: Mutex::default() };
        let size = told.map_err(failed("stat"))?.size.unwrap_or_default();
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
