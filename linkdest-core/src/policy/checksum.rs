//! Every byte, every time.

use super::{ChangePolicy, Comparison, Verdict};
use crate::entry::Metadata;
use crate::monitor::Reason;

/// Content is unchanged only when both sides were read: each has the recorded hash, or without one, they are equal.
///
/// ```
/// use linkdest_core::{ChangePolicy, Checksum, Comparison, Metadata, Timestamp, Verdict};
/// let file = Metadata::file(3, Timestamp::now());
/// assert_eq!(Checksum::default().content(&file, &file, &Comparison::new(1)), Verdict::ReadBoth);
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Checksum {}

impl ChangePolicy for Checksum {
    fn name(&self) -> &'static str {
        "checksum"
    }

    fn content(&self, source: &Metadata, reference: &Metadata, _: &Comparison) -> Verdict {
        if source.size == reference.size { Verdict::ReadBoth } else { Verdict::Changed(Reason::SizeChanged) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Timestamp;

    #[test]
    fn only_the_size_decides_unread() {
        let at = |seconds| Timestamp { seconds, nanos: 0 };
        for (size, mtime, expected) in [
            (7, 100, Verdict::ReadBoth),
            (7, 101, Verdict::ReadBoth),
            (8, 100, Verdict::Changed(Reason::SizeChanged)),
        ] {
            let comparison = Comparison::new(1).started(at(500));
            let found = Checksum {}.content(
                &Metadata::file(size, at(mtime)),
                &Metadata::file(7, at(100)),
                &comparison,
            );
            assert_eq!(found, expected);
        }
    }
}
