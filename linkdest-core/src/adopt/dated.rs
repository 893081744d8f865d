//! Directories that are named by date: rsync scripts, and rsync-time-backup.

use jiff::tz::TimeZone;

use super::candidate::Search;
use super::date::ending;
use super::report::Tool;
use crate::entry::Timestamp;
use crate::os::Dir;
use crate::path::RelPath;

/// Finds names that end in a date. rsync-time-backup has a file that marks where it writes, and one while it does.
pub(super) fn find(search: &mut Search, root: &Dir, names: &[Vec<u8>], zone: &TimeZone) {
    let is_there = |name| root.stat_if_there(name).is_ok_and(|stat| stat.is_some());
    let marked = is_there(c"backup.marker");
    let tool = if marked { Tool::RsyncTimeBackup } else { Tool::RsyncScript };
    let date = |name: &Vec<u8>| Some((ending(&String::from_utf8_lossy(name), zone)?, name.clone()));
    let mut dated: Vec<(Timestamp, Vec<u8>)> = names.iter().filter_map(date).collect();
    dated.sort();
    if marked
        && is_there(c"backup.inprogress")
        && let Some((_, unfinished)) = dated.pop()
    {
        let path = RelPath::from_names([&*unfinished].into_iter());
        search.pass_over(path, "is not finished (backup.inprogress)");
    }
    for (time, name) in dated {
        search.take(root, &name, RelPath::from_names([&*name].into_iter()), tool, time);
    }
}
