//! Reading no faster than asked, and telling on the way how far it is.

use std::cell::RefCell;
use std::io;
use std::time::{Duration, Instant};

use super::watch::Watch;
use crate::entry::Metadata;
use crate::monitor::StopFlag;
use crate::os::{File, XattrBuffer};
use crate::policy::attributes::Reach;
use crate::source::{KnownXattrs, SourceFile};

/// A pause is cut into pieces of this length, to hear of a wish to stop.
const NAP: Duration = Duration::from_millis(50);

/// How many bytes may pass in a second.
#[derive(Debug)]
pub(super) struct Throttle {
    per_second: Option<u64>,
    /// When the bytes so far have had their time.
    due: Option<Instant>,
}

impl Throttle {
    pub fn new(per_second: Option<u64>) -> Self {
        Self { per_second: per_second.map(|bytes| bytes.max(1)), due: None }
    }

    /// How long to wait after so many bytes. What was not used while nothing was read is not saved up.
    fn pause(&mut self, bytes: u64, now: Instant) -> Duration {
        let Some(per_second) = self.per_second else { return Duration::ZERO };
        let takes = Duration::from_secs_f64(bytes as f64 / per_second as f64);
        let due = self.due.filter(|due| *due > now).unwrap_or(now) + takes;
        self.due = Some(due);
        due - now
    }
}

/// A file that is read within the limit.
pub(super) struct Throttled<'t> {
    pub file: &'t File,
    pub throttle: &'t RefCell<Throttle>,
    pub watch: &'t Watch<'t>,
    pub stop: &'t StopFlag,
}

impl Throttled<'_> {
    fn rest(&self, pause: Duration) {
        let end = Instant::now() + pause;
        while !self.stop.is_stopped() {
            self.watch.tick();
            match end.saturating_duration_since(Instant::now()) {
                Duration::ZERO => break,
                left => std::thread::sleep(left.min(NAP)),
            }
        }
    }
}

impl SourceFile for Throttled<'_> {
    fn stat(&self) -> io::Result<Metadata> {
        self.file.stat()
    }

    fn xattrs(&self, reach: &Reach, buffer: &mut XattrBuffer) -> io::Result<KnownXattrs> {
        SourceFile::xattrs(self.file, reach, buffer)
    }

    fn local(&self) -> Option<&File> {
        Some(self.file)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let read = self.file.read_at(buffer, offset)?;
        let pause = self.throttle.borrow_mut().pause(read as u64, Instant::now());
        self.rest(pause);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_take_their_time_and_idle_time_is_lost() {
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let mut throttle = Throttle::new(Some(100));
        for (bytes, now, pause) in [(100, 0, 1), (300, 0, 4), (100, 4, 1), (100, 1000, 1), (0, 1000, 1)] {
            assert_eq!(throttle.pause(bytes, at(now)), Duration::from_secs(pause), "{bytes} at {now}");
        }
        assert_eq!(Throttle::new(None).pause(u64::MAX, start), Duration::ZERO);
        assert_eq!(Throttle::new(Some(0)).pause(2, start), Duration::from_secs(2));
    }
}
