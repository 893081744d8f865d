//! Which snapshot is meant by what a person types.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Zoned};

use super::{Repository, Snapshot};
use crate::error::{Error, ErrorKind, Result};
use crate::native::OsStrExt as _;
use crate::os::Dir;
use crate::path::{Escaped, RelPath};

/// The length of `2026-11-20`.
const DATE: usize = 10;
/// A message names so many snapshots at most.
const NAMED: usize = 5;

impl Repository {
    /// Finds the snapshot that a text stands for: its exact name, its path (`REPO/NAME`, of an adopted one where its
    /// tree is), `latest` or `latest~N` (N runs
    /// before the newest), the beginning of its name if that is longer than a date and no other begins like that, a
    /// date, `2026-11-20`, for the newest snapshot of that local day, or a time that has gone by, `3 days ago`, `2h ago`,
    /// for the newest snapshot that is at least so old: what there was then.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let (source, repo) = (dir.path().join("source"), dir.path().join("repo"));
    /// # std::fs::create_dir(&source)?;
    /// use linkdest_core::{ErrorKind, Repository, Silent, Snapshotter};
    /// let report = Snapshotter::new(&source, &repo).init(true).run(&Silent)?;
    /// let repository = Repository::open(&repo)?;
    /// assert_eq!(Some(repository.resolve("latest")?.name()), report.snapshot());
    /// assert_eq!(repository.resolve("latest~1").unwrap_err().kind(), ErrorKind::NoSuchSnapshot);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchSnapshot`] if there is none, or more than one; or when the repository cannot be read.
    pub fn resolve(&self, text: &str) -> Result<Snapshot> {
        let snapshots = self.snapshots()?;
        if !text.contains('/') {
            return pick(&self.path, snapshots, text);
        }
        match self.split_path(OsStr::new(text), &snapshots) {
            Some((name, rest)) if rest.as_os_str().is_empty() => pick(&self.path, snapshots, &name),
            _ => Err(unknown(&self.path, &snapshots, text)),
        }
    }

    /// Finds what `SNAPSHOT[:PATH]` stands for: a snapshot as [`resolve`](Self::resolve) does, and a path in it, the root
    /// if there is none. A full path into a snapshot (`REPO/NAME/PATH`) stands for both as well.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let (source, repo) = (dir.path().join("source"), dir.path().join("repo"));
    /// # std::fs::create_dir(&source)?;
    /// use linkdest_core::{Repository, Silent, Snapshotter};
    /// let report = Snapshotter::new(&source, &repo).init(true).run(&Silent)?;
    /// let (snapshot, path) = Repository::open(&repo)?.resolve_path("latest:/etc/hosts")?;
    /// assert_eq!(Some(snapshot.name()), report.snapshot());
    /// assert_eq!(path.as_bytes(), b"etc/hosts");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchSnapshot`] as `resolve`; [`ErrorKind::NoSuchPath`] for a path that leads out of the snapshot.
    /// Whether there is such a path is not looked at.
    pub fn resolve_path(&self, text: impl AsRef<OsStr>) -> Result<(Snapshot, RelPath)> {
        let text = text.as_ref();
        let snapshots = self.snapshots()?;
        let (name, path) = self.split(text, &snapshots);
        let snapshot = match name {
            Some(name) => pick(&self.path, snapshots, &name)?,
            None => return Err(unknown(&self.path, &snapshots, &text.to_string_lossy())),
        };
        Ok((snapshot, self.below_root(path)?))
    }

    /// Takes the path in a snapshot as it was typed.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchPath`] for a path that leads out of the snapshot.
    fn below_root(&self, typed: &OsStr) -> Result<RelPath> {
        RelPath::from_typed(typed.as_bytes()).ok_or_else(|| {
            let message = format!("{} leads out of the snapshot", Escaped(typed.as_bytes()));
            Error::new(ErrorKind::NoSuchPath, &self.path, message)
        })
    }

