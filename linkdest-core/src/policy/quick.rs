//! Size, mtime, and the ctime where it says more.

use super::{ChangePolicy, Comparison, Verdict};
use crate::entry::Metadata;
use crate::monitor::Reason;

/// How much older than a run's start a ctime must be to prove that the run saw the change, in seconds.
///
/// Covers coarse file system clocks and the tick in which a run begins.
const MARGIN: i64 = 2;

/// The default policy: content is unchanged when size and mtime are equal and the ctime does not say otherwise.
///
/// With size and mtime equal, it is unread if one of these holds; else the bytes are compared:
/// - the source's ctime is more than 2 s older than the start of the run that made the reference: nothing at all
///   changed since;
/// - the ctime moved, and an attribute that is seen to differ explains it;
/// - there is no usable ctime, or nothing is known of the run that made the reference.
///
/// So a file rewritten with its size kept and its mtime put back is caught.
///
/// ```
/// use linkdest_core::{ChangePolicy, Comparison, Metadata, Quick, Timestamp, Verdict};
/// let at = |seconds| Timestamp { seconds, nanos: 0 };
/// let mut source = Metadata::file(10, at(100));
/// let reference = Metadata::file(10, at(100));
/// let comparison = Comparison::new(1).started(at(500));
/// assert_eq!(Quick::default().content(&source, &reference, &comparison), Verdict::Unchanged);
/// source.ctime = Some(at(600));
/// assert_eq!(Quick::default().content(&source, &reference, &comparison), Verdict::CompareBytes);
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Quick {}

impl ChangePolicy for Quick {
    fn name(&self) -> &'static str {
        "quick"
    }

    fn content(&self, source: &Metadata, reference: &Metadata, comparison: &Comparison) -> Verdict {
        if source.size != reference.size {
            return Verdict::Changed(Reason::SizeChanged);
        }
        if !source.mtime.same_tick(reference.mtime, comparison.granularity) {
            return Verdict::Changed(Reason::TimeChanged);
        }
        if comparison.reference_unproven {
            return Verdict::CompareBytes;
        }
        match (source.ctime, comparison.reference_started) {
            (Some(ctime), Some(started)) => {
                let seen = ctime < started.minus_seconds(MARGIN);
                if seen || comparison.attributes_differ { Verdict::Unchanged } else { Verdict::CompareBytes }
            }
            _ => Verdict::Unchanged,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Timestamp;

    fn at(seconds: i64) -> Timestamp {
        Timestamp { seconds, nanos: 5 }
    }

    #[test]
    fn truth_table() {
        use Verdict::{Changed, CompareBytes, Unchanged};
        // size, mtime, ctime of the source (reference: 7 bytes, mtime 100); run started; attributes differ; unsynced
        for (size, mtime, ctime, started, differ, unsynced, expected) in [
            (7, at(100), Some(100), Some(500), false, false, Unchanged),
            (8, at(100), Some(100), Some(500), false, false, Changed(Reason::SizeChanged)),
            (7, at(101), Some(100), Some(500), false, false, Changed(Reason::TimeChanged)),
            (8, at(101), Some(100), Some(500), false, false, Changed(Reason::SizeChanged)),
            // ctime against the start of the run, less two seconds
            (7, at(100), Some(497), Some(500), false, false, Unchanged),
            (7, at(100), Some(498), Some(500), false, false, CompareBytes),
            (7, at(100), Some(499), Some(500), false, false, CompareBytes),
            (7, at(100), Some(900), Some(500), false, false, CompareBytes),
            // an attribute explains the ctime
            (7, at(100), Some(900), Some(500), true, false, Unchanged),
            (7, at(100), Some(100), Some(500), true, false, Unchanged),
            (8, at(100), Some(900), Some(500), true, false, Changed(Reason::SizeChanged)),
            // no ctime, or no run record
            (7, at(100), None, Some(500), false, false, Unchanged),
            (7, at(100), Some(900), None, false, false, Unchanged),
            (7, at(101), None, None, false, false, Changed(Reason::TimeChanged)),
            // a reference that a crash may have emptied
            (7, at(100), Some(100), Some(500), false, true, CompareBytes),
            (7, at(100), None, None, true, true, CompareBytes),
            (8, at(100), Some(100), Some(500), false, true, Changed(Reason::SizeChanged)),
        ] {
            let mut source = Metadata::file(size, mtime);
            source.ctime = ctime.map(at);
            let comparison = Comparison {
                granularity: 1,
                reference_started: started.map(at),
                reference_unproven: unsynced,
                attributes_differ: differ,
            };
            let found = Quick {}.content(&source, &Metadata::file(7, at(100)), &comparison);
            assert_eq!(found, expected, "{size} {mtime:?} {ctime:?} {started:?} {differ} {unsynced}");
        }
    }

    #[test]
    fn a_coarse_file_system_does_not_make_files_look_changed() {
        let source = Metadata::file(7, Timestamp { seconds: 5, nanos: 123_456_789 });
        let reference = Metadata::file(7, Timestamp { seconds: 5, nanos: 123_456_700 });
        let verdict = |granularity| Quick {}.content(&source, &reference, &Comparison::new(granularity));
        assert_eq!(verdict(1), Verdict::Changed(Reason::TimeChanged));
        assert_eq!(verdict(100), Verdict::Unchanged);
    }
}
