//! Two manifests side by side.

use std::cmp::Ordering;
use std::sync::Arc;

use super::change::{Aspects, Change, ChangeKind};
use super::compare::{Compared, compare};
use super::links::FirstNames;
use super::renames::{Keys, Recognition};
use super::shared::Shared;
use super::tell;
use crate::crew::Crew;
use crate::error::Result;
use crate::history::side::Side;
use crate::history::stopped;
use crate::manifest::{Directory, Entry, Locator, Place};
use crate::monitor::StopFlag;

/// A change, by its places in the manifests. The root has no place.
#[derive(Debug)]
pub(super) struct Difference {
    pub kind: ChangeKind,
    pub aspects: Aspects,
    pub before: Option<Place>,
    pub after: Option<Place>,
    /// Of a name that went or came: what it is recognised by.
    pub keys: Option<Box<Keys>>,
    /// What there is to say of it, unless that is to be read again.
    pub told: Option<Box<Change>>,
}

/// What was found of a pair of directories, in the order of paths.
#[derive(Debug)]
pub(super) enum Found {
    Difference(Difference),
    /// What is found of a task stands here.
    Task(usize),
}

/// Two directories to be compared with all that is below them, or one that the other side does not have.
#[derive(Debug)]
pub(super) struct Task {
    pub number: usize,
    directories: Directories,
    /// The directory was expunged from the other side, with everything that was in it.
    expunged: bool,
}

type Directories = (Option<Locator>, Option<Locator>);

/// One thread's comparing.
pub(super) struct Merge<'m> {
    pub before: &'m mut Side,
    pub after: &'m mut Side,
    pub shared: &'m Shared,
    names: FirstNames,
    found: Vec<Found>,
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
    keys: Option<Box<Keys>>,
    /// The directories that are walked next.
    directories: Directories,
    /// No inode has names both in them and elsewhere: they can be walked by another thread.
    apart: bool,
    expunged: bool,
}

const NOTHING: Compared = Compared { aspects: Aspects::NONE, unsure: false };

impl Level {
    /// Goes past what is the same at a glance.
    fn skip(&mut self) {
        if let (Some(before), Some(after), false) = (&self.before, &self.after, self.expunged) {
            let alike = before.count_alike(self.next.0, after, self.next.1);
            self.next = (self.next.0 + alike, self.next.1 + alike);
        }
    }

