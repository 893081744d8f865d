//! Hours, days, weeks, months and years, and counting those that have a snapshot.

use jiff::Zoned;

use super::KeepReason;

/// What a rule counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Period {
    Each,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

/// What tells one period from the next.
type Which = [i64; 4];

impl Period {
    /// The period that a time is in.
    fn of(self, time: &Zoned, index: usize) -> Which {
        let year = i64::from(time.year());
        match self {
            Self::Each => [i64::try_from(index).unwrap_or(i64::MAX), 0, 0, 0],
            Self::Hour => {
                // Where the clock is set back, one hour comes twice: these are two.
                [year, time.day_of_year().into(), time.hour().into(), time.offset().seconds().into()]
            }
            Self::Day => [year, time.day_of_year().into(), 0, 0],
            Self::Week => {
                let week = time.date().iso_week_date();
                [week.year().into(), week.week().into(), 0, 0]
            }
            Self::Month => [year, time.month().into(), 0, 0],
            Self::Year => [year, 0, 0, 0],
        }
    }
}

/// One rule while it goes through the snapshots, the newest first.
pub(super) struct Counter {
    period: Period,
    left: u32,
    last: Option<Which>,
}

impl Counter {
    pub fn new(period: Period, count: u32) -> Self {
        Self { period, left: count, last: None }
    }

    /// Says whether the rule keeps the next snapshot. A suspect one is kept beside the others: it uses nothing up.
    pub fn keeps(&mut self, time: &Zoned, index: usize, suspect: bool) -> bool {
        if self.left == 0 {
            return false;
        }
        let which = self.period.of(time, index);
        let keeps = self.last != Some(which);
        if keeps && !suspect {
            self.last = Some(which);
            self.left = self.left.saturating_sub(if self.left == u32::MAX { 0 } else { 1 });
        }
        keeps
    }

    pub fn reason(&self) -> KeepReason {
        match self.period {
            Period::Each => KeepReason::Last,
            Period::Hour => KeepReason::Hourly,
            Period::Day => KeepReason::Daily,
            Period::Week => KeepReason::Weekly,
            Period::Month => KeepReason::Monthly,
            Period::Year => KeepReason::Yearly,
        }
    }
}
