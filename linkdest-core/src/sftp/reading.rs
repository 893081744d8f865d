//! A file that is read ahead: so many requests on their way as its latency asks for.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use super::asked::Asked;
use super::budget::Share;
use super::client::{Client, Handle};
use super::reply::Data;

/// The first window, and the largest, in bytes: a channel of OpenSSH has no more than 2 MiB on its way.
const FIRST: u64 = 256 << 10;
const LARGEST: u64 = 4 << 20;

/// The bytes of an open file, in order.
pub(crate) struct Reading {
    client: Arc<Client>,
    handle: Handle,
    /// Where the next byte comes from.
    offset: u64,
    /// What was asked for, from `offset` on.
    under_way: VecDeque<Part>,
    /// How far was asked.
    asked: u64,
    /// How far it makes sense to ask: the size that the file had.
    size: u64,
    window: u64,
    /// What the window has grown by.
    shares: Vec<Share>,
    is_over: bool,
}

struct Part {
    length: usize,
    state: State,
}

enum State {
    Asked(Asked<Option<Data>>),
    /// It came, and was taken up to here.
    Here(Data, usize),
}

impl Reading {
    /// Begins at the first byte of a file of that size.
    pub fn new(client: Arc<Client>, handle: Handle, size: u64) -> Self {
        let (under_way, shares) = (VecDeque::new(), Vec::new());
        Self { client, handle, offset: 0, under_way, asked: 0, size, window: FIRST, shares, is_over: false }
    }

    /// Asks for as much as the window has room for.
    pub fn ask(&mut self) {
        // A file may be longer than it was: one part past the end finds that out.
        while self.asked < self.offset.saturating_add(self.window)
            && (self.asked < self.size || self.under_way.is_empty())
        {
            let most = self.client.limits().read;
            let left = self.size.saturating_sub(self.asked).min(self.offset + self.window - self.asked);
            let length = usize::try_from(left).unwrap_or(most).clamp(1, most);
            let length = if self.asked >= self.size { most.min(4096) } else { length };
            let asked = self.client.read(&self.handle, self.asked, length);
            self.under_way.push_back(Part { length, state: State::Asked(asked) });
            self.asked += length as u64;
        }
    }

    /// Reads at `offset` until the buffer is full or the file ends; returns the bytes read. In order it is fast.
    pub fn read_at(&mut self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if offset != self.offset {
            self.begin_at(offset);
        }
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.some(rest)? {
                0 => break,
                read => filled += read,
            }
        }
        Ok(filled)
    }

    fn begin_at(&mut self, offset: u64) {
        self.under_way.clear();
        (self.offset, self.asked, self.is_over) = (offset, offset, false);
    }

    /// Doubles the window, if there is room for that much on its way.
    fn widen(&mut self) {
        let more = usize::try_from(self.window).unwrap_or_default();
        if self.window < LARGEST
            && let Some(share) = self.client.bytes.try_take(more)
        {
            self.shares.push(share);
            self.window *= 2;
        }
    }

    /// Takes some of the bytes that come next; 0 at the end.
    fn some(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.is_over {
            return Ok(0);
        }
        self.ask();
        let Some(Part { length, state }) = self.under_way.pop_front() else { return Ok(0) };
        let (data, taken) = match state {
            State::Here(data, taken) => (data, taken),
            State::Asked(asked) => {
                // Whoever has to wait asks for more the next time.
                if !asked.is_ready() {
                    self.widen();
                }
                match asked.wait()? {
                    Some(data) => (data, 0),
                    None => {
                        self.is_over = true;
                        self.under_way.clear();
                        return Ok(0);
                    }
                }
            }
        };
        let bytes = data.bytes().get(taken..).unwrap_or_default();
        let count = bytes.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), bytes.get(..count)) {
            to.copy_from_slice(from);
        }
        self.offset += count as u64;
        let whole = data.bytes().len();
        if taken + count < whole {
            self.under_way.push_front(Part { length, state: State::Here(data, taken + count) });
        } else if whole < length {
            // A server may give less than was asked for: what is missing comes first.
            let missing = length - whole;
            let asked = self.client.read(&self.handle, self.offset, missing);
            self.under_way.push_front(Part { length: missing, state: State::Asked(asked) });
        }
        Ok(count)
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        // Nothing was written: that closing fails changes nothing.
        drop(self.client.close(&self.handle));
    }
}
