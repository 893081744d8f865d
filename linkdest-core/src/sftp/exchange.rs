//! Many requests on their way at once, from many threads: each gets a number, and its sender waits for that answer.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::following::Following;
use super::outgoing::Outgoing;
use super::reply::Malformed;
use super::slot::{Expected, Slot, TICK, Ticket, Waiting};
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
    /// Requests wait to be written of which who writes was not told.
    held: AtomicBool,
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
    waiting: HashMap<u32, Waiting>,
    out: Outgoing,
    heard: Instant,
    /// Nothing more is sent.
    closed: bool,
}

impl State {
    /// Adds a request to what is to be written; says whether who writes is to be woken.
    fn add(&mut self, request: &Request, waiting: Waiting) -> bool {
        if self.waiting.len() <= self.out.requests() {
            // Nothing has left that waits for an answer: silence counts from here on.
            self.heard = Instant::now();
        }
        let mut id = self.next;
        while self.waiting.contains_key(&id) {
            id = id.wrapping_add(1);
        }
        self.next = id.wrapping_add(1);
        self.waiting.insert(id, waiting);
        self.out.add(request, id)
    }
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
        Self { state, written, room, held: AtomicBool::new(false), address, stop, patience }
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
        self.send_at(&Request::new(kind::INIT), Stage::Greeting, None)
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
        self.send_at(request, Stage::Open, None)
    }

    /// Sends a request, and others about what it opens.
    pub fn send_ahead(self: &Arc<Self>, request: &Request, following: Following) -> io::Result<Ticket> {
        self.send_at(request, Stage::Open, Some(following))
    }

    fn send_at(
        self: &Arc<Self>,
        request: &Request,
        stage: Stage,
        following: Option<Following>,
    ) -> io::Result<Ticket> {
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
        let slot = Arc::new(Slot::new(request.longest()));
        let wake = state.add(request, Waiting { slot: Arc::clone(&slot), following });
        if request.is_held() && !wake {
            self.held.store(true, Ordering::Release);
        }
        drop(state);
        if wake {
            self.written.notify_one();
        }
        Ok(Ticket { slot, exchange: Arc::clone(self) })
    }

    /// Sends what was to follow once something is open; [`push`](Self::push) has it leave. It never waits.
    pub fn follow(&self, connection: u64, handle: &[u8], mut following: Following) {
        let mut state = lock(&self.state);
        if state.connection == connection && state.stage == Stage::Open {
            let mut wake = false;
            for (next, slot) in following.take() {
                let waiting = Waiting { slot, following: None };
                wake |= state.add(&next.about(handle, connection).held(), waiting);
            }
            self.held.store(!wake, Ordering::Release);
            drop(state);
            if wake {
                self.written.notify_one();
            }
        }
    }

    /// Has those requests written that were held back for others to leave with.
    pub fn push(&self) {
        if self.held.swap(false, Ordering::AcqRel) && lock(&self.state).out.wake() {
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
            let was_full = state.out.len() > BACKLOG;
            if state.out.take(buffer) {
                drop(state);
                if was_full {
                    self.room.notify_all();
                }
                return Some(());
            }
            if state.closed {
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
            Some(waiting) if length > waiting.slot.longest => {
                Err(Malformed("an answer that is far too long"))
            }
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
        let all: Vec<_> = state.waiting.drain().map(|(_, waiting)| waiting).collect();
        drop(state);
        self.written.notify_all();
        self.room.notify_all();
        all.iter().for_each(|waiting| waiting.slot.lose());
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
mod tests;
