//! Taking over the snapshots of other tools.

use std::path::Path;

use linkdest_core::{Adopter, StopFlag};
use pyo3::prelude::*;
use pyo3::types::{PyAny, PyTuple};

use crate::error::exception;
use crate::html::Table;
use crate::path::FsPath;
use crate::report::Problem;
use crate::snapshot::{Callback, Threads, Watcher};
use crate::time::datetime;

/// Takes over, in place, a directory with the snapshots of another tool.
#[pyfunction]
#[pyo3(signature = (path, *, dry_run = false, threads = None, progress = None))]
#[expect(clippy::needless_pass_by_value, reason = "arguments from Python are taken by value")]
pub(crate) fn adopt(
    py: Python<'_>,
    path: FsPath,
    dry_run: bool,
    threads: Option<Threads>,
    progress: Option<Callback>,
) -> PyResult<AdoptReport> {
    adopt_at(py, path.as_ref(), dry_run, threads, progress)
}

/// Adopts what is in the directory.
pub(crate) fn adopt_at(
    py: Python<'_>,
    path: &Path,
    dry_run: bool,
    threads: Option<Threads>,
    progress: Option<Callback>,
) -> PyResult<AdoptReport> {
    let stop = StopFlag::default();
    let mut adopter = Adopter::new(path).dry_run(dry_run).stop(stop.clone());
    if let Some(Threads(threads)) = threads {
        adopter = adopter.threads(threads);
    }
    let watcher = Watcher::new(progress, stop);
    let result = py.detach(|| adopter.run(&watcher));
    match watcher.into_failure() {
        Some(failure) => Err(failure),
        None => result.map(AdoptReport).map_err(|error| exception(py, &error)),
    }
}

/// One snapshot that was adopted, or would be.
#[pyclass(frozen, eq, module = "linkdest")]
#[derive(Clone, PartialEq)]
pub(crate) struct Adoption(linkdest_core::Adoption);

#[pymethods]
impl Adoption {
    /// The name that it has in the repository.
    #[getter]
    fn snapshot(&self) -> &str {
        self.0.snapshot().as_str()
    }

    /// Where its tree is, below the repository.
    #[getter]
    fn tree(&self) -> &Path {
        self.0.tree().as_path()
    }

    /// The name of the tool that made it.
    #[getter]
    fn tool(&self) -> &'static str {
        self.0.tool().as_str()
    }

    /// When it was made, by the tool's own mark, in UTC.
    #[getter]
    fn started<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        datetime(py, self.0.started())
    }

    /// The number of the run that it comes after, 0 before the first.
    #[getter]
    fn sequence(&self) -> u64 {
        self.0.sequence()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let tree = self.tree().as_os_str().into_pyobject(py)?.repr()?;
        Ok(format!("Adoption(snapshot='{}', tree={tree}, tool='{}')", self.snapshot(), self.tool()))
    }
}

/// What adopting came to.
#[pyclass(frozen, module = "linkdest")]
pub(crate) struct AdoptReport(linkdest_core::AdoptReport);

#[pymethods]
impl AdoptReport {
    /// The snapshots that were adopted, or would be, the oldest first.
    #[getter]
    fn adoptions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.adoptions().iter().cloned().map(Adoption))
    }

    /// What looks like a snapshot and was not adopted: its path and the reason.
    #[getter]
    fn passed_over<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.passed_over().iter().map(|one| (one.path().as_path(), one.reason())))
    }

    /// The number of snapshots that had been adopted before.
    #[getter]
    fn known(&self) -> usize {
        self.0.known()
    }

    /// Whether the directory became a repository by it, or would.
    #[getter]
    fn new_repository(&self) -> bool {
        self.0.is_new()
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

    /// The number of all of them.
    #[getter]
    fn problem_count(&self) -> u64 {
        self.0.problem_count()
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
        let all = self.0.adoptions();
        let one = |one: &linkdest_core::Adoption| {
            format!("{} ({}, {})", one.snapshot(), one.tree(), one.tool().as_str())
        };
        let passed = self.0.passed_over();
        Table::new("adopted", format_args!("{} snapshots", all.len()))
            .list("snapshots", all.iter().map(one), all.len() as u64)
            .list(
                "passed over",
                passed.iter().map(|one| format!("{}: {}", one.path(), one.reason())),
                passed.len() as u64,
            )
            .number("adopted before", self.0.known() as u64)
            .number("files read", self.0.files_read())
            .bytes("bytes read", self.0.bytes_read())
            .list("problems", self.0.problems(), self.0.problem_count())
            .row("dry run", if self.dry_run() { "yes, nothing was written" } else { "no" })
            .seconds("duration", self.duration())
            .end()
    }

    fn __repr__(&self) -> String {
        let (adopted, bytes) = (self.0.adoptions().len(), self.0.bytes_read());
        format!("AdoptReport(adoptions={adopted}, known={}, bytes_read={bytes})", self.0.known())
    }
}
