//! A file on a server that is being read.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{SftpSource, replaced};
use crate::entry::{Kind, Metadata};
use crate::os::{File, XattrBuffer};
use crate::policy::attributes::Reach;
use crate::sftp::{Reading, Share};
use crate::source::{KnownXattrs, SourceFile};

/// A file on a server.
pub(crate) struct SftpFile {
    source: SftpSource,
    path: Vec<u8>,
    looked_at: Metadata,
    state: Mutex<State>,
}

struct State {
    early: Option<Early>,
    reading: Option<Reading>,
    _share: Share,
}

/// The content of a small file, read together with that of many others.
pub(super) struct Early {
    pub bytes: Vec<u8>,
    /// Nothing comes behind these bytes.
    pub is_whole: bool,
    /// What the file was after they were read.
    pub after: Option<io::Result<Metadata>>,
}

impl SftpFile {
    pub(super) fn new(
        source: SftpSource,
        path: Vec<u8>,
        looked_at: Metadata,
        (early, reading): (Option<Early>, Option<Reading>),
        share: Share,
    ) -> Self {
        Self { source, path, looked_at, state: Mutex::new(State { early, reading, _share: share }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What was read early, as far as it has what is asked for.
    fn early(&self, buffer: &mut [u8], offset: u64) -> Option<usize> {
        let early = self.early.as_ref()?;
        let rest = early.bytes.get(usize::try_from(offset).ok()?..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if count < buffer.len() && !early.is_whole {
            return None;
        }
        buffer.get_mut(..count)?.copy_from_slice(rest.get(..count)?);
        Some(count)
    }
}

impl SourceFile for SftpFile {
    fn stat(&self) -> io::Result<Metadata> {
        let mut state = self.state();
        if let Some(after) = state.early.as_mut().and_then(|early| early.after.take()) {
            match &after {
                Ok(now) if now.same_stamps(&self.looked_at) => {
                    let same = *now;
                    if let Some(early) = &mut state.early {
                        early.after = Some(Ok(same));
                    }
                }
                // What was read early is no longer what there is.
                _ => state.early = None,
            }
            return after;
        }
        drop(state);
        let told = self.source.client.lstat(&self.path).wait()?;
        let metadata = self.source.known(&told, Some(b'-'))?;
        if metadata.kind == Kind::File { Ok(metadata) } else { Err(replaced()) }
    }

    fn xattrs(&self, _: &Reach, _: &mut XattrBuffer) -> io::Result<KnownXattrs> {
        Ok(KnownXattrs::default())
    }

    fn local(&self) -> Option<&File> {
        None
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.state();
        if let Some(count) = state.early(buffer, offset) {
            return Ok(count);
        }
        // From here on only a fresh look tells whether it changed.
        if let Some(early) = &mut state.early {
            early.after = None;
        }
        if state.reading.is_none() {
            let handle = self.source.client.open(&self.path).wait()?;
            let client = Arc::clone(&self.source.client);
            state.reading = Some(Reading::new(client, handle, self.looked_at.size));
        }
        match &mut state.reading {
            Some(reading) => reading.read_at(buffer, offset),
            None => Ok(0),
        }
    }
}
