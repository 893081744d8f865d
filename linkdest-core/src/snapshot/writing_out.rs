//! Content on its way to the disk while more is copied: the flush before publishing then has little left to wait for.

use std::thread::{Scope, ScopedJoinHandle};

use super::engine::Engine;
use crate::crew::start;
use crate::os::Dir;
use crate::source::Source;

/// The operation that failed, when an error says so.
pub(super) const FLUSH: &str = "flush";

/// So many bytes are copied before they are written out.
pub(super) const EACH: u64 = 256 << 20;

/// How far a run has written out what it copied.
#[derive(Default)]
pub(super) struct WritingOut<'s> {
    /// So many bytes were copied when that began last.
    copied: u64,
    flush: Option<ScopedJoinHandle<'s, ()>>,
}

impl<'s> WritingOut<'s> {
    /// Begins to flush the repository's file system, beside the workers, if enough was copied since the last time.
    pub fn go_on<'e: 's, S: Source>(&mut self, engine: &'e Engine<'_, S>, scope: &'s Scope<'s, 'e>) {
        let (Some(each), Some(scratch)) = (engine.plan.write_out, &engine.plan.scratch) else { return };
        let copied = engine.counters.sum().bytes_copied;
        let is_busy = self.flush.as_ref().is_some_and(|flush| !flush.is_finished());
        if is_busy || copied - self.copied < each {
            return;
        }
        self.copied = copied;
        // Where the system has no thread left, all is written out at the end.
        self.flush = start(scope, move || engine.write_out(scratch)).ok();
    }
}

impl<S: Source> Engine<'_, S> {
    /// An error ends the run: the kernel takes pages that it could not write for clean, and may tell so once only.
    fn write_out(&self, scratch: &Dir) {
        if let Err(error) = scratch.sync_file_system() {
            self.fail(self.repository_error(FLUSH, error));
        }
    }
}
