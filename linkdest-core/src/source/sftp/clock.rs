//! How slow the clock of a server is, as far as it shows.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::sftp::Attributes;

/// What is known of the clock of a server. It shows where listing a directory sets the time of access of that: `relatime`
/// does so for a directory that changed, or was not listed for a day.
#[derive(Debug)]
pub(super) struct Clock {
    /// By at most so many seconds it is slow; [`UNKNOWN`] before it showed.
    lag: AtomicI64,
}

const UNKNOWN: i64 = i64::MAX;

impl Default for Clock {
    fn default() -> Self {
        Self { lag: AtomicI64::new(UNKNOWN) }
    }
}

impl Clock {
    /// Takes note of what a directory told before it was listed, and tells since.
    pub fn note(&self, before: &Attributes, since: &Attributes) {
        let accessed = |told: &Attributes| told.times.map(|(accessed, _)| i64::from(accessed));
        let (Some(before), Some(since)) = (accessed(before), accessed(since)) else { return };
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let Some(now) = now.ok().and_then(|now| i64::try_from(now.as_secs()).ok()) else { return };
        if since > before {
            self.lag.fetch_min((now + 1 - since).max(0), Ordering::Relaxed);
        }
    }

    /// By how many seconds it is slow at most, if that showed.
    pub fn lag(&self) -> Option<i64> {
        Some(self.lag.load(Ordering::Relaxed)).filter(|&lag| lag != UNKNOWN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_shows_where_a_time_of_access_was_set() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let at = |ago: u64| Attributes {
            times: Some((u32::try_from(now - ago).unwrap(), 1)),
            ..Attributes::default()
        };
        let clock = Clock::default();
        for (before, since) in [(90, 90), (70, 80)] {
            clock.note(&at(before), &at(since));
        }
        clock.note(&Attributes::default(), &at(0));
        assert_eq!(clock.lag(), None);
        clock.note(&at(90_000), &at(600));
        assert!(clock.lag().is_some_and(|lag| (600..610).contains(&lag)));
        clock.note(&at(90_000), &at(60));
        assert!(clock.lag().is_some_and(|lag| (60..70).contains(&lag)));
        clock.note(&at(90), &Attributes { times: Some((u32::MAX, 1)), ..at(0) });
        assert_eq!(clock.lag(), Some(0));
    }
}
