//! A copy and a linked copy by the system calls that cannot be avoided: what the kernel takes, whoever asks.
//!
//! Directories are opened by one name in their parent and listed once; entries are looked at once on each side; what is
//! made gets owner, mode and times. No manifest, no lock, no repair, no rules, no order. Hard links among the files of
//! the source become files of their own, holes are written.

mod copy;
mod directory;
mod full;
mod queue;
mod unchanged;

use std::num::NonZero;
use std::thread::available_parallelism;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::Result;
use crate::arguments::{LeastPossible, Work};

/// Does what was asked for.
pub(crate) fn run(task: &LeastPossible) -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    let threads = task.threads.unwrap_or_else(|| available_parallelism().map_or(1, NonZero::get));
    match &task.work {
        Work::Full { source, target } => full::run(source, target, threads)?,
        Work::Unchanged { source, reference, target } => unchanged::run(source, reference, target, threads)?,
    }
    Ok(())
}
