//! Repositories and the snapshots in them.

use std::hash::{Hash, Hasher};
use std::path::Path;

use linkdest_core::{Age, Deleted, KeepRules, RunRecord, SnapshotName, Timestamp};
use pyo3::exceptions::{PyRuntimeWarning, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDateTime, PyDelta, PyTzInfo};

use crate::error::exception;
use crate::path::FsPath;

/// A directory that holds snapshots.
#[pyclass(frozen, module = "linkdest")]
pub(crate) struct Repository(linkdest_core::Repository);

#[pymethods]
impl Repository {
    /// Opens a repository.
    #[new]
    fn new(py: Python<'_>, path: FsPath) -> PyResult<Self> {
        let opened = py.detach(|| linkdest_core::Repository::open(path));
        opened.map(Self).map_err(|error| exception(py, &error))
    }

    /// Makes a repository of an absent or an empty directory.
    #[staticmethod]
    fn init(py: Python<'_>, path: FsPath) -> PyResult<Self> {
        let made = py.detach(|| linkdest_core::Repository::init(path));
        made.map(Self).map_err(|error| exception(py, &error))
    }

    /// The path that the repository was opened by.
    #[getter]
    fn path(&self) -> &Path {
        self.0.path()
    }

    /// The repository's own name for itself: 32 hexadecimal digits.
    #[getter]
    fn id(&self) -> &str {
        self.0.id()
    }

    /// Lists the published snapshots, the oldest run first.
    fn snapshots(&self, py: Python<'_>) -> PyResult<Vec<Snapshot>> {
        let listed = py.detach(|| self.0.snapshots()).map_err(|error| exception(py, &error))?;
        Ok(listed.into_iter().map(Snapshot).collect())
    }

    /// Deletes snapshots: all of them, or none.
    #[pyo3(signature = (*names))]
    fn delete(&self, py: Python<'_>, names: Vec<String>) -> PyResult<Vec<String>> {
        let delete = move || self.0.delete(&self.names(names)?);
        told(py, py.detach(delete))
    }

    /// Removes the snapshots that no rule keeps, then the oldest until there is space.
    #[pyo3(signature = (
        *, last = 0, hourly = 0, daily = 0, weekly = 0, monthly = 0, yearly = 0, within = None, free_space = None,
        dry_run = false,
    ))]
    #[allow(clippy::too_many_arguments, reason = "keyword arguments")]
    fn forget(
        &self,
        py: Python<'_>,
        last: u32,
        hourly: u32,
        daily: u32,
        weekly: u32,
        monthly: u32,
        yearly: u32,
        within: Option<&str>,
        free_space: Option<u64>,
        dry_run: bool,
    ) -> PyResult<Vec<String>> {
        let rules = KeepRules::default().last(last).hourly(hourly).daily(daily);
        let rules = rules.weekly(weekly).monthly(monthly).yearly(yearly);
        let rules = match within.map(str::parse::<Age>).transpose() {
            Ok(age) => age.map_or(rules.clone(), |age| rules.within(age)),
            Err(error) => return Err(PyValueError::new_err(error.to_string())),
        };
        if rules.is_empty() && free_space.is_none() {
            return Err(PyValueError::new_err("no rule keeps anything"));
        }
        let plan = py.detach(|| match free_space {
            Some(target) => self.0.plan_free_space(target, Some(&rules).filter(|rules| !rules.is_empty())),
            None => self.0.plan_forget(&rules),
        });
        let plan = plan.map_err(|error| exception(py, &error))?;
        if dry_run {
            return Ok(plan.removed().iter().map(ToString::to_string).collect());
        }
        told(py, py.detach(|| self.0.forget(&plan)))
    }

    /// Pins a snapshot; says whether it was not pinned before.
    fn pin(&self, py: Python<'_>, name: &str) -> PyResult<bool> {
        let pinned = py.detach(|| self.0.pin(self.0.resolve(name)?.name()));
        pinned.map_err(|error| exception(py, &error))
    }

    /// Takes the pin of a snapshot away; says whether it was pinned.
    fn unpin(&self, py: Python<'_>, name: &str) -> PyResult<bool> {
        let unpinned = py.detach(|| self.0.unpin(self.0.resolve(name)?.name()));
        unpinned.map_err(|error| exception(py, &error))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("Repository({})", self.path().as_os_str().into_pyobject(py)?.repr()?))
    }
}

