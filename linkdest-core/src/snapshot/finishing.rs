//! The end of a directory: stamped, written down, or removed again if nothing is in it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::engine::Engine;
use super::node::Node;
use super::worker::{Task, Worker};
use crate::counts::Counter;
use crate::error::Result;
use crate::monitor::{Action, Event, Reason};
use crate::source::Source;

impl<S: Source> Engine<'_, S> {
    /// Takes back one hold on a directory, and finishes it and every parent that this was the last for.
    pub fn release(&self, worker: &mut Worker<'_, '_, S>, node: &Arc<Node<S>>) -> Result<()> {
        let mut node = Arc::clone(node);
        while node.release() {
            node.records().take();
            let pruned = self.prune(worker, &node)?;
            let handles = if pruned {
                node.handles().clone()
            } else {
                let (handles, flags) = self.stamp(worker, &node)?;
                worker.record_directory(&node, flags)?;
                handles
            };
            let Some(parent) = node.parent().map(Arc::clone) else {
                self.finish();
                break;
            };
            // Going up, `..` is the short way to a parent that was closed on the way down.
            self.open_through_child(&parent, handles.as_deref());
            drop(handles);
            if !node.is_kept() {
                node.handles().take();
            }
            node = parent;
        }
        Ok(())
    }

    /// Removes a finished directory that nothing is in, if that was asked for; says whether it did.
    fn prune(&self, worker: &Worker<'_, '_, S>, node: &Arc<Node<S>>) -> Result<bool> {
        let Some(parent) = node.parent() else { return Ok(false) };
        let empty = self.plan.filtering.prune_empty_dirs && node.placed.load(Ordering::Acquire) == 0;
        let kept =
            || parent.opened.rules.as_ref().is_some_and(|rules| rules.keeps_empty(node.name().to_bytes()));
        if !empty || kept() {
            parent.placed.fetch_add(1, Ordering::AcqRel);
            self.count_directory(worker.index, node);
            return Ok(false);
        }
        if self.plan.staged.is_some()
            && let Some(staged) = self.staged(parent)?.dir()
        {
            staged.remove_dir(node.name()).map_err(|error| self.repository_error("remove", error))?;
        }
        worker.count(Counter::Excluded, 1);
        Ok(true)
    }

    /// Counts and tells a directory that is in the snapshot for good.
    fn count_directory(&self, worker: usize, node: &Node<S>) {
        self.counters.add(worker, Counter::Entries, 1);
        self.counters.add(worker, Counter::Directories, 1);
        if self.plan.select_only {
            self.plan.monitor.event(&Event::Selected { path: node.path(), directory: true });
        } else {
            self.tell_entry(|| node.path(), Action::Create, Reason::Directory);
        }
    }

    /// Notes that a directory was walked; the last one lets the names go that wait for a leader.
    pub fn walked(&self) {
        if self.walking.fetch_sub(1, Ordering::AcqRel) == 1 {
            for group in self.groups.end_walk() {
                self.queue.push(Task::Lead(group));
            }
        }
    }
}
