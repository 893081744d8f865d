//! What the target can hold: known of common file systems, else found out by writing and reading back.

use std::ffi::{CStr, CString};
use std::io;
use std::time::Duration;

use crate::os::Dir;
use crate::policy::attributes::Reach;
use crate::repository::probe::probe;
use crate::repository::{Capabilities, remove_tree_but};

/// What can be set in a target by this user. `scratch` is a name that nobody else has; `None` writes nothing.
pub(super) fn reach(target: Option<&Dir>, ids: (u32, u32), scratch: Option<&str>) -> Reach {
    let unknown = Reach::unknown(ids);
    let Some(dir) = target else { return unknown };
    let kind = dir.file_system().map_or_else(|_| String::new(), |(kind, _)| kind);
    if matches!(&*kind, "ext4" | "xfs" | "btrfs" | "tmpfs" | "overlay") {
        return unknown;
    }
    let known = Reach { granularity: ticks(&kind), ..unknown };
    // Where it cannot be tried out, each entry tells what it cannot have.
    let found = scratch.and_then(|name| try_out(dir, name).ok());
    found.map_or(known, |found| Reach {
        granularity: found.time_granularity,
        mode: found.modes,
        folds: found.case_folding,
        ..known
    })
}

/// Tries how finely times are kept, whether modes are, and whether names fold, in a directory that is removed again.
fn try_out(dir: &Dir, name: &str) -> io::Result<Capabilities> {
    let (name, before) = (CString::new(name)?, dir.stat()?.mtime);
    dir.make_dir(&name)?;
    let probed = dir.open_dir(&name).and_then(|scratch| probe(&scratch));
    clear_away(dir, &name)?;
    // Whoever may not set it sees the time of the restore, as of any change.
    let _ = dir.set_mtime_at(c".", before);
    Ok(probed?.capabilities)
}

/// Removes the scratch directory. FUSE keeps a file that was removed under another name until it has heard that it was
/// closed, which takes a moment.
fn clear_away(dir: &Dir, name: &CStr) -> io::Result<()> {
    let mut removed = dir.remove_dir(name);
    for _ in 0..20 {
        if removed.is_ok() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
        removed = remove_tree_but(dir, name, &|_| false);
    }
    removed
}

/// How finely file systems keep times that are not known for nanoseconds (statfs(2)), in nanoseconds.
fn ticks(kind: &str) -> u32 {
    match kind {
        // FAT
        "0x4d44" => 2_000_000_000,
        // HFS+
        "0x482b" => 1_000_000_000,
        // exFAT
        "0x2011bab0" => 10_000_000,
        // NTFS
        "0x5346544e" | "0x7366746e" => 100,
        _ => 1,
    }
}
