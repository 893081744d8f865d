//! Bringing the snapshots of a repository to another one.

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use linkdest_core::{Age, KeepRules, Replicator, Repository, SnapshotName, StopFlag};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::error::exception;
use crate::html::Table;
use crate::interrupt::seconds;
use crate::names::{Name, Names};
use crate::path::FsPath;
use crate::report::{Counts, Problem};
use crate::snapshot::{Callback, Program, Watcher};

/// Brings the snapshots of a repository to another one.
#[pyfunction]
#[pyo3(
    signature = (
        repository, target, *, init = false, snapshots = Names::default(), keep = None, bandwidth = None,
        dry_run = false, lock_wait = 0.0, progress = None, ssh_command = None
    ),
    text_signature = "(repository, target, *, init=False, snapshots=(), keep=None, bandwidth=None, dry_run=False, \
                      lock_wait=0.0, progress=None, ssh_command=None)"
)]
#[expect(clippy::too_many_arguments, clippy::needless_pass_by_value, reason = "they are keywords in Python")]
pub(crate) fn replicate(
    py: Python<'_>,
    repository: FsPath,
    target: FsPath,
    init: bool,
    snapshots: Names,
    keep: Option<HashMap<String, Rule>>,
    bandwidth: Option<u64>,
    dry_run: bool,
    lock_wait: f64,
    progress: Option<Callback>,
    ssh_command: Option<Program>,
) -> PyResult<ReplicateReport> {
    let stop = StopFlag::default();
    let mut replicator = Replicator::new(&repository, &target)
        .init(init)
        .keep(rules(keep.unwrap_or_default())?)
        .dry_run(dry_run)
        .lock_wait(seconds(lock_wait)?)
        .stop(stop.clone());
    match bandwidth {
        Some(0) => return Err(PyValueError::new_err("bandwidth must be a number from 1 up, or None")),
        Some(bytes) => replicator = replicator.bandwidth(bytes),
        None => {}
    }
    if let Some(program) = ssh_command {
        replicator = replicator.ssh(program.into_ssh().map_err(|error| exception(py, &error))?);
    }
    let resolved = py.detach(|| resolve(repository.as_ref(), &snapshots));
    let resolved = resolved.map_err(|error| exception(py, &error))?;
    let replicator = resolved.into_iter().fold(replicator, Replicator::snapshot);
    let watcher = Watcher::new(progress, stop);
    let result = py.detach(|| replicator.run(&watcher));
    match watcher.into_failure() {
        Some(failure) => Err(failure),
        None => result.map(ReplicateReport).map_err(|error| exception(py, &error)),
    }
}

fn resolve(repository: &Path, snapshots: &Names) -> linkdest_core::Result<Vec<SnapshotName>> {
    if snapshots.0.is_empty() {
        return Ok(Vec::new());
    }
    let repository = Repository::open(repository)?;
    snapshots.0.iter().map(|Name(text)| Ok(repository.resolve(text)?.name().clone())).collect()
}

/// A keep rule: how many, or an age.
#[derive(FromPyObject)]
pub(crate) enum Rule {
    Count(u32),
    Age(String),
}

fn rules(keep: HashMap<String, Rule>) -> PyResult<KeepRules> {
    let mut rules = KeepRules::default();
    for (name, rule) in keep {
        rules = match (name.as_str(), rule) {
            ("last", Rule::Count(count)) => rules.last(count),
            ("hourly", Rule::Count(count)) => rules.hourly(count),
            ("daily", Rule::Count(count)) => rules.daily(count),
            ("weekly", Rule::Count(count)) => rules.weekly(count),
            ("monthly", Rule::Count(count)) => rules.monthly(count),
            ("yearly", Rule::Count(count)) => rules.yearly(count),
            ("within", Rule::Age(age)) => {
                let age = age.parse::<Age>().map_err(|error| PyValueError::new_err(error.to_string()))?;
                rules.within(age)
            }
            _ => {
                return Err(PyValueError::new_err(format!("{name:?} is no keep rule, or has no such value")));
            }
        };
    }
    Ok(rules)
}

/// One snapshot of the repository that was read.
#[pyclass(frozen, eq, module = "linkdest")]
#[derive(Clone, PartialEq)]
pub(crate) struct Replica(linkdest_core::Replica);

#[pymethods]
impl Replica {
    /// Its name, the same in both repositories.
    #[getter]
    fn snapshot(&self) -> &str {
        self.0.snapshot().as_str()
    }

    /// "present", "sent", "not_kept" or "failed".
    #[getter]
    fn state(&self) -> &'static str {
        self.0.state().as_str()
    }

    /// What was done for it.
    #[getter]
    fn counts(&self) -> Counts {
        Counts(*self.0.counts())
    }

    fn __repr__(&self) -> String {
        format!("Replica(snapshot='{}', state='{}')", self.snapshot(), self.state())
    }
}

/// What replicating came to.
#[pyclass(frozen, module = "linkdest")]
pub(crate) struct ReplicateReport(linkdest_core::ReplicateReport);

#[pymethods]
impl ReplicateReport {
    /// The repository that was written to.
    #[getter]
    fn target(&self) -> &Path {
        self.0.target()
    }

    /// What became of each snapshot that was asked for, the oldest run first.
    #[getter]
    fn replicas<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.replicas().iter().cloned().map(Replica))
    }

    /// What the keep rules removed at the target, or would remove.
    #[getter]
    fn removed<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.removed().iter().map(ToString::to_string))
    }

    /// The figures of all snapshots that were brought.
    #[getter]
    fn counts(&self) -> Counts {
        Counts(*self.0.counts())
    }

    /// The first 1,000 problems; `counts.problems` has the number of all.
    #[getter]
    fn problems<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.problems().iter().cloned().map(Problem))
    }

    /// "complete" or "problems".
    #[getter]
    fn status(&self) -> &'static str {
        self.0.status().as_str()
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
        let counts = self.0.counts();
        let replicas =
            self.0.replicas().iter().map(|one| format!("{}: {}", one.snapshot(), one.state().as_str()));
        let removed = self.0.removed();
        Table::new("replicated to", linkdest_core::Escaped(self.0.target().as_os_str().as_bytes()))
            .row("status", self.status())
            .list("snapshots", replicas, self.0.replicas().len() as u64)
            .list("removed", removed, removed.len() as u64)
            .bytes("sent", counts.bytes_copied)
            .bytes("shared", counts.bytes_shared)
            .list("problems", self.0.problems(), counts.problems)
            .seconds("duration", self.duration())
            .end()
    }

    fn __repr__(&self) -> String {
        let (replicas, status) = (self.0.replicas().len(), self.status());
        format!("ReplicateReport(status='{status}', replicas={replicas})")
    }
}
