//! Tools that keep a snapshot's tree below a directory of its own: Back In Time and Timeshift.

use std::ffi::CString;
use std::io;

use jiff::tz::TimeZone;

use super::candidate::{Search, directories};
use super::date::whole;
use super::report::Tool;
use crate::entry::Kind;
use crate::os::Dir;
use crate::path::RelPath;
use crate::repository::Status;

/// A larger file of notes is none.
const NOTES_LIMIT: usize = 1 << 20;

/// Finds `backintime/HOST/USER/PROFILE/20261122-132200-123/backup`; the tree has whole paths.
pub(super) fn back_in_time(search: &mut Search, root: &Dir, zone: &TimeZone) -> io::Result<()> {
    let mut above =
        vec![(root.open_dir_search(c"backintime")?, RelPath::from_names([&b"backintime"[..]].into_iter()))];
    for _ in ["host", "user", "profile"] {
        let mut below = Vec::new();
        for (dir, path) in above {
            for name in directories(&dir)? {
                below.push((dir.open_dir_search(&CString::new(&*name)?)?, path.child(&name)));
            }
        }
        above = below;
    }
    for (profile, path) in above {
        for name in directories(&profile)? {
            back_in_time_one(search, &profile, &path, &name, zone)?;
        }
    }
    Ok(())
}

fn back_in_time_one(
    search: &mut Search,
    profile: &Dir,
    path: &RelPath,
    name: &[u8],
    zone: &TimeZone,
) -> io::Result<()> {
    // The last three digits tell runs of one second apart.
    let text = std::str::from_utf8(name).ok().and_then(|text| text.rsplit_once('-'));
    let digits = |tag: &str| tag.len() == 3 && tag.bytes().all(|byte| byte.is_ascii_digit());
    let date = text.filter(|(_, tag)| digits(tag)).and_then(|(date, _)| whole(date, zone));
    let Some(started) = date else { return Ok(()) };
    let (dir, path) = (profile.open_dir_search(&CString::new(name)?)?, path.child(name));
    if !is_there(&dir, c"info", Kind::File) || !is_there(&dir, c"backup", Kind::Directory) {
        search.pass_over(path, "is not finished (no info)");
        return Ok(());
    }
    let before = search.found.len();
    search.take(&dir, b"backup", path.child(b"backup"), Tool::BackInTime, started);
    if let Some(taken) = search.found.get_mut(before) {
        taken.source = "/".into();
        taken.host = machine(&dir).unwrap_or_default();
        if is_there(&dir, c"failed", Kind::File) {
            taken.status = Status::Problems;
        }
    }
    Ok(())
}

/// The machine by the notes of a Back In Time snapshot: lines of the form `key=value`.
fn machine(dir: &Dir) -> Option<String> {
    let file = dir.open_file(c"info").ok()?;
    if file.stat().ok()?.kind != Kind::File {
        return None;
    }
    let text = String::from_utf8(file.read_small(NOTES_LIMIT).ok()?).ok()?;
    text.lines().find_map(|line| line.strip_prefix("snapshot_machine=")).map(|name| name.trim().to_owned())
}

/// Finds `timeshift/snapshots/2026-11-22_13-22-00/localhost`; the tree is that of `/`.
pub(super) fn timeshift(search: &mut Search, root: &Dir, zone: &TimeZone) -> io::Result<()> {
    let timeshift = root.open_dir_search(c"timeshift")?;
    if !is_there(&timeshift, c"snapshots", Kind::Directory) {
        return Ok(());
    }
    let snapshots = timeshift.open_dir_search(c"snapshots")?;
    let base = RelPath::from_names([&b"timeshift"[..], b"snapshots"].into_iter());
    for name in directories(&snapshots)? {
        let Some(started) = std::str::from_utf8(&name).ok().and_then(|text| whole(text, zone)) else {
            continue;
        };
        let (dir, path) = (snapshots.open_dir_search(&CString::new(&*name)?)?, base.child(&name));
        if !is_there(&dir, c"info.json", Kind::File) {
            search.pass_over(path, "is not finished (no info.json)");
            continue;
        }
        let before = search.found.len();
        search.take(&dir, b"localhost", path.child(b"localhost"), Tool::Timeshift, started);
        if let Some(taken) = search.found.get_mut(before) {
            taken.source = "/".into();
        }
    }
    Ok(())
}

fn is_there(dir: &Dir, name: &std::ffi::CStr, kind: Kind) -> bool {
    dir.stat_at(name).is_ok_and(|stat| stat.kind == kind)
}
