//! Which snapshots are kept: rules with restic's meaning. Pure; dates are those of a time zone's calendar.

mod age;
mod period;
#[cfg(test)]
mod tests;

pub use age::{Age, InvalidAge};

use std::fmt;

use jiff::Zoned;
use jiff::tz::TimeZone;

use crate::entry::Timestamp;
use crate::error::{Error, Result};
use period::{Counter, Period};

/// Why a snapshot is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum KeepReason {
    /// It is one of the last.
    Last,
    /// It is the last one of its hour.
    Hourly,
    /// It is the last one of its day.
    Daily,
    /// It is the last one of its week, which begins on Monday.
    Weekly,
    /// It is the last one of its month.
    Monthly,
    /// It is the last one of its year.
    Yearly,
    /// It is young enough.
    Within,
    /// It is pinned.
    Pinned,
    /// It is the newest good one of its source.
    NewestGood,
    /// There is space enough without removing it.
    EnoughSpace,
}

impl KeepReason {
    /// The word for the reason in JSON.
    ///
    /// ```
    /// assert_eq!(linkdest_core::KeepReason::NewestGood.as_str(), "newest_good");
    /// ```
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::Hourly => "hourly",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Yearly => "yearly",
            Self::Within => "within",
            Self::Pinned => "pinned",
            Self::NewestGood => "newest_good",
            Self::EnoughSpace => "enough_space",
        }
    }
}

impl fmt::Display for KeepReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.as_str().replace('_', " "))
    }
}

/// What the rules look at in a snapshot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Candidate {
    /// When its run started.
    pub started: Timestamp,
    /// Nobody is sure that it is what it should be. It is no good one, and it takes no other one's place.
    pub suspect: bool,
    /// It is kept whatever the rules say.
    pub pinned: bool,
}

/// Which snapshots of one source are kept.
///
/// Each rule keeps the newest snapshot of each of so many periods that have one. What one rule keeps no other removes.
///
/// ```
/// use linkdest_core::{Candidate, KeepReason, KeepRules, Timestamp};
/// let hour = 3600;
/// let at = |seconds| Candidate { started: Timestamp { seconds, nanos: 0 }, ..Candidate::default() };
/// let newest_first = [at(50 * hour), at(49 * hour), at(2 * hour), at(hour)];
/// let rules = KeepRules::default().last(1).daily(2).time_zone("UTC");
/// let reasons = rules.decide(&newest_first)?;
/// assert_eq!(reasons[0], [KeepReason::Last, KeepReason::Daily, KeepReason::NewestGood]);
/// assert_eq!(reasons[1], []);
/// assert_eq!(reasons[2], [KeepReason::Daily]);
/// assert_eq!(reasons[3], []);
/// # Ok::<(), linkdest_core::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeepRules {
    last: u32,
    hourly: u32,
    daily: u32,
    weekly: u32,
    monthly: u32,
    yearly: u32,
    within: Option<Age>,
    zone: Option<String>,
}

/// Makes the builder function of one rule.
macro_rules! count {
    ($name:ident, $what:literal) => {
        #[doc = concat!("Keeps the newest snapshot of each of the last `count` ", $what, " that have one; 0 is no rule.")]
        #[must_use]
        pub fn $name(mut self, count: u32) -> Self {
            self.$name = count;
            self
        }
    };
}

impl KeepRules {
    /// Keeps the last `count` snapshots; 0 is no rule.
    #[must_use]
    pub fn last(mut self, count: u32) -> Self {
        self.last = count;
        self
    }

    count!(hourly, "hours");
    count!(daily, "days");
    count!(weekly, "weeks");
    count!(monthly, "months");
    count!(yearly, "years");

    /// Keeps what is not older than this, counted from the newest snapshot that is not suspect.
    #[must_use]
    pub fn within(mut self, age: Age) -> Self {
        self.within = Some(age).filter(|age| !age.is_zero());
        self
    }

