//! Requests that wait to be written: together, as one by one they would cost all programs on the way far more.

use super::wire::Request;

/// Requests wait for others until they are so many bytes, or somebody waits for an answer.
const TOGETHER: usize = 16 << 10;

/// What is to be written to a connection.
#[derive(Default)]
pub(super) struct Outgoing {
    bytes: Vec<u8>,
    /// All of it is written now.
    flush: bool,
    writer_waits: bool,
}

impl Outgoing {
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Adds a request; says whether the thread that writes is to be woken.
    pub fn add(&mut self, request: &Request, id: u32) -> bool {
        request.write(id, &mut self.bytes);
        self.len() >= TOGETHER && std::mem::take(&mut self.writer_waits)
    }

    /// Has all of it written, since somebody waits for an answer; says whether the thread that writes is to be woken.
    pub fn flush(&mut self) -> bool {
        self.flush = !self.bytes.is_empty();
        self.flush && std::mem::take(&mut self.writer_waits)
    }

    /// Takes all of it, if it is to be written; with `last`, whatever there is. Otherwise the thread that writes waits.
    pub fn take(&mut self, last: bool, buffer: &mut Vec<u8>) -> bool {
        if self.bytes.is_empty() || !(last || self.flush || self.len() >= TOGETHER) {
            self.writer_waits = true;
            return false;
        }
        self.flush = false;
        std::mem::swap(&mut self.bytes, buffer);
        true
    }

    /// Forgets all of it.
    pub fn clear(&mut self) {
        (self.bytes, self.flush) = (Vec::new(), false);
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::kind;
    use super::*;

    #[test]
    fn requests_are_written_together_or_when_somebody_waits() {
        let request = Request::new(kind::LSTAT).string(&[b'x'; 1000]);
        let many = TOGETHER.div_ceil(request.len());
        let (mut outgoing, mut buffer) = (Outgoing::default(), Vec::new());
        let mut take = |outgoing: &mut Outgoing, last| {
            buffer.clear();
            outgoing.take(last, &mut buffer).then_some(buffer.len() / request.len())
        };
        assert!(!outgoing.flush());
        assert_eq!(take(&mut outgoing, true), None);
        let woken: Vec<_> = (1..=2 * many).filter(|_| outgoing.add(&request, 7)).collect();
        assert_eq!(woken, [many], "once, when they are enough");
        assert_eq!(take(&mut outgoing, false), Some(2 * many));
        for last in [false, true] {
            assert!(!outgoing.add(&request, 7));
            assert_eq!(take(&mut outgoing, last), last.then_some(2));
        }
        assert!(!outgoing.add(&request, 7));
        assert_eq!(take(&mut outgoing, false), None);
        assert!(outgoing.flush() && !outgoing.flush(), "it is woken once");
        assert_eq!(take(&mut outgoing, false), Some(1));
        assert!(!outgoing.add(&request, 7));
        assert_eq!(take(&mut outgoing, false), None, "one flush is for what was there");
        outgoing.clear();
        assert_eq!((outgoing.len(), take(&mut outgoing, true)), (0, None));
    }
}