    /// Splits `SNAPSHOT[:PATH]`. Names of snapshots have no colon, but the path of the repository may.
    fn split<'t>(&self, text: &'t OsStr, snapshots: &[Snapshot]) -> (Option<String>, &'t OsStr) {
        let bytes = text.as_bytes();
        let colons = bytes.iter().enumerate().filter(|(_, byte)| **byte == b':').map(|(index, _)| index);
        for colon in colons {
            let (name, path) = bytes.split_at(colon);
            let path = OsStr::from_bytes(path.get(1..).unwrap_or_default());
            if !name.contains(&b'/') {
                return (Some(String::from_utf8_lossy(name).into_owned()), path);
            }
            match self.split_path(OsStr::from_bytes(name), snapshots) {
                Some((name, rest)) if rest.as_os_str().is_empty() => return (Some(name), path),
                _ => {}
            }
        }
        if !bytes.contains(&b'/') {
            return (Some(text.to_string_lossy().into_owned()), OsStr::new(""));
        }
        match self.split_path(text, snapshots) {
            Some((name, rest)) => {
                let rest = bytes.len() - rest.as_os_str().len();
                (Some(name), OsStr::from_bytes(bytes.get(rest..).unwrap_or_default()))
            }
            None => (None, OsStr::new("")),
        }
    }

    /// Splits a path into this repository in the name of a snapshot and what follows; `None` if it leads elsewhere.
    fn split_path(&self, path: &OsStr, snapshots: &[Snapshot]) -> Option<(String, PathBuf)> {
        let here = self.root.stat().ok()?.id;
        let mut prefix = PathBuf::new();
        let mut parts = Path::new(path).components();
        if !path.as_bytes().starts_with(b"/") {
            prefix.push(".");
        }
        loop {
            let is_here = |dir: Dir| dir.stat().is_ok_and(|stat| stat.id == here);
            if Dir::open_operator_path(&prefix).is_ok_and(is_here) {
                let below = parts.as_path();
                let adopted = snapshots.iter().filter(|snapshot| snapshot.is_adopted());
                for snapshot in adopted {
                    if let Ok(rest) = below.strip_prefix(snapshot.tree().as_path()) {
                        return Some((snapshot.name().to_string(), rest.to_owned()));
                    }
                }
                let name = parts.next()?.as_os_str().to_str()?.to_owned();
                return Some((name, parts.as_path().to_owned()));
            }
            prefix.push(parts.next()?);
        }
    }
}

/// Finds the one snapshot of the repository at a path that a text without slashes stands for.
pub(crate) fn pick(path: &Path, mut snapshots: Vec<Snapshot>, text: &str) -> Result<Snapshot> {
    let found = match wanted(text) {
        Wanted::Newest(back) => {
            (snapshots.len() as u64).checked_sub(1).and_then(|last| last.checked_sub(back))
        }
        Wanted::Day(date) => newest_of(&snapshots, date, &TimeZone::system()).map(|index| index as u64),
        Wanted::Ago(span) => newest_until(&snapshots, &Zoned::now(), span).map(|index| index as u64),
        Wanted::Name => by_name(path, &snapshots, text)?.map(|index| index as u64),
    };
    match found.and_then(|index| usize::try_from(index).ok()) {
        Some(index) if index < snapshots.len() => Ok(snapshots.swap_remove(index)),
        _ => Err(unknown(path, &snapshots, text)),
    }
}

fn by_name(path: &Path, snapshots: &[Snapshot], text: &str) -> Result<Option<usize>> {
    let exact = snapshots.iter().position(|snapshot| snapshot.name().as_str() == text);
    // A whole name is none of another one: who deletes one twice must not lose the next of that second.
    if exact.is_some() || text.len() <= DATE || text.parse::<super::SnapshotName>().is_ok() {
        return Ok(exact);
    }
    let begins = |(_, snapshot): &(usize, &Snapshot)| snapshot.name().as_str().starts_with(text);
    let candidates: Vec<_> = snapshots.iter().enumerate().filter(begins).collect();
    match candidates.as_slice() {
        [] => Ok(None),
        [(index, _)] => Ok(Some(*index)),
        _ => {
            let names = list(candidates.iter().map(|(_, snapshot)| *snapshot));
            let message =
                format!("{} is the beginning of several snapshots: {names}", Escaped(text.as_bytes()));
            Err(Error::new(ErrorKind::NoSuchSnapshot, path, message))
        }
    }
}

fn unknown(path: &Path, snapshots: &[Snapshot], text: &str) -> Error {
    let there_is = match snapshots {
        [] => "there are no snapshots yet".to_owned(),
        [one] => format!("there is {}", one.name()),
        all => format!("there are {}, the newest first: {}", all.len(), list(all.iter().rev())),
    };
    let message = format!("no snapshot {}; {there_is}", Escaped(text.as_bytes()));
    Error::new(ErrorKind::NoSuchSnapshot, path, message)
}

/// What kind of text it is.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    /// So many before the newest.
    Newest(u64),
    Day(Date),
    /// What there was so long ago.
    Ago(Ago),
    Name,
}

/// How long ago, in the calendar.
#[derive(Debug, Clone, Copy)]
struct Ago(Span);

impl PartialEq for Ago {
    fn eq(&self, other: &Self) -> bool {
        self.0.fieldwise() == other.0.fieldwise()
    }
}

impl Eq for Ago {}

fn wanted(text: &str) -> Wanted {
    match text.strip_prefix("latest") {
        Some("") => return Wanted::Newest(0),
        Some(rest) => {
            let digits =
                rest.strip_prefix('~').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
            return digits.and_then(|digits| digits.parse().ok()).map_or(Wanted::Name, Wanted::Newest);
        }
        None => {}
    }
    let shape = |(byte, shape): (u8, u8)| if shape == b'0' { byte.is_ascii_digit() } else { byte == shape };
    if let Some(span) = text.strip_suffix("ago").and_then(|_| text.parse::<Span>().ok()) {
        return if span.is_negative() { Wanted::Ago(Ago(span)) } else { Wanted::Name };
    }
    let is_date = text.len() == DATE && text.bytes().zip(*b"0000-00-00").all(shape);
    text.parse().ok().filter(|_| is_date).map_or(Wanted::Name, Wanted::Day)
}

