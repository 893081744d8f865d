//! A large file as its changes to an earlier version: what is equal is shared, what differs is written.

use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::content::{CopyError, chunk};
use crate::entry::Metadata;
use crate::hashing::{ContentHasher, HOLES_HASHED, PART, PARTS_LEAST, Value};
use crate::manifest::ContentHash;
use crate::monitor::StopFlag;
use crate::os::File;
use crate::source::SourceFile;

/// Smaller files are copied: sharing a few blocks is not worth a second read.
pub(crate) const PATCH_LEAST: u64 = 1 << 20;
/// What is written is made of these: the block of most file systems that can share blocks.
const BLOCK: usize = 4096;
/// One read is this large at most: what is compared and hashed at once stays in the cache.
const PIECE: u64 = PART;
/// After so many bytes it is decided whether the earlier version is worth reading any further.
const TRIAL: u64 = 64 << 20;

/// Asked for leave before so many bytes are written.
pub(crate) type Take<'p> = dyn Fn(u64) -> io::Result<()> + Sync + 'p;

/// What a large file was before.
pub(crate) struct Earlier {
    pub file: File,
    /// What stands for its parts of [`PART`] bytes, where that is known: a part with the same value is the same, and
    /// need not be read. Nothing if it is not known.
    pub parts: Vec<Value>,
}

/// A new file that is to share with an earlier version what is equal.
pub(super) struct Patch<'p, F> {
    pub from: &'p F,
    pub earlier: &'p Earlier,
    pub to: &'p File,
    pub take: &'p Take<'p>,
    pub stop: &'p StopFlag,
    /// So many bytes were read,
    pub read: AtomicU64,
    /// so many of them written,
    pub written: AtomicU64,
    /// and others shared.
    pub shared: AtomicBool,
    /// So many lay in holes.
    pub holes: AtomicU64,
}

/// Who works on it, from one place on.
pub(super) struct Patching<'p, F> {
    patch: &'p Patch<'p, F>,
    buffers: &'p mut (Vec<u8>, Vec<u8>),
    hasher: ContentHasher,
    /// Whole blocks that were found equal, and are not yet shared.
    equal: Range<u64>,
}

/// What came of it.
pub(crate) struct Patched {
    /// So many bytes were written.
    pub written: u64,
    /// Blocks are shared with the earlier version.
    pub shared: bool,
    /// Of the whole.
    pub hash: Option<ContentHash>,
    /// What stands for its parts, where that was kept.
    pub parts: Vec<Value>,
}

/// Fills the empty `to` with what the source held when `metadata` was taken. `to` must be able to share blocks with
/// `earlier`; `take` is told how many bytes are about to be written.
///
/// Blocks that are equal are shared, only those that differ are written; holes stay holes. Of the earlier version only
/// those parts are read that differ, or of which nothing is known.
/// Sharing range by range, not cloning all and writing over it: XFS reserves 128 KiB for each block written over.
pub(crate) fn patch<F: SourceFile>(
    from: &F,
    metadata: &Metadata,
    earlier: &Earlier,
    to: &File,
    buffers: &mut (Vec<u8>, Vec<u8>),
    take: &Take<'_>,
    stop: &StopFlag,
) -> Result<Patched, CopyError> {
    let size = metadata.size;
    to.set_len(size).map_err(CopyError::Target)?;
    if let Some(local) = from.local().filter(|_| size >= PARTS_LEAST) {
        let patch = Patch::new(local, earlier, to, take, stop);
        let (hash, parts) = patch.in_segments(metadata, buffers)?;
        return Ok(Patched { parts, ..patch.end(hash) });
    }
    let patch = Patch::new(from, earlier, to, take, stop);
    let mut patching = Patching::new(&patch, buffers, ContentHasher::for_size(size));
    let end = match from.local() {
        Some(local) if metadata.allocated < size => patching.extents(local, 0, size)?,
        _ => patching.range(0, size)?,
    };
    let hash = patching.end()?.finish();
    // The source became shorter: nothing is added to what was read.
    if end < size {
        to.set_len(end).map_err(CopyError::Target)?;
    }
    Ok(patch.end(hash))
}

impl<'p, F> Patch<'p, F> {
    fn new(from: &'p F, earlier: &'p Earlier, to: &'p File, take: &'p Take<'p>, stop: &'p StopFlag) -> Self {
        let (read, written, shared) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
        Self { from, earlier, to, take, stop, read, written, shared, holes: AtomicU64::new(0) }
    }

    /// What stands for the part of the earlier version that begins there.
    fn known(&self, offset: u64) -> Option<&Value> {
        self.earlier.parts.get(usize::try_from(offset / PART).ok()?)
    }

