//! How many descriptors may be open, and which to close when there are too many.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::node::{Identities, Node};
use crate::source::Source;

/// A share of the budget, given back when dropped.
pub(super) struct Lease {
    open: Arc<AtomicUsize>,
    descriptors: usize,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.open.fetch_sub(self.descriptors, Ordering::Relaxed);
    }
}

/// The budget of open directories. Those used least recently are closed first; they are opened again when needed.
pub(super) struct Budget<S: Source> {
    limit: usize,
    open: Arc<AtomicUsize>,
    clock: AtomicU64,
    /// Candidates for closing with the time of their last known use.
    candidates: Mutex<Candidates<S>>,
}

struct Candidates<S: Source> {
    queue: VecDeque<(u64, Weak<Node<S>>)>,
    /// How long the queue may get before finished directories are taken out of it.
    sweep_at: usize,
}

/// So many candidates are never too many.
const FEW: usize = 256;

impl<S: Source> Budget<S> {
    pub fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(16),
            open: Arc::default(),
            clock: AtomicU64::default(),
            candidates: Mutex::new(Candidates { queue: VecDeque::new(), sweep_at: FEW }),
        }
    }

    /// Takes a share, closing directories that nobody is using if that makes too many.
    ///
    /// The limit is soft: what is in use stays open. It leaves room for that.
    pub fn lease(&self, descriptors: usize) -> Lease {
        let open = self.open.fetch_add(descriptors, Ordering::Relaxed) + descriptors;
        if open > self.limit {
            self.close_some();
        }
        Lease { open: Arc::clone(&self.open), descriptors }
    }

    /// Notes that a directory's handles were fetched.
    pub fn touch(&self, node: &Node<S>) {
        node.last_used.store(self.clock.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Makes a directory whose handles are open a candidate for closing.
    pub fn enter(&self, node: &Arc<Node<S>>) {
        let mut candidates = self.candidates.lock().unwrap_or_else(PoisonError::into_inner);
        let Candidates { queue, sweep_at } = &mut *candidates;
        // A finished directory keeps its memory as long as it is in the queue.
        if queue.len() >= *sweep_at {
            queue.retain(|(_, node)| node.strong_count() > 0);
            *sweep_at = (queue.len() * 2).max(FEW);
        }
        queue.push_back((node.last_used.load(Ordering::Relaxed), Arc::downgrade(node)));
    }

    fn close_some(&self) {
        let mut candidates = self.candidates.lock().unwrap_or_else(PoisonError::into_inner);
        let candidates = &mut candidates.queue;
        let mut tries = candidates.len();
        while self.open.load(Ordering::Relaxed) > self.limit && tries > 0 {
            tries -= 1;
            let Some((seen, node)) = candidates.pop_front() else { return };
            let Some(node) = node.upgrade() else { continue };
            let used = node.last_used.load(Ordering::Relaxed);
            if used > seen || !close(&node) {
                candidates.push_back((used, Arc::downgrade(&node)));
            }
        }
    }
}

/// Closes a directory's handles unless somebody is using them, keeping in mind which inodes they were.
fn close<S: Source>(node: &Node<S>) -> bool {
    // The root stays open: it is where every way down begins.
    if node.parent().is_none() {
        return false;
    }
    let mut slot = node.handles();
    let Some(handles) = slot.as_ref() else { return true };
    if Arc::strong_count(handles) > 1 {
        return false;
    }
    if node.identities.get().is_none() {
        let staged = match handles.staged.as_ref().map(crate::os::Dir::stat).transpose() {
            Ok(staged) => staged.map(|stat| stat.id),
            Err(_) => return false,
        };
        let of = |(number, dir): &(usize, crate::os::Dir)| Some((*number, dir.stat().ok()?.id));
        let references = handles.references.iter().filter_map(of).collect();
        let _ = node.identities.set(Identities { staged, references });
    }
    *slot = None;
    true
}
