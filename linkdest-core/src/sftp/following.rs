//! What is asked of a file or a directory as soon as it is open. Whoever reads the answers sends it: nobody has to wake up
//! in between.

use std::sync::Arc;

use super::budget::Share;
use super::exchange::Exchange;
use super::slot::{Slot, Ticket};
use super::wire::{Request, kind};

/// A request about something that is not open yet.
pub(super) struct Next {
    kind: u8,
    /// What comes behind the handle.
    rest: Vec<u8>,
    /// How many bytes of content its answer may have.
    content: usize,
}

impl Next {
    pub fn read(offset: u64, length: u32) -> Self {
        let rest = [&offset.to_be_bytes()[..], &length.to_be_bytes()].concat();
        Self { kind: kind::READ, rest, content: length as usize }
    }

    pub fn list() -> Self {
        Self { kind: kind::READDIR, rest: Vec::new(), content: 0 }
    }

    pub fn close() -> Self {
        Self { kind: kind::CLOSE, rest: Vec::new(), content: 0 }
    }

    /// The request, now that there is a handle.
    pub fn about(&self, handle: &[u8], connection: u64) -> Request {
        let request = Request::new(self.kind).on(connection).answered_by(self.content);
        request.string(handle).plain(&self.rest)
    }
}

/// What is asked once something is open. Who waits for that is told if it never is.
#[derive(Default)]
pub(super) struct Following {
    next: Vec<(Next, Arc<Slot>)>,
    /// Of what is open, where the last of them closes it.
    share: Option<Share>,
}

impl Following {
    /// Adds one; its answer is waited for as that of any other.
    pub fn add(&mut self, exchange: &Arc<Exchange>, next: Next) -> Ticket {
        let slot = Arc::new(Slot::new(next.about(&[], 0).longest()));
        self.next.push((next, Arc::clone(&slot)));
        Ticket { slot, exchange: Arc::clone(exchange) }
    }

    /// Closes what was opened, and gives its share back then.
    pub fn close(&mut self, share: Option<Share>) {
        let slot = Arc::new(Slot::new(Next::close().about(&[], 0).longest()));
        self.next.push((Next::close(), slot));
        self.share = share;
    }

    /// Hands all of them over to be sent.
    pub fn take(&mut self) -> Vec<(Next, Arc<Slot>)> {
        std::mem::take(&mut self.next)
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.next.iter().for_each(|(_, slot)| slot.lose());
    }
}
