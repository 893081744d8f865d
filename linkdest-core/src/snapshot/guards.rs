//! Guards of a life that nobody watches: what is surely a mistake is refused, what may be one is published as suspect.

use super::Snapshotter;
use super::engine::Walked;
use super::references::Reference;
use crate::entry::Metadata;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::FileSystemId;
use crate::path::Escaped;
use crate::source::Source;

/// What is looked out for.
#[derive(Debug, Clone)]
pub(super) struct Guards {
    pub allow_empty: bool,
    /// A larger share of entries that are gone or changed is suspect, in percent.
    pub mass_change: Option<u8>,
    /// The repository that is meant.
    pub repository_id: Option<String>,
    /// Bytes that stay free in the repository; `None` leaves it to [`reserve_of`](super::space::reserve_of).
    pub reserve: Option<u64>,
}

impl Default for Guards {
    fn default() -> Self {
        Self { allow_empty: false, mass_change: Some(50), repository_id: None, reserve: None }
    }
}

/// Fewer entries that are gone or changed are nothing to wonder at.
const LEAST: u64 = 1000;
/// Fewer entries that vanished are those of somebody who tidies up.
const LEAST_VANISHED: u64 = 100;

impl Guards {
    /// Says whether the values can be used.
    pub fn check(&self) -> Result<()> {
        match self.mass_change {
            Some(percent @ 101..) => Err(Error::option(format!(
                "a mass change of {percent} percent cannot be: give a number up to 100, or switch it off"
            ))),
            _ => Ok(()),
        }
    }

    /// Refuses a source that has nothing in it, where the snapshot before has something: its disk is not mounted.
    pub fn refuse_empty_root<S: Source>(
        &self,
        asked: &Snapshotter,
        source: &S,
        references: &[Reference],
    ) -> Result<()> {
        if self.allow_empty || entries_before(references).is_none() {
            return Ok(());
        }
        // What cannot be listed is an error of the walk.
        match source.open_root().and_then(|root| source.is_empty(&root.dir)) {
            Ok(true) => Err(refused(asked, references, "the source is empty")),
            _ => Ok(()),
        }
    }

    /// Refuses a walk of which nothing may be published; else returns why the snapshot may not be what it should be.
    pub fn judge<S: Source>(
        &self,
        asked: &Snapshotter,
        source: &S,
        references: &[Reference],
        walked: &Walked,
    ) -> Result<Vec<String>> {
        refuse_lost_root(asked, source, walked)?;
        self.refuse_nothing(asked, references, walked)?;
        let mut reasons = self.suspicions(asked, references, walked);
        reasons.extend(suspect_vanished(source, walked));
        Ok(reasons)
    }

    /// Refuses a walk that found nothing to save, where the snapshot before has something.
    fn refuse_nothing(&self, asked: &Snapshotter, references: &[Reference], walked: &Walked) -> Result<()> {
        if self.allow_empty || walked.counts.entries > 0 || entries_before(references).is_none() {
            return Ok(());
        }
        Err(refused(asked, references, "no entry of the source would be saved"))
    }

    /// Why a snapshot may not be what it should be: nothing, most often. What was suspect before stays so, until
    /// somebody accepts it: else one more night would make it look sound.
    fn suspicions(&self, asked: &Snapshotter, references: &[Reference], walked: &Walked) -> Vec<String> {
        let Some(first) = references.first() else { return Vec::new() };
        let Some(previous) = &first.previous else { return Vec::new() };
        let mut reasons: Vec<String> = other_file_system(first, walked).into_iter().collect();
        reasons.extend(self.mass_change(asked, first, previous.entries, walked.unchanged));
        for inherited in &previous.suspect {
            if !reasons.contains(inherited) && reasons.len() < MOST_REASONS {
                reasons.push(inherited.clone());
            }
        }
        reasons
    }

    fn mass_change(
        &self,
        asked: &Snapshotter,
        first: &Reference,
        entries: u64,
        unchanged: u64,
    ) -> Option<String> {
        let most = self.mass_change?;
        let gone = entries.saturating_sub(unchanged);
        if gone < LEAST || u128::from(gone) * 100 <= u128::from(entries) * u128::from(most) {
            return None;
        }
        let label = &first.label;
        let rules = first.manifest.as_ref().map(|manifest| manifest.header().rules.as_str());
        let other_rules = rules.is_some_and(|rules| rules != asked.filtering.rules_text());
        let hint = if other_rules { "; the filter rules are others than then" } else { "" };
        Some(format!("{gone} of the {entries} entries of {label} are gone or changed (over {most} %){hint}"))
    }
}

/// Every night may add a reason to those that nobody looked at.
const MOST_REASONS: usize = 8;

/// Refuses what was walked on a server where entries were gone all of a sudden, and now its root is, or has nothing in
/// it: here an open root keeps a disk mounted, there nothing does.
fn refuse_lost_root<S: Source>(asked: &Snapshotter, source: &S, walked: &Walked) -> Result<()> {
    if source.is_here() || walked.counts.vanished == 0 {
        return Ok(());
    }
    let root = source.open_root().and_then(|root| match root.unlistable {
        Some(error) => Err(error),
        None => source.is_empty(&root.dir),
    });
    let kind = ErrorKind::SourceUnreadable;
    match root {
        Ok(false) => Ok(()),
        Ok(true) => {
            let message = "it became empty while it was read: did its disk go away? Nothing was saved";
            Err(Error::new(kind, &asked.source, message))
        }
        Err(error) => Err(Error::io_as(kind, "read the source any more: open", &asked.source, error)),
    }
}

