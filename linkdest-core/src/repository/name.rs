//! The names of snapshots.

use std::fmt;
use std::str::FromStr;

use crate::entry::Timestamp;

/// The name of a snapshot: its start in UTC, `YYYY-MM-DDTHHMMSSZ`, and a suffix `-02` to `-99` where the same second
/// was taken before. Names sort by time; which snapshot is the newest is told by the run records, not by the name.
///
/// ```
/// use linkdest_core::SnapshotName;
/// let name: SnapshotName = "2026-11-22T132200Z-02".parse().unwrap();
/// assert_eq!(name.as_str(), "2026-11-22T132200Z-02");
/// assert!("2026-11-22".parse::<SnapshotName>().is_err());
/// assert!("2026-02-30T000000Z".parse::<SnapshotName>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SnapshotName(String);

/// A text is not the name of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a snapshot (YYYY-MM-DDTHHMMSSZ, with or without a suffix -02 to -99)")]
#[non_exhaustive]
pub struct InvalidSnapshotName;

const SHAPE: &str = "%Y-%m-%dT%H%M%SZ";

impl SnapshotName {
    /// The name for a run that starts at `time`.
    ///
    /// # Errors
    /// Times outside of the years 0 to 9999.
    pub fn at(time: Timestamp) -> Result<Self, InvalidSnapshotName> {
        let time = jiff::Timestamp::from_second(time.seconds).map_err(|_| InvalidSnapshotName)?;
        time.strftime(SHAPE).to_string().parse()
    }

    /// The next name for the same second; `None` after `-99`.
    #[must_use]
    pub fn next(&self) -> Option<Self> {
        let (second, suffix) = self.split();
        let suffix = suffix.map_or(2, |suffix| suffix + 1);
        (suffix <= 99).then(|| Self(format!("{second}-{suffix:02}")))
    }

    /// When the run started, to the second, as the name says.
    #[must_use]
    pub fn started(&self) -> Timestamp {
        let seconds = seconds(self.split().0).unwrap_or_default();
        Timestamp { seconds, nanos: 0 }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn split(&self) -> (&str, Option<u32>) {
        match self.0.split_once("Z-") {
            Some((_, suffix)) => (self.0.get(..18).unwrap_or_default(), suffix.parse().ok()),
            None => (&self.0, None),
        }
    }
}

fn seconds(text: &str) -> Option<i64> {
    let shape = |(byte, shape): (u8, u8)| if shape == b'0' { byte.is_ascii_digit() } else { byte == shape };
    if text.len() != 18 || !text.bytes().zip(*b"0000-00-00T000000Z").all(shape) {
        return None;
    }
    let time = jiff::civil::DateTime::strptime(SHAPE, text).ok()?;
    // Only what comes out as it went in is a time that there is.
    let time = time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    (time.strftime(SHAPE).to_string() == text).then(|| time.as_second())
}

impl FromStr for SnapshotName {
    type Err = InvalidSnapshotName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let second = text.get(..18).ok_or(InvalidSnapshotName)?;
        let suffix = text.get(18..).unwrap_or_default();
        seconds(second).ok_or(InvalidSnapshotName)?;
        let good = match suffix.as_bytes() {
            [] => true,
            [b'-', tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => (*tens, *ones) >= (b'0', b'2'),
            _ => false,
        };
        if good { Ok(Self(text.to_owned())) } else { Err(InvalidSnapshotName) }
    }
}

impl fmt::Display for SnapshotName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_exact_names_are_names() {
        for (text, good) in [
            ("2026-11-22T132200Z", true),
            ("2026-11-22T132200Z-02", true),
            ("2026-11-22T132200Z-99", true),
            ("2026-11-22T132200Z-01", false),
            ("2026-11-22T132200Z-00", false),
            ("2026-11-22T132200Z-2", false),
            ("2026-11-22T132200Z-100", false),
            ("2026-11-22T132200Z-", false),
            ("2026-11-22T132200", false),
            ("2026-11-22T13:22:00Z", false),
            ("2026-13-22T132200Z", false),
            ("2026-11-31T132200Z", false),
            ("2026-11-22T242200Z", false),
            ("2026-11-22t132200z", false),
            (" 2026-11-22T132200Z", false),
            ("2026-11-22T132260Z", false),
            ("-026-11-22T132200Z", false),
            ("2026-11-22T1322é0Z", false),
            ("latest", false),
            ("", false),
        ] {
            assert_eq!(text.parse::<SnapshotName>().is_ok(), good, "{text:?}");
        }
    }

    #[test]
    fn suffixes_count_to_99() {
        let mut name: SnapshotName = "2026-11-22T132200Z".parse().unwrap();
        let mut names = vec![name.clone()];
        while let Some(next) = name.next() {
            assert!(next > name && next.started() == name.started());
            name = next;
            names.push(name.clone());
        }
        assert_eq!((names.len(), name.as_str()), (99, "2026-11-22T132200Z-99"));
    }

    proptest! {
        #[test]
        fn any_time_makes_a_name_that_says_it(seconds in 0_i64..253_402_300_800) {
            let name = SnapshotName::at(Timestamp { seconds, nanos: 7 }).unwrap();
            prop_assert_eq!(name.started().seconds, seconds);
            prop_assert_eq!(name.as_str().parse::<SnapshotName>().unwrap(), name);
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,24}") {
            if let Ok(name) = text.parse::<SnapshotName>() {
                prop_assert_eq!(name.as_str(), text);
            }
        }
    }
}
