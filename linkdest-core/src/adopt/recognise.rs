//! Which tools have snapshots in a directory.

use std::path::Path;

use jiff::tz::TimeZone;

use super::candidate::{Search, directories};
use super::{dated, nested, rotated};
use crate::error::{Error, Result};
use crate::os::Dir;
use crate::repository::SnapshotName;

/// Finds the snapshots of all known tools, the oldest first.
pub(super) fn recognise(path: &Path, root: &Dir) -> Result<Search> {
    let failed = |error| Error::io("look for snapshots in", path, error);
    let mut search = Search::new(root).map_err(failed)?;
    let mut names = directories(root).map_err(failed)?;
    names.retain(|name| !name.starts_with(b".") && !is_own(name));
    let zone = TimeZone::system();
    rotated::find(&mut search, root, &names);
    dated::find(&mut search, root, &names, &zone);
    let has = |wanted: &[u8]| names.iter().any(|name| name == wanted);
    if has(b"backintime") {
        nested::back_in_time(&mut search, root, &zone).map_err(failed)?;
    }
    if has(b"timeshift") {
        nested::timeshift(&mut search, root, &zone).map_err(failed)?;
    }
    // Stable: what a tool says of the order of its own stays where times are equal.
    search.found.sort_by_key(|candidate| candidate.started);
    Ok(search)
}

/// Says whether a directory is a snapshot of linkdest's own.
fn is_own(name: &[u8]) -> bool {
    std::str::from_utf8(name).is_ok_and(|name| name.parse::<SnapshotName>().is_ok())
}
