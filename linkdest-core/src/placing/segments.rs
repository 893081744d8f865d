//! A large file patched by two threads: each takes the next segment, reads, compares and hashes it.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::content::CopyError;
use super::patch::{Patch, Patching};
use crate::entry::Metadata;
use crate::hashing::{ContentHasher, HOLES_HASHED, PART, PARTS_MOST, Value, joined, whole};
use crate::manifest::ContentHash;
use crate::os::File;

/// The length of each segment but the last, in bytes: a power of two, and so a whole subtree of the hash.
const SEGMENT: u64 = 64 * PART;

/// What came of a segment.
struct Segment {
    /// Where it begins.
    start: u64,
    /// What stands for its parts in the hash; of very large files, for all of it.
    values: Vec<Value>,
    /// Where the source ended, if that was too early.
    short: Option<u64>,
}

impl Patch<'_, File> {
    /// Takes the whole file, and returns its hash and what stands for its parts; no hash if the source became shorter, or
    /// too much of it lies in holes.
    pub(super) fn in_segments(
        &self,
        metadata: &Metadata,
        buffers: &mut (Vec<u8>, Vec<u8>),
    ) -> Result<(Option<ContentHash>, Vec<Value>), CopyError> {
        let (next, failed) = (AtomicU64::new(0), AtomicBool::new(false));
        let segments = Mutex::new(Vec::new());
        let work = |buffers: &mut (Vec<u8>, Vec<u8>)| {
            loop {
                let start = next.fetch_add(SEGMENT, Ordering::Relaxed);
                if start >= metadata.size || failed.load(Ordering::Relaxed) {
                    return Ok(());
                }
                let segment = self.segment(start, metadata, buffers);
                let segment = segment.inspect_err(|_| failed.store(true, Ordering::Relaxed))?;
                segments.lock().unwrap_or_else(PoisonError::into_inner).push(segment);
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
        let segments = segments.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.finish(metadata.size, segments)
    }

    fn segment(
        &self,
        start: u64,
        metadata: &Metadata,
        buffers: &mut (Vec<u8>, Vec<u8>),
    ) -> Result<Segment, CopyError> {
        let size = metadata.size;
        let end = size.min(start + SEGMENT);
        let mut patching = Patching::new(self, buffers, ContentHasher::from_part(start));
        let reached = match metadata.allocated < size {
            true => patching.extents(self.from, start, end)?,
            false => patching.range(start, end)?,
        };
        let mut values = patching.end()?.into_parts().unwrap_or_default();
        if size > PARTS_MOST {
            values = joined(&values).into_iter().collect();
        }
        Ok(Segment { start, values, short: (reached < end).then_some(reached) })
    }

    fn finish(
        &self,
        size: u64,
        mut segments: Vec<Segment>,
    ) -> Result<(Option<ContentHash>, Vec<Value>), CopyError> {
        if let Some(end) = segments.iter().filter_map(|segment| segment.short).min() {
            // Nothing is added to what was read.
            self.to.set_len(end).map_err(CopyError::Target)?;
            return Ok((None, Vec::new()));
        }
        if self.holes.load(Ordering::Relaxed) > HOLES_HASHED {
            return Ok((None, Vec::new()));
        }
        segments.sort_unstable_by_key(|segment| segment.start);
        let values: Vec<Value> = segments.into_iter().flat_map(|segment| segment.values).collect();
        let hash = whole(&values);
        Ok((hash, if size > PARTS_MOST { Vec::new() } else { values }))
    }
}
