//! Many files on their way at once: a directory of small files is bound by bandwidth, not by round trips.

use std::collections::VecDeque;
use std::ffi::CStr;
use std::io;
use std::sync::Arc;

use super::file::{Bytes, Early, SftpFile};
use super::{SftpDir, SftpSource, child};
use crate::entry::{Kind, Metadata};
use crate::error::Error;
use crate::sftp::{Asked, Attributes, Handle, Part, Reading, Share};

/// So many files of one directory are on their way at once.
const FILES: usize = 512;
/// So many answers are waited for at a time: what they are followed by leaves together.
const GATHERED: usize = 32;
/// Files of up to so many bytes are read whole before they are handed over.
const SMALL: u64 = 256 << 10;
/// What a file costs besides its content, in bytes.
const OVERHEAD: usize = 512;

/// Files of one directory on their way.
struct Way<'w> {
    source: &'w SftpSource,
    dir: &'w SftpDir,
    wanted: &'w [(&'w CStr, &'w Metadata)],
    /// Which of them is begun next.
    next: usize,
    coming: VecDeque<Coming>,
    /// So many of those came, and are looked at.
    looked: usize,
    /// More are begun when so few are on their way.
    few: usize,
}

/// A file on its way.
struct Coming {
    path: Vec<u8>,
    looked_at: Metadata,
    share: Share,
    stage: Stage,
}

enum Stage {
    /// All of a small one is asked for once it is open; it is closed behind that.
    Small(Asked<Handle>, Vec<Part>),
    /// A large one.
    Opening(Asked<Handle>, Share),
    /// All of it came, and it is looked at once more.
    Read(Came, After),
    Large(Reading, Share),
    Failed(io::Error),
}

/// What was read of a file, and whether nothing comes behind that.
type Came = (Bytes, bool);

/// What a file is after it was read.
enum After {
    Asked(Asked<Attributes>),
    Told(Metadata),
}

impl SftpSource {
    /// Opens files, and hands each over in order.
    pub(super) fn open_files(
        &self,
        dir: &SftpDir,
        wanted: &[(&CStr, &Metadata)],
        answer: &mut dyn FnMut(usize, io::Result<(SftpFile, Metadata)>),
    ) {
        let mut way = Way { source: self, dir, wanted, next: 0, coming: VecDeque::new(), looked: 0, few: 0 };
        let mut missing = Vec::new();
        let mut index = 0;
        while let Some((name, _)) = wanted.get(index) {
            match way.first() {
                Err(error) if self.client.revive(&error) => {
                    way.begin_anew(index);
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => missing.push((index, *name, error)),
                finished => answer(index, finished),
            }
            index += 1;
        }
        self.explain_missing(dir, missing, &mut |index, error| answer(index, Err(error)));
    }
}

impl Way<'_> {
    /// Brings all a step further, and finishes the first.
    fn first(&mut self) -> io::Result<(SftpFile, Metadata)> {
        self.begin();
        if self.looked == 0 && self.source.may_list_again(self.dir, self.small()) {
            self.look_at_all();
        } else {
            self.advance();
        }
        // Whoever takes the file may be busy with it for a while.
        self.source.client.push();
        let finished = match self.coming.pop_front() {
            Some(first) => self.source.finish(first),
            // Nothing could be begun: the connection is lost, or the run is to stop.
            None => Err(self.source.client.lost_error()),
        };
        self.looked = self.looked.saturating_sub(1);
        finished
    }

    /// Begins with that one again: all that was on its way was on a lost connection.
    fn begin_anew(&mut self, index: usize) {
        self.coming.clear();
        (self.next, self.looked, self.few) = (index, 0, 0);
    }

    /// Begins as many as there is room for, many at a time.
    fn begin(&mut self) {
        if self.coming.len() > self.few {
            return;
        }
        while self.coming.len() < FILES
            && let Some((name, looked_at)) = self.wanted.get(self.next)
            && let Some(one) =
                self.source.begin(child(self.dir.path(), name), looked_at, self.coming.is_empty())
        {
            self.coming.push_back(one);
            self.next += 1;
        }
        self.few = self.coming.len() / 2;
    }

    /// How many of those on their way are read whole.
    fn small(&self) -> usize {
        self.coming.iter().filter(|one| one.looked_at.size <= SMALL).count()
    }

    /// Goes on with those that came: at least with the first. Servers answer in order: those that are not here yet come last.
    fn advance(&mut self) {
        if self.looked == 0 {
            self.await_some(0);
        }
        while let Some(one) = self.coming.get_mut(self.looked)
            && (self.looked == 0 || one.has_come())
        {
            self.source.advance(one);
            self.source.look_after(one, None);
            self.looked += 1;
        }
        self.advance_large();
    }

    /// Goes on with large files that are open: they are read ahead while others are on their way.
    fn advance_large(&mut self) {
        for one in self.coming.iter_mut().skip(self.looked).filter(|one| one.is_open()) {
            self.source.advance(one);
        }
    }

