//! What the snapshot lacks because it could not be saved: it is nothing extra in the target.

use super::saved::From;
use crate::error::{ProblemKind, Result};
use crate::path::RelPath;
use crate::repository::SnapshotName;

/// Paths of the source that a snapshot does not tell everything of.
#[derive(Debug, Default)]
pub(super) struct Unsaved {
    paths: Vec<(RelPath, ProblemKind)>,
    /// There were more than were written down.
    more: bool,
}

impl Unsaved {
    /// What the run had problems with.
    pub fn of(repository: From<'_>, name: &SnapshotName) -> Result<Self> {
        let snapshots = repository.snapshots()?;
        let record = snapshots.iter().find(|one| one.name() == name).and_then(|one| one.record());
        let Some(record) = record else { return Ok(Self::default()) };
        let known = record.problems();
        let paths = known.iter().map(|problem| (problem.path().clone(), problem.kind())).collect();
        Ok(Self { paths, more: record.counts().problems > known.len() as u64 })
    }

    /// Says whether an entry that the snapshot lacks, or something in it, may be what could not be saved.
    pub fn may_be(&self, path: &RelPath) -> bool {
        // Of a directory that could be saved but in part nothing is extra.
        let in_part = |kind| matches!(kind, ProblemKind::Unreadable | ProblemKind::CarriedForward);
        let is_about = |(about, kind): &(RelPath, ProblemKind)| {
            is_at_or_below(about, path) || (in_part(*kind) && is_at_or_below(path, about))
        };
        self.more || self.paths.iter().any(is_about)
    }
}

/// Says whether a path is another one, or lies below it; nothing is said of the root.
fn is_at_or_below(path: &RelPath, above: &RelPath) -> bool {
    let rest = path.as_bytes().strip_prefix(above.as_bytes()).filter(|_| *above != RelPath::root());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_saved_is_nothing_extra() {
        let path = |path: &str| RelPath::new(path).unwrap();
        let paths = vec![
            (path("a/b"), ProblemKind::Unreadable),
            (path("device"), ProblemKind::NotStored),
            (RelPath::root(), ProblemKind::Unreadable),
        ];
        let unsaved = Unsaved { paths, more: false };
        for (name, may_be) in [
            ("a/b", true),
            ("a/b/c", true),
            ("a", true),
            ("a/bc", false),
            ("device", true),
            ("device/x", false),
        ] {
            assert_eq!(unsaved.may_be(&path(name)), may_be, "{name}");
        }
        assert!(Unsaved { more: true, ..unsaved }.may_be(&path("z")));
    }
}
