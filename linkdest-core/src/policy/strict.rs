//! Nothing but proof that the last run saw the file as it is.

use super::{ChangePolicy, Comparison, Verdict};
use crate::entry::Metadata;

/// Content is unread only where the ctime proves that it did not change; no other sign is believed.
///
/// With size and mtime equal, it is unread if the manifest has the same inode with the same ctime, or the ctime is more
/// than 2 s older than the start of the run that made the reference; else the bytes are compared. Where there is no
/// ctime every file is read.
///
/// ```
/// use linkdest_core::{ChangePolicy, Comparison, Metadata, Strict, Timestamp, Verdict};
/// let file = Metadata::file(3, Timestamp { seconds: 100, nanos: 0 });
/// let content = |comparison| Strict::default().content(&file, &file, &comparison);
/// assert_eq!(content(Comparison::new(1)), Verdict::CompareBytes);
/// let later = Timestamp { seconds: 500, nanos: 0 };
/// assert_eq!(content(Comparison::new(1).started(later)), Verdict::Unchanged);
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Strict {}

impl ChangePolicy for Strict {
    fn name(&self) -> &'static str {
        "strict"
    }

    fn content(&self, source: &Metadata, reference: &Metadata, comparison: &Comparison) -> Verdict {
        if let Some(decided) = comparison.stamps(source, reference).or_else(|| comparison.doubt()) {
            return decided;
        }
        if comparison.untouched || comparison.seen_by_reference(source) == Some(true) {
            Verdict::Unchanged
        } else {
            Verdict::CompareBytes
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Timestamp;

    #[test]
    fn truth_table() {
        use Verdict::{CompareBytes, ReadBoth, Unchanged};
        let at = |seconds| Timestamp { seconds, nanos: 0 };
        // ctime of the source (the run started at 500); untouched; attributes differ; doubtful; unproven
        for (ctime, untouched, differ, doubtful, unproven, expected) in [
            (Some(100), false, false, false, false, Unchanged),
            (Some(498), false, false, false, false, CompareBytes),
            (Some(498), true, false, false, false, Unchanged),
            (Some(900), false, true, false, false, CompareBytes),
            (None, false, false, false, false, CompareBytes),
            (Some(100), true, false, true, false, CompareBytes),
            (Some(100), true, false, false, true, ReadBoth),
        ] {
            let mut source = Metadata::file(7, at(100));
            source.ctime = ctime.map(at);
            let comparison = Comparison {
                untouched,
                doubtful,
                attributes_differ: differ,
                reference_unproven: unproven,
                ..Comparison::new(1).started(at(500))
            };
            let found = Strict {}.content(&source, &Metadata::file(7, at(100)), &comparison);
            assert_eq!(found, expected, "{ctime:?} {untouched} {differ} {doubtful} {unproven}");
        }
    }
}