impl Repository {
    fn names(&self, texts: Vec<String>) -> linkdest_core::Result<Vec<SnapshotName>> {
        texts.into_iter().map(|text| Ok(self.0.resolve(&text)?.name().clone())).collect()
    }
}

/// The names of what was deleted; a warning for what could not be tidied up.
fn told(py: Python<'_>, deleted: linkdest_core::Result<Deleted>) -> PyResult<Vec<String>> {
    let deleted = deleted.map_err(|error| exception(py, &error))?;
    for problem in deleted.problems() {
        py.import("warnings")?
            .call_method1("warn", (problem.to_string(), py.get_type::<PyRuntimeWarning>()))?;
    }
    Ok(deleted.snapshots().iter().map(ToString::to_string).collect())
}

/// One published snapshot.
#[pyclass(frozen, eq, hash, module = "linkdest")]
pub(crate) struct Snapshot(linkdest_core::Snapshot);

impl PartialEq for Snapshot {
    fn eq(&self, other: &Self) -> bool {
        self.0.path() == other.0.path()
            && self.0.record() == other.0.record()
            && self.0.is_pinned() == other.0.is_pinned()
    }
}

impl Hash for Snapshot {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.path().hash(state);
    }
}

#[pymethods]
impl Snapshot {
    /// The snapshot's name.
    #[getter]
    fn name(&self) -> &str {
        self.0.name().as_str()
    }

    /// Where its tree is.
    #[getter]
    fn path(&self) -> &Path {
        self.0.path()
    }

    /// When its run started, in UTC.
    #[getter]
    fn started<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        datetime(py, self.0.started())
    }

    /// "complete", or "problems" if not everything was saved as asked.
    #[getter]
    fn status(&self) -> &'static str {
        self.0.status().as_str()
    }

    /// Whether the snapshot is marked as suspect.
    #[getter]
    fn suspect(&self) -> bool {
        false
    }

    /// Whether the snapshot is kept whatever the retention rules say.
    #[getter]
    fn pinned(&self) -> bool {
        self.0.is_pinned()
    }

    /// The number of entries; None where the run's record was lost.
    #[getter]
    fn entries(&self) -> Option<u64> {
        self.0.record().map(RunRecord::counts).map(|counts| counts.entries)
    }

    /// The sum of the sizes of its files, an inode once; None where the run's record was lost.
    #[getter]
    fn bytes(&self) -> Option<u64> {
        self.0.record().map(RunRecord::counts).map(|counts| counts.bytes)
    }

    fn __repr__(&self) -> String {
        format!("Snapshot(name='{}', status='{}')", self.name(), self.status())
    }
}

const SECONDS_A_DAY: i64 = 86_400;

/// A time as an aware `datetime`, cut to microseconds. PyO3's own conversion panics before 1970.
fn datetime(py: Python<'_>, time: Timestamp) -> PyResult<Bound<'_, PyAny>> {
    let days = i32::try_from(time.seconds.div_euclid(SECONDS_A_DAY))?;
    let seconds = i32::try_from(time.seconds.rem_euclid(SECONDS_A_DAY))?;
    let micros = i32::try_from(time.nanos / 1000)?;
    let utc = PyTzInfo::utc(py)?;
    let epoch = PyDateTime::new(py, 1970, 1, 1, 0, 0, 0, 0, Some(&utc))?;
    epoch.add(PyDelta::new(py, days, seconds, micros, false)?)
}
