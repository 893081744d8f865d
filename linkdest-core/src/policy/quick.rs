//! Size, mtime, and the ctime where it says more.

use super::{ChangePolicy, Comparison, Verdict};
use crate::entry::Metadata;

/// The default policy: content is unchanged when size and mtime are equal and the ctime does not say otherwise.
///
/// With size and mtime equal, it is unread if one of these holds; else the bytes are compared:
/// - the manifest has the same inode with the same ctime, and no flag: nothing at all changed since;
/// - the source's ctime is more than 2 s older than the start of the run that made the reference, and the
///   manifest does not have another one;
/// - the ctime moved, and an attribute, the number of links or the path, seen to differ, explains it;
/// - there is no usable ctime, and the mtime is older than the start of that run; or nothing is known of that run.
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
        if let Some(decided) = comparison.stamps(source, reference).or_else(|| comparison.doubt()) {
            return decided;
        }
        let explained = comparison.untouched || comparison.attributes_differ;
        match comparison.seen_by_reference(source) {
            Some(false) if !explained => Verdict::CompareBytes,
            _ => Verdict::Unchanged,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Timestamp;
    use crate::monitor::Reason;

    fn at(seconds: i64) -> Timestamp {
        Timestamp { seconds, nanos: 5 }
    }

    #[test]
    fn truth_table() {
        use Verdict::{Changed, CompareBytes, ReadBoth, Unchanged};
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
            (7, at(100), Some(100), Some(500), false, true, ReadBoth),
            (7, at(100), None, None, true, true, ReadBoth),
            (8, at(100), Some(100), Some(500), false, true, Changed(Reason::SizeChanged)),
        ] {
            let mut source = Metadata::file(size, mtime);
            source.ctime = ctime.map(at);
            let comparison = Comparison {
                granularity: 1,
                reference_started: started.map(at),
                reference_unproven: unsynced,
                attributes_differ: differ,
                ..Comparison::new(1)
            };
            let found = Quick {}.content(&source, &Metadata::file(7, at(100)), &comparison);
            assert_eq!(found, expected, "{size} {mtime:?} {ctime:?} {started:?} {differ} {unsynced}");
        }
    }

    /// Such as a file that a killed run was copying: all of its length, and not all of its bytes.
    #[test]
    fn without_a_ctime_what_was_written_while_the_reference_was_made_is_compared() {
        for (mtime, started, expected) in [
            (497, Some(500), Verdict::Unchanged),
            (498, Some(500), Verdict::CompareBytes),
            (499, Some(500), Verdict::CompareBytes),
            (900, Some(500), Verdict::CompareBytes),
            (900, None, Verdict::Unchanged),
        ] {
            let file = Metadata { ctime: None, ..Metadata::file(7, at(mtime)) };
            let comparison = Comparison { reference_started: started.map(at), ..Comparison::new(1) };
            assert_eq!(Quick {}.content(&file, &file, &comparison), expected, "{mtime} {started:?}");
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

    #[test]
    fn the_manifest_knows_more_than_the_run_record() {
        let mut source = Metadata::file(7, at(100));
        // ctime of the source (the run started at 500), untouched, touched, doubtful
        for (ctime, untouched, touched, doubtful, expected) in [
            (900, false, false, false, Verdict::CompareBytes),
            (900, true, false, false, Verdict::Unchanged),
            (900, false, false, true, Verdict::CompareBytes),
            (900, true, false, true, Verdict::CompareBytes),
            (100, false, false, false, Verdict::Unchanged),
            // The clock was set back.
            (100, false, true, false, Verdict::CompareBytes),
        ] {
            source.ctime = Some(at(ctime));
            let facts = Comparison::new(1).started(at(500));
            let comparison = Comparison { untouched, touched, doubtful, ..facts };
            let found = Quick {}.content(&source, &Metadata::file(7, at(100)), &comparison);
            assert_eq!(found, expected, "{ctime} {untouched} {touched} {doubtful}");
        }
    }
}
