//! Requests that wait to be written: few large writes are far less work on both sides than many small ones.

use super::wire::Request;

/// So much is written without waiting for more, in bytes.
const MUCH: usize = 32 << 10;

/// What waits to be written.
#[derive(Default)]
pub(super) struct Outgoing {
    bytes: Vec<u8>,
    /// How many requests that is.
    requests: usize,
    /// Who writes waits for some, and was not woken yet.
    writer_waits: bool,
}

impl Outgoing {
    /// Adds a request; says whether who writes is to be woken.
    pub fn add(&mut self, request: &Request, id: u32) -> bool {
        request.write(id, &mut self.bytes);
        self.requests += 1;
        (!request.is_held() || self.bytes.len() >= MUCH) && self.wake()
    }

    /// Says whether who writes is to be woken, since there is something.
    pub fn wake(&mut self) -> bool {
        !self.bytes.is_empty() && std::mem::take(&mut self.writer_waits)
    }

    /// Hands over all that there is, for an empty buffer; says whether there was anything. Who writes waits otherwise.
    pub fn take(&mut self, buffer: &mut Vec<u8>) -> bool {
        self.writer_waits = self.bytes.is_empty();
        self.requests = 0;
        std::mem::swap(&mut self.bytes, buffer);
        !self.writer_waits
    }

    /// In bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    pub fn requests(&self) -> usize {
        self.requests
    }

    /// Drops what nobody writes any more.
    pub fn clear(&mut self) {
        (self.bytes, self.requests) = (Vec::new(), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::kind;
    use super::*;

    #[test]
    fn who_writes_is_woken_once_and_for_held_requests_when_they_are_many() {
        let mut outgoing = Outgoing::default();
        let mut buffer = Vec::new();
        assert!(!outgoing.take(&mut buffer) && !outgoing.wake());
        let held = || Request::new(kind::LSTAT).string(&[b'a'; 87]).held();
        assert!(!outgoing.add(&held(), 1));
        assert!(outgoing.wake() && !outgoing.wake());
        assert_eq!((outgoing.requests(), outgoing.len()), (1, 100));
        assert!(outgoing.take(&mut buffer));
        assert_eq!((outgoing.requests(), outgoing.len(), buffer.len()), (0, 0, 100));
        buffer.clear();
        assert!(!outgoing.take(&mut buffer));
        let woken = (0..1000).filter(|id| outgoing.add(&held(), *id)).collect::<Vec<_>>();
        assert_eq!(woken, [u32::try_from(MUCH / 100).unwrap()]);
        assert!(outgoing.take(&mut buffer));
        buffer.clear();
        assert!(!outgoing.take(&mut buffer));
        assert!(outgoing.add(&Request::new(kind::LSTAT), 1), "it is not held");
    }
}