    /// Says whether the earlier version is not worth reading any further.
    fn is_useless(&self) -> bool {
        let (read, written) = (self.read.load(Ordering::Relaxed), self.written.load(Ordering::Relaxed));
        read >= TRIAL && written > read / 10 * 9
    }

    fn end(self, hash: Option<ContentHash>) -> Patched {
        Patched {
            written: self.written.into_inner(),
            shared: self.shared.into_inner(),
            hash,
            parts: Vec::new(),
        }
    }
}

impl<'p, F: SourceFile> Patching<'p, F> {
    pub fn new(patch: &'p Patch<'p, F>, buffers: &'p mut (Vec<u8>, Vec<u8>), hasher: ContentHasher) -> Self {
        Self { patch, buffers, hasher, equal: 0..0 }
    }

    /// Shares what is left to share, and returns the hasher of what was read.
    pub fn end(mut self) -> Result<ContentHasher, CopyError> {
        self.share()?;
        Ok(self.hasher)
    }

    /// Takes what of `start..end` holds data, and leaves the holes between; returns where the source ended.
    pub fn extents(&mut self, local: &File, start: u64, end: u64) -> Result<u64, CopyError> {
        let mut offset = start;
        while offset < end {
            // A file system that cannot tell holes: everything is data.
            let data = local.next_data(offset).unwrap_or(Some(offset)).unwrap_or(end).clamp(offset, end);
            let holes = self.patch.holes.fetch_add(data - offset, Ordering::Relaxed) + data - offset;
            if holes <= HOLES_HASHED {
                self.hasher.hole(data - offset);
            }
            if data == end {
                break;
            }
            let hole = local.next_hole(data).unwrap_or(end).clamp(data + 1, end);
            offset = self.range(data, hole)?;
            if offset < hole {
                return Ok(offset);
            }
        }
        Ok(end)
    }

    /// Takes `start..end`, or as much of it as there is; returns where that ends.
    pub fn range(&mut self, start: u64, end: u64) -> Result<u64, CopyError> {
        let mut offset = start;
        while offset < end {
            if self.patch.stop.is_stopped() {
                return Err(CopyError::Stopped);
            }
            // Reads end where blocks do.
            let aligned = offset - offset % PIECE + PIECE;
            let ours = chunk(&mut self.buffers.0, end.min(aligned) - offset);
            let wanted = ours.len();
            let read = self.patch.from.read_at(ours, offset).map_err(CopyError::Source)?;
            let value = self.hasher.part(self.buffers.0.get(..read).unwrap_or_default());
            if value.is_some() && value.as_ref() == self.patch.known(offset) {
                self.patch.read.fetch_add(read as u64, Ordering::Relaxed);
                self.add_equal(offset..offset + read as u64)?;
            } else {
                self.place(offset, read)?;
            }
            if value.is_none() {
                self.hasher.data(&mut self.buffers.0, read);
            }
            offset += read as u64;
            if read < wanted {
                break;
            }
        }
        Ok(offset)
    }

    /// Places the bytes just read: blocks that the earlier version has are shared, the others are written.
    fn place(&mut self, offset: u64, read: usize) -> Result<(), CopyError> {
        let (ours, theirs) = (self.buffers.0.get(..read).unwrap_or_default(), &mut self.buffers.1);
        let other = match self.patch.is_useless() {
            true => 0,
            // What cannot be read differs.
            false => self.patch.earlier.file.read_at(chunk(theirs, read as u64), offset).unwrap_or(0),
        };
        let theirs = theirs.get(..other).unwrap_or_default();
        let before = usize::try_from(offset % BLOCK as u64).unwrap_or_default();
        let runs: Vec<_> = differing(ours, theirs, before).collect();
        let written = runs.iter().map(|run| run.len() as u64).sum();
        if written > 0 {
            (self.patch.take)(written).map_err(CopyError::Target)?;
        }
        let (mut at, mut shared) = (0, Vec::new());
        for run in runs {
            shared.push(at..run.start);
            at = run.end;
            let bytes = ours.get(run.clone()).unwrap_or_default();
            self.patch.to.write_all_at(bytes, offset + run.start as u64).map_err(CopyError::Target)?;
        }
        shared.push(at..read);
        self.patch.read.fetch_add(read as u64, Ordering::Relaxed);
        self.patch.written.fetch_add(written, Ordering::Relaxed);
        for run in shared.into_iter().filter(|run| !run.is_empty()) {
            self.add_equal(offset + run.start as u64..offset + run.end as u64)?;
        }
        Ok(())
    }

    /// Adds to what is equal, after sharing what lies apart from it.
    fn add_equal(&mut self, run: Range<u64>) -> Result<(), CopyError> {
        if run.start == self.equal.end {
            self.equal.end = run.end;
            return Ok(());
        }
        let shared = self.share();
        self.equal = run;
        shared
    }

