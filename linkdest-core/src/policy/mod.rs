//! Change detection: is the content of an entry that of its reference, and are its attributes?
//!
//! Pure: a policy sees two [`Metadata`] and a few facts, and answers. Where it needs bytes it says so, and the caller
//! fetches the answer. Attributes are a question of their own, answered by [`attributes`].

pub(crate) mod attributes;
mod checksum;
mod quick;

pub use checksum::Checksum;
pub use quick::Quick;

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
    /// Only reading both sides can tell.
    CompareBytes,
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
    /// An attribute (mode, owner, extended attributes) was seen to differ, which by itself moves the ctime.
    pub attributes_differ: bool,
}

impl Comparison {
    /// Makes a comparison without a run record, with attributes alike.
    #[must_use]
    pub fn new(granularity: u32) -> Self {
        Self { granularity, reference_started: None, reference_unproven: false, attributes_differ: false }
    }

    /// Sets when the run began that made the reference.
    #[must_use]
    pub fn started(mut self, started: Timestamp) -> Self {
        self.reference_started = Some(started);
        self
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
