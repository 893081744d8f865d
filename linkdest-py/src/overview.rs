//! How a repository is doing.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;

use linkdest_core::{Age, Fate, GrownDirectory, KeepRules, Reporter};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::error::exception;
use crate::html::{Table, size};
use crate::interrupt::interruptible;
use crate::published::Snapshot;
use crate::time::datetime;

/// The keep rules, as numbers, and an age as text.
pub(crate) fn keep_rules(counts: [u32; 6], within: Option<&str>) -> PyResult<KeepRules> {
    let [last, hourly, daily, weekly, monthly, yearly] = counts;
    let rules = KeepRules::default().last(last).hourly(hourly).daily(daily);
    let rules = rules.weekly(weekly).monthly(monthly).yearly(yearly);
    match within.map(str::parse::<Age>).transpose() {
        Ok(Some(age)) => Ok(rules.within(age)),
        Ok(None) => Ok(rules),
        Err(error) => Err(PyValueError::new_err(error.to_string())),
    }
}

pub(crate) fn report(
    py: Python<'_>,
    repository: &Arc<linkdest_core::Repository>,
    rules: KeepRules,
) -> PyResult<RepositoryReport> {
    let made = interruptible(py, |stop| Reporter::new(repository).keep(rules).stop(stop).run())?;
    let report = made.map_err(|error| exception(py, &error))?;
    Ok(RepositoryReport { report, repository: Arc::clone(repository) })
}

/// The names of snapshots, each with a time.
type Goes<'r, 'py> = Vec<(&'r str, Option<Bound<'py, PyAny>>)>;

/// How a repository is doing.
#[pyclass(frozen, module = "linkdest")]
pub(crate) struct RepositoryReport {
    report: linkdest_core::Report,
    repository: Arc<linkdest_core::Repository>,
}

#[pymethods]
impl RepositoryReport {
    /// When the report was made, in UTC.
    #[getter]
    fn made<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        datetime(py, self.report.made())
    }

    /// The snapshots, the oldest run first.
    #[getter]
    fn snapshots(&self) -> Vec<Snapshot> {
        let snapshots = self.report.snapshots().iter().cloned();
        snapshots.map(|one| Snapshot::new(one, &self.repository)).collect()
    }

    /// The directories that grew, of each source, the largest first.
    #[getter]
    fn growth(&self) -> Vec<Grown> {
        let (mut all, mut waiting) = (Vec::new(), Vec::new());
        for growth in self.report.growth() {
            waiting.push((growth.source().path().map(Path::to_owned), growth.root()));
        }
        while let Some((source, directory)) = waiting.pop() {
            waiting.extend(directory.children().iter().map(|child| (source.clone(), child)));
            all.push(Grown { source, directory: told(directory) });
        }
        all.sort_by(|a, b| b.directory.1.cmp(&a.directory.1).then_with(|| a.directory.0.cmp(&b.directory.0)));
        all
    }

    /// The bytes that are available on the repository's file system.
    #[getter]
    fn available(&self) -> u64 {
        self.report.available()
    }

    /// The bytes that are new in a day, by the last runs; None if nothing tells.
    #[getter]
    fn bytes_per_day(&self) -> Option<u64> {
        self.report.pace().map(|pace| pace.bytes_per_day())
    }

    /// When the space is used up at that pace if nothing is removed; None if that is not foreseen.
    #[getter]
    fn full<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.report.full().map(|full| datetime(py, full)).transpose()
    }

    /// When each snapshot will no longer be kept by the rules, by name; None without rules.
    #[getter]
    fn goes<'py>(&self, py: Python<'py>) -> PyResult<Option<Goes<'_, 'py>>> {
        let Some(forecast) = self.report.forecast() else { return Ok(None) };
        let one = |fate| {
            let goes = Fate::goes(fate).map(|goes| datetime(py, goes)).transpose()?;
            Ok((Fate::snapshot(fate).as_str(), goes))
        };
        forecast.fates().iter().map(one).collect::<PyResult<_>>().map(Some)
    }

    /// One page of HTML that needs nothing else.
    fn to_html(&self) -> String {
        self.report.to_html()
    }

    fn _repr_html_(&self) -> String {
        let grown = self.growth();
        let one = |one: &Grown| format!("{}: {}", one.directory.0, size(one.bytes()));
        let table =
            Table::new("repository", linkdest_core::Escaped(self.repository.path().as_os_str().as_bytes()))
                .number("snapshots", self.report.snapshots().len() as u64)
                .bytes("available", self.report.available());
        let table = match self.report.pace() {
            Some(pace) => table.bytes("new in a day", pace.bytes_per_day()),
            None => table,
        };
        let table = match self.report.full() {
            Some(full) => table.row("full", full),
            None => table,
        };
        table.list("what grew", grown.iter().map(one), grown.len() as u64).end()
    }

    fn __repr__(&self) -> String {
        format!(
            "RepositoryReport(snapshots={}, available={})",
            self.report.snapshots().len(),
            self.available()
        )
    }
}

fn told(directory: &GrownDirectory) -> (linkdest_core::RelPath, u64, u64) {
    (directory.path().clone(), directory.bytes(), directory.files())
}

/// A directory with what is new in it and below it.
#[pyclass(frozen, module = "linkdest")]
pub(crate) struct Grown {
    source: Option<std::path::PathBuf>,
    directory: (linkdest_core::RelPath, u64, u64),
}

#[pymethods]
impl Grown {
    /// The source that it is in, where that is known.
    #[getter]
    fn source(&self) -> Option<&Path> {
        self.source.as_deref()
    }

    /// The path below the source.
    #[getter]
    fn path(&self) -> &Path {
        self.directory.0.as_path()
    }

    /// The sizes of the new files.
    #[getter]
    fn bytes(&self) -> u64 {
        self.directory.1
    }

    /// The number of the new files.
    #[getter]
    fn files(&self) -> u64 {
        self.directory.2
    }

    fn __repr__(&self) -> String {
        format!("Grown('{}', bytes={}, files={})", self.directory.0, self.bytes(), self.files())
    }
}