/// Why a snapshot of a source on a server may lack what a disk there had that went away meanwhile.
fn suspect_vanished<S: Source>(source: &S, walked: &Walked) -> Option<String> {
    let (vanished, entries) = (walked.counts.vanished, walked.counts.entries);
    let many = !source.is_here() && vanished >= LEAST_VANISHED && vanished > entries / 10;
    many.then(|| format!("{vanished} entries vanished while the source was read, beside {entries} saved"))
}

/// How many entries the snapshot before has, if any.
fn entries_before(references: &[Reference]) -> Option<u64> {
    references.first()?.previous.as_ref().map(|previous| previous.entries).filter(|entries| *entries > 0)
}

fn refused(asked: &Snapshotter, references: &[Reference], what: &str) -> Error {
    let entries = entries_before(references).unwrap_or_default();
    let label = references.first().map_or("", |reference| &reference.label);
    let message = format!(
        "{what}, and {label} has {entries} {}: is its disk mounted? Nothing was saved; if it has to be empty, allow \
         that (--allow-empty)",
        if entries == 1 { "entry" } else { "entries" }
    );
    Error::new(ErrorKind::SourceEmpty, &asked.source, message)
}

fn other_file_system(first: &Reference, walked: &Walked) -> Option<String> {
    let (manifest, now) = (first.manifest.as_ref()?, walked.file_system.as_ref()?);
    let root = manifest.root().metadata;
    let index = usize::try_from(root.id.device.checked_sub(1)?).ok()?;
    let then = manifest.devices().get(index)?;
    if is_same(now, then, &walked.root, &root) {
        return None;
    }
    let shown = |one: &FileSystemId| Escaped(format!("{} {}", one.kind, one.id).as_bytes()).to_string();
    Some(format!(
        "the source is on another file system than in {} ({}, then {})",
        first.label,
        shown(now),
        shown(then)
    ))
}

/// Says whether two identities are of one file system.
fn is_same(now: &FileSystemId, then: &FileSystemId, root: &Metadata, root_then: &Metadata) -> bool {
    if now == then {
        return true;
    }
    match (now.kind.as_str(), then.kind.as_str()) {
        // The other half is of the subvolume, and who saves subvolume snapshots has a new one each time.
        ("btrfs", "btrfs") => matches!((low_half(&now.id), low_half(&then.id)), (Some(a), Some(b)) if a == b),
        // Its identity is that of the block device, which has another number when disks are found in another order.
        ("xfs", "xfs") => {
            root.id.inode == root_then.id.inode && root.btime.is_some() && root.btime == root_then.btime
        }
        _ => false,
    }
}

/// The low 32 bits of an identity of 16 hexadecimal digits.
fn low_half(id: &str) -> Option<&str> {
    id.get(8..)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{FileId, Timestamp};

    fn id(kind: &str, id: &str) -> FileSystemId {
        FileSystemId { kind: kind.into(), id: id.into() }
    }

    #[test]
    fn file_systems_are_known_by_what_does_not_change() {
        let root = |inode, seconds| Metadata {
            id: FileId { device: 1, inode },
            btime: Some(Timestamp { seconds, nanos: 5 }),
            ..crate::manifest::Entry::NONE.metadata
        };
        let (a, b) = ("00000000aaaaaaaa", "00000000bbbbbbbb");
        for (now, then, roots, same) in [
            (id("ext4", a), id("ext4", a), (root(2, 1), root(9, 9)), true),
            (id("ext4", a), id("ext4", b), (root(2, 1), root(2, 1)), false),
            (id("ext4", a), id("xfs", a), (root(2, 1), root(2, 1)), false),
            // Two subvolumes of one file system, and two file systems.
            (
                id("btrfs", "00000100aaaaaaaa"),
                id("btrfs", "00000105aaaaaaaa"),
                (root(2, 1), root(2, 2)),
                true,
            ),
            (
                id("btrfs", "00000100aaaaaaaa"),
                id("btrfs", "00000100aaaaaaab"),
                (root(2, 1), root(2, 1)),
                false,
            ),
            // A disk that has another number now, and another disk.
            (id("xfs", a), id("xfs", b), (root(128, 1), root(128, 1)), true),
            (id("xfs", a), id("xfs", b), (root(128, 1), root(128, 2)), false),
        ] {
            assert_eq!(is_same(&now, &then, &roots.0, &roots.1), same, "{now:?} {then:?}");
        }
    }

    #[test]
    fn only_a_large_share_of_many_is_a_mass_change() {
        let asked = Snapshotter::new("source", "repository");
        let first = Reference::of_tests("2026-11-22T132200Z");
        for (percent, entries, unchanged, suspect) in [
            (Some(50), 2000, 1000, false),
            (Some(50), 2000, 999, true),
            (Some(50), 1000, 1, false),
            (Some(50), 1000, 0, true),
            (Some(50), 100_000, 60_000, false),
            (Some(10), 100_000, 60_000, true),
            (Some(0), 100_000, 99_000, true),
            (Some(0), 100_000, 99_001, false),
            (Some(100), 100_000, 0, false),
            (None, 100_000, 0, false),
            // More names can be found than there were.
            (Some(0), 2000, 3000, false),
        ] {
            let guards = Guards { mass_change: percent, ..Guards::default() };
            let told = guards.mass_change(&asked, &first, entries, unchanged);
            assert_eq!(told.is_some(), suspect, "{percent:?} {entries} {unchanged}: {told:?}");
        }
        assert!(Guards { mass_change: Some(101), ..Guards::default() }.check().is_err());
    }
}
