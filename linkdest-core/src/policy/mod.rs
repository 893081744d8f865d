//! Change detection: is the content of an entry that of its reference, and are its attributes?
//!
//! Pure: a policy sees two [`Metadata`] and a few facts, and answers. Where it needs bytes it says so, and the caller
//! fetches the answer. Attributes are a question of their own, answered by [`attributes`].

pub(crate) mod attributes;
mod checksum;
mod quick;
mod strict;

pub use checksum::Checksum;
pub use quick::Quick;
pub use strict::Strict;

use crate::entry::{Metadata, Timestamp};
use crate::monitor::Reason;

/// What a policy says about the content of a regular file and its reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// The content is that of the reference; neither side need be read.
    Unchanged,
    /// The content differs, for this reason.
    Changed(Reason),
    /// Only the bytes of the source can tell: compared with the recorded hash, else with the bytes of the reference.
    CompareBytes,
    /// Both sides must be read: what is recorded of the reference is not taken at its word.
    ReadBoth,
}

/// What a policy may know besides the two metadata.
///
/// ```
/// use linkdest_core::Comparison;
/// let comparison = Comparison::new(1);
/// assert_eq!((comparison.granularity, comparison.reference_started), (1, None));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Comparison {
    /// How finely both sides keep times, in nanoseconds: 1, 100, 1,000,000,000 ...
    pub granularity: u32,
    /// When the run began that made the reference; `None` where that is not known (a `--link-dest` directory).
    pub reference_started: Option<Timestamp>,
    /// The reference's stamps prove nothing: it may never have reached the disk, or the clock went back since.
    pub reference_unproven: bool,
    /// The manifest has the source's inode with this very ctime, and nothing against it: nothing at all changed since.
    pub untouched: bool,
    /// The manifest has the source's inode with another ctime: it was changed since, whatever the clock says.
    pub touched: bool,
    /// What the manifest has says nothing of the source: that changed while it was read, was carried forward, or has
    /// another inode now (swapped directories move no ctime of what is in them).
    pub doubtful: bool,
    /// Something that moves a ctime by itself was seen to differ: an attribute (mode, owner, extended attributes), the
    /// number of links, the path.
    pub attributes_differ: bool,
}

/// How much older than a run's start a ctime must be to prove that the run saw the change, in seconds.
///
/// Covers coarse file system clocks and the tick in which a run begins.
pub(crate) const MARGIN: i64 = 2;

impl Comparison {
    /// Makes a comparison without a run record, with attributes alike.
    #[must_use]
    pub fn new(granularity: u32) -> Self {
        Self {
            granularity,
            reference_started: None,
            reference_unproven: false,
            untouched: false,
            touched: false,
            doubtful: false,
            attributes_differ: false,
        }
    }

    /// Sets when the run began that made the reference.
    #[must_use]
    pub fn started(mut self, started: Timestamp) -> Self {
        self.reference_started = Some(started);
        self
    }

    /// Says whether the run that made the reference surely saw the source as it is.
    ///
    /// `None` if there is no ctime, or no run record, to tell by. Without a ctime an mtime can only say that it did not:
    /// the file may have been written once more in the second of the look.
    #[must_use]
    pub fn seen_by_reference(&self, source: &Metadata) -> Option<bool> {
        if self.touched {
            return Some(false);
        }
        let before = self.reference_started?.minus_seconds(MARGIN);
        match source.ctime {
            Some(ctime) => Some(ctime < before),
            None => (source.mtime >= before).then_some(false),
        }
    }

    /// What size and mtime say; `None` if both are equal.
    fn stamps(&self, source: &Metadata, reference: &Metadata) -> Option<Verdict> {
        if source.size != reference.size {
            return Some(Verdict::Changed(Reason::SizeChanged));
        }
        let same = source.mtime.same_tick(reference.mtime, self.granularity);
        (!same).then_some(Verdict::Changed(Reason::TimeChanged))
    }

    /// What is to be done where stamps prove nothing; `None` where they do.
    fn doubt(&self) -> Option<Verdict> {
        match (self.reference_unproven, self.doubtful) {
            (true, _) => Some(Verdict::ReadBoth),
            (false, true) => Some(Verdict::CompareBytes),
            (false, false) => None,
        }
    }
}

/// Decides whether the content of a regular file is that of its reference.
///
/// A pure function of its arguments: the same question gets the same answer, and nothing is read or written.
///
/// ```
/// use linkdest_core::{ChangePolicy, Comparison, Metadata, Timestamp, Verdict};
///
/// /// Trusts sizes alone.
/// struct SizeOnly;
/// impl ChangePolicy for SizeOnly {
///     fn name(&self) -> &'static str {
///         "size-only"
///     }
///     fn content(&self, source: &Metadata, reference: &Metadata, _: &Comparison) -> Verdict {
///         if source.size == reference.size { Verdict::Unchanged } else { Verdict::CompareBytes }
///     }
/// }
/// let now = Timestamp::now();
/// let verdict = SizeOnly.content(&Metadata::file(1, now), &Metadata::file(1, now), &Comparison::new(1));
/// assert_eq!(verdict, Verdict::Unchanged);
/// ```
pub trait ChangePolicy: Send + Sync {
    /// The policy's name, as users write it and as the run record keeps it.
    fn name(&self) -> &'static str;

    /// Answers for one regular file. Kinds are equal when this is asked.
    fn content(&self, source: &Metadata, reference: &Metadata, comparison: &Comparison) -> Verdict;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_ctime_an_mtime_only_proves_that_a_change_was_not_seen() {
        let at = |seconds| Timestamp { seconds, nanos: 0 };
        for (mtime, ctime, started, seen) in [
            (100, Some(100), Some(500), Some(true)),
            (100, Some(498), Some(500), Some(false)),
            (100, None, Some(500), None),
            (497, None, Some(500), None),
            (498, None, Some(500), Some(false)),
            (900, None, Some(500), Some(false)),
            (900, None, None, None),
        ] {
            let source = Metadata { ctime: ctime.map(at), ..Metadata::file(7, at(mtime)) };
            let comparison = Comparison { reference_started: started.map(at), ..Comparison::new(1) };
            assert_eq!(comparison.seen_by_reference(&source), seen, "{mtime} {ctime:?} {started:?}");
        }
    }

    #[test]
    fn names_are_those_that_people_write() {
        let names = [Quick::default().name(), Strict::default().name(), Checksum::default().name()];
        assert_eq!(names, ["quick", "strict", "checksum"]);
    }
}