    /// Waits for all that are on their way, then looks at them with one listing.
    fn look_at_all(&mut self) {
        for from in (0..self.coming.len()).step_by(GATHERED) {
            self.await_some(from);
        }
        // Not before all of them are here: servers may answer that first.
        self.coming.iter().for_each(Coming::await_content);
        self.coming.iter_mut().for_each(|one| self.source.advance(one));
        let mut listed = self.source.list_again(self.dir);
        let first = self.next - self.coming.len();
        for (one, (name, _)) in self.coming.iter_mut().zip(self.wanted.iter().skip(first)) {
            let now = self.source.listed_as(&mut listed, name, &one.looked_at);
            self.source.look_after(one, now);
        }
        self.looked = self.coming.len();
    }

    /// Waits for the last of the next ones, so that the others need not be waited for one by one.
    fn await_some(&self, from: usize) {
        let last = self.coming.len().min(from + GATHERED).saturating_sub(1);
        self.coming.get(last).into_iter().for_each(Coming::await_content);
    }
}

impl SftpSource {
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
        let stage = if looked_at.size > SMALL {
            Stage::Opening(client.together().open(&path), handle)
        } else {
            self.begin_small(&path, looked_at.size, handle)
        };
        Some(Coming { path, looked_at: *looked_at, share, stage })
    }

    fn begin_small(&self, path: &[u8], size: u64, share: Share) -> Stage {
        // Files of the kernel say that they are empty, and are not.
        let size = if size == 0 { 4096 } else { size };
        let most = self.client.limits().read;
        let parts = (0..size).step_by(most).map(|offset| {
            let left = usize::try_from(size - offset).unwrap_or(most);
            (offset, left.min(most))
        });
        let (opened, parts) = self.client.together().open_and_read(path, parts, share);
        Stage::Small(opened, parts)
    }

    /// Goes on with a large file, once it is open.
    fn advance(&self, one: &mut Coming) {
        let stage = std::mem::replace(&mut one.stage, Stage::Failed(io::ErrorKind::Interrupted.into()));
        one.stage = match stage {
            Stage::Opening(asked, share) => match asked.wait() {
                Ok(handle) => {
                    let mut reading = Reading::new(Arc::clone(&self.client), handle, one.looked_at.size);
                    reading.ask();
                    Stage::Large(reading, share)
                }
                Err(error) => Stage::Failed(error),
            },
            stage => stage,
        };
    }

    /// Asks what a file is that was read, if that is not known. Not before all of it is here: servers may answer that first.
    fn look_after(&self, one: &mut Coming, now: Option<Metadata>) {
        let stage = std::mem::replace(&mut one.stage, Stage::Failed(io::ErrorKind::Interrupted.into()));
        let look = || self.client.together().lstat(&one.path);
        one.stage = match stage {
            Stage::Small(opened, parts) => match opened.wait().and_then(|_| put_together(parts)) {
                Ok(bytes) => Stage::Read(bytes, now.map_or_else(|| After::Asked(look()), After::Told)),
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
            Stage::Opening(..) | Stage::Small(..) => return Err(io::ErrorKind::Interrupted.into()),
            Stage::Large(reading, handle) => ((None, Some(reading)), Some(handle)),
            Stage::Read(bytes, after) => ((self.early(&looked_at, bytes, after)?, None), None),
        };
        Ok((SftpFile::new(self.clone(), path, looked_at, content, (share, handle)), looked_at))
    }

    /// What was read early, if it is what there is.
    fn early(
        &self,
        looked_at: &Metadata,
        (bytes, is_whole): Came,
        after: After,
    ) -> io::Result<Option<Early>> {
        let after = match after {
            After::Told(now) => Ok(now),
            After::Asked(asked) => match asked.wait() {
                Err(error) if Error::within(&error).is_some() => return Err(error),
                told => told.and_then(|told| self.known(&told, Some(b'-'))),
            },
        };
        let after = after.ok().filter(|now| now.kind == Kind::File && now.same_stamps(looked_at));
        Ok(after.map(|after| {
            // All that there is came, though the end was not asked for; files of the kernel that say 0 have more.
            let is_whole = is_whole || after.size > 0 && after.size == bytes.get().len() as u64;
            Early { bytes, is_whole, after }
        }))
    }
}

/// Waits for the parts of a file. What comes behind a gap is of no use.
fn put_together(parts: Vec<Part>) -> io::Result<Came> {
    let mut bytes = Bytes::default();
    let (mut is_short, mut is_whole) = (false, false);
    for (length, part) in parts {
        match part.wait()? {
            _ if is_short || is_whole => {}
            None => is_whole = true,
            Some(data) => {
                is_short = data.bytes().len() < length;
                bytes.add(data);
            }
        }
    }
    Ok((bytes, is_whole))
}

impl Coming {
    /// Says whether it is a large one that is open by now.
    fn is_open(&self) -> bool {
        matches!(&self.stage, Stage::Opening(opened, _) if opened.is_ready())
    }

    /// Waits until all of a small one came that was asked for.
    fn await_content(&self) {
        if let Stage::Small(_, parts) = &self.stage {
            parts.iter().rev().for_each(|(_, part)| part.await_answer());
        }
    }

    /// Says whether all of it came, or, of a large one, that it is open.
    fn has_come(&self) -> bool {
        match &self.stage {
            Stage::Small(_, parts) => parts.iter().all(|(_, part)| part.is_ready()),
            Stage::Opening(opened, _) => opened.is_ready(),
            _ => true,
        }
    }
}
