//! Two manifests side by side.

use std::cmp::Ordering;

use super::change::{Aspects, ChangeKind};
use super::compare::{Compared, compare};
use super::links::FirstNames;
use super::renames::Renames;
use crate::error::Result;
use crate::history::side::Side;
use crate::history::stopped;
use crate::manifest::{Directory, Entry, Locator, Place};
use crate::monitor::StopFlag;

/// A change, by its places in the manifests. The root has no place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Difference {
    pub kind: ChangeKind,
    pub aspects: Aspects,
    pub before: Option<Place>,
    pub after: Option<Place>,
}

/// Finds all differences, in the order of their paths.
pub(super) fn merge(before: &mut Side, after: &mut Side, stop: &StopFlag) -> Result<Vec<Difference>> {
    let renames = Renames::between(&before.manifest, &after.manifest);
    let mut merge =
        Merge { before, after, names: FirstNames::default(), renames, found: Vec::new(), levels: Vec::new() };
    merge.root()?;
    while let Some(level) = merge.levels.last_mut() {
        if stop.is_stopped() {
            return Err(stopped());
        }
        match level.step(&mut merge.names, &mut merge.renames, merge.found.len()) {
            Some(step) => merge.take(&step)?,
            None => drop(merge.levels.pop()),
        }
    }
    let Merge { renames, mut found, .. } = merge;
    renames.apply(&mut found);
    Ok(found)
}

struct Merge<'m> {
    before: &'m mut Side,
    after: &'m mut Side,
    names: FirstNames,
    renames: Renames,
    found: Vec<Difference>,
    levels: Vec<Level>,
}

/// One directory that is being walked on both sides, or on the one that has it.
#[derive(Default)]
struct Level {
    before: Option<Directory>,
    after: Option<Directory>,
    /// The next entry of each.
    next: (usize, usize),
    /// The directory was expunged from the other side, with everything that was in it.
    expunged: bool,
}

/// What was found of one name.
struct Step {
    kind: Option<ChangeKind>,
    compared: Compared,
    before: Option<Place>,
    after: Option<Place>,
    children: (Option<Locator>, Option<Locator>),
    expunged: bool,
}

const NOTHING: Compared = Compared { aspects: Aspects::NONE, unsure: false };

impl Level {
    /// Looks at the next name; `None` at the end.
    fn step(&mut self, names: &mut FirstNames, renames: &mut Renames, number: usize) -> Option<Step> {
        let (i, j) = self.next;
        let before = self.before.as_ref().and_then(|directory| Some((directory.get(i)?, directory.place(i))));
        let after = self.after.as_ref().and_then(|directory| Some((directory.get(j)?, directory.place(j))));
        let order = match (&before, &after) {
            (None, None) => return None,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((a, _)), Some((b, _))) => a.name.cmp(b.name),
        };
        let before = before.filter(|_| order.is_le());
        let after = after.filter(|_| order.is_ge());
        self.next = (i + usize::from(before.is_some()), j + usize::from(after.is_some()));
        let child = |side: &Option<(Entry<'_>, _)>| side.as_ref().and_then(|(entry, _)| entry.child);
        let children = (child(&before), child(&after));
        let gone =
            |side: &Option<(Entry<'_>, _)>| side.as_ref().is_some_and(|(entry, _)| entry.is_expunged());
        if self.expunged || gone(&before) || gone(&after) {
            let there = |side: Option<(Entry<'_>, Option<Place>)>| {
                side.filter(|(entry, _)| !entry.is_expunged()).and_then(|(_, place)| place)
            };
            let (before, after) = (there(before), there(after));
            let kind = (before.is_some() != after.is_some()).then_some(ChangeKind::Expunged);
            let expunged = kind.is_some();
            return Some(Step { kind, compared: NOTHING, before, after, children, expunged });
        }
        let (kind, compared) = match (&before, &after) {
            (Some((a, _)), Some((b, _))) if a.metadata.kind == b.metadata.kind => (None, both(a, b, names)),
            (Some(_), Some(_)) => (Some(ChangeKind::Type), NOTHING),
            (Some((entry, _)), None) => {
                renames.went(number, entry);
                (Some(ChangeKind::Removed), NOTHING)
            }
            (None, Some((entry, _))) => {
                renames.came(number, entry);
                (Some(ChangeKind::Added), NOTHING)
            }
            (None, None) => return None,
        };
        let place = |side: Option<(Entry<'_>, Option<Place>)>| side.and_then(|(_, place)| place);
        let (before, after) = (place(before), place(after));
        Some(Step { kind, compared, before, after, children, expunged: false })
    }
}

fn both(before: &Entry<'_>, after: &Entry<'_>, names: &mut FirstNames) -> Compared {
    let mut compared = compare(before, after);
    compared.aspects.insert_if(names.differ(before, after), Aspects::LINKS);
    compared
}

impl Merge<'_> {
    /// Begins with the roots, which are directories.
    fn root(&mut self) -> Result<()> {
        let (before, after) = (self.before.manifest.root(), self.after.manifest.root());
        let compared = both(&before, &after, &mut self.names);
        let children = (before.child, after.child);
        self.take(&Step { kind: None, compared, before: None, after: None, children, expunged: false })
    }

    fn take(&mut self, step: &Step) -> Result<()> {
        let aspects = if step.compared.unsure { self.settle(step)? } else { step.compared.aspects };
        let same_kind =
            if aspects.contains(Aspects::CONTENT) { ChangeKind::Content } else { ChangeKind::Attributes };
        let kind = step.kind.or((!aspects.is_empty()).then_some(same_kind));
        if let Some(kind) = kind {
            self.found.push(Difference { kind, aspects, before: step.before, after: step.after });
        }
        if step.children != (None, None) {
            let before = step.children.0.map(|at| self.before.directory(at)).transpose()?;
            let after = step.children.1.map(|at| self.after.directory(at)).transpose()?;
            self.levels.push(Level { before, after, next: (0, 0), expunged: step.expunged });
        }
        Ok(())
    }

    fn settle(&mut self, step: &Step) -> Result<Aspects> {
        let (Some(before), Some(after)) = (step.before, step.after) else { return Ok(step.compared.aspects) };
        let (before, after) = (self.before.entry_at(before)?, self.after.entry_at(after)?);
        step.compared.settle(&mut self.before.tree, &before.path(), &mut self.after.tree, &after.path())
    }
}
