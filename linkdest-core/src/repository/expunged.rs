//! What was expunged: written down before anything is removed, so that what is interrupted is finished, and kept after
//! that, so that nobody takes it for lost.

use std::ffi::CStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::written::parse_rfc3339;
use super::{RECORD_LIMIT, Repository, SnapshotName, read_record};
use crate::entry::{Kind, Timestamp};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::ExpungedNames;
use crate::path::RelPath;

const EXPUNGED: &str = "expunged.toml";
const EXPUNGED_C: &CStr = c"expunged.toml";

/// One entry that was removed from one snapshot.
///
/// Kept in `.linkdest/expunged.toml` for as long as there is the snapshot.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let (source, repo) = (dir.path().join("source"), dir.path().join("repo"));
/// # std::fs::create_dir_all(source.join("d"))?;
/// use linkdest_core::{Kind, RelPath, Repository, Silent, Snapshotter};
/// let report = Snapshotter::new(&source, &repo).init(true).run(&Silent)?;
/// let repository = Repository::open(&repo)?;
/// repository.expunge(&RelPath::new("d").unwrap())?;
/// let entry = &repository.expunged()?[0];
/// assert_eq!((Some(entry.snapshot()), entry.path().as_bytes()), (report.snapshot(), &b"d"[..]));
/// assert!(entry.kind() == Kind::Directory && entry.time().seconds > 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpungedEntry {
    pub(super) snapshot: SnapshotName,
    pub(super) path: RelPath,
    pub(super) kind: Kind,
    pub(super) time: Timestamp,
    /// What the directory that it was in is to look like again, until all is done.
    pub(super) pending: Option<Attributes>,
}

/// The attributes of a directory that a removal from it changes, or has to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attributes {
    pub mtime: Timestamp,
    pub mode: u32,
}

impl ExpungedEntry {
    /// The snapshot that it was removed from.
    #[must_use]
    pub fn snapshot(&self) -> &SnapshotName {
        &self.snapshot
    }

    /// The path below the source.
    #[must_use]
    pub fn path(&self) -> &RelPath {
        &self.path
    }

    /// What it was; a directory went with everything in it.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// When it was expunged.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// Says whether a path of a snapshot went with it.
    pub(crate) fn covers(&self, name: &SnapshotName, path: &RelPath) -> bool {
        self.snapshot == *name && is_at_or_below(path, &self.path)
    }
}

#[derive(Default, Serialize, Deserialize)]
struct Written {
    format: u32,
    #[serde(default)]
    expunged: Vec<WrittenEntry>,
}

#[derive(Serialize, Deserialize)]
struct WrittenEntry {
    snapshot: String,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_b64: Option<String>,
    kind: String,
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<WrittenAttributes>,
}

#[derive(Serialize, Deserialize)]
struct WrittenAttributes {
    /// Seconds since 1970, and nanoseconds: also of times that no calendar has.
    mtime: (i64, u32),
    mode: u32,
}

impl WrittenEntry {
    fn of(entry: &ExpungedEntry) -> Self {
        let path = &entry.path;
        Self {
            snapshot: entry.snapshot.to_string(),
            path: path.to_string_lossy().into_owned(),
            path_b64: (!path.is_utf8()).then(|| BASE64.encode(path.as_bytes())),
            kind: entry.kind.to_string(),
            time: entry.time.to_string(),
            pending: entry.pending.map(|Attributes { mtime, mode }| WrittenAttributes {
                mtime: (mtime.seconds, mtime.nanos),
                mode,
            }),
        }
    }

    fn read(self) -> Option<ExpungedEntry> {
        let bytes = match self.path_b64 {
            Some(text) => BASE64.decode(text).ok()?,
            None => self.path.into_bytes(),
        };
        let path = RelPath::new(bytes).filter(|path| !path.as_bytes().is_empty())?;
        Some(ExpungedEntry {
            snapshot: self.snapshot.parse().ok()?,
            path,
            kind: Kind::from_word(&self.kind)?,
            time: parse_rfc3339(&self.time)?,
            pending: self.pending.map(|WrittenAttributes { mtime: (seconds, nanos), mode }| Attributes {
                mtime: Timestamp { seconds, nanos },
                mode: mode & 0o7777,
            }),
        })
    }
}

