//! Many requests on their way at once, from many threads: each gets a number, and its sender waits for that answer.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::reply::{Malformed, Raw};
use super::wire::Request;
use crate::error::Error;
use crate::monitor::StopFlag;

/// The first request is the greeting, which has the version where others have their number: both are 3.
pub(super) const GREETING: u32 = 3;

/// Who waits looks up so often.
const TICK: Duration = Duration::from_millis(100);
/// So many bytes may wait to be written.
const BACKLOG: usize = 4 << 20;

/// What all threads share that talk to one server.
pub(super) struct Exchange {
    state: Mutex<State>,
    /// For the thread that writes.
    written: Condvar,
    /// For threads that want to send where too much waits to be written.
    room: Condvar,
    /// How errors name the server.
    address: PathBuf,
    stop: StopFlag,
    /// A server that answers nothing for so long counts as lost.
    patience: Duration,
}

struct State {
    next: u32,
    waiting: HashMap<u32, Arc<Slot>>,
    out: Vec<u8>,
    writer_waits: bool,
    heard: Instant,
    /// Nothing more is sent.
    closed: bool,
    lost: Option<String>,
}

/// Where the answer to one request is put.
#[derive(Default)]
struct Slot {
    answer: Mutex<Answer>,
    wake: Condvar,
}

#[derive(Default)]
struct Answer {
    raw: Option<Raw>,
    lost: bool,
    waits: bool,
}

