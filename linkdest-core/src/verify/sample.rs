//! Reading a part of the inodes, another part each time.

use std::fmt;
use std::str::FromStr;

use crate::entry::FileId;

/// A part of all inodes whose content is read, in percent.
///
/// Every inode has a place on a ring, by a fixed function of its number. Each check reads the inodes on an arc of the
/// ring that is as long as the sample is large, and begins where the one before ended; the repository keeps where that
/// is. Ten checks of 10 % read everything once.
///
/// ```
/// use linkdest_core::Sample;
/// assert_eq!("10%".parse::<Sample>().unwrap(), Sample::percent(10.0).unwrap());
/// assert_eq!(Sample::percent(2.5).unwrap().to_string(), "2.5%");
/// assert!(Sample::percent(0.0).is_err() && "101%".parse::<Sample>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample(f64);

/// A text or number is not a part of all inodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sample is more than 0% and at most 100%, as in 10%")]
pub struct InvalidSample;

impl Sample {
    /// Takes a number of percent: more than 0, at most 100.
    ///
    /// # Errors
    /// Any other number.
    pub fn percent(percent: f64) -> Result<Self, InvalidSample> {
        if percent > 0.0 && percent <= 100.0 { Ok(Self(percent)) } else { Err(InvalidSample) }
    }

    /// How much of the ring it is, in parts of 2^32; never nothing.
    fn width(self) -> u64 {
        let parts = (self.0 / 100.0 * RING as f64).ceil();
        // No number that `percent` takes is out of range.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to 2^32")]
        let parts = parts as u64;
        parts.clamp(1, RING)
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

impl FromStr for Sample {
    type Err = InvalidSample;

    fn from_str(text: &str) -> Result<Self, InvalidSample> {
        let number = text.strip_suffix('%').ok_or(InvalidSample)?;
        number.parse().map_err(|_| InvalidSample).and_then(Self::percent)
    }
}

const RING: u64 = 1 << 32;

/// The arc of the ring that one check reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arc {
    start: u64,
    width: u64,
}

impl Arc {
    /// The whole ring, or the sample from `start` on.
    pub fn new(sample: Option<Sample>, start: u32) -> Self {
        Self { start: start.into(), width: sample.map_or(RING, Sample::width) }
    }

    /// Says whether the inode lies on the arc.
    pub fn contains(self, id: FileId) -> bool {
        (place(id.inode) + RING - self.start) % RING < self.width
    }

    /// Where the next arc begins.
    pub fn end(self) -> u32 {
        u32::try_from((self.start + self.width) % RING).unwrap_or_default()
    }
}

/// Where an inode lies on the ring: neighbours far apart (the finalizer of SplitMix64).
fn place(inode: u64) -> u64 {
    let mut mixed = inode.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_percentages_are_samples() {
        for (text, good) in [
            ("10%", true),
            ("0.001%", true),
            ("100%", true),
            ("0%", false),
            ("-1%", false),
            ("100.1%", false),
            ("10", false),
            ("%", false),
            ("NaN%", false),
            ("inf%", false),
            ("", false),
        ] {
            assert_eq!(text.parse::<Sample>().is_ok(), good, "{text}");
        }
    }

    #[test]
    fn repeated_samples_cover_everything_in_equal_parts() {
        for (percent, rounds) in [(10.0, 10), (30.0, 4), (100.0, 1), (7.0, 15)] {
            let sample = Sample::percent(percent).unwrap();
            let mut start = 12345;
            let mut read = vec![0; 20_000];
            for _ in 0..rounds {
                let arc = Arc::new(Some(sample), start);
                let chosen: Vec<u64> =
                    (0..20_000).filter(|inode| arc.contains(FileId { device: 1, inode: *inode })).collect();
                let part = chosen.len() as f64 / 20_000.0 * 100.0;
                assert!((part - percent).abs() < 1.5, "{part} of {percent}");
                chosen.iter().for_each(|inode| read[usize::try_from(*inode).unwrap()] += 1);
                start = arc.end();
            }
            assert!(read.iter().all(|times| (1..=2).contains(times)));
        }
    }
}
