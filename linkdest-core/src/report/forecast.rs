//! What keep rules do now, and will do if runs go on as often as they did.

use std::collections::HashMap;

use super::rhythm::{DAY, interval, is_active};
use crate::entry::Timestamp;
use crate::error::Result;
use crate::repository::{Group, Repository, Snapshot, SnapshotName, plan_retention};
use crate::retention::{Candidate, KeepReason, KeepRules};

/// How far it looks ahead, in days.
const DAYS: i64 = 400;
/// No more runs of a source are thought of.
const RUNS: i64 = 1000;

/// What becomes of one snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fate {
    snapshot: SnapshotName,
    reasons: Vec<KeepReason>,
    goes: Option<Timestamp>,
}

impl Fate {
    /// The snapshot.
    #[must_use]
    pub fn snapshot(&self) -> &SnapshotName {
        &self.snapshot
    }

    /// Why it is kept now; nothing if it is not.
    #[must_use]
    pub fn reasons(&self) -> &[KeepReason] {
        &self.reasons
    }

    /// When it will no longer be kept: the time of the report if it is not kept now; `None` if that is not foreseen.
    #[must_use]
    pub fn goes(&self) -> Option<Timestamp> {
        self.goes
    }
}

/// What keep rules do with the snapshots of a repository: see [`Report::forecast`](super::Report::forecast).
///
/// It is assumed that each source goes on being saved as often as in its last runs, and that nothing is pinned, unpinned
/// or suspect that is not now. A source that is not saved any more keeps what it has.
#[derive(Debug, Clone)]
pub struct Forecast {
    rules: KeepRules,
    made: Timestamp,
    until: Timestamp,
    freed: u64,
    fates: Vec<Fate>,
}

impl Forecast {
    /// The rules.
    #[must_use]
    pub fn rules(&self) -> &KeepRules {
        &self.rules
    }

    /// How far ahead it was looked.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// The bytes on disk that forgetting would free now.
    #[must_use]
    pub fn freed_bytes(&self) -> u64 {
        self.freed
    }

    /// What becomes of each snapshot, the oldest run first.
    #[must_use]
    pub fn fates(&self) -> &[Fate] {
        &self.fates
    }

    /// The snapshots that no rule keeps now.
    pub fn goes_now(&self) -> impl Iterator<Item = &SnapshotName> {
        self.fates.iter().filter(|fate| fate.reasons.is_empty()).map(Fate::snapshot)
    }

    /// How many of today's snapshots will be left so many days after the report; `None` if that is too far ahead.
    #[must_use]
    pub fn left_after(&self, days: u32) -> Option<usize> {
        let time = self.made.seconds.checked_add(i64::from(days) * DAY)?;
        let left = |fate: &&Fate| fate.goes.is_none_or(|goes| goes.seconds > time);
        (time <= self.until.seconds).then(|| self.fates.iter().filter(left).count())
    }
}

pub(super) fn forecast(
    repository: &Repository,
    snapshots: &[Snapshot],
    groups: &[Group],
    rules: &KeepRules,
    now: Timestamp,
) -> Result<Forecast> {
    let plan = plan_retention(snapshots.to_vec(), rules)?;
    let freed = repository.freed_by(&plan.removed())?;
    let mut until = now.seconds.saturating_add(DAYS * DAY);
    for group in groups.iter().filter(|group| is_active(group, now)) {
        until = until.min(now.seconds.saturating_add(interval(group).saturating_mul(RUNS)));
    }
    let mut fates = HashMap::new();
    for group in &plan.groups {
        let decisions = group.decisions();
        let oldest_first: Vec<Candidate> = decisions.iter().map(|one| candidate(one.snapshot())).collect();
        let interval = is_active(group, now).then(|| interval(group));
        let goes = ends(rules, &oldest_first, interval, now.seconds, until)?;
        for (one, goes) in decisions.iter().zip(goes) {
            let goes = goes.map(|seconds| Timestamp { seconds, nanos: 0 });
            let (snapshot, reasons) = (one.snapshot().name().clone(), one.reasons().to_vec());
            fates.insert(snapshot.clone(), Fate { snapshot, reasons, goes });
        }
    }
    let fates = snapshots.iter().filter_map(|snapshot| fates.remove(snapshot.name())).collect();
    let until = Timestamp { seconds: until, nanos: 0 };
    Ok(Forecast { rules: rules.clone(), made: now, until, freed, fates })
}