    /// Sets whose days, weeks, months and years are meant, by IANA name; that of the system if this is not called.
    #[must_use]
    pub fn time_zone(mut self, name: impl Into<String>) -> Self {
        self.zone = Some(name.into());
        self
    }

    /// Whether there is no rule.
    ///
    /// ```
    /// use linkdest_core::KeepRules;
    /// assert!(KeepRules::default().daily(0).is_empty() && !KeepRules::default().daily(1).is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts().iter().all(|(_, count)| *count == 0) && self.within.is_none()
    }

    /// Tells for each snapshot of one source why it is kept; nothing told means that it goes. Pinned ones and the newest
    /// good one are always kept.
    ///
    /// # Errors
    /// [`InvalidOption`](crate::ErrorKind::InvalidOption) if there is no rule, or no such time zone.
    pub fn decide(&self, newest_first: &[Candidate]) -> Result<Vec<Vec<KeepReason>>> {
        if self.is_empty() {
            return Err(Error::option("no keep rule is given: that would keep nothing"));
        }
        let zone = self.zone()?;
        let times: Vec<Zoned> = newest_first.iter().map(|one| zoned(one.started, &zone)).collect();
        let mut counters = self.counts().map(|(period, count)| Counter::new(period, count));
        // What is suspect must not make others look old.
        let sure = newest_first.iter().position(|one| !one.suspect);
        let newest = times.get(sure.unwrap_or(0));
        let begin = self.within.zip(newest).map(|(age, newest)| age.before(newest));
        let mut decisions = Vec::new();
        for (index, (candidate, time)) in newest_first.iter().zip(&times).enumerate() {
            let mut reasons = Vec::new();
            for counter in &mut counters {
                if counter.keeps(time, index, candidate.suspect) {
                    reasons.push(counter.reason());
                }
            }
            let within = begin.is_some_and(|begin| time.timestamp() > begin).then_some(KeepReason::Within);
            reasons.extend(within);
            reasons.extend(candidate.pinned.then_some(KeepReason::Pinned));
            reasons.extend((sure == Some(index)).then_some(KeepReason::NewestGood));
            decisions.push(reasons);
        }
        Ok(decisions)
    }

    fn counts(&self) -> [(Period, u32); 6] {
        [
            (Period::Each, self.last),
            (Period::Hour, self.hourly),
            (Period::Day, self.daily),
            (Period::Week, self.weekly),
            (Period::Month, self.monthly),
            (Period::Year, self.yearly),
        ]
    }

    fn zone(&self) -> Result<TimeZone> {
        match &self.zone {
            None => Ok(TimeZone::system()),
            Some(name) => {
                TimeZone::get(name).map_err(|_| Error::option(format!("there is no time zone {name}")))
            }
        }
    }
}

impl fmt::Display for KeepRules {
    /// Writes the rules in words.
    ///
    /// ```
    /// use linkdest_core::KeepRules;
    /// assert_eq!(KeepRules::default().last(3).daily(u32::MAX).to_string(), "last 3, daily unlimited");
    /// ```
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = ["last", "hourly", "daily", "weekly", "monthly", "yearly"];
        let counts = names.into_iter().zip(self.counts()).filter(|(_, (_, count))| *count > 0);
        let mut rules: Vec<String> = counts
            .map(|(name, (_, count))| match count {
                u32::MAX => format!("{name} unlimited"),
                count => format!("{name} {count}"),
            })
            .collect();
        rules.extend(self.within.map(|age| format!("within {age}")));
        f.write_str(&rules.join(", "))
    }
}

/// A time that the calendar cannot tell is at its end.
fn zoned(time: Timestamp, zone: &TimeZone) -> Zoned {
    let nanos = i32::try_from(time.nanos).unwrap_or_default();
    let beyond = if time.seconds < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
    jiff::Timestamp::new(time.seconds, nanos).unwrap_or(beyond).to_zoned(zone.clone())
}
