//! What was found damaged in the snapshots: written down, and never linked to again.

use std::collections::HashSet;
use std::ffi::CString;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::written::parse_rfc3339;
use super::{RECORD_LIMIT, Repository, Snapshot, SnapshotName, read_record, write_record};
use crate::descent::Descent;
use crate::entry::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::os::errno;
use crate::path::RelPath;

const DAMAGED: &std::ffi::CStr = c"damaged.toml";

/// One entry of a snapshot whose content is not what it was when it was saved.
///
/// Kept in `.linkdest/damaged.toml` until no snapshot is left that may have it. The entry's inode is never a reference
/// again: the next run takes the file from the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    pub(crate) snapshot: SnapshotName,
    pub(crate) path: RelPath,
    pub(crate) inode: u64,
    pub(crate) found: Timestamp,
}

impl Damage {
    /// Notes damage that is found now.
    #[must_use]
    pub(crate) fn new(snapshot: SnapshotName, path: RelPath, inode: u64) -> Self {
        Self { snapshot, path, inode, found: Timestamp::now() }
    }

    /// The snapshot that it was found in; others may share the inode.
    #[must_use]
    pub fn snapshot(&self) -> &SnapshotName {
        &self.snapshot
    }

    /// The path in that snapshot.
    #[must_use]
    pub fn path(&self) -> &RelPath {
        &self.path
    }

    /// The inode in the repository.
    #[must_use]
    pub fn inode(&self) -> u64 {
        self.inode
    }
}

#[derive(Default, Serialize, Deserialize)]
struct Written {
    format: u32,
    #[serde(default)]
    damaged: Vec<WrittenDamage>,
}

#[derive(Serialize, Deserialize)]
struct WrittenDamage {
    snapshot: String,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_b64: Option<String>,
    inode: u64,
    found: String,
}

impl WrittenDamage {
    fn read(&self) -> Option<Damage> {
        let bytes = match &self.path_b64 {
            Some(text) => BASE64.decode(text).ok()?,
            None => self.path.clone().into_bytes(),
        };
        Some(Damage {
            snapshot: self.snapshot.parse().ok()?,
            path: RelPath::new(bytes)?,
            inode: self.inode,
            found: parse_rfc3339(&self.found)?,
        })
    }

    fn of(damage: &Damage) -> Self {
        let path = &damage.path;
        Self {
            snapshot: damage.snapshot.to_string(),
            path: path.to_string_lossy().into_owned(),
            path_b64: (!path.is_utf8()).then(|| BASE64.encode(path.as_bytes())),
            inode: damage.inode,
            found: damage.found.to_string(),
        }
    }
}

impl Repository {
    /// Reads what was found damaged.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// let repository = linkdest_core::Repository::init(dir.path().join("repo"))?;
    /// assert!(repository.damages()?.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When the record is there and cannot be read.
    pub fn damages(&self) -> Result<Vec<Damage>> {
        let path = || self.control_path("damaged.toml");
        let text = read_record(&self.control, DAMAGED).map_err(|error| Error::io("read", path(), error))?;
        text.map_or_else(|| Ok(Vec::new()), |text| damages_from(&path(), &text))
    }

    /// Adds to what was found damaged. The lock is held.
    pub(crate) fn add_damages(&self, more: &[Damage]) -> Result<()> {
        if more.is_empty() {
            return Ok(());
        }
        self.write_damages(self.damages()?, more)
    }

    /// Forgets what was found in snapshots that are no more, once none is left that may have been there when it was
    /// found: nothing was linked to it since, and its inode is another file's by now. The lock is held.
    pub(super) fn forget_damages(&self) -> Result<()> {
        let all = self.damages()?;
        if all.is_empty() || !self.leftovers()?.is_empty() {
            return Ok(());
        }
        let snapshots = self.snapshots()?;
        let kept: Vec<Damage> =
            all.iter().filter(|damage| self.may_be_left(damage, &snapshots)).cloned().collect();
        if kept.len() < all.len() { self.write_damages(kept, &[]) } else { Ok(()) }
    }

    fn may_be_left(&self, damage: &Damage, snapshots: &[Snapshot]) -> bool {
        // The clock may have been wrong: what is there now counts as well.
        let may_have =
            |snapshot: &Snapshot| snapshot.started() <= damage.found || self.has_damaged(snapshot, damage);
        snapshots.iter().any(may_have)
    }

    /// Says whether a snapshot has the inode under the path that it was found under, or that cannot be told.
    fn has_damaged(&self, snapshot: &Snapshot, damage: &Damage) -> bool {
        let look = || -> std::io::Result<bool> {
            let tree = self.open_tree(snapshot.name())?;
            let (parent, name) = damage.path.split();
            let found = Descent::new(&tree).open(&parent)?.stat_at(&CString::new(name)?)?;
            Ok(found.id.inode == damage.inode)
        };
        look().unwrap_or_else(|error| !errno::is_absent(&error))
    }

    fn write_damages(&self, known: Vec<Damage>, more: &[Damage]) -> Result<()> {
        let path = self.control_path("damaged.toml");
        let text = damages_to(&path, known, more)?;
        write_record(&self.control, DAMAGED, &text).map_err(|error| Error::io("write", path, error))
    }

    /// The inodes that nothing may be linked to.
    pub(crate) fn damaged_inodes(&self) -> Result<HashSet<u64>> {
        Ok(self.damages()?.into_iter().map(|damage| damage.inode).collect())
    }
}

/// Reads what was found damaged from its text.
pub(crate) fn damages_from(path: &Path, text: &str) -> Result<Vec<Damage>> {
    let damaged = |message: &str| Error::new(ErrorKind::DamagedRecord, path, message);
    let written: Written = toml::from_str(text).map_err(|error| damaged(error.message()))?;
    let read = written.damaged.iter().map(WrittenDamage::read).collect::<Option<Vec<_>>>();
    read.ok_or_else(|| damaged("it names something that is no snapshot, path or time"))
}

/// The text of what was known to be damaged, and of what is new.
pub(crate) fn damages_to(path: &Path, mut all: Vec<Damage>, more: &[Damage]) -> Result<String> {
    let mut known: HashSet<_> = all.iter().map(Damage::key).collect();
    let new: Vec<Damage> = more.iter().filter(|one| known.insert(one.key())).cloned().collect();
    drop(known);
    all.extend(new);
    let written = Written { format: 1, damaged: all.iter().map(WrittenDamage::of).collect() };
    let failed = |error| Error::io("write", path, std::io::Error::other(error));
    let text = toml::to_string(&written).map_err(failed)?;
    if text.len() >= RECORD_LIMIT {
        // A record that nobody could read would keep everybody from a backup.
        let message = "more is damaged than can be written down; delete the snapshots that have it";
        return Err(Error::new(ErrorKind::DamagedRecord, path, message));
    }
    Ok(text)
}

impl Damage {
    /// What tells it from others; when it was found does not count.
    fn key(&self) -> (&SnapshotName, &RelPath, u64) {
        (&self.snapshot, &self.path, self.inode)
    }
}
