//! Many files on their way at once: a directory of small files is bound by bandwidth, not by round trips.

use std::collections::VecDeque;
use std::ffi::CStr;
use std::io;
use std::sync::Arc;

use super::file::{Early, SftpFile};
use super::{SftpDir, SftpSource, child};
use crate::entry::{Kind, Metadata};
use crate::error::Error;
use crate::sftp::{Asked, Attributes, Data, Handle, Reading, Share};

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
    /// All of a small one was asked for; it is closed behind that.
    Small(Vec<(usize, Asked<Option<Data>>)>),
    /// All of it came, and it is looked at once more.
    Read(Bytes, Asked<Attributes>),
    Large(Reading, Share),
    Failed(io::Error),
}

/// What was read of a file, and whether nothing comes behind that.
type Bytes = (Vec<u8>, bool);

impl SftpSource {
    /// Opens files, and hands each over in order.
    pub(super) fn open_files(
        &self,
        dir: &SftpDir,
        wanted: &[(&CStr, &Metadata)],
        answer: &mut dyn FnMut(usize, io::Result<(SftpFile, Metadata)>),
    ) {
        let mut coming: VecDeque<Coming> = VecDeque::new();
        let (mut advanced, mut looked) = (0, 0);
        let mut missing = Vec::new();
        let (mut left, mut index) = (wanted.iter(), 0);
        while let Some((name, _)) = wanted.get(index) {
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
            while let Some(one) = coming.get_mut(looked)
                && looked < advanced
                && (looked == 0 || one.has_come())
            {
                self.look_after(one);
                looked += 1;
            }
            let finished = match coming.pop_front() {
                Some(first) => self.finish(first),
                // Nothing could be begun: the connection is lost, or the run is to stop.
                None => Err(self.client.lost_error()),
            };
            (advanced, looked) = (advanced.saturating_sub(1), looked.saturating_sub(1));
            match finished {
                Err(error) if self.client.revive(&error) => {
                    // All that was on its way was on the lost connection.
                    coming.clear();
                    (advanced, looked) = (0, 0);
                    left = wanted.get(index..).unwrap_or_default().iter();
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => missing.push((index, *name, error)),
                finished => answer(index, finished),
            }
            index += 1;
        }
        self.explain_missing(dir, missing, &mut |index, error| answer(index, Err(error)));
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
        drop(self.client.close(handle));
        Stage::Small(parts)
    }

    /// Asks what a file is that was read. Not before all of it is here: servers may answer that first.
    fn look_after(&self, one: &mut Coming) {
        let stage = std::mem::replace(&mut one.stage, Stage::Failed(io::ErrorKind::Interrupted.into()));
        one.stage = match stage {
            Stage::Small(parts) => match put_together(parts) {
                Ok(bytes) => Stage::Read(bytes, self.client.lstat(&one.path)),
                Err(error) => Stage::Failed(error),
            },
            stage => stage,
        };
    }

    /// Waits for what was asked for.
    fn finish(&self, one: Coming) -> io::Result<(SftpFile, Metadata)> {
        let Coming { path, looked_at, share, stage } = one;
        let (content, handle) = match stage {
            Stage::Failed(error) => return Err(error),
            Stage::Opening(..) | Stage::Small(_) => return Err(io::ErrorKind::Interrupted.into()),
            Stage::Large(reading, handle) => ((None, Some(reading)), Some(handle)),
            Stage::Read(bytes, after) => ((self.early(&looked_at, bytes, after)?, None), None),
        };
        Ok((SftpFile::new(self.clone(), path, looked_at, content, (share, handle)), looked_at))
    }

    /// What was read early, if it is what there is.
    fn early(
        &self,
        looked_at: &Metadata,
        (bytes, is_whole): Bytes,
        after: Asked<Attributes>,
    ) -> io::Result<Option<Early>> {
        let told = match after.wait() {
            Err(error) if Error::within(&error).is_some() => return Err(error),
            told => told,
        };
        let after = told.and_then(|told| self.known(&told, Some(b'-')));
        let after = after.ok().filter(|now| now.kind == Kind::File && now.same_stamps(looked_at));
        Ok(after.map(|after| {
            // All that there is came, though the end was not asked for; files of the kernel that say 0 have more.
            let is_whole = is_whole || after.size > 0 && after.size == bytes.len() as u64;
            Early { bytes, is_whole, after }
        }))
    }
}

/// Waits for the parts of a file. What comes behind a gap is of no use.
fn put_together(parts: Vec<(usize, Asked<Option<Data>>)>) -> io::Result<Bytes> {
    let mut bytes = Vec::with_capacity(parts.iter().map(|(length, _)| length).sum());
    let (mut is_short, mut is_whole) = (false, false);
    for (length, part) in parts {
        match part.wait()? {
            _ if is_short || is_whole => {}
            None => is_whole = true,
            Some(data) => {
                is_short = data.bytes().len() < length;
                bytes.extend_from_slice(data.bytes());
            }
        }
    }
    Ok((bytes, is_whole))
}

impl Coming {
    /// Says whether going on with it would take no time.
    fn is_open(&self) -> bool {
        match &self.stage {
            Stage::Opening(asked, _) => asked.is_ready(),
            _ => true,
        }
    }

    /// Says whether all of it came.
    fn has_come(&self) -> bool {
        match &self.stage {
            Stage::Small(parts) => parts.iter().all(|(_, part)| part.is_ready()),
            _ => true,
        }
    }
}
