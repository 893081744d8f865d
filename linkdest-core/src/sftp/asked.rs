//! A request that was sent and what its answer means. Who wants many on their way asks first and waits later.

#![expect(clippy::needless_pass_by_value, reason = "an answer is handed over whole to what reads it")]

use std::io;
use std::sync::Arc;

use super::attributes::Attributes;
use super::exchange::Exchange;
use super::reply::{self, Data, Malformed, Names, Raw, Status};
use super::slot::Ticket;
use super::wire::kind;
use crate::os::errno;
use crate::path::Escaped;

/// What an answer means: a value, or what the server refuses.
type Meaning<T> = Result<io::Result<T>, Malformed>;

/// A request that was sent.
#[must_use = "an answer that nobody waits for tells nobody of its error"]
pub(crate) struct Asked<T> {
    sent: io::Result<Ticket>,
    exchange: Arc<Exchange>,
    meaning: Box<dyn FnOnce(Raw) -> Meaning<T> + Send>,
}

impl<T> Asked<T> {
    pub(super) fn new(
        exchange: &Arc<Exchange>,
        sent: io::Result<Ticket>,
        meaning: impl FnOnce(Raw) -> Meaning<T> + Send + 'static,
    ) -> Self {
        Self { sent, exchange: Arc::clone(exchange), meaning: Box::new(meaning) }
    }

    /// Says whether waiting would take no time.
    pub fn is_ready(&self) -> bool {
        self.sent.as_ref().map_or(true, Ticket::is_ready)
    }

    /// Waits until the answer is there, or will never be.
    pub fn rest(&self) {
        // Whoever waits for the answer hears of an error.
        let _ = self.sent.as_ref().map(Ticket::rest);
    }

    /// Waits for the answer.
    ///
    /// # Errors
    /// What the server says; or what ends the run ([`crate::error::Error::within`]): a lost connection, a server that
    /// breaks the protocol, the wish to stop.
    pub fn wait(self) -> io::Result<T> {
        let raw = self.sent?.wait()?;
        (self.meaning)(raw).unwrap_or_else(|malformed| Err(self.exchange.distrust(malformed)))
    }
}

/// The error that a status stands for.
fn refusal(status: &Status) -> io::Error {
    let said = || Escaped(&status.message).to_string();
    match status.code {
        Status::NO_SUCH_FILE => errno::absent(),
        Status::PERMISSION_DENIED => errno::denied(),
        Status::UNSUPPORTED => io::Error::new(io::ErrorKind::Unsupported, "the server does not do this"),
        Status::BAD_MESSAGE => {
            io::Error::new(io::ErrorKind::InvalidInput, "the server does not take this, or not that long")
        }
        Status::OK | Status::EOF => io::ErrorKind::UnexpectedEof.into(),
        Status::NO_CONNECTION | Status::CONNECTION_LOST => io::Error::new(
            io::ErrorKind::NotConnected,
            format!("the server has lost its connection: {}", said()),
        ),
        code if status.message.is_empty() => io::Error::other(format!("the server refuses (code {code})")),
        _ => io::Error::other(format!("the server refuses: {}", said())),
    }
}

fn refused<T>(body: &[u8]) -> Meaning<T> {
    let status = Status::read(body)?;
    match status.code {
        Status::OK => Err(Malformed("a plain success where more was asked for")),
        _ => Ok(Err(refusal(&status))),
    }
}

const OTHER: Malformed = Malformed("an answer to another question");

/// A request that only succeeds or fails.
pub(super) fn done(raw: Raw) -> Meaning<()> {
    if raw.kind != kind::STATUS {
        return Err(OTHER);
    }
    let status = Status::read(&raw.body)?;
    Ok(if status.code == Status::OK { Ok(()) } else { Err(refusal(&status)) })
}

pub(super) fn handle(raw: Raw) -> Meaning<Vec<u8>> {
    match raw.kind {
        kind::HANDLE => Ok(Ok(reply::handle(&raw.body)?)),
        kind::STATUS => refused(&raw.body),
        _ => Err(OTHER),
    }
}

pub(super) fn attributes(raw: Raw) -> Meaning<Attributes> {
    match raw.kind {
        kind::ATTRS => Ok(Ok(reply::attributes(&raw.body)?)),
        kind::STATUS => refused(&raw.body),
        _ => Err(OTHER),
    }
}

pub(super) fn path(raw: Raw) -> Meaning<Vec<u8>> {
    match raw.kind {
        kind::NAME => Ok(Ok(reply::path(&raw.body)?)),
        kind::STATUS => refused(&raw.body),
        _ => Err(OTHER),
    }
}

/// Some bytes, or `None` at the end of the file.
pub(super) fn data(raw: Raw, most: usize) -> Meaning<Option<Data>> {
    match raw.kind {
        kind::DATA => Ok(Ok(Some(Data::read(raw.body, most)?))),
        kind::STATUS => or_end(&raw.body),
        _ => Err(OTHER),
    }
}

/// Some names, or `None` at the end of the directory.
pub(super) fn names(raw: Raw) -> Meaning<Option<Names>> {
    match raw.kind {
        kind::NAME => Ok(Ok(Some(Names::of_directory(raw.body)?))),
        kind::STATUS => or_end(&raw.body),
        _ => Err(OTHER),
    }
}

fn or_end<T>(body: &[u8]) -> Meaning<Option<T>> {
    match Status::read(body)?.code {
        Status::EOF => Ok(Ok(None)),
        _ => refused(body),
    }
}

/// What an extension answers.
pub(super) fn extended<T>(raw: Raw, read: impl FnOnce(&[u8]) -> Result<T, Malformed>) -> Meaning<T> {
    match raw.kind {
        kind::EXTENDED_REPLY => Ok(Ok(read(&raw.body)?)),
        kind::STATUS => refused(&raw.body),
        _ => Err(OTHER),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(code: u32) -> Raw {
        Raw { kind: kind::STATUS, body: [&code.to_be_bytes()[..], b"\0\0\0\x02no\0\0\0\0"].concat() }
    }

    #[test]
    fn statuses_become_errors_that_the_rest_knows() {
        for (code, kind) in [
            (Status::NO_SUCH_FILE, io::ErrorKind::NotFound),
            (Status::PERMISSION_DENIED, io::ErrorKind::PermissionDenied),
            (Status::UNSUPPORTED, io::ErrorKind::Unsupported),
            (4, io::ErrorKind::Other),
            (99, io::ErrorKind::Other),
            (Status::EOF, io::ErrorKind::UnexpectedEof),
        ] {
            assert_eq!(attributes(status(code)).unwrap().unwrap_err().kind(), kind, "{code}");
        }
        assert!(errno::is_absent(&attributes(status(2)).unwrap().unwrap_err()));
        assert_eq!(done(status(4)).unwrap().unwrap_err().to_string(), "the server refuses: no");
    }

    #[test]
    fn answers_to_other_questions_are_not_believed() {
        assert!(done(status(Status::OK)).unwrap().is_ok());
        assert!(handle(status(Status::OK)).is_err());
        assert!(names(status(Status::EOF)).unwrap().unwrap().is_none());
        assert!(data(status(Status::EOF), 9).unwrap().unwrap().is_none());
        let other = || Raw { kind: kind::DATA, body: b"\0\0\0\x01a".to_vec() };
        assert!(done(other()).is_err() && handle(other()).is_err() && names(other()).is_err());
        assert!(path(other()).is_err() && attributes(other()).is_err());
        assert!(data(other(), 0).is_err() && data(other(), 1).unwrap().unwrap().is_some());
    }
}
