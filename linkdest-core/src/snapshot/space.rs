//! Space in the repository: looked at before content is copied, so that a run ends before the disk is full.

use std::io;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::monitor::{Event, Monitor, Notice};
use crate::os::Dir;

/// So many bytes are copied at most, by all workers, before somebody looks again.
const STEP: u64 = 64 << 20;
/// What a file takes besides its content, give or take.
const EACH: u64 = 4096;
/// No more than this is kept free unless it is asked for.
const MOST_RESERVED: u64 = 1 << 30;

/// The bytes that stay free on a file system of so many, if nothing else was asked for: a hundredth, and 1 GiB at most.
pub(super) fn reserve_of(total: u64) -> u64 {
    (total / 100).min(MOST_RESERVED)
}

/// What is available and what must stay so, in bytes; `None` where the file system does not tell.
fn room(dir: &Dir, reserve: Option<u64>) -> Option<(u64, u64)> {
    let (total, available) = dir.space().ok()?;
    // Some network file systems say zero of everything.
    (total > 0).then(|| (available, reserve.unwrap_or_else(|| reserve_of(total))))
}

/// Watches over the free space while content is copied.
#[derive(Debug)]
pub(super) struct Space {
    reserve: Option<u64>,
    /// How many bytes may be copied before somebody looks.
    left: AtomicI64,
}

impl Space {
    pub fn new(reserve: Option<u64>) -> Self {
        Self { reserve, left: AtomicI64::new(0) }
    }

    /// Says that so many bytes are about to be written.
    ///
    /// # Errors
    /// If less than the reserve would be left.
    pub fn take(&self, bytes: u64, repository: &Dir) -> io::Result<()> {
        let bytes = bytes.saturating_add(EACH);
        let step = i64::try_from(bytes).unwrap_or(i64::MAX);
        let enough = |left: i64| left.checked_sub(step).filter(|left| *left >= 0);
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, enough).is_ok() {
            return Ok(());
        }
        let Some((available, reserve)) = room(repository, self.reserve) else { return Ok(()) };
        let after = available.saturating_sub(reserve).checked_sub(bytes);
        let Some(after) = after else { return Err(too_little(bytes, available, reserve)) };
        // The closer the end, the more often: others write there as well.
        self.left.store(i64::try_from(STEP.min(after / 4)).unwrap_or_default(), Ordering::Relaxed);
        Ok(())
    }
}

fn too_little(bytes: u64, available: u64, reserve: u64) -> io::Error {
    let missing = bytes.saturating_add(reserve).saturating_sub(available);
    let message = format!(
        "too little space: the next file needs {bytes} bytes, {available} are available, and {reserve} must stay free \
         (--reserve): {missing} are missing; `forget --free-space` makes room"
    );
    io::Error::new(io::ErrorKind::StorageFull, message)
}

/// Says after a dry run that what it would copy does not fit.
pub(super) fn warn(dir: &Dir, reserve: Option<u64>, needed: u64, monitor: &dyn Monitor) {
    if let Some((available, reserve)) = room(dir, reserve)
        && needed > 0
        && needed.saturating_add(reserve) > available
    {
        monitor.event(&Event::Notice(Notice::TooLittleSpace { needed, available, reserve }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundredth_stays_free_and_no_more_than_a_gigabyte() {
        for (total, reserve) in [(0, 0), (32 << 20, 335_544), (100 << 30, 1 << 30), (8 << 40, 1 << 30)] {
            assert_eq!(reserve_of(total), reserve);
        }
    }

    #[test]
    fn nothing_is_begun_that_would_take_the_reserve() {
        let dir = Dir::open_operator_path(std::path::Path::new(".")).unwrap();
        let (_, available) = dir.space().unwrap();
        let space = Space::new(Some(0));
        assert!(space.take(1, &dir).is_ok());
        // What was looked at is trusted for a while.
        assert!(space.left.load(Ordering::Relaxed) > 0);
        for bytes in [u64::MAX, available + (1 << 40)] {
            assert_eq!(space.take(bytes, &dir).unwrap_err().kind(), io::ErrorKind::StorageFull);
        }
        let error = Space::new(Some(u64::MAX)).take(1, &dir).unwrap_err();
        assert!(error.to_string().contains("forget --free-space"), "{error}");
    }
}
