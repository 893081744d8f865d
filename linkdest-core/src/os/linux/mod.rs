//! Everything by (open directory, one name, no-follow): the kernel holds what was opened, whatever becomes of its path.

mod dir;
mod file;
mod list;
mod process;
mod stat;

pub(crate) use dir::Dir;
pub(crate) use file::File;
pub(crate) use process::{boot_id, effective_ids, host_name, open_file_limit, random_id, ready};

/// What this backend cannot do at all, in words for the operator: nothing.
pub(crate) const LACKS: &[&str] = &[];
