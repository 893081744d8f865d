//! rsnapshot: the number in the name tells the order, the modification time of the directory when it was made.

use std::collections::BTreeMap;
use std::ffi::CString;

use super::candidate::Search;
use super::report::Tool;
use crate::entry::Timestamp;
use crate::os::Dir;
use crate::path::RelPath;

/// The intervals that rsnapshot's own examples name. Others must have a directory with the number 0.
const INTERVALS: [&str; 12] = [
    "hourly", "daily", "weekly", "monthly", "yearly", "alpha", "beta", "gamma", "delta", "epsilon", "zeta",
    "eta",
];

/// Finds `daily.0`, `weekly.3` and the like among the names of directories.
pub(super) fn find(search: &mut Search, root: &Dir, names: &[Vec<u8>]) {
    let mut intervals: BTreeMap<&str, Vec<(u32, &[u8])>> = BTreeMap::new();
    for name in names {
        if let Some((interval, number)) = split(name) {
            intervals.entry(interval).or_default().push((number, name));
        }
    }
    for (interval, mut numbers) in intervals {
        // The highest number is the oldest.
        numbers.sort_by(|a, b| b.cmp(a));
        if INTERVALS.contains(&interval) || numbers.last().is_some_and(|(number, _)| *number == 0) {
            take(search, root, &numbers);
        }
    }
}

/// Takes the snapshots of one interval, the oldest first. A time that contradicts the number gives way to it.
fn take(search: &mut Search, root: &Dir, numbers: &[(u32, &[u8])]) {
    let mut before: Option<Timestamp> = None;
    for (_, name) in numbers {
        let tree = RelPath::from_names([*name].into_iter());
        let mtime = CString::new(*name).ok().and_then(|name| root.stat_at(&name).ok()).map(|stat| stat.mtime);
        let Some(mtime) = mtime else { continue };
        let time = before.map_or(mtime, |before| before.max(mtime));
        before = Some(time);
        search.take(root, name, tree, Tool::Rsnapshot, time);
    }
}

/// Splits `daily.12`; an interval has letters, digits, `-` and `_`.
fn split(name: &[u8]) -> Option<(&str, u32)> {
    let (interval, number) = std::str::from_utf8(name).ok()?.rsplit_once('.')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = number == "0" || !number.starts_with('0');
    let named = interval.starts_with(|c: char| c.is_ascii_alphabetic()) && interval.chars().all(plain);
    (digits && canonical && named).then(|| Some((interval, number.parse().ok()?))).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_an_interval_and_a_number() {
        for (name, parts) in [
            ("daily.0", Some(("daily", 0))),
            ("my-own_1.12", Some(("my-own_1", 12))),
            ("daily.", None),
            ("daily.01", None),
            ("daily.x", None),
            (".5", None),
            ("1.5", None),
            ("lib.so.6", None),
            ("_delete.1234", None),
            ("daily.99999999999", None),
        ] {
            assert_eq!(split(name.as_bytes()), parts, "{name}");
        }
    }
}
