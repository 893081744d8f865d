//! Removing one path from snapshots.

use std::path::Path;

use linkdest_core::{Expunging, RelPath, Repository, SnapshotName};
use pyo3::exceptions::PyRuntimeWarning;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::check::Sighting;
use crate::error::exception;
use crate::history::word;
use crate::html::Table;
use crate::time::datetime;

/// Expunges as asked for; a warning for what could not be tidied up.
pub(crate) fn expunge(
    py: Python<'_>,
    repository: &Repository,
    path: &RelPath,
    snapshots: Vec<SnapshotName>,
    links: bool,
    dry_run: bool,
) -> PyResult<ExpungeReport> {
    let how = snapshots.into_iter().fold(Expunging::default().links(links), Expunging::snapshot);
    let done = py.detach(|| match dry_run {
        true => repository.plan_expunge(path, &how),
        false => repository.expunge_with(path, &how),
    });
    let report = done.map_err(|error| exception(py, &error))?;
    for problem in report.problems() {
        py.import("warnings")?
            .call_method1("warn", (problem.to_string(), py.get_type::<PyRuntimeWarning>()))?;
    }
    Ok(ExpungeReport(report))
}

/// One entry that was removed from one snapshot.
#[pyclass(frozen, eq, module = "linkdest")]
#[derive(PartialEq)]
pub(crate) struct ExpungedEntry(pub linkdest_core::ExpungedEntry);

#[pymethods]
impl ExpungedEntry {
    /// The name of the snapshot that it was removed from.
    #[getter]
    fn snapshot(&self) -> &str {
        self.0.snapshot().as_str()
    }

    /// The path below the source.
    #[getter]
    fn path(&self) -> &Path {
        self.0.path().as_path()
    }

    /// The same path as bytes.
    #[getter]
    fn path_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.path().as_bytes())
    }

    /// What it was; a directory went with everything in it.
    #[getter]
    fn kind(&self) -> String {
        word(self.0.kind())
    }

    /// When it was expunged, in UTC.
    #[getter]
    fn time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        datetime(py, self.0.time())
    }

    fn __repr__(&self) -> String {
        format!("ExpungedEntry('{}', snapshot='{}')", self.0.path(), self.snapshot())
    }
}

/// What was expunged, or would be.
#[pyclass(frozen, module = "linkdest")]
pub(crate) struct ExpungeReport(linkdest_core::ExpungeReport);

#[pymethods]
impl ExpungeReport {
    /// The entries, by snapshot, the oldest run first.
    #[getter]
    fn entries<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.entries().iter().cloned().map(ExpungedEntry))
    }

    /// Names that the same inodes have elsewhere in the same snapshots, and that stay.
    #[getter]
    fn other_names<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.other_names().iter().cloned().map(Sighting))
    }

    /// Whether nothing was removed.
    #[getter]
    fn dry_run(&self) -> bool {
        self.0.is_dry_run()
    }

    fn _repr_html_(&self) -> String {
        let (entries, others) = (self.0.entries(), self.0.other_names());
        let one = |one: &linkdest_core::ExpungedEntry| format!("{}: {}", one.snapshot(), one.path());
        Table::new("expunged", format_args!("{} entries", entries.len()))
            .list("entries", entries.iter().map(one), entries.len() as u64)
            .list("other names, which stay", others, others.len() as u64)
            .row("dry run", if self.dry_run() { "yes, nothing was removed" } else { "no" })
            .end()
    }

    fn __repr__(&self) -> String {
        let (entries, others) = (self.0.entries().len(), self.0.other_names().len());
        format!("ExpungeReport(entries={entries}, other_names={others})")
    }
}
