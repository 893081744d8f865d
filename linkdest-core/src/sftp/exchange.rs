//! Many requests on their way at once, from many threads: each gets a number, and its sender waits for that answer.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::outgoing::Outgoing;
use super::reply::Malformed;
use super::slot::{Expected, Slot, TICK, Ticket};
use super::wire::{Request, kind};
use crate::error::Error;
use crate::monitor::StopFlag;

/// The first request is the greeting, which has the version where others have their number: both are 3.
pub(super) const GREETING: u32 = 3;

/// So many bytes may wait to be written.
const BACKLOG: usize = 4 << 20;

/// What all threads share that talk to one server, over one connection after the other.
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
    /// Which connection this is. Those before it have nothing to say any more, and what was opened there is closed.
    connection: u64,
    stage: Stage,
    /// Why the last connection was lost that was.
    why: Option<String>,
    next: u32,
    waiting: HashMap<u32, Arc<Slot>>,
    out: Outgoing,
    heard: Instant,
    /// Nothing more is sent.
    closed: bool,
}

/// How far a connection came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Greeting,
    Open,
    Lost,
    /// The server said what no server may: it is not asked again.
    Distrusted,
}

impl Stage {
    fn is_over(self) -> bool {
        matches!(self, Self::Lost | Self::Distrusted)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Exchange {
    pub fn new(address: PathBuf, stop: StopFlag, patience: Duration) -> Self {
        let state = State {
            connection: 0,
            stage: Stage::Lost,
            why: None,
            next: GREETING,
            waiting: HashMap::new(),
            out: Outgoing::default(),
            heard: Instant::now(),
            closed: false,
        };
        let (state, written, room) = (Mutex::new(state), Condvar::new(), Condvar::new());
        Self { state, written, room, address, stop, patience }
    }

    /// Begins a connection; returns its number. The last one, if there was any, is lost.
    pub fn begin(&self) -> u64 {
        let mut state = lock(&self.state);
        state.connection += 1;
        state.stage = Stage::Greeting;
        (state.next, state.closed) = (GREETING, false);
        state.out.clear();
        state.heard = Instant::now();
        let connection = state.connection;
        drop(state);
        // The thread that wrote for the last one ends.
        self.written.notify_all();
        connection
    }

    /// Sends the greeting, before which nothing else is sent.
    pub fn greet(self: &Arc<Self>) -> io::Result<Ticket> {
        self.send_at(&Request::new(kind::INIT), Stage::Greeting)
    }

    /// Lets requests pass: the greeting was answered.
    pub fn open(&self) {
        let mut state = lock(&self.state);
        if state.stage == Stage::Greeting {
            state.stage = Stage::Open;
        }
    }

    /// Sends a request.
    pub fn send(self: &Arc<Self>, request: &Request) -> io::Result<Ticket> {
        self.send_at(request, Stage::Open)
    }

    fn send_at(self: &Arc<Self>, request: &Request, stage: Stage) -> io::Result<Ticket> {
        let mut state = lock(&self.state);
        while state.out.len() > BACKLOG && state.stage == stage {
            self.check_stop()?;
            let (woken, timeout) =
                self.room.wait_timeout(state, TICK).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            if timeout.timed_out() {
                drop(state);
                self.check_patience();
                state = lock(&self.state);
            }
        }
        let is_elsewhere = request.connection().is_some_and(|opened| opened != state.connection);
        if state.stage != stage || is_elsewhere {
            drop(state);
            return Err(self.lost_error());
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
        let slot = Arc::new(Slot::new(request.longest()));
        state.waiting.insert(id, Arc::clone(&slot));
        let wake = state.out.add(request, id);
        drop(state);
        if wake {
            self.written.notify_one();
        }
        Ok(Ticket { slot, exchange: Arc::clone(self) })
    }

    /// Has written what waits to be: somebody waits for an answer.
    pub fn flush(&self) {
        if lock(&self.state).out.flush() {
            self.written.notify_one();
        }
    }

    /// Takes all that is to be written to a connection, waiting for some; `None` once nothing more will come.
    pub fn take_outgoing(&self, connection: u64, buffer: &mut Vec<u8>) -> Option<()> {
        buffer.clear();
        let mut state = lock(&self.state);
        loop {
            if state.connection != connection || state.stage.is_over() {
                return None;
            }
            let (was_full, closed) = (state.out.len() > BACKLOG, state.closed);
            if state.out.take(closed, buffer) {
                drop(state);
                if was_full {
                    self.room.notify_all();
                }
                return Some(());
            }
            if closed {
                return None;
            }
            state = self.written.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Finds out what an answer of so many bytes is to, before it is read.
    pub fn expect(&self, connection: u64, id: u32, length: usize) -> Result<Expected, Malformed> {
        let mut state = lock(&self.state);
        if state.connection != connection {
            return Err(Malformed("an answer that comes after the end"));
        }
        state.heard = Instant::now();
        match state.waiting.get(&id) {
            Some(slot) if length > slot.longest => Err(Malformed("an answer that is far too long")),
            _ => state.waiting.remove(&id).map(Expected).ok_or(Malformed("an answer that nobody asked for")),
        }
    }

    /// Ends all waiting for a connection: nothing more comes, for this reason. The first reason counts.
    pub fn lose(&self, connection: u64, why: impl Into<String>) {
        self.end(connection, Stage::Lost, why.into());
    }

    /// Ends it because of something that no server may say: nothing it says is believed any more.
    pub fn refuse(&self, connection: u64, Malformed(what): Malformed) {
        self.end(connection, Stage::Distrusted, format!("the server breaks the protocol: {what}"));
    }

    fn end(&self, connection: u64, stage: Stage, why: String) {
        let mut state = lock(&self.state);
        if state.connection != connection || state.stage.is_over() {
            return;
        }
        (state.stage, state.why) = (stage, Some(why));
        state.out.clear();
        let slots: Vec<_> = state.waiting.drain().map(|(_, slot)| slot).collect();
        drop(state);
        self.written.notify_all();
        self.room.notify_all();
        slots.iter().for_each(|slot| slot.lose());
    }

    /// Lets the thread that writes end once all is written.
    pub fn close(&self) {
        lock(&self.state).closed = true;
        self.written.notify_all();
    }

    /// The number of the connection, for what is opened there.
    pub fn connection(&self) -> u64 {
        lock(&self.state).connection
    }

    pub fn stage(&self) -> Stage {
        lock(&self.state).stage
    }

    /// Says whether a connection was lost, given up, or followed by another one.
    pub fn has_lost(&self, connection: u64) -> bool {
        let state = lock(&self.state);
        state.connection != connection || state.stage.is_over()
    }

    pub fn is_stopped(&self) -> bool {
        self.stop.is_stopped()
    }

    /// Says whether nothing more can be had.
    pub fn is_over(&self) -> bool {
        self.is_stopped() || self.stage().is_over()
    }

    /// The error of a server that answers what no server may.
    pub fn distrust(&self, malformed: Malformed) -> io::Error {
        self.refuse(self.connection(), malformed);
        self.lost_error()
    }

    /// The error of what cannot be asked any more.
    pub fn lost_error(&self) -> io::Error {
        let why = lock(&self.state).why.clone();
        self.error(why.as_deref().unwrap_or("the connection is closed"))
    }

    fn error(&self, why: &str) -> io::Error {
        if self.is_stopped() {
            return Error::interrupted().into();
        }
        let shown = crate::path::Escaped(crate::native::OsStrExt::as_bytes(self.address.as_os_str()));
        Error::connection("connect", &self.address, format!("{shown}: {why}")).into()
    }

    pub fn check_stop(&self) -> io::Result<()> {
        if self.is_stopped() { Err(Error::interrupted().into()) } else { Ok(()) }
    }

    /// Gives up a server that has not answered for too long.
    pub fn check_patience(&self) {
        let state = lock(&self.state);
        let (silent, connection) = (state.heard.elapsed(), state.connection);
        drop(state);
        if silent > self.patience {
            let why = format!("the server has not answered for {} seconds", silent.as_secs());
            self.lose(connection, why);
        }
    }
}

#[cfg(test)]
impl Exchange {
    /// One whose first connection was greeted.
    pub fn of_tests(patience: Duration) -> (Arc<Self>, StopFlag) {
        let stop = StopFlag::default();
        let exchange = Arc::new(Self::new("sftp://h/x".into(), stop.clone(), patience));
        assert_eq!(exchange.begin(), 1);
        exchange.open();
        (exchange, stop)
    }
}

#[cfg(test)]
mod tests {
    use super::super::reply::Raw;
    use super::*;
    use crate::error::ErrorKind;

    fn exchange(patience: Duration) -> (Arc<Exchange>, StopFlag) {
        Exchange::of_tests(patience)
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
        exchange.flush();
        exchange.take_outgoing(1, &mut out).unwrap();
        assert_eq!(out.len(), 3 * 14);
        for place in [2, 0, 1] {
            exchange.expect(1, GREETING + place, 1).unwrap().answer(raw(u8::try_from(place).unwrap()));
        }
        for (index, ticket) in tickets.into_iter().enumerate() {
            assert_eq!(usize::from(ticket.wait().unwrap().body[0]), index);
        }
        assert!(exchange.expect(1, GREETING + 1, 1).is_err(), "nobody asked for that any more");
    }

    /// A server that stops reading, where all threads want to send.
    #[test]
    fn who_waits_for_room_to_send_does_not_wait_for_ever() {
        let (exchange, _) = exchange(Duration::from_millis(150));
        let request = Request::new(kind::WRITE).string(&vec![0; BACKLOG + 1]);
        let ticket = exchange.send(&request).unwrap();
        let error = exchange.send(&request).err().unwrap();
        assert!(error.to_string().contains("has not answered"), "{error}");
        assert_eq!(kind_of(&ticket.wait().unwrap_err()), ErrorKind::Connection);
    }

    #[test]
    fn loss_silence_and_the_wish_to_stop_end_all_waiting() {
        let request = Request::new(kind::LSTAT);
        let (lost, _) = exchange(Duration::from_secs(60));
        let ticket = lost.send(&request).unwrap();
        lost.lose(1, "gone");
        lost.lose(1, "something else");
        let error = ticket.wait().unwrap_err();
        assert_eq!(
            (kind_of(&error), error.to_string().as_str()),
            (ErrorKind::Connection, "sftp://h/x: gone")
        );
        assert_eq!(kind_of(&lost.send(&request).err().unwrap()), ErrorKind::Connection);
        assert!(lost.take_outgoing(1, &mut Vec::new()).is_none());

        let (silent, _) = exchange(Duration::from_millis(150));
        let error = silent.send(&request).unwrap().wait().unwrap_err();
        assert!(error.to_string().contains("has not answered"), "{error}");

        let (asked, stop) = exchange(Duration::from_secs(60));
        let ticket = asked.send(&request).unwrap();
        stop.stop();
        assert_eq!(kind_of(&ticket.wait().unwrap_err()), ErrorKind::Interrupted);
    }

    #[test]
    fn what_was_opened_on_a_lost_connection_is_not_asked_for_on_the_next() {
        let (exchange, _) = exchange(Duration::from_secs(60));
        let read = |connection: u64| Request::new(kind::READ).on(connection).string(b"handle");
        let ticket = exchange.send(&read(1)).unwrap();
        exchange.lose(1, "gone");
        assert_eq!(kind_of(&ticket.wait().unwrap_err()), ErrorKind::Connection);
        assert_eq!(exchange.begin(), 2);
        assert!(exchange.send(&Request::new(kind::LSTAT)).is_err(), "nothing goes before the greeting");
        drop(exchange.greet().unwrap());
        exchange.open();
        assert_eq!(kind_of(&exchange.send(&read(1)).err().unwrap()), ErrorKind::Connection);
        let ticket = exchange.send(&read(2)).unwrap();
        // The threads of the first connection have nothing to say any more.
        exchange.lose(1, "gone");
        exchange.refuse(1, Malformed("odd"));
        assert!(exchange.expect(1, GREETING + 1, 1).is_err());
        assert!(exchange.take_outgoing(1, &mut Vec::new()).is_none());
        exchange.flush();
        assert!(exchange.take_outgoing(2, &mut Vec::new()).is_some());
        exchange.expect(2, GREETING + 1, 1).unwrap().answer(raw(7));
        assert_eq!(ticket.wait().unwrap().body, [7]);
    }
}
