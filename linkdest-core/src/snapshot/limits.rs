//! What a run may take of the machine: threads and descriptors.

use std::num::NonZero;

use super::Snapshotter;
use crate::os::open_file_limit;

/// More threads than this only wait for each other.
const MOST_THREADS: usize = 64;

/// How many threads work, where the source may suit a number of its own.
pub(super) fn threads(asked: &Snapshotter, suited: Option<usize>) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, NonZero::get);
    // Each worker holds a few directories open at a time, whatever the budget says.
    let references = asked.link_dest.len() + 2;
    let affordable = (descriptors(asked) / (3 * (2 + references) + 4)).max(1);
    let unasked = || suited.unwrap_or_else(cores).min(MOST_THREADS);
    asked.threads.map_or_else(unasked, NonZero::get).min(affordable.max(2))
}

/// How many descriptors may be open for directories.
pub(super) fn descriptors(asked: &Snapshotter) -> usize {
    asked.descriptors.map_or_else(|| open_file_limit() / 4 * 3, NonZero::get)
}
