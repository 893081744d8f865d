//! What the snapshot lacks because it could not be saved: it is nothing extra in the target.

use super::saved::From;
use crate::error::{ProblemKind, Result};
use crate::path::RelPath;
use crate::repository::SnapshotName;

/// Paths of the source that a snapshot does not tell everything of.
#[derive(Debug, Default)]
pub(super) struct Unsaved {
    paths: Vec<(RelPath, ProblemKind)>,
    /// There may be more than were written down: why.
    more: Option<&'static str>,
}

const NOT_ALL_KNOWN: &str = "not all is written down that could not be saved";
/// It was lost, is damaged, or another tool made the snapshot.
const NO_RECORD: &str = "without a run record nobody knows what could not be saved";

impl Unsaved {
    /// What the run had problems with.
    pub fn of(repository: From<'_>, name: &SnapshotName) -> Result<Self> {
        let snapshots = repository.snapshots()?;
        let record = snapshots.iter().find(|one| one.name() == name).and_then(|one| one.record());
        let Some(record) = record else { return Ok(Self { paths: Vec::new(), more: Some(NO_RECORD) }) };
        let known = record.problems();
        let paths = known.iter().map(|problem| (problem.path().clone(), problem.kind())).collect();
        let is_cut = record.counts().problems > known.len() as u64;
        Ok(Self { paths, more: is_cut.then_some(NOT_ALL_KNOWN) })
    }

    /// Says why an entry that the snapshot lacks, or something in it, may be what could not be saved.
    pub fn may_be(&self, path: &RelPath) -> Option<&'static str> {
        // Of a directory that could be saved but in part nothing is extra.
        let in_part = |kind| matches!(kind, ProblemKind::Unreadable | ProblemKind::CarriedForward);
        let is_about = |(about, kind): &(RelPath, ProblemKind)| {
            is_at_or_below(about, path) || (in_part(*kind) && is_at_or_below(path, about))
        };
        let known = "the snapshot lacks it, or a part of it, because it could not be saved";
        self.paths.iter().any(is_about).then_some(known).or(self.more)
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
        let unsaved = Unsaved { paths, more: None };
        for (name, may_be) in [
            ("a/b", true),
            ("a/b/c", true),
            ("a", true),
            ("a/bc", false),
            ("device", true),
            ("device/x", false),
        ] {
            assert_eq!(unsaved.may_be(&path(name)).is_some(), may_be, "{name}");
        }
        let unsure = Unsaved { more: Some(NO_RECORD), ..unsaved };
        assert_eq!(unsure.may_be(&path("z")), Some(NO_RECORD));
        assert_ne!(unsure.may_be(&path("device")), Some(NO_RECORD));
    }
}
