//! How far back, in the calendar: `2y5m7d3h`.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::{SignedDuration, Span, Timestamp, Zoned};

/// A stretch of time in years, months, days and hours of the calendar, written `2y5m7d3h`.
///
/// ```
/// use linkdest_core::Age;
/// let age: Age = "1y6m".parse().unwrap();
/// assert_eq!(age.to_string(), "1y6m");
/// assert!("6 weeks".parse::<Age>().is_err());
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Age {
    years: u32,
    months: u32,
    days: u32,
    hours: u32,
}

/// A text is no stretch of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not years, months, days and hours like 2y5m7d3h")]
#[non_exhaustive]
pub struct InvalidAge;

impl Age {
    /// Makes it of its parts.
    ///
    /// ```
    /// assert_eq!(linkdest_core::Age::new(0, 1, 0, 12).to_string(), "1m12h");
    /// ```
    #[must_use]
    pub fn new(years: u32, months: u32, days: u32, hours: u32) -> Self {
        Self { years, months, days, hours }
    }

    /// Whether it is no time at all.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    /// The time so far before another. What the calendar cannot tell any more is before everything.
    pub(super) fn before(&self, end: &Zoned) -> Timestamp {
        self.in_calendar(end).unwrap_or(Timestamp::MIN)
    }

    /// A day that the month does not have runs into the next one: a month before the 31st of October is the 1st of
    /// October. The hours are those of a clock that is never set.
    fn in_calendar(&self, end: &Zoned) -> Option<Timestamp> {
        let months = i64::from(end.year()) * 12 + i64::from(end.month()) - 1;
        let months = months - i64::from(self.years) * 12 - i64::from(self.months);
        let year = i16::try_from(months.div_euclid(12)).ok()?;
        let month = i8::try_from(months.rem_euclid(12) + 1).ok()?;
        let days = i64::from(end.day()) - 1 - i64::from(self.days);
        let date = Date::new(year, month, 1).ok()?.checked_add(Span::new().try_days(days).ok()?).ok()?;
        let begin = date.to_datetime(end.time()).to_zoned(end.time_zone().clone()).ok()?.timestamp();
        begin.checked_sub(SignedDuration::from_secs(i64::from(self.hours) * 3600)).ok()
    }
}

impl FromStr for Age {
    type Err = InvalidAge;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut age = Self::default();
        let mut seen = String::new();
        for part in text.split_inclusive(|c: char| !c.is_ascii_digit()) {
            let unit = part.chars().next_back().filter(|unit| !seen.contains(*unit)).ok_or(InvalidAge)?;
            let number = part.strip_suffix(unit).and_then(|number| number.parse().ok()).ok_or(InvalidAge)?;
            seen.push(unit);
            match unit {
                'y' => age.years = number,
                'm' => age.months = number,
                'd' => age.days = number,
                'h' => age.hours = number,
                _ => return Err(InvalidAge),
            }
        }
        if seen.is_empty() { Err(InvalidAge) } else { Ok(age) }
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [(self.years, 'y'), (self.months, 'm'), (self.days, 'd'), (self.hours, 'h')];
        for (number, unit) in parts.into_iter().filter(|(number, _)| *number > 0) {
            write!(f, "{number}{unit}")?;
        }
        if self.is_zero() { f.write_str("0h") } else { Ok(()) }
    }
}
