//! What the snapshots of a repository tell: changes, entries, versions, space.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use linkdest_core::{Items, Kind};
use pyo3::prelude::*;

use crate::error::exception;
use crate::html::{Table, size};
use crate::path::path_of;
use crate::time::datetime;

/// A kind as one word, as in JSON.
pub(crate) fn word(kind: Kind) -> String {
    kind.to_string().to_lowercase().replace(' ', "_")
}

/// One change from a snapshot to another.
#[pyclass(frozen, eq, module = "linkdest")]
#[derive(PartialEq)]
pub(crate) struct Change(pub linkdest_core::Change);

#[pymethods]
impl Change {
    /// The path below the source; that in the later snapshot, unless the entry was removed.
    #[getter]
    fn path(&self) -> &Path {
        self.0.path().as_path()
    }

    /// What became of the entry.
    #[getter]
    fn change(&self) -> &'static str {
        self.0.kind().as_str()
    }

    /// Of a renamed entry: its path in the earlier snapshot.
    #[getter(from_path)]
    fn earlier_path(&self) -> Option<&Path> {
        self.0.from().map(linkdest_core::RelPath::as_path)
    }

    /// The kind of the entry in the earlier snapshot.
    #[getter]
    fn before(&self) -> Option<String> {
        self.0.before().map(word)
    }

    /// The kind of the entry in the later snapshot.
    #[getter]
    fn after(&self) -> Option<String> {
        self.0.after().map(word)
    }

    /// What differs, where the entry is in both snapshots as the same kind.
    #[getter]
    fn aspects(&self) -> Vec<&'static str> {
        self.0.aspects().words().collect()
    }

    fn __repr__(&self) -> String {
        format!("Change('{}', change='{}')", self.0.path(), self.change())
    }
}

/// One entry of a snapshot.
#[pyclass(frozen, eq, module = "linkdest")]
#[derive(PartialEq)]
pub(crate) struct Item(pub linkdest_core::Item);

#[pymethods]
impl Item {
    /// The path below the source.
    #[getter]
    fn path(&self) -> &Path {
        self.0.path().as_path()
    }

    /// The kind of the entry.
    #[getter]
    fn kind(&self) -> String {
        word(self.0.metadata().kind)
    }

    /// The permission bits.
    #[getter]
    fn mode(&self) -> u32 {
        self.0.metadata().mode
    }

    /// The owner's number.
    #[getter]
    fn uid(&self) -> u32 {
        self.0.metadata().uid
    }

    /// The group's number.
    #[getter]
    fn gid(&self) -> u32 {
        self.0.metadata().gid
    }

    /// The size in bytes.
    #[getter]
    fn size(&self) -> u64 {
        self.0.metadata().size
    }

    /// When the content was last changed, in UTC.
    #[getter]
    fn mtime<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        datetime(py, self.0.metadata().mtime)
    }

    /// Where a symlink leads.
    #[getter]
    fn target(&self) -> Option<&Path> {
        self.0.target().map(path_of)
    }

    /// The BLAKE3 hash of a file's content in hexadecimal digits, where it is recorded.
    #[getter]
    fn content(&self) -> Option<String> {
        self.0.content().map(|content| content.to_string())
    }

    fn __repr__(&self) -> String {
        format!("Item('{}', kind='{}')", self.0.path(), self.kind())
    }
}

/// The entries of a snapshot, read as they are asked for.
#[pyclass(frozen, module = "linkdest")]
pub(crate) struct Entries(Mutex<Items>);

impl Entries {
    pub fn new(items: Items) -> Self {
        Self(Mutex::new(items))
    }
}

#[pymethods]
impl Entries {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Item>> {
        // Whoever waits for the lock must not hold the interpreter.
        let next = py.detach(|| self.0.lock().unwrap_or_else(PoisonError::into_inner).next());
        next.transpose().map(|item| item.map(Item)).map_err(|error| exception(py, &error))
    }
}

/// One version of a path.
#[pyclass(frozen, module = "linkdest")]
pub(crate) struct Version(pub linkdest_core::Version);

#[pymethods]
impl Version {
    /// The path below the source.
    #[getter]
    fn path(&self) -> &Path {
        self.0.path().as_path()
    }

    /// The entry as the first of the snapshots has it.
    #[getter]
    fn item(&self) -> Item {
        Item(self.0.item().clone())
    }

    /// Whether it was expunged from these snapshots: of what it was only the kind is still known.
    #[getter]
    fn expunged(&self) -> bool {
        self.0.is_expunged()
    }

    /// The names of the snapshots that have this version, the oldest run first.
    #[getter]
    fn snapshots(&self) -> Vec<&str> {
        self.0.snapshots().map(linkdest_core::SnapshotName::as_str).collect()
    }

    fn __repr__(&self) -> String {
        format!("Version('{}', snapshots={})", self.0.path(), self.0.snapshots().len())
    }
}

/// What snapshots take.
#[pyclass(frozen, eq, module = "linkdest")]
#[derive(PartialEq)]
pub(crate) struct Usage(pub linkdest_core::Usage);

#[pymethods]
impl Usage {
    /// Each snapshot that was asked for, the oldest run first.
    #[getter]
    fn snapshots(&self) -> Vec<SnapshotUsage> {
        self.0.snapshots().iter().cloned().map(SnapshotUsage).collect()
    }

    /// The bytes on disk that would be free if all of them, and no other, were deleted.
    #[getter]
    fn freed_bytes(&self) -> u64 {
        self.0.freed_bytes()
    }

    fn _repr_html_(&self) -> String {
        let table = Table::new("space taken by", format_args!("{} snapshots", self.0.snapshots().len()));
        let table = self.0.snapshots().iter().fold(table, |table, one| {
            let (bytes, new, freed) = (size(one.bytes()), size(one.new_bytes()), size(one.freed_bytes()));
            table.row(one.name(), format_args!("{bytes}, {new} new, {freed} free without it"))
        });
        table.bytes("free without all of them", self.0.freed_bytes()).end()
    }

    fn __repr__(&self) -> String {
        format!("Usage(snapshots={}, freed_bytes={})", self.0.snapshots().len(), self.freed_bytes())
    }
}

/// What one snapshot takes.
#[pyclass(frozen, eq, module = "linkdest")]
#[derive(PartialEq)]
pub(crate) struct SnapshotUsage(linkdest_core::SnapshotUsage);

#[pymethods]
impl SnapshotUsage {
    /// The snapshot's name.
    #[getter]
    fn name(&self) -> &str {
        self.0.name().as_str()
    }

    /// The sum of the sizes of its regular files, an inode once.
    #[getter]
    fn bytes(&self) -> u64 {
        self.0.bytes()
    }

    /// The bytes on disk of inodes that no older snapshot has.
    #[getter]
    fn new_bytes(&self) -> u64 {
        self.0.new_bytes()
    }

    /// The bytes on disk that would be free if this snapshot alone were deleted.
    #[getter]
    fn freed_bytes(&self) -> u64 {
        self.0.freed_bytes()
    }

    fn __repr__(&self) -> String {
        format!("SnapshotUsage(name='{}', bytes={})", self.name(), self.bytes())
    }
}
