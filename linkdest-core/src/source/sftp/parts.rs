//! The parts of a listing: several are asked for at once.

use std::collections::VecDeque;
use std::io;

use super::listed::Listed;
use crate::error::Error;
use crate::sftp::{Asked, Client, Handle, Names};

/// Parts of a listing that are asked for at once: at first, since most directories have one part and an end; at most.
const FIRST: usize = 2;
const MOST: usize = 16;

/// A listing on its way.
pub(super) struct Parts {
    under_way: VecDeque<Asked<Option<Names>>>,
    /// So many parts came.
    part: usize,
    wanted: usize,
    has_ended: bool,
}

impl Parts {
    /// Opens a directory and asks for its first parts.
    pub fn begin(client: &Client, path: &[u8]) -> (Asked<Handle>, Self) {
        let (opened, under_way) = client.together().open_and_list(path, FIRST, None);
        (opened, Self { under_way: under_way.into(), part: 0, wanted: FIRST, has_ended: false })
    }

    /// Waits until what was asked for is there.
    pub fn await_all(&self) {
        self.under_way.iter().rev().for_each(Asked::await_answer);
    }

    /// Adds the next part to what was listed; says whether there may be more.
    pub fn add_next(&mut self, client: &Client, handle: &Handle, listed: &mut Listed) -> io::Result<bool> {
        // Behind the first part most directories end.
        while !self.has_ended && self.part != 1 && self.under_way.len() < self.wanted {
            self.under_way.push_back(client.read_dir(handle));
        }
        let Some(first) = self.under_way.pop_front() else { return Ok(false) };
        let names = match first.wait() {
            // Behind the end a server may say what it likes.
            Err(error) if self.has_ended && Error::within(&error).is_none() => return Ok(true),
            names => names?,
        };
        // A server that answers several requests at once may give names behind the end: what is on its way counts.
        self.has_ended = names.is_none();
        let Some(names) = names else { return Ok(true) };
        let before = listed.entries().len();
        listed.add(&names);
        // Only the first part may have nothing but `.` and `..`.
        if listed.is_endless() || (self.part > 1 && listed.entries().len() == before) {
            return Err(client.distrust("a directory that has no end"));
        }
        self.part += 1;
        self.wanted = (self.wanted * 2).min(MOST);
        Ok(true)
    }

    /// Adds all parts; what came before an error is kept.
    pub fn add_all(&mut self, client: &Client, handle: &Handle, listed: &mut Listed) -> io::Result<()> {
        while self.add_next(client, handle, listed)? {}
        Ok(())
    }
}
