//! Making new entries: how their content gets there, and their last attributes.

mod content;
mod patch;
mod segments;
mod stamp;

pub(crate) use content::{Compared, CopyError, copy, copy_hashed, same_bytes};
pub(crate) use patch::{Earlier, PATCH_LEAST, patch};
pub(crate) use stamp::{Named, Refused, Stampable, restamp, stamp_dir, stamp_file, stamp_name};