fn candidate(snapshot: &Snapshot) -> Candidate {
    Candidate { started: snapshot.started(), suspect: snapshot.is_suspect(), pinned: snapshot.is_pinned() }
}

/// When each snapshot of a source goes, in seconds: the rules are asked now and after each run to come.
fn ends(
    rules: &KeepRules,
    oldest_first: &[Candidate],
    interval: Option<i64>,
    now: i64,
    until: i64,
) -> Result<Vec<Option<i64>>> {
    let mut ends = vec![None; oldest_first.len()];
    // Newest first; those to come have no index.
    let mut there: Vec<(Option<usize>, Candidate)> =
        oldest_first.iter().enumerate().rev().map(|(index, one)| (Some(index), *one)).collect();
    let mut sort_out = |there: &mut Vec<(Option<usize>, Candidate)>, time: i64| -> Result<()> {
        let candidates: Vec<Candidate> = there.iter().map(|(_, one)| *one).collect();
        let mut reasons = rules.decide(&candidates)?.into_iter();
        there.retain(|(index, _)| {
            let kept = reasons.next().is_some_and(|reasons| !reasons.is_empty());
            if let (false, Some(end)) = (kept, index.and_then(|index| ends.get_mut(index))) {
                *end = Some(time);
            }
            kept
        });
        Ok(())
    };
    sort_out(&mut there, now)?;
    if let (Some(interval), Some(newest)) = (interval, oldest_first.last()) {
        let mut time = newest.started.seconds;
        while there.iter().any(|(index, one)| index.is_some() && !one.pinned) {
            time = time.saturating_add(interval);
            if time > until {
                break;
            }
            if time > now {
                let started = Timestamp { seconds: time, nanos: 0 };
                there.insert(0, (None, Candidate { started, ..Candidate::default() }));
                sort_out(&mut there, time)?;
            }
        }
    }
    Ok(ends)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(rules: KeepRules, snapshots: &[i64], interval: Option<i64>, now: i64) -> Vec<Option<i64>> {
        let at = |day: &i64| Candidate {
            started: Timestamp { seconds: day * DAY, nanos: 0 },
            ..Candidate::default()
        };
        let candidates: Vec<_> = snapshots.iter().map(at).collect();
        let rules = rules.time_zone("UTC");
        let ends = ends(&rules, &candidates, interval.map(|days| days * DAY), now * DAY, 100 * DAY).unwrap();
        ends.into_iter().map(|end| end.map(|end| end / DAY)).collect()
    }

    #[test]
    fn the_rules_are_asked_after_each_run_to_come() {
        let rules = KeepRules::default;
        for (rules, snapshots, interval, now, ends) in [
            (rules().last(2), &[7, 8, 9][..], Some(1), 9, &[Some(9), Some(10), Some(11)][..]),
            (rules().last(2), &[7, 8, 9], Some(10), 9, &[Some(9), Some(19), Some(29)]),
            // Nothing comes any more: what is kept now stays.
            (rules().last(2), &[7, 8, 9], None, 9, &[Some(9), None, None]),
            (rules().daily(3), &[7, 8, 9], Some(1), 9, &[Some(10), Some(11), Some(12)]),
            (rules().last(200), &[7, 8, 9], Some(1), 9, &[None, None, None]),
            // A run that was missed until now is not thought of; the next one is.
            (rules().last(1), &[2, 3], Some(1), 6, &[Some(6), Some(7)]),
            (rules().last(1), &[], Some(1), 6, &[]),
        ] {
            assert_eq!(days(rules.clone(), snapshots, interval, now), ends, "{rules} {snapshots:?}");
        }
    }

    #[test]
    fn what_is_pinned_never_goes() {
        let pinned = Candidate { pinned: true, ..Candidate::default() };
        let ends = ends(&KeepRules::default().last(1), &[pinned], Some(DAY), 0, 10 * DAY).unwrap();
        assert_eq!(ends, [None]);
    }
}
