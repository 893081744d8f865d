//! Where the answer to one request is put, and who waits for it.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::exchange::Exchange;
use super::reply::Raw;
use super::wire::kind;

/// Who waits looks up so often.
pub(super) const TICK: Duration = Duration::from_millis(100);
/// So many bytes of what a server says of a status are kept until somebody reads them.
pub(super) const SAID: usize = 1024;

/// Where the answer to one request is put.
pub(super) struct Slot {
    /// How many bytes the answer may have.
    pub longest: usize,
    answer: Mutex<Answer>,
    wake: Condvar,
}

#[derive(Default)]
struct Answer {
    raw: Option<Raw>,
    taken: bool,
    lost: bool,
    waits: bool,
}

/// An answer that is being read: its request is no longer among those that wait, and is told if the rest never comes.
pub(super) struct Expected(pub Arc<Slot>);

/// A request that was sent.
pub(super) struct Ticket {
    pub slot: Arc<Slot>,
    pub exchange: Arc<Exchange>,
}

impl Slot {
    pub fn new(longest: usize) -> Self {
        Self { longest, answer: Mutex::default(), wake: Condvar::new() }
    }

    fn answer(&self) -> MutexGuard<'_, Answer> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that the answer never comes.
    pub fn lose(&self) {
        let mut answer = self.answer();
        if answer.raw.is_none() && !answer.taken {
            answer.lost = true;
            self.wake.notify_one();
        }
    }
}

impl Expected {
    /// Hands the answer to whoever waits for it.
    pub fn answer(self, mut raw: Raw) {
        if raw.kind == kind::STATUS && raw.body.len() > SAID {
            // The code is all that counts.
            raw.body.truncate(SAID);
            raw.body.shrink_to_fit();
        }
        let mut answer = self.0.answer();
        answer.raw = Some(raw);
        if answer.waits {
            self.0.wake.notify_one();
        }
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        self.0.lose();
    }
}

impl Ticket {
    /// Says whether the answer is there.
    pub fn is_ready(&self) -> bool {
        let answer = self.slot.answer();
        let is_ready = answer.raw.is_some() || answer.lost;
        drop(answer);
        if !is_ready {
            // Whoever asks waits for it.
            self.exchange.flush();
        }
        is_ready
    }

    /// Waits until the answer is there, or will never be.
    ///
    /// # Errors
    /// A server that does not answer, the wish to stop.
    pub fn rest(&self) -> io::Result<()> {
        if self.is_ready() {
            return Ok(());
        }
        let mut answer = self.slot.answer();
        while answer.raw.is_none() && !answer.lost {
            answer.waits = true;
            let (woken, timeout) =
                self.slot.wake.wait_timeout(answer, TICK).unwrap_or_else(PoisonError::into_inner);
            answer = woken;
            if timeout.timed_out() && answer.raw.is_none() {
                drop(answer);
                self.exchange.check_stop()?;
                self.exchange.check_patience();
                answer = self.slot.answer();
            }
        }
        Ok(())
    }

    /// Waits for the answer.
    ///
    /// # Errors
    /// A lost connection, a server that does not answer, the wish to stop.
    pub fn wait(self) -> io::Result<Raw> {
        self.rest()?;
        let mut answer = self.slot.answer();
        match answer.raw.take() {
            Some(raw) => {
                answer.taken = true;
                Ok(raw)
            }
            None => {
                drop(answer);
                Err(self.exchange.lost_error())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::exchange::GREETING;
    use super::super::wire::Request;
    use super::*;
    use crate::error::{Error, ErrorKind};

    #[test]
    fn an_answer_that_is_padded_is_not_taken() {
        let (exchange, _) = Exchange::of_tests(Duration::from_secs(60));
        let read = Request::new(kind::READ).answered_by(100_000);
        for (id, (request, length, taken)) in (GREETING..).zip([
            (Request::new(kind::LSTAT), 8 << 10, true),
            (Request::new(kind::LSTAT), (8 << 10) + 1, false),
            (Request::new(kind::READLINK), 34_000, true),
            (Request::new(kind::READDIR), 1 << 20, true),
            (read, 100_004, true),
            (Request::new(kind::READ).answered_by(100_000), 120_000, false),
        ]) {
            let ticket = exchange.send(&request).unwrap();
            assert_eq!(exchange.expect(1, id, length).is_ok(), taken, "{length}");
            drop(ticket);
        }
    }

    #[test]
    fn of_a_long_status_no_more_is_kept_than_anybody_reads() {
        let (exchange, _) = Exchange::of_tests(Duration::from_secs(60));
        let ticket = exchange.send(&Request::new(kind::LSTAT)).unwrap();
        let long = Raw { kind: kind::STATUS, body: vec![0; 8000] };
        exchange.expect(1, GREETING, 8000).unwrap().answer(long);
        assert_eq!(ticket.wait().unwrap().body.len(), SAID);
    }

    /// The connection ends in the middle of the answer.
    #[test]
    fn an_answer_whose_rest_never_comes_is_lost() {
        let (exchange, _) = Exchange::of_tests(Duration::from_secs(60));
        let ticket = exchange.send(&Request::new(kind::LSTAT)).unwrap();
        let expected = exchange.expect(1, GREETING, 100).unwrap();
        exchange.lose(1, "gone");
        drop(expected);
        let error = ticket.wait().unwrap_err();
        assert_eq!(Error::within(&error).unwrap().kind(), ErrorKind::Connection);
    }
}
