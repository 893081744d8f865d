//! A file on a server that is being read.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{SftpSource, replaced};
use crate::entry::{Kind, Metadata};
use crate::error::Error;
use crate::os::{File, XattrBuffer};
use crate::policy::attributes::Reach;
use crate::sftp::{Data, Reading, Share};
use crate::source::{KnownXattrs, SourceFile};

/// A file on a server.
pub(crate) struct SftpFile {
    source: SftpSource,
    path: Vec<u8>,
    state: Mutex<State>,
}

struct State {
    /// What was told of the name last. What is open, or was read early, is what had the name then.
    told: Metadata,
    early: Option<Early>,
    reading: Option<Reading>,
    /// Of the bytes that were read early, and of the open file.
    _shares: (Share, Option<Share>),
}

/// The content of a small file, read together with that of many others.
pub(super) struct Early {
    pub bytes: Bytes,
    /// Nothing comes behind these bytes.
    pub is_whole: bool,
    /// What the file was after they were read: what it was before.
    pub after: Metadata,
}

/// The bytes of a small file: mostly one answer, as it came.
#[derive(Default)]
pub(super) enum Bytes {
    #[default]
    None,
    One(Data),
    Joined(Vec<u8>),
}

impl Bytes {
    pub fn get(&self) -> &[u8] {
        match self {
            Self::None => &[],
            Self::One(data) => data.bytes(),
            Self::Joined(bytes) => bytes,
        }
    }

    /// Adds what comes behind them.
    pub fn add(&mut self, data: Data) {
        *self = match std::mem::take(self) {
            Self::None => Self::One(data),
            Self::One(first) => Self::Joined([first.bytes(), data.bytes()].concat()),
            Self::Joined(mut bytes) => {
                bytes.extend_from_slice(data.bytes());
                Self::Joined(bytes)
            }
        };
    }
}

/// So much is read at a time, in bytes.
const PART: usize = 128 << 10;

impl SftpFile {
    pub(super) fn new(
        source: SftpSource,
        path: Vec<u8>,
        told: Metadata,
        (early, reading): (Option<Early>, Option<Reading>),
        shares: (Share, Option<Share>),
    ) -> Self {
        Self { source, path, state: Mutex::new(State { told, early, reading, _shares: shares }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What has the name now.
    fn look(&self) -> io::Result<Metadata> {
        let told = self.source.look_at(&self.path)?;
        let metadata = self.source.known(&told, Some(b'-'))?;
        if metadata.kind == Kind::File { Ok(metadata) } else { Err(replaced()) }
    }

    /// Reads what has the name until the buffer is full or the file ends. Little is read twice where the connection is lost
    /// and made anew.
    fn read_open(&self, state: &mut State, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        for part in buffer.chunks_mut(PART) {
            let read = self.read_part(state, part, offset + filled as u64)?;
            filled += read;
            if read < part.len() {
                break;
            }
        }
        Ok(filled)
    }

    /// Reads some of what has the name; opened anew, if another file had it when it was opened.
    fn read_part(&self, state: &mut State, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let (client, size) = (&self.source.client, state.told.size);
        self.source.persistently(|| {
            let reading = match &mut state.reading {
                Some(reading) => reading,
                closed => {
                    let handle = client.open(&self.path).wait()?;
                    closed.insert(Reading::new(Arc::clone(client), handle, size))
                }
            };
            let read = reading.read_at(buffer, offset);
            if read.as_ref().is_err_and(|error| Error::within(error).is_some()) {
                // What was open on a lost connection is not. Whether it is another file by now the next look tells.
                state.reading = None;
            }
            read
        })
    }

    /// Finds out why there is no more than `end`: a file that changed meanwhile may have become shorter, and the caller
    /// looks at it once more; one that did not change is not read by its server.
    fn check_end(&self, state: &State, end: u64) -> io::Result<()> {
        let now = match &state.early {
            Some(early) => early.after,
            None => self.look()?,
        };
        if !now.same_stamps(&state.told) {
            return Ok(());
        }
        let message = format!("the server ends it after {end} of its {} bytes", now.size);
        Err(io::Error::new(io::ErrorKind::UnexpectedEof, message))
    }
}

impl State {
    /// What was read early, as far as it has what is asked for.
    fn early(&self, buffer: &mut [u8], offset: u64) -> Option<usize> {
        let early = self.early.as_ref()?;
        let rest = early.bytes.get().get(usize::try_from(offset).ok()?..).unwrap_or_default();
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
        if let Some(early) = &state.early {
            return Ok(early.after);
        }
        let now = self.look();
        if !now.as_ref().is_ok_and(|now| now.same_stamps(&state.told)) {
            // What is open may be another file than what has the name by now.
            state.reading = None;
        }
        let now = now?;
        state.told = now;
        Ok(now)
    }

    fn xattrs(&self, _: &Reach, _: &mut XattrBuffer) -> io::Result<KnownXattrs> {
        Ok(KnownXattrs::default())
    }

    fn local(&self) -> Option<&File> {
        None
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.state();
        let count = match state.early(buffer, offset) {
            Some(count) => count,
            None => {
                // What is read now may be newer than what was read early: from here on that is of no use.
                state.early = None;
                self.read_open(&mut state, buffer, offset)?
            }
        };
        let end = offset.saturating_add(count as u64);
        if count < buffer.len() && end < state.told.size {
            self.check_end(&state, end)?;
        }
        Ok(count)
    }
}