impl Repository {
    /// Tells what was expunged from the snapshots that there are, in the order in which that was done.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// let repository = linkdest_core::Repository::init(dir.path().join("repo"))?;
    /// assert!(repository.expunged()?.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When the record is there and cannot be read.
    pub fn expunged(&self) -> Result<Vec<ExpungedEntry>> {
        let path = || self.control_path(EXPUNGED);
        let text =
            read_record(&self.control, EXPUNGED_C).map_err(|error| Error::io("read", path(), error))?;
        let Some(text) = text else { return Ok(Vec::new()) };
        let damaged = |message: &str| Error::new(ErrorKind::DamagedRecord, path(), message);
        let written: Written = toml::from_str(&text).map_err(|error| damaged(error.message()))?;
        if written.format != 1 {
            return Err(damaged("its format is not 1: it was written by a newer linkdest"));
        }
        let read = written.expunged.into_iter().map(WrittenEntry::read).collect::<Option<Vec<_>>>();
        read.ok_or_else(|| damaged("it names something that is no snapshot, path, kind or time"))
    }

    /// Says when a path, or a directory above it, was expunged from a snapshot.
    pub(crate) fn expunged_at(&self, name: &SnapshotName, path: &RelPath) -> Result<Option<ExpungedEntry>> {
        Ok(self.expunged()?.into_iter().find(|entry| entry.covers(name, path)))
    }

    /// The error for a path that a snapshot does not have; it says so where that is because it was expunged.
    pub(crate) fn no_such_path(&self, name: &SnapshotName, path: &RelPath) -> Error {
        let message = match self.expunged_at(name, path) {
            Ok(Some(entry)) => format!("was expunged from the snapshot at {}", entry.time),
            _ => "there is no such entry in the snapshot".to_owned(),
        };
        Error::new(ErrorKind::NoSuchPath, self.path.join(name.as_str()).join(path.as_path()), message)
    }

    /// What was expunged of one snapshot, for its manifest.
    pub(crate) fn expunged_names(&self, name: &SnapshotName) -> Result<ExpungedNames> {
        let all = self.expunged()?;
        Ok(names_of(all.iter().filter(|entry| entry.snapshot == *name)))
    }

    /// Replaces what is written down, for good.
    pub(super) fn write_expunged(&self, all: &[ExpungedEntry]) -> Result<()> {
        let failed = |error| Error::io("write", self.control_path(EXPUNGED), error);
        let written = Written { format: 1, expunged: all.iter().map(WrittenEntry::of).collect() };
        let text = toml::to_string(&written).map_err(|error| failed(std::io::Error::other(error)))?;
        if text.len() >= RECORD_LIMIT {
            return Err(failed(std::io::Error::other("it would become too large to be read again")));
        }
        self.write_own_durably(EXPUNGED, text.as_bytes())
    }
}

/// What a manifest has to say of these.
pub(super) fn names_of<'e>(entries: impl Iterator<Item = &'e ExpungedEntry>) -> ExpungedNames {
    let mut names = ExpungedNames::new();
    for entry in entries {
        let (parent, name) = entry.path.split();
        names.entry(parent).or_default().push((name.to_vec(), entry.kind));
    }
    names
}

/// Says whether a path is another one, or lies below it.
pub(super) fn is_at_or_below(path: &RelPath, above: &RelPath) -> bool {
    let rest = path.as_bytes().strip_prefix(above.as_bytes());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_as_written() {
        let dir = tempfile::tempdir().unwrap();
        let repository = Repository::init(dir.path().join("repo")).unwrap();
        let entry = |path: &[u8], pending| ExpungedEntry {
            snapshot: "2026-11-22T132200Z".parse().unwrap(),
            path: RelPath::new(path).unwrap(),
            kind: Kind::Symlink,
            time: Timestamp { seconds: 5, nanos: 7 },
            pending,
        };
        let never = Timestamp { seconds: i64::MIN, nanos: 999_999_999 };
        let all = [entry(b"a\xff/\n", None), entry(b"b", Some(Attributes { mtime: never, mode: 0o1755 }))];
        repository.write_expunged(&all).unwrap();
        assert_eq!(repository.expunged().unwrap(), all);
        let says = |path: &str| {
            let path = RelPath::new(path).unwrap();
            repository.no_such_path(&all[0].snapshot, &path).to_string().contains("expunged")
        };
        assert!(says("b") && says("b/c") && !says("bc"));
    }

    #[test]
    fn a_damaged_list_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let repository = Repository::init(dir.path().join("repo")).unwrap();
        let entry = "format = 1\n[[expunged]]\nsnapshot = '2026-11-22T132200Z'\nkind = 'file'\n\
                     time = '2026-11-22T13:22:00Z'\n";
        for (text, good) in [
            (format!("{entry}path = 'a'\n"), true),
            (format!("{entry}path = '../a'\n"), false),
            (format!("{entry}path = ''\n"), false),
            ("format = 2\n".to_owned(), false),
            ("?".to_owned(), false),
        ] {
            repository.write_own(EXPUNGED, text.as_bytes()).unwrap();
            let read = repository.expunged();
            assert_eq!(read.is_ok(), good, "{text}");
            assert!(read.is_ok_and(|read| read.len() == 1) == good);
        }
    }
}
