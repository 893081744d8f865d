//! A connection that is lost in the middle is made anew, a few times, for whoever asks what may be asked twice.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::client::{Client, Extensions};
use super::exchange::{Exchange, Stage};
use super::reply::{self, Malformed};
use super::slot::{TICK, Ticket};
use super::transport::Transport;
use super::wire::kind;
use crate::error::{Error, ErrorKind};

/// The first wait before a connection is made anew; each further one is so many times as long.
const FIRST: Duration = Duration::from_millis(100);
const LONGER: u32 = 3;
/// A connection that held for so long starts the count anew.
const STEADY: Duration = Duration::from_secs(60);

/// What may still be tried.
pub(super) struct Lives {
    left: u32,
    wait: Duration,
    /// Since when the connection holds, if it was not found lost yet.
    since: Option<Instant>,
    /// How often it was made anew.
    made: u32,
}

impl Lives {
    pub fn new(attempts: u32) -> Mutex<Self> {
        Mutex::new(Self { left: attempts, wait: FIRST, since: Some(Instant::now()), made: 0 })
    }

    /// Takes one, and says how long to wait before it is used.
    fn take(&mut self, attempts: u32) -> Option<Duration> {
        if self.since.take().is_some_and(|since| since.elapsed() > STEADY) {
            (self.left, self.wait) = (attempts, FIRST);
        }
        self.left = self.left.checked_sub(1)?;
        let wait = self.wait;
        self.wait = wait.saturating_mul(LONGER);
        Some(wait)
    }
}

impl Client {
    /// Asks what may be asked twice, once more where the connection was lost and made anew. Nothing that was opened
    /// before may be asked for again.
    pub fn persistently<T>(&self, mut ask: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        loop {
            match ask() {
                Err(error) if self.revive(&error) => {}
                answer => return answer,
            }
        }
    }

    /// Makes a lost connection anew after an error of something that may be asked twice; says whether there is one. What
    /// was open is not: it must be opened once more.
    pub fn revive(&self, error: &io::Error) -> bool {
        Error::within(error).is_some_and(|error| self.revive_after(&error))
    }

    /// The same after an error that would end the run.
    pub fn revive_after(&self, error: &Error) -> bool {
        if error.kind() != ErrorKind::Connection {
            return false;
        }
        // Whoever comes first does it for all.
        let mut lives = self.lives.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match self.exchange.stage() {
                _ if self.exchange.is_stopped() => return false,
                Stage::Open => return true,
                Stage::Distrusted => return false,
                Stage::Greeting | Stage::Lost => {}
            }
            let Some(wait) = lives.take(self.ssh.most_attempts()) else { return false };
            if self.pause(wait) && self.connect_again().is_ok() {
                lives.since = Some(Instant::now());
                lives.made += 1;
            }
        }
    }

    /// How often the connection was made anew.
    pub fn revivals(&self) -> u32 {
        self.lives.lock().unwrap_or_else(PoisonError::into_inner).made
    }

    /// Waits; says whether nobody wants to stop.
    fn pause(&self, wait: Duration) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < wait && !self.exchange.is_stopped() {
            sleep(TICK.min(wait.saturating_sub(begun.elapsed())));
        }
        !self.exchange.is_stopped()
    }

    fn connect_again(&self) -> crate::error::Result<()> {
        let mut transport = self.transport.lock().unwrap_or_else(PoisonError::into_inner);
        // The program of the lost connection ends first.
        drop(transport.take());
        let mut command = self.ssh.to_command(&self.address)?;
        let name = self.address.canonical();
        *transport = Some(Transport::start(&mut command, !self.ssh.is_interactive(), &self.exchange, &name)?);
        let failed =
            |error: io::Error| Error::within(&error).unwrap_or_else(|| Error::io("connect to", &name, error));
        if greet(&self.exchange).map_err(failed)? != self.extensions() {
            return Err(failed(self.exchange.distrust(Malformed("it is another server than before"))));
        }
        self.exchange.open();
        Ok(())
    }
}

/// Greets the server; returns what it offers.
pub(super) fn greet(exchange: &std::sync::Arc<Exchange>) -> io::Result<Extensions> {
    let greeting = exchange.greet().and_then(Ticket::wait)?;
    let distrust = |malformed| exchange.distrust(malformed);
    if greeting.kind != kind::VERSION {
        return Err(distrust(Malformed("no greeting")));
    }
    let (version, offered) = reply::version(&greeting.body).map_err(distrust)?;
    if version < 3 {
        return Err(distrust(Malformed("it is older than version 3")));
    }
    Ok(Extensions::of(&offered))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_come_to_an_end_and_waits_grow() {
        let lives = Lives::new(3);
        let mut lives = lives.lock().unwrap();
        let waits: Vec<_> = (0..5).map(|_| lives.take(3).map(|wait| wait.as_millis())).collect();
        assert_eq!(waits, [Some(100), Some(300), Some(900), None, None]);
        if let Some(long_ago) = Instant::now().checked_sub(STEADY * 2) {
            lives.since = Some(long_ago);
            assert_eq!(lives.take(3), Some(FIRST), "it held");
            assert_eq!(lives.take(3), Some(FIRST * LONGER));
        }
    }
}
