//! How often a source is saved, and how much is new each time.

use crate::entry::Timestamp;
use crate::repository::{Group, RunRecord, Snapshot};

/// So many runs tell how it goes on.
const RUNS: usize = 8;
pub(super) const DAY: i64 = 86_400;

/// How fast a repository grows: the content that was new in the last runs of each source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    bytes_per_day: u64,
    runs: u64,
}

impl Pace {
    /// The bytes of new content in a day.
    #[must_use]
    pub fn bytes_per_day(&self) -> u64 {
        self.bytes_per_day
    }

    /// How many runs tell it.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.runs
    }
}

/// Adds up what is new in a day, of all sources that are still saved.
pub(super) fn pace(groups: &[Group], now: Timestamp) -> Option<Pace> {
    let mut pace = Pace { bytes_per_day: 0, runs: 0 };
    for group in groups.iter().filter(|group| is_active(group, now)) {
        let last: Vec<&Snapshot> =
            group.decisions().iter().rev().take(RUNS).map(|one| one.snapshot()).collect();
        // The oldest of them only tells when the time began.
        let Some((oldest, new)) = last.split_last() else { continue };
        let Some(newest) = new.first() else { continue };
        let seconds = newest.started().seconds.saturating_sub(oldest.started().seconds);
        let Some(seconds) = u64::try_from(seconds).ok().filter(|seconds| *seconds > 0) else { continue };
        let bytes = |snapshot: &&Snapshot| snapshot.record().map_or(0, |record| record.counts().bytes_copied);
        let bytes: u128 = new.iter().map(|snapshot| u128::from(bytes(snapshot))).sum();
        let day = bytes.saturating_mul(86_400) / u128::from(seconds);
        pace.bytes_per_day = pace.bytes_per_day.saturating_add(u64::try_from(day).unwrap_or(u64::MAX));
        pace.runs += new.len() as u64;
    }
    (pace.runs > 0).then_some(pace)
}

/// How many seconds lie between two runs of a source, mostly; a day where nothing tells.
pub(super) fn interval(group: &Group) -> i64 {
    let starts: Vec<i64> = group.decisions().iter().rev().take(2 * RUNS).map(started).collect();
    let gaps = starts.iter().zip(starts.iter().skip(1)).map(|(newer, older)| newer.saturating_sub(*older));
    let mut gaps: Vec<i64> = gaps.filter(|gap| *gap > 0).collect();
    gaps.sort_unstable();
    gaps.get(gaps.len() / 2).copied().unwrap_or(DAY)
}

/// Says whether a source is still saved: its newest snapshot is not older than a few times the usual.
pub(super) fn is_active(group: &Group, now: Timestamp) -> bool {
    let age = |newest: i64| now.seconds.saturating_sub(newest);
    let patience = interval(group).saturating_mul(5).max(2 * DAY);
    group.decisions().last().is_some_and(|newest| age(started(newest)) <= patience)
}

fn started(decision: &crate::repository::Decision) -> i64 {
    let record = decision.snapshot().record();
    record.map_or_else(|| decision.snapshot().started(), RunRecord::started).seconds
}
