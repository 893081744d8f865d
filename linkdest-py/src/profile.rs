//! Running profiles, and checking them.

use std::sync::{Mutex, PoisonError};

use linkdest_core::{Event, Monitor, Profile, ProfileRun};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::check::VerifyReport;
use crate::error::exception;
use crate::html::Table;
use crate::interrupt::{interruptible, seconds};
use crate::path::FsPath;
use crate::report::SnapshotReport;

/// Does all that a profile says.
#[pyfunction]
#[pyo3(signature = (profile, *, dry_run = false, lock_wait = None))]
#[expect(clippy::needless_pass_by_value, reason = "arguments from Python are taken by value")]
pub(crate) fn run(
    py: Python<'_>,
    profile: FsPath,
    dry_run: bool,
    lock_wait: Option<f64>,
) -> PyResult<ProfileReport> {
    let profile = load(py, &profile)?;
    let lock_wait = lock_wait.map(seconds).transpose()?;
    let log = Log::default();
    let result = interruptible(py, |stop| {
        let run = ProfileRun::new(&profile).dry_run(dry_run).stop(stop);
        lock_wait.into_iter().fold(run, ProfileRun::lock_wait).run(&log)
    })?;
    let report = result.map_err(|error| exception(py, &error))?;
    let snapshot = Py::new(py, SnapshotReport::new(py, report.snapshot().clone())?)?;
    let verified = report.verified().cloned().map(|report| Py::new(py, VerifyReport(report))).transpose()?;
    let log = log.0.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(ProfileReport { report, snapshot, verified, log })
}

/// Looks whether a profile can be run.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "arguments from Python are taken by value")]
pub(crate) fn check_profile(py: Python<'_>, profile: FsPath) -> PyResult<ProfileCheck> {
    let profile = load(py, &profile)?;
    Ok(ProfileCheck(py.detach(|| profile.check())))
}

fn load(py: Python<'_>, profile: &FsPath) -> PyResult<Profile> {
    py.detach(|| Profile::load(profile)).map_err(|error| exception(py, &error))
}

/// Keeps the facts of a run.
#[derive(Default)]
struct Log(Mutex<Vec<String>>);

impl Monitor for Log {
    fn event(&self, event: &Event) {
        if let Event::Fact(fact) = event {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(fact.to_string());
        }
    }
}

/// What a run by profile that published a snapshot came to.
#[pyclass(frozen, module = "linkdest")]
pub(crate) struct ProfileReport {
    report: linkdest_core::ProfileReport,
    snapshot: Py<SnapshotReport>,
    verified: Option<Py<VerifyReport>>,
    log: Vec<String>,
}

#[pymethods]
impl ProfileReport {
    /// The snapshot that was taken.
    #[getter]
    fn snapshot(&self, py: Python<'_>) -> Py<SnapshotReport> {
        self.snapshot.clone_ref(py)
    }

    /// The names of the snapshots that were removed.
    #[getter]
    fn forgotten<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let names = self.report.forgotten().map(linkdest_core::Deleted::snapshots).unwrap_or_default();
        PyTuple::new(py, names.iter().map(linkdest_core::SnapshotName::as_str))
    }

    /// The names of those that the keep rules removed, or would remove in a dry run.
    #[getter]
    fn planned<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let names = self.report.plan().map(linkdest_core::ForgetPlan::removed).unwrap_or_default();
        PyTuple::new(py, names.iter().map(linkdest_core::SnapshotName::as_str))
    }

    /// What the check of a sample came to.
    #[getter]
    fn verified(&self, py: Python<'_>) -> Option<Py<VerifyReport>> {
        self.verified.as_ref().map(|report| report.clone_ref(py))
    }

    /// What ended forgetting or checking, in words.
    #[getter]
    fn errors<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.report.errors().iter().map(ToString::to_string))
    }

    /// The hooks that failed, and how.
    #[getter]
    fn failed_hooks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let failed = self.report.failed_hooks().iter();
        PyTuple::new(py, failed.map(|failure| (failure.hook().as_str(), failure.message().to_owned())))
    }

    /// All facts of the run, in words.
    #[getter]
    fn log<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.log)
    }

    /// The exit code of the command line.
    #[getter]
    fn exit_code(&self) -> u8 {
        self.report.exit_code()
    }

    /// How long the run took, hooks included, in seconds.
    #[getter]
    fn duration(&self) -> f64 {
        self.report.duration().as_secs_f64()
    }

    fn _repr_html_(&self) -> String {
        let name = self.report.snapshot().snapshot().map(linkdest_core::SnapshotName::as_str);
        Table::new("run by profile", name.unwrap_or_default())
            .number("exit code", u64::from(self.exit_code()))
            .list("log", &self.log, self.log.len() as u64)
            .list("errors", self.report.errors(), self.report.errors().len() as u64)
            .seconds("duration", self.duration())
            .end()
    }

    fn __repr__(&self) -> String {
        let name = self.report.snapshot().snapshot().map(linkdest_core::SnapshotName::as_str);
        format!("ProfileReport(snapshot='{}', exit_code={})", name.unwrap_or_default(), self.exit_code())
    }
}

/// What a check of a profile found.
#[pyclass(frozen, module = "linkdest")]
pub(crate) struct ProfileCheck(linkdest_core::ProfileCheck);

#[pymethods]
impl ProfileCheck {
    /// What a run would do, in plain words.
    #[getter]
    fn plan<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.plan())
    }

    /// What is wrong: pairs of "error" or "warning" and a message.
    #[getter]
    fn remarks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let remarks = self.0.remarks().iter();
        PyTuple::new(py, remarks.map(|(severity, message)| (severity.as_str(), message.as_str())))
    }

    /// The exit code of the command line.
    #[getter]
    fn exit_code(&self) -> u8 {
        self.0.exit_code()
    }

    fn __repr__(&self) -> String {
        format!("ProfileCheck(remarks={}, exit_code={})", self.0.remarks().len(), self.exit_code())
    }
}
