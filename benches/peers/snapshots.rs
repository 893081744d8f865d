//! What linkdest made, as directories.

use std::path::{Path, PathBuf};

use crate::Result;

/// The snapshots of a repository by their names; only they are directories with a visible name.
pub(crate) fn snapshots(repository: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in repository.read_dir()? {
        let entry = entry?;
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if entry.file_type()?.is_dir() && !is_hidden {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}