/// A request that was sent.
pub(super) struct Ticket {
    slot: Arc<Slot>,
    exchange: Arc<Exchange>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Exchange {
    pub fn new(address: PathBuf, stop: StopFlag, patience: Duration) -> Self {
        let state = State {
            next: GREETING,
            waiting: HashMap::new(),
            out: Vec::new(),
            writer_waits: false,
            heard: Instant::now(),
            closed: false,
            lost: None,
        };
        let (state, written, room) = (Mutex::new(state), Condvar::new(), Condvar::new());
        Self { state, written, room, address, stop, patience }
    }

    /// Sends a request.
    pub fn send(self: &Arc<Self>, request: &Request) -> io::Result<Ticket> {
        let mut state = lock(&self.state);
        while state.out.len() > BACKLOG && state.lost.is_none() {
            self.check_stop()?;
            state = self.room.wait_timeout(state, TICK).unwrap_or_else(PoisonError::into_inner).0;
        }
        if let Some(why) = &state.lost {
            return Err(self.error(why));
        }
        if state.waiting.is_empty() {
            // Silence counts from here on.
            state.heard = Instant::now();
        }
        let mut id = state.next;
        while state.waiting.contains_key(&id) {
            id = id.wrapping_add(1);
        }
        state.next = id.wrapping_add(1);
        let slot = Arc::<Slot>::default();
        state.waiting.insert(id, Arc::clone(&slot));
        request.write(id, &mut state.out);
        let wake = std::mem::take(&mut state.writer_waits);
        drop(state);
        if wake {
            self.written.notify_one();
        }
        Ok(Ticket { slot, exchange: Arc::clone(self) })
    }

    /// Takes all that is to be written, waiting for some; `None` once nothing more will come.
    pub fn take_outgoing(&self, buffer: &mut Vec<u8>) -> Option<()> {
        buffer.clear();
        let mut state = lock(&self.state);
        while state.out.is_empty() {
            if state.closed || state.lost.is_some() {
                return None;
            }
            state.writer_waits = true;
            state = self.written.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let was_full = state.out.len() > BACKLOG;
        std::mem::swap(&mut state.out, buffer);
        drop(state);
        if was_full {
            self.room.notify_all();
        }
        Some(())
    }

    /// Hands an answer to whoever waits for it.
    pub fn answer(&self, id: u32, raw: Raw) -> Result<(), Malformed> {
        let mut state = lock(&self.state);
        state.heard = Instant::now();
        let slot = state.waiting.remove(&id).ok_or(Malformed("an answer that nobody asked for"))?;
        drop(state);
        let mut answer = lock(&slot.answer);
        answer.raw = Some(raw);
        if answer.waits {
            slot.wake.notify_one();
        }
        Ok(())
    }

    /// Ends all waiting: nothing more comes, for this reason. The first reason counts.
    pub fn lose(&self, why: impl Into<String>) {
        let mut state = lock(&self.state);
        state.lost.get_or_insert_with(|| why.into());
        state.out = Vec::new();
        let slots: Vec<_> = state.waiting.drain().map(|(_, slot)| slot).collect();
        drop(state);
        self.written.notify_all();
        self.room.notify_all();
        for slot in slots {
            lock(&slot.answer).lost = true;
            slot.wake.notify_all();
        }
    }

    /// Lets the writing thread end once all is written.
    pub fn close(&self) {
        lock(&self.state).closed = true;
        self.written.notify_all();
    }

    /// Says whether the connection was lost, or given up.
    pub fn has_lost(&self) -> bool {
        lock(&self.state).lost.is_some()
    }

    /// Says whether nothing more can be had.
    pub fn is_over(&self) -> bool {
        self.stop.is_stopped() || self.has_lost()
    }

    /// The error of a server that answers what no server may: nothing it says is believed any more.
    pub fn distrust(&self, malformed: Malformed) -> io::Error {
        self.lose(format!("the server breaks the protocol: {}", malformed.0));
        self.lost_error()
    }

    fn lost_error(&self) -> io::Error {
        let why = lock(&self.state).lost.clone();
        self.error(why.as_deref().unwrap_or("the connection is closed"))
    }

    fn error(&self, why: &str) -> io::Error {
        if self.stop.is_stopped() {
            return Error::interrupted().into();
        }
        let shown = crate::path::Escaped(crate::native::OsStrExt::as_bytes(self.address.as_os_str()));
        Error::connection("connect", &self.address, format!("{shown}: {why}")).into()
    }

    fn check_stop(&self) -> io::Result<()> {
        if self.stop.is_stopped() { Err(Error::interrupted().into()) } else { Ok(()) }
    }

    /// Gives up a server that has not answered for too long.
    fn check_patience(&self) {
        let silent = lock(&self.state).heard.elapsed();
        if silent > self.patience {
            self.lose(format!("the server has not answered for {} seconds", silent.as_secs()));
        }
    }
}

impl Ticket {
    /// Says whether the answer is there.
    pub fn is_ready(&self) -> bool {
        let answer = lock(&self.slot.answer);
        answer.raw.is_some() || answer.lost
    }

    /// Waits for the answer.
    ///
    /// # Errors
    /// A lost connection, a server that does not answer, the wish to stop.
    pub fn wait(self) -> io::Result<Raw> {
        let mut answer = lock(&self.slot.answer);
        loop {
            if let Some(raw) = answer.raw.take() {
                return Ok(raw);
            }
            if answer.lost {
                drop(answer);
                return Err(self.exchange.lost_error());
            }
            answer.waits = true;
            let (woken, timeout) =
                self.slot.wake.wait_timeout(answer, TICK).unwrap_or_else(PoisonError::into_inner);
            answer = woken;
            if timeout.timed_out() && answer.raw.is_none() {
                drop(answer);
                self.exchange.check_stop()?;
                self.exchange.check_patience();
                answer = lock(&self.slot.answer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::kind;
    use super::*;
    use crate::error::ErrorKind;

    fn exchange(patience: Duration) -> (Arc<Exchange>, StopFlag) {
        let stop = StopFlag::default();
        (Arc::new(Exchange::new("sftp://h/x".into(), stop.clone(), patience)), stop)
    }

    fn raw(byte: u8) -> Raw {
        Raw { kind: kind::STATUS, body: vec![byte] }
    }

    fn kind_of(error: &io::Error) -> ErrorKind {
        Error::within(error).unwrap().kind()
    }

    #[test]
    fn answers_in_any_order_find_their_requests() {
        let (exchange, _) = exchange(Duration::from_secs(60));
        let tickets: Vec<_> =
            (0..3).map(|_| exchange.send(&Request::new(kind::LSTAT).string(b"a")).unwrap()).collect();
        let mut out = Vec::new();
        exchange.take_outgoing(&mut out).unwrap();
        assert_eq!(out.len(), 3 * 14);
        for place in [2, 0, 1] {
            exchange.answer(GREETING + place, raw(u8::try_from(place).unwrap())).unwrap();
        }
        for (index, ticket) in tickets.into_iter().enumerate() {
            assert_eq!(usize::from(ticket.wait().unwrap().body[0]), index);
        }
        assert!(exchange.answer(GREETING + 1, raw(0)).is_err(), "nobody asked for that any more");
    }

    #[test]
    fn loss_silence_and_the_wish_to_stop_end_all_waiting() {
        let request = Request::new(kind::LSTAT);
        let (lost, _) = exchange(Duration::from_secs(60));
        let ticket = lost.send(&request).unwrap();
        lost.lose("gone");
        lost.lose("something else");
        let error = ticket.wait().unwrap_err();
        assert_eq!(
            (kind_of(&error), error.to_string().as_str()),
            (ErrorKind::Connection, "sftp://h/x: gone")
        );
        assert_eq!(kind_of(&lost.send(&request).err().unwrap()), ErrorKind::Connection);
        assert!(lost.take_outgoing(&mut Vec::new()).is_none());

        let (silent, _) = exchange(Duration::from_millis(150));
        let error = silent.send(&request).unwrap().wait().unwrap_err();
        assert!(error.to_string().contains("has not answered"), "{error}");

        let (asked, stop) = exchange(Duration::from_secs(60));
        let ticket = asked.send(&request).unwrap();
        stop.stop();
        assert_eq!(kind_of(&ticket.wait().unwrap_err()), ErrorKind::Interrupted);
    }
}
