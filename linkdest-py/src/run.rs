//! What is known of a run.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use pyo3::prelude::*;
use pyo3::types::{PyAny, PyTuple};

use crate::html::Table;
use crate::report::{Counts, Problem};
use crate::time::datetime;

/// One run, as its record tells it.
#[pyclass(frozen, eq, module = "linkdest")]
#[derive(Clone, PartialEq)]
pub(crate) struct Run(pub linkdest_core::RunRecord);

#[pymethods]
impl Run {
    /// The name of the snapshot.
    #[getter]
    fn snapshot(&self) -> &str {
        self.0.snapshot().as_str()
    }

    /// The run's number; the newest snapshot has the highest.
    #[getter]
    fn sequence(&self) -> u64 {
        self.0.sequence()
    }

    /// The absolute path of the source; None where it is not known.
    #[getter]
    fn source(&self) -> Option<&Path> {
        Some(self.0.source()).filter(|source| !source.as_os_str().is_empty())
    }

    /// The machine that the source was on.
    #[getter]
    fn host(&self) -> &str {
        self.0.host()
    }

    /// The policy that told what is unchanged.
    #[getter]
    fn policy(&self) -> &str {
        self.0.policy()
    }

    /// Why the snapshot is suspect; empty where it is not.
    #[getter]
    fn suspect<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.suspect())
    }

    /// When it began, in UTC.
    #[getter]
    fn started<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        datetime(py, self.0.started())
    }

    /// When it ended, in UTC; None where it did not, or nobody knows.
    #[getter]
    fn ended<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.ended().map(|ended| datetime(py, ended)).transpose()
    }

    /// "complete", "problems", or "unfinished".
    #[getter]
    fn status(&self) -> &'static str {
        self.0.status().map_or("unfinished", linkdest_core::Status::as_str)
    }

    /// Whether another tool made the snapshot.
    #[getter]
    fn adopted(&self) -> bool {
        self.0.is_adopted()
    }

    /// Of an adopted snapshot: where its tree is, below the repository.
    #[getter]
    fn tree(&self) -> Option<&Path> {
        self.0.tree().map(linkdest_core::RelPath::as_path)
    }

    /// The id of the repository that the snapshot was made in, where it was brought here by replicate().
    #[getter]
    fn replica_of(&self) -> Option<&str> {
        self.0.replica_of()
    }

    /// What was done.
    #[getter]
    fn counts(&self) -> Counts {
        Counts(*self.0.counts())
    }

    /// The first 1,000 problems.
    #[getter]
    fn problems<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.problems().iter().cloned().map(Problem))
    }

    fn _repr_html_(&self) -> String {
        let counts = self.0.counts();
        Table::new("run", self.snapshot())
            .row("source", linkdest_core::Escaped(self.0.source().as_os_str().as_bytes()))
            .row("host", self.host())
            .row("started", self.0.started())
            .row("status", self.status())
            .list("suspect", self.0.suspect(), self.0.suspect().len() as u64)
            .number("entries", counts.entries)
            .bytes("copied", counts.bytes_copied)
            .bytes("shared", counts.bytes_shared)
            .list("problems", self.0.problems(), counts.problems)
            .end()
    }

    fn __repr__(&self) -> String {
        format!("Run(snapshot='{}', status='{}')", self.snapshot(), self.status())
    }
}
