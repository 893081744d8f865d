//! The figures of a run: one book, kept per worker and added up when somebody looks.

use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_utils::CachePadded;
use serde::{Deserialize, Serialize};

macro_rules! counters {
    ($($(#[$doc:meta])* $field:ident / $counter:ident,)*) => {
        /// What a run did, in entries and bytes. An entry is one name below the root of the source.
        ///
        /// ```
        /// let counts = linkdest_core::Counts::default();
        /// assert_eq!((counts.entries, counts.files_linked), (0, 0));
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
        #[serde(default)]
        #[non_exhaustive]
        pub struct Counts {
            $($(#[$doc])* pub $field: u64,)*
        }

        /// One of the figures in [`Counts`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Counter { $($counter,)* }

        /// One worker's share of the figures.
        #[derive(Debug, Default)]
        struct Share { $($field: AtomicU64,)* }

        impl Share {
            fn of(&self, counter: Counter) -> &AtomicU64 {
                match counter { $(Counter::$counter => &self.$field,)* }
            }

            fn add_to(&self, counts: &mut Counts) {
                $(counts.$field += self.$field.load(Ordering::Relaxed);)*
            }
        }
    };
}

counters! {
    /// Entries that are in the snapshot, directories included, the root not.
    entries / Entries,
    /// Directories among them.
    directories / Directories,
    /// Regular files that are hard links to a reference or to another name of the same inode.
    files_linked / FilesLinked,
    /// Regular files whose content was copied.
    files_copied / FilesCopied,
    /// Regular files that share their blocks with another file (reflink).
    files_cloned / FilesCloned,
    /// Symlinks, FIFOs, sockets and devices that are hard links.
    other_linked / OtherLinked,
    /// Symlinks, FIFOs, sockets and devices that were made anew.
    other_created / OtherCreated,
    /// Links whose attributes differ from the source's: the manifest alone has the new ones.
    recorded_only / RecordedOnly,
    /// Entries that could not be read and stand as an earlier snapshot has them.
    carried_forward / CarriedForward,
    /// Names that got a fresh inode because the reference had as many as the file system allows.
    relinked_limit / RelinkedLimit,
    /// Entries that were listed, but gone when they were to be saved.
    vanished / Vanished,
    /// Directories left out or left empty: the repository itself, mount points.
    skipped / Skipped,
    /// Entries that rules or other filters left out; what is below a directory left out is not counted.
    excluded / Excluded,
    /// Bytes of content written; holes do not count.
    bytes_copied / BytesCopied,
    /// Bytes of content shared with a reference by links or clones, an inode once.
    bytes_shared / BytesShared,
    /// The sum of the sizes of all regular files in the snapshot in bytes, an inode once.
    bytes / Bytes,
    /// Entries or attributes that could not be saved as asked.
    problems / Problems,
}

/// The figures of all workers.
#[derive(Debug)]
pub(crate) struct Counters(Vec<CachePadded<Share>>);

impl Counters {
    pub fn new(workers: usize) -> Self {
        Self((0..workers.max(1)).map(|_| CachePadded::default()).collect())
    }

    pub fn add(&self, worker: usize, counter: Counter, amount: u64) {
        if let Some(share) = self.0.get(worker) {
            share.of(counter).fetch_add(amount, Ordering::Relaxed);
        }
    }

    pub fn sum(&self) -> Counts {
        let mut counts = Counts::default();
        self.0.iter().for_each(|share| share.add_to(&mut counts));
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up() {
        let counters = Counters::new(3);
        counters.add(0, Counter::Entries, 2);
        counters.add(2, Counter::Entries, 3);
        counters.add(1, Counter::BytesCopied, 7);
        let counts = counters.sum();
        assert_eq!((counts.entries, counts.bytes_copied, counts.directories), (5, 7, 0));
    }
}