    /// Looks at the next name; `None` at the end.
    fn step(&mut self, names: &mut FirstNames, recognition: &Recognition) -> Option<Step> {
        self.skip();
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
        let (directories, apart) = below(before.map(|(entry, _)| entry), after.map(|(entry, _)| entry));
        let gone =
            |side: &Option<(Entry<'_>, _)>| side.as_ref().is_some_and(|(entry, _)| entry.is_expunged());
        if self.expunged || gone(&before) || gone(&after) {
            let there = |side: Option<(Entry<'_>, Option<Place>)>| {
                side.filter(|(entry, _)| !entry.is_expunged()).and_then(|(_, place)| place)
            };
            let (before, after) = (there(before), there(after));
            let kind = (before.is_some() != after.is_some()).then_some(ChangeKind::Expunged);
            let expunged = kind.is_some();
            let keys = None;
            return Some(Step { kind, compared: NOTHING, before, after, keys, directories, apart, expunged });
        }
        let (kind, compared, keys) = match (&before, &after) {
            (Some((a, _)), Some((b, _))) if a.metadata.kind == b.metadata.kind => {
                (None, both(a, b, names), None)
            }
            (Some(_), Some(_)) => (Some(ChangeKind::Type), NOTHING, None),
            (Some((entry, _)), None) => (Some(ChangeKind::Removed), NOTHING, Some(recognition.went(entry))),
            (None, Some((entry, _))) => (Some(ChangeKind::Added), NOTHING, Some(Recognition::came(entry))),
            (None, None) => return None,
        };
        let place = |side: Option<(Entry<'_>, Option<Place>)>| side.and_then(|(_, place)| place);
        let (before, after) = (place(before), place(after));
        let keys = keys.map(Box::new);
        Some(Step { kind, compared, before, after, keys, directories, apart, expunged: false })
    }
}

/// The directories that are walked next, none where all in them is the same; and whether they stand apart: a directory
/// with a hash has no names of an inode with several.
fn below(before: Option<Entry<'_>>, after: Option<Entry<'_>>) -> (Directories, bool) {
    let tree = |side: Option<Entry<'_>>| side.and_then(|entry| entry.tree);
    let is_hashed = tree(before).is_some() && tree(after).is_some();
    if is_hashed && tree(before) == tree(after) {
        return ((None, None), true);
    }
    let child = |side: Option<Entry<'_>>| side.and_then(|entry| entry.child);
    let directories = (child(before), child(after));
    (directories, is_hashed || directories.0.is_none() || directories.1.is_none())
}

fn both(before: &Entry<'_>, after: &Entry<'_>, names: &mut FirstNames) -> Compared {
    let mut compared = compare(before, after);
    compared.aspects.insert_if(names.differ(before, after), Aspects::LINKS);
    compared
}

impl<'m> Merge<'m> {
    pub fn new(before: &'m mut Side, after: &'m mut Side, shared: &'m Shared) -> Self {
        let (names, found, levels) = (FirstNames::default(), Vec::new(), Vec::new());
        Self { before, after, shared, names, found, levels }
    }

    /// Compares the roots, which are directories; says what was found, and what is to be done.
    pub fn roots(mut self) -> Result<(Vec<Found>, Option<Task>)> {
        let (before, after) = (Arc::clone(&self.before.manifest), Arc::clone(&self.after.manifest));
        let (before, after) = (before.root(), after.root());
        let compared = both(&before, &after, &mut self.names);
        let (directories, apart) = below(Some(before), Some(after));
        self.note(Step {
            kind: None,
            compared,
            before: None,
            after: None,
            keys: None,
            directories,
            apart,
            expunged: false,
        })?;
        let number = self.shared.reserve();
        let task = (directories != (None, None)).then_some(Task { number, directories, expunged: false });
        self.found.extend(task.as_ref().map(|task| Found::Task(task.number)));
        Ok((self.found, task))
    }

    /// Finds the differences in a pair of directories and below, but for what others do.
    pub fn task(mut self, task: &Task, crew: &Crew<Task>, stop: &StopFlag) -> Result<Vec<Found>> {
        self.enter(task.directories, task.expunged)?;
        while let Some(level) = self.levels.last_mut() {
            if stop.is_stopped() {
                return Err(stopped());
            }
            let Some(step) = level.step(&mut self.names, &self.shared.recognition) else {
                self.levels.pop();
                continue;
            };
            let Step { directories, apart, expunged, .. } = step;
            self.note(step)?;
            if directories == (None, None) {
                continue;
            }
            if apart && crew.is_idle() {
                let number = self.shared.reserve();
                self.found.push(Found::Task(number));
                crew.push(Task { number, directories, expunged });
            } else {
                self.enter(directories, expunged)?;
            }
        }
        Ok(self.found)
    }

    fn enter(&mut self, directories: Directories, expunged: bool) -> Result<()> {
        let before = directories.0.map(|at| self.before.directory(at)).transpose()?;
        let after = directories.1.map(|at| self.after.directory(at)).transpose()?;
        self.levels.push(Level { before, after, next: (0, 0), expunged });
        Ok(())
    }

    /// Keeps what differs.
    fn note(&mut self, step: Step) -> Result<()> {
        let aspects = if step.compared.unsure { self.settle(&step)? } else { step.compared.aspects };
        let same_kind =
            if aspects.contains(Aspects::CONTENT) { ChangeKind::Content } else { ChangeKind::Attributes };
        let Some(kind) = step.kind.or((!aspects.is_empty()).then_some(same_kind)) else { return Ok(()) };
        let Step { before, after, keys, .. } = step;
        let mut difference = Difference { kind, aspects, before, after, keys, told: None };
        if self.shared.may_tell() {
            difference.told = Some(Box::new(tell(self.before, self.after, &difference)?));
        }
        self.found.push(Found::Difference(difference));
        Ok(())
    }

    fn settle(&mut self, step: &Step) -> Result<Aspects> {
        let (Some(before), Some(after)) = (step.before, step.after) else { return Ok(step.compared.aspects) };
        let (before, after) = (self.before.entry_at(before)?, self.after.entry_at(after)?);
        step.compared.settle(&mut self.before.tree, &before.path(), &mut self.after.tree, &after.path())
    }
}
