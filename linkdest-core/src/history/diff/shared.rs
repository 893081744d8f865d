//! Several threads that compare two manifests, each some of the directories.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::merge::{Difference, Found, Merge, Task};
use super::renames::{Recognition, pair};
use crate::crew::{Crew, threads};
use crate::error::{ErrorKind, Result};
use crate::history::side::Side;
use crate::history::stopped;
use crate::monitor::StopFlag;

/// So many differences are told while the records are at hand; of further ones only the places are kept.
const TOLD: usize = 1 << 16;

/// What all threads share.
pub(super) struct Shared {
    pub recognition: Recognition,
    /// What was found, by the number of the task.
    found: Mutex<Vec<Vec<Found>>>,
    told: AtomicUsize,
}

impl Shared {
    /// The number of a new task.
    pub fn reserve(&self) -> usize {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.push(Vec::new());
        found.len() - 1
    }

    /// Says whether one more difference may be told at once.
    pub fn may_tell(&self) -> bool {
        self.told.fetch_add(1, Ordering::Relaxed) < TOLD
    }

    fn put(&self, number: usize, what: Vec<Found>) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = found.get_mut(number) {
            *place = what;
        }
    }
}

/// Finds all differences, in the order of their paths.
pub(super) fn differences(before: &mut Side, after: &mut Side, stop: &StopFlag) -> Result<Vec<Difference>> {
    if stop.is_stopped() {
        return Err(stopped());
    }
    let recognition = Recognition::between(&before.manifest, &after.manifest);
    let shared = Shared { recognition, found: Mutex::default(), told: AtomicUsize::new(0) };
    let (first, task) = Merge::new(before, after, &shared).roots()?;
    if let Some(task) = task {
        work(before, after, &shared, task, stop)?;
    }
    let mut all = in_order(first, shared.found.into_inner().unwrap_or_else(PoisonError::into_inner));
    pair(&mut all);
    Ok(all)
}

fn work(before: &Side, after: &Side, shared: &Shared, task: Task, stop: &StopFlag) -> Result<()> {
    let compare = |sides: &mut Option<(Side, Side)>, task: Task, crew: &Crew<Task>| {
        let (before, after) = match sides {
            Some(sides) => sides,
            None => sides.insert((before.another()?, after.another()?)),
        };
        shared.put(task.number, Merge::new(before, after, shared).task(&task, crew, stop)?);
        Ok(())
    };
    let done = Crew::work(threads(None), vec![task], stop, &mut || (), &|| None, &compare);
    done.map_err(|error| if error.kind() == ErrorKind::Interrupted { stopped() } else { error })
}

/// Puts what each task found where the task was found.
fn in_order(first: Vec<Found>, mut tasks: Vec<Vec<Found>>) -> Vec<Difference> {
    let (mut all, mut open) = (Vec::new(), vec![first.into_iter()]);
    while let Some(found) = open.last_mut() {
        match found.next() {
            Some(Found::Difference(difference)) => all.push(difference),
            Some(Found::Task(number)) => {
                let task = tasks.get_mut(number).map(std::mem::take).unwrap_or_default();
                open.push(task.into_iter());
            }
            None => drop(open.pop()),
        }
    }
    all
}
