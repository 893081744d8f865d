//! Requests that leave together with what comes next: of many small ones, few large packets.
//!
//! They leave when there are many of them, with the next request that does not wait, when somebody waits for an answer, and
//! with [`Client::push`]: who does something else before it waits pushes them first.

use super::asked::{self, Asked};
use super::attributes::Attributes;
use super::budget::Share;
use super::client::{self, Client, Handle};
use super::following::{Following, Next};
use super::reply::{Data, Names};
use super::wire::Request;

/// How much of a file was asked for, and the answer to that.
pub(crate) type Part = (usize, Asked<Option<Data>>);

/// Asks without haste.
#[derive(Clone, Copy)]
pub(crate) struct Together<'c>(&'c Client);

impl Client {
    /// Asks for what may leave together with what is asked for next.
    pub fn together(&self) -> Together<'_> {
        Together(self)
    }

    /// Has what was asked for together leave.
    pub fn push(&self) {
        self.exchange.push();
    }
}

impl Together<'_> {
    /// See [`Client::open`].
    pub fn open(self, path: &[u8]) -> Asked<Handle> {
        self.0.ask_to_open(client::opening_to_read(path).held())
    }

    /// Opens a file, reads those parts of it, and closes it. `share` is given back when it is closed.
    pub fn open_and_read(
        self,
        path: &[u8],
        parts: impl Iterator<Item = (u64, usize)>,
        share: Share,
    ) -> (Asked<Handle>, Vec<Part>) {
        let (exchange, mut following) = (&self.0.exchange, Following::default());
        let parts = parts.map(|(offset, length)| {
            let ticket = following.add(exchange, Next::read(offset, client::number(length)));
            (length, Asked::new(exchange, Ok(ticket), move |raw| asked::data(raw, length)))
        });
        let parts = parts.collect();
        following.close(Some(share));
        (self.open_ahead(client::opening_to_read(path), following), parts)
    }

    /// Opens a directory, and reads so many parts of its listing. With a share it is closed behind those, and the share given
    /// back.
    pub fn open_and_list(
        self,
        path: &[u8],
        parts: usize,
        share: Option<Share>,
    ) -> (Asked<Handle>, Vec<Asked<Option<Names>>>) {
        let (exchange, mut following) = (&self.0.exchange, Following::default());
        let parts = (0..parts).map(|_| following.add(exchange, Next::list()));
        let parts = parts.map(|ticket| Asked::new(exchange, Ok(ticket), asked::names)).collect();
        if share.is_some() {
            following.close(share);
        }
        (self.open_ahead(client::opening_to_list(path), following), parts)
    }

    fn open_ahead(self, request: Request, following: Following) -> Asked<Handle> {
        let (client, exchange) = (self.0, &self.0.exchange);
        let connection = exchange.connection();
        let request = request.held();
        let sent = client.check(&request).and_then(|()| exchange.send_ahead(&request, following));
        Asked::new(exchange, sent, move |raw| client::opened_on(raw, connection))
    }

    /// See [`Client::lstat`].
    pub fn lstat(self, path: &[u8]) -> Asked<Attributes> {
        self.0.ask(client::looking(path).held(), asked::attributes)
    }

    /// See [`Client::close`].
    pub fn close(self, handle: &Handle) -> Asked<()> {
        self.0.ask(client::closing(handle).held(), asked::done)
    }
}
