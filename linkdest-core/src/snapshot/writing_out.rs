//! Content on its way to the disk while more is copied: the flush before publishing then has little left to wait for.

use super::engine::Engine;
use crate::source::Source;

/// The operation that failed, when an error says so.
pub(super) const FLUSH: &str = "flush";

/// So many bytes are copied before they are written out.
pub(super) const EACH: u64 = 256 << 20;

impl<S: Source> Engine<'_, S> {
    /// Flushes the repository's file system each time so many bytes were copied, until the workers are done.
    ///
    /// An error ends the run: the kernel takes pages that it could not write for clean, and may tell so once only.
    pub fn write_out(&self, each: u64) {
        let Some(scratch) = &self.plan.scratch else { return };
        let mut written = 0;
        while !self.is_finished_after_a_tick() && !self.halted() {
            let copied = self.counters.sum().bytes_copied;
            if copied - written >= each {
                written = copied;
                if let Err(error) = scratch.sync_file_system() {
                    self.fail(self.repository_error(FLUSH, error));
                }
            }
        }
    }
}
