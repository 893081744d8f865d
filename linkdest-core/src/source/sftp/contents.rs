//! Many files on their way at once: a directory of small files is bound by bandwidth, not by round trips.

use std::collections::VecDeque;
use std::ffi::CStr;
use std::io;
use std::sync::Arc;

use super::file::{Early, SftpFile};
use super::{SftpDir, SftpSource, child, replaced};
use crate::entry::{Kind, Metadata};
use crate::sftp::{Asked, Attributes, Handle, Reading, Share};

/// So many files of one directory are on their way at once.
const FILES: usize = 512;
/// Files of up to so many bytes are read whole before they are handed over.
const SMALL: u64 = 256 << 10;
/// What a file costs besides its content, in bytes.
const OVERHEAD: usize = 512;

/// A file on its way.
struct Coming {
    path: Vec<u8>,
    looked_at: Metadata,
    share: Share,
    stage: Stage,
}

enum Stage {
    Opening(Asked<Handle>, Share),
    /// All was asked for; the file is closed behind that.
    Small {
        parts: Vec<(usize, Asked<Option<crate::sftp::Data>>)>,
        after: Asked<Attributes>,
    },
    Large(Reading, Share),
    Failed(io::Error),
}

impl SftpSource {
    /// Opens files, and hands each over in order.
    pub(super) fn open_files(
        &self,
        dir: &SftpDir,
        wanted: &[(&CStr, &Metadata)],
        answer: &mut dyn FnMut(usize, io::Result<(SftpFile, Metadata)>),
    ) {
        let mut coming: VecDeque<Coming> = VecDeque::new();
        let mut advanced = 0;
        let mut left = wanted.iter();
        for index in 0..wanted.len() {
            while coming.len() < FILES
                && let Some((name, looked_at)) = left.as_slice().first()
                && let Some(one) = self.begin(child(dir.path(), name), looked_at, coming.is_empty())
            {
                coming.push_back(one);
                left.next();
            }
            // Servers answer in order: those that are not open yet come last.
            while let Some(one) = coming.get_mut(advanced)
                && (advanced == 0 || one.is_open())
            {
                self.advance(one);
                advanced += 1;
            }
            let Some(first) = coming.pop_front() else {
                // Nothing could be begun: the connection is lost, or the run is to stop.
                let lost = self.client.lstat(dir.path()).wait().err();
                answer(index, Err(lost.unwrap_or_else(|| io::ErrorKind::Interrupted.into())));
                return;
            };
            advanced -= 1;
            answer(index, self.finish(first));
        }
    }

    /// Asks for a file to be opened. Only who has nothing on its way waits for room.
    fn begin(&self, path: Vec<u8>, looked_at: &Metadata, may_wait: bool) -> Option<Coming> {
        let client = &self.client;
        let bytes = usize::try_from(looked_at.size.min(SMALL)).unwrap_or_default() + OVERHEAD;
        let (share, handle) = if may_wait {
            let give_up = || client.is_over();
            (client.bytes.take(bytes, give_up)?, client.handles.take(1, give_up)?)
        } else {
            (client.bytes.try_take(bytes)?, client.handles.try_take(1)?)
        };
        let stage = Stage::Opening(client.open(&path), handle);
        Some(Coming { path, looked_at: *looked_at, share, stage })
    }

    /// Goes on with a file that is open: asks for all of a small one and closes it, begins a large one.
    fn advance(&self, one: &mut Coming) {
        let stage = std::mem::replace(&mut one.stage, Stage::Failed(io::ErrorKind::Interrupted.into()));
        let Stage::Opening(asked, handle_share) = stage else {
            one.stage = stage;
            return;
        };
        one.stage = match asked.wait() {
            Err(error) => Stage::Failed(error),
            Ok(handle) if one.looked_at.size > SMALL => {
                let mut reading = Reading::new(Arc::clone(&self.client), handle, one.looked_at.size);
                reading.ask();
                Stage::Large(reading, handle_share)
            }
            Ok(handle) => self.ask_small(&handle, one),
        };
    }

    fn ask_small(&self, handle: &Handle, one: &Coming) -> Stage {
        // Files of the kernel say that they are empty, and are not.
        let size = usize::try_from(one.looked_at.size).unwrap_or_default();
        let size = if size == 0 { 4096 } else { size };
        let mut parts = Vec::new();
        let mut offset = 0;
        while offset < size {
            let length = (size - offset).min(self.client.limits().read);
            parts.push((length, self.client.read(handle, offset as u64, length)));
            offset += length;
        }
        let after = self.client.lstat(&one.path);
        drop(self.client.close(handle));
        Stage::Small { parts, after }
    }

    /// Waits for what was asked for.
    fn finish(&self, one: Coming) -> io::Result<(SftpFile, Metadata)> {
        let Coming { path, looked_at, share, stage } = one;
        let content = match stage {
            Stage::Failed(error) => return Err(error),
            Stage::Opening(..) => return Err(io::ErrorKind::Interrupted.into()),
            Stage::Large(reading, _handle) => (None, Some(reading)),
            Stage::Small { parts, after } => (Some(self.early(&looked_at, parts, after)?), None),
        };
        Ok((SftpFile::new(self.clone(), path, looked_at, content, share), looked_at))
    }

    fn early(
        &self,
        looked_at: &Metadata,
        parts: Vec<(usize, Asked<Option<crate::sftp::Data>>)>,
        after: Asked<Attributes>,
    ) -> io::Result<Early> {
        let mut bytes = Vec::with_capacity(usize::try_from(looked_at.size).unwrap_or_default());
        let (mut is_short, mut is_whole) = (false, false);
        for (length, part) in parts {
            match part.wait()? {
                // What comes behind a gap is of no use.
                _ if is_short || is_whole => {}
                None => is_whole = true,
                Some(data) => {
                    is_short = data.bytes().len() < length;
                    bytes.extend_from_slice(data.bytes());
                }
            }
        }
        let told = after.wait().and_then(|told| self.known(&told, Some(b'-')));
        let after = told.and_then(|now| if now.kind == Kind::File { Ok(now) } else { Err(replaced()) });
        Ok(Early { bytes, is_whole, after: Some(after) })
    }
}

impl Coming {
    /// Says whether going on with it would take no time.
    fn is_open(&self) -> bool {
        match &self.stage {
            Stage::Opening(asked, _) => asked.is_ready(),
            _ => true,
        }
    }
}