    /// Shares what was found equal; where that is impossible, copies it from the earlier version.
    fn share(&mut self) -> Result<(), CopyError> {
        let Range { start, end } = std::mem::replace(&mut self.equal, 0..0);
        if start == end {
            return Ok(());
        }
        if self.patch.to.share_range(&self.patch.earlier.file, start, end - start).is_ok() {
            self.patch.shared.store(true, Ordering::Relaxed);
            return Ok(());
        }
        let mut offset = start;
        while offset < end {
            let bytes = chunk(&mut self.buffers.1, PIECE.min(end - offset));
            let length = bytes.len();
            (self.patch.take)(length as u64).map_err(CopyError::Target)?;
            match self.patch.earlier.file.read_at(bytes, offset) {
                Ok(read) if read == length => {}
                Ok(_) => return Err(CopyError::Target(std::io::ErrorKind::UnexpectedEof.into())),
                Err(error) => return Err(CopyError::Target(error)),
            }
            self.patch.to.write_all_at(bytes, offset).map_err(CopyError::Target)?;
            offset += length as u64;
            self.patch.written.fetch_add(length as u64, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// The runs of blocks in which two buffers differ; `before` bytes of the first block lie before them. Only whole blocks
/// can be equal: no others can be shared.
fn differing<'b>(ours: &'b [u8], theirs: &'b [u8], before: usize) -> impl Iterator<Item = Range<usize>> + 'b {
    let mut at = 0;
    let end_of = move |at: usize| (at + BLOCK - (at + before) % BLOCK).min(ours.len());
    let is_whole = move |at: usize| end_of(at) - at == BLOCK;
    let is_equal = move |at: usize| is_whole(at) && ours.get(at..end_of(at)) == theirs.get(at..end_of(at));
    // Most of a large file is equal: one comparison of all is the fastest.
    if before == 0 && ours.len().is_multiple_of(BLOCK) && ours == theirs {
        at = ours.len();
    }
    std::iter::from_fn(move || {
        while at < ours.len() && is_equal(at) {
            at = end_of(at);
        }
        let start = at;
        while at < ours.len() && !is_equal(at) {
            at = end_of(at);
        }
        (start < at).then_some(start..at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_written_before_there_is_space_for_it() {
        let dir = tempfile::tempdir().unwrap();
        let dir = crate::os::Dir::open_operator_path(dir.path()).unwrap();
        let make = |name, bytes: &[u8]| {
            let file = dir.create_file(name).unwrap();
            file.write_all_at(bytes, 0).unwrap();
            file
        };
        let (source, earlier) = (make(c"new", &[1; 3 * BLOCK]), make(c"old", &[2; BLOCK]));
        let earlier = Earlier { file: earlier, parts: Vec::new() };
        let to = make(c"to", &[]);
        let asked = AtomicU64::new(0);
        let refuse = |bytes| {
            asked.store(bytes, Ordering::Relaxed);
            Err(io::ErrorKind::StorageFull.into())
        };
        let (metadata, mut buffers) = (source.stat().unwrap(), Default::default());
        let patched = patch(&source, &metadata, &earlier, &to, &mut buffers, &refuse, &StopFlag::default());
        assert!(matches!(patched, Err(CopyError::Target(_))));
        assert_eq!((asked.into_inner(), to.stat().unwrap().allocated), (3 * BLOCK as u64, 0));
    }

    #[test]
    fn only_blocks_that_differ_are_written() {
        let old = vec![1; 5 * BLOCK + 10];
        let changed = |at: &[usize]| {
            let mut new = old.clone();
            at.iter().for_each(|at| new[*at] = 2);
            new
        };
        let all = old.len();
        let tail = 5 * BLOCK..all;
        for (at, before, expected) in [
            (vec![], 0, vec![tail.clone()]),
            (vec![0], 0, vec![0..BLOCK, tail.clone()]),
            (vec![BLOCK - 1, BLOCK], 0, vec![0..2 * BLOCK, tail.clone()]),
            (vec![BLOCK - 1, 3 * BLOCK], 0, vec![0..BLOCK, 3 * BLOCK..4 * BLOCK, tail.clone()]),
            (vec![all - 1], 0, vec![tail]),
            (vec![], 100, vec![0..BLOCK - 100, 5 * BLOCK - 100..all]),
        ] {
            let found: Vec<_> = differing(&changed(&at), &old, before).collect();
            assert_eq!(found, expected, "{at:?} {before}");
        }
        assert_eq!(differing(&old[..2 * BLOCK], &old[..2 * BLOCK], 0).count(), 0);
        // Beyond the end of the earlier version everything is new.
        let found: Vec<_> = differing(&old, &old[..BLOCK + 7], 0).collect();
        assert_eq!(found, std::slice::from_ref(&(BLOCK..all)));
    }
}
