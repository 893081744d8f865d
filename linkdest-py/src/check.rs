//! What checking snapshots and making manifests came to.

use std::path::Path;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::html::Table;
use crate::report::Problem;

/// One entry of one snapshot.
#[pyclass(frozen, eq, module = "linkdest")]
#[derive(Clone, PartialEq)]
pub(crate) struct Sighting(pub linkdest_core::Sighting);

#[pymethods]
impl Sighting {
    /// The name of the snapshot.
    #[getter]
    fn snapshot(&self) -> &str {
        &self.0.snapshot
    }

    /// The path in it.
    #[getter]
    fn path(&self) -> &Path {
        self.0.path.as_path()
    }

    /// The same path as bytes.
    #[getter]
    fn path_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.path.as_bytes())
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("Sighting('{}')", self.0)
    }
}

/// One difference between a snapshot and what was written down of it.
#[pyclass(frozen, eq, module = "linkdest")]
#[derive(Clone, PartialEq)]
pub(crate) struct Finding(linkdest_core::Finding);

#[pymethods]
impl Finding {
    /// What differs, in one word.
    #[getter]
    fn kind(&self) -> &'static str {
        self.0.kind().as_str()
    }

    /// How it came about, as far as the disk can tell.
    #[getter]
    fn cause(&self) -> Option<&'static str> {
        self.0.cause().map(linkdest_core::Cause::as_str)
    }

    /// The name of the snapshot that it was found in.
    #[getter]
    fn snapshot(&self) -> &str {
        &self.0.place().snapshot
    }

    /// The path in that snapshot.
    #[getter]
    fn path(&self) -> &Path {
        self.0.place().path.as_path()
    }

    /// All other entries that are the same inode.
    #[getter]
    fn shared<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.shared().iter().cloned().map(Sighting))
    }

    /// What was found, in words.
    #[getter]
    fn message(&self) -> &str {
        self.0.message()
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("Finding('{}')", self.0)
    }
}

/// What a check came to.
#[pyclass(frozen, module = "linkdest")]
pub(crate) struct VerifyReport(pub linkdest_core::VerifyReport);

#[pymethods]
impl VerifyReport {
    /// The names of the snapshots that were checked.
    #[getter]
    fn snapshots<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.snapshots().iter().map(linkdest_core::SnapshotName::as_str))
    }

    /// Those that have no manifest and were not checked.
    #[getter]
    fn without_manifest<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.without_manifest().iter().map(linkdest_core::SnapshotName::as_str))
    }

    /// The entries that were compared with their records.
    #[getter]
    fn entries(&self) -> u64 {
        self.0.entries()
    }

    /// The entries that are gone because they were expunged.
    #[getter]
    fn expunged(&self) -> u64 {
        self.0.expunged()
    }

    /// The files whose content was read, an inode once.
    #[getter]
    fn files_read(&self) -> u64 {
        self.0.files_read()
    }

    /// The bytes of content that were read.
    #[getter]
    fn bytes_read(&self) -> u64 {
        self.0.bytes_read()
    }

    /// The first 1,000 findings.
    #[getter]
    fn findings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.findings().iter().cloned().map(Finding))
    }

    /// The number of all findings.
    #[getter]
    fn finding_count(&self) -> u64 {
        self.0.finding_count()
    }

    /// The first 1,000 entries that could not be checked.
    #[getter]
    fn problems<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.problems().iter().cloned().map(Problem))
    }

    /// Whether it went on where another check was stopped.
    #[getter]
    fn resumed(&self) -> bool {
        self.0.is_resumed()
    }

    /// Whether all damage is written down.
    #[getter]
    fn damage_noted(&self) -> bool {
        self.0.is_noted()
    }

    /// How long it took, in seconds.
    #[getter]
    fn duration(&self) -> f64 {
        self.0.duration().as_secs_f64()
    }

    fn _repr_html_(&self) -> String {
        Table::new("check of", format_args!("{} snapshots", self.0.snapshots().len()))
            .number("entries", self.0.entries())
            .number("files read", self.0.files_read())
            .bytes("bytes read", self.0.bytes_read())
            .number("differences", self.0.finding_count())
            .list("found", self.0.findings(), self.0.finding_count())
            .list("not checked", self.0.problems(), self.0.problems().len() as u64)
            .list("without a manifest", self.0.without_manifest(), self.0.without_manifest().len() as u64)
            .seconds("duration", self.duration())
            .end()
    }

    fn __repr__(&self) -> String {
        let (snapshots, findings) = (self.0.snapshots().len(), self.0.finding_count());
        format!("VerifyReport(snapshots={snapshots}, entries={}, findings={findings})", self.0.entries())
    }
}

/// What making manifests came to.
#[pyclass(frozen, module = "linkdest")]
pub(crate) struct ReindexReport(pub linkdest_core::ReindexReport);

#[pymethods]
impl ReindexReport {
    /// The names of the snapshots whose manifests were made, or would be.
    #[getter]
    fn snapshots<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.snapshots().iter().map(|one| one.snapshot().as_str()))
    }

    /// The files whose content was read, an inode once.
    #[getter]
    fn files_read(&self) -> u64 {
        self.0.files_read()
    }

    /// The bytes of content that were read.
    #[getter]
    fn bytes_read(&self) -> u64 {
        self.0.bytes_read()
    }

    /// The first 1,000 entries and snapshots that could not be read.
    #[getter]
    fn problems<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.problems().iter().cloned().map(Problem))
    }

    /// Whether nothing was written.
    #[getter]
    fn dry_run(&self) -> bool {
        self.0.is_dry_run()
    }

    /// How long it took, in seconds.
    #[getter]
    fn duration(&self) -> f64 {
        self.0.duration().as_secs_f64()
    }

    fn _repr_html_(&self) -> String {
        let names = self.0.snapshots().iter().map(|one| one.snapshot());
        Table::new("manifests made of", format_args!("{} snapshots", self.0.snapshots().len()))
            .list("snapshots", names, self.0.snapshots().len() as u64)
            .number("files read", self.0.files_read())
            .bytes("bytes read", self.0.bytes_read())
            .list("problems", self.0.problems(), self.0.problems().len() as u64)
            .row("dry run", if self.dry_run() { "yes, nothing was written" } else { "no" })
            .seconds("duration", self.duration())
            .end()
    }

    fn __repr__(&self) -> String {
        let (snapshots, bytes) = (self.0.snapshots().len(), self.0.bytes_read());
        format!("ReindexReport(snapshots={snapshots}, bytes_read={bytes})")
    }
}