/// The newest snapshot whose run started on a day, as the clocks of a time zone show it.
fn newest_of(snapshots: &[Snapshot], day: Date, zone: &TimeZone) -> Option<usize> {
    let day_of = |snapshot: &Snapshot| {
        let started = jiff::Timestamp::from_second(snapshot.started().seconds).ok()?;
        Some(started.to_zoned(zone.clone()).date())
    };
    snapshots.iter().rposition(|snapshot| day_of(snapshot) == Some(day))
}

/// The newest snapshot whose run started no later than so long ago.
fn newest_until(snapshots: &[Snapshot], now: &Zoned, Ago(span): Ago) -> Option<usize> {
    let then = now.checked_add(span).ok()?.timestamp().as_second();
    let old = snapshots.iter().enumerate().filter(|(_, snapshot)| snapshot.started().seconds <= then);
    old.max_by_key(|(index, snapshot)| (snapshot.started().seconds, *index)).map(|(index, _)| index)
}

fn list<'s>(snapshots: impl ExactSizeIterator<Item = &'s Snapshot>) -> String {
    let more = if snapshots.len() > NAMED { ", ..." } else { "" };
    let names: Vec<_> = snapshots.take(NAMED).map(|snapshot| snapshot.name().as_str()).collect();
    names.join(", ") + more
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_of_one_kind() {
        let date = |text: &str| Wanted::Day(text.parse().unwrap());
        let ago = |span: Span| Wanted::Ago(Ago(-span));
        for (text, kind) in [
            ("latest", Wanted::Newest(0)),
            ("latest~0", Wanted::Newest(0)),
            ("latest~12", Wanted::Newest(12)),
            ("latest~", Wanted::Name),
            ("latest~-1", Wanted::Name),
            ("latest~+1", Wanted::Name),
            ("latest~99999999999999999999999", Wanted::Name),
            ("latests", Wanted::Name),
            ("2026-11-20", date("2026-11-20")),
            ("2026-02-30", Wanted::Name),
            ("2026-1-20", Wanted::Name),
            ("20261120xx", Wanted::Name),
            ("2026-11-20T", Wanted::Name),
            ("2026-11-20T132200Z", Wanted::Name),
            ("", Wanted::Name),
            ("3 days ago", ago(Span::new().days(3))),
            ("1 week ago", ago(Span::new().weeks(1))),
            ("2h30m ago", ago(Span::new().hours(2).minutes(30))),
            ("1 month 2 days ago", ago(Span::new().months(1).days(2))),
            ("3 days", Wanted::Name),
            ("ago", Wanted::Name),
            ("days ago", Wanted::Name),
            ("three days ago", Wanted::Name),
            ("-3 days ago", Wanted::Name),
            ("0 days ago", Wanted::Name),
        ] {
            assert_eq!(wanted(text), kind, "{text:?}");
        }
    }

    #[test]
    fn ago_is_what_there_was_then() {
        let snapshot = |name: &str| Snapshot::unrecorded(name.parse().unwrap(), PathBuf::from(name));
        let names = ["2026-10-20T120000Z", "2026-11-18T120000Z", "2026-11-20T120000Z", "2026-11-19T120000Z"];
        let snapshots: Vec<_> = names.iter().map(|name| snapshot(name)).collect();
        let now: Zoned = "2026-11-21T12:00:00[UTC]".parse().unwrap();
        for (text, found) in [
            ("1 day ago", Some(2)),
            ("23 hours ago", Some(2)),
            ("25 hours ago", Some(3)),
            ("2 days ago", Some(3)),
            ("1 month ago", Some(0)),
            ("1 month 2 days ago", None),
            ("9000 years ago", None),
        ] {
            let Wanted::Ago(ago) = wanted(text) else { panic!("{text}") };
            assert_eq!(newest_until(&snapshots, &now, ago), found, "{text}");
        }
    }

    #[test]
    fn days_are_those_of_the_clock_on_the_wall() {
        let snapshot = |name: &str| Snapshot::unrecorded(name.parse().unwrap(), PathBuf::from(name));
        let names = ["2026-11-19T233000Z", "2026-11-20T120000Z", "2026-11-20T233000Z", "2026-11-21T120000Z"];
        let snapshots: Vec<_> = names.iter().map(|name| snapshot(name)).collect();
        let zone = |hours| TimeZone::fixed(jiff::tz::offset(hours));
        for (day, hours, found) in [
            ("2026-11-20", 0, Some(2)),
            ("2026-11-20", 1, Some(1)),
            ("2026-11-21", 1, Some(3)),
            ("2026-11-20", -1, Some(2)),
            ("2026-11-19", 1, None),
            ("2026-11-22", 12, Some(3)),
        ] {
            assert_eq!(newest_of(&snapshots, day.parse().unwrap(), &zone(hours)), found, "{day} {hours}");
        }
    }
}
