//! A large file without holes, patched by two threads: each takes the next part, reads, compares and hashes it.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::content::CopyError;
use super::patch::{Patch, Patching};
use crate::hashing::{ContentHasher, SEGMENT, Value, whole};
use crate::manifest::ContentHash;
use crate::os::File;

/// Files from this size on are worth a second thread.
pub(super) const LEAST: u64 = 2 * SEGMENT;

/// What came of a part.
struct Part {
    /// Where it begins.
    start: u64,
    /// What stands for it in the hash.
    value: Option<Value>,
    /// Where the source ended, if that was too early.
    short: Option<u64>,
}

impl Patch<'_, File> {
    /// Takes the whole file, and returns its hash; `None` if the source became shorter.
    pub(super) fn in_segments(
        &self,
        size: u64,
        buffers: &mut (Vec<u8>, Vec<u8>),
    ) -> Result<Option<ContentHash>, CopyError> {
        let (next, failed) = (AtomicU64::new(0), AtomicBool::new(false));
        let parts = Mutex::new(Vec::new());
        let work = |buffers: &mut (Vec<u8>, Vec<u8>)| {
            loop {
                let start = next.fetch_add(SEGMENT, Ordering::Relaxed);
                if start >= size || failed.load(Ordering::Relaxed) {
                    return Ok(());
                }
                let part = self.part(start, size, buffers);
                let part = part.inspect_err(|_| failed.store(true, Ordering::Relaxed))?;
                parts.lock().unwrap_or_else(PoisonError::into_inner).push(part);
            }
        };
        std::thread::scope(|scope| {
            // Where the system has no thread left, this one does it all.
            let beside = std::thread::Builder::new().name("linkdest-patch".to_owned());
            let beside = beside.spawn_scoped(scope, || work(&mut (Vec::new(), Vec::new())));
            let here = work(buffers);
            let there =
                beside.map_or(Ok(()), |beside| beside.join().unwrap_or_else(|panic| resume_unwind(panic)));
            here.and(there)
        })?;
        let parts = parts.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.finish(parts)
    }

    fn part(&self, start: u64, size: u64, buffers: &mut (Vec<u8>, Vec<u8>)) -> Result<Part, CopyError> {
        let end = size.min(start + SEGMENT);
        let mut patching = Patching::new(self, buffers, ContentHasher::for_segment(start));
        let reached = patching.range(start, end)?;
        let value = patching.end()?.finish_segment();
        Ok(Part { start, value, short: (reached < end).then_some(reached) })
    }

    fn finish(&self, mut parts: Vec<Part>) -> Result<Option<ContentHash>, CopyError> {
        if let Some(end) = parts.iter().filter_map(|part| part.short).min() {
            // Nothing is added to what was read.
            self.to.set_len(end).map_err(CopyError::Target)?;
            return Ok(None);
        }
        parts.sort_unstable_by_key(|part| part.start);
        let values: Option<Vec<_>> = parts.into_iter().map(|part| part.value).collect();
        Ok(values.and_then(|values| whole(&values)))
    }
}
