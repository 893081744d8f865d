//! Taking a snapshot, with Python's own thread watching.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use linkdest_core::filter::{Filter, FilterBuilder};
use linkdest_core::{Checksum, LocalRuleFiles, Monitor, Quick, Snapshotter, Ssh, StopFlag, Strict};
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::error::exception;
use crate::path::{FsPath, FsPaths};
use crate::report::{Counts, SnapshotReport};
use crate::rules::Rules;

/// Takes one snapshot of a source into a repository.
#[pyfunction]
#[pyo3(
    signature = (
        source, repository, *, init = false, rules = None, filters = Rules::default(), exclude = Rules::default(),
        policy = "quick", link_dest = FsPaths::default(), threads = None, one_file_system = false, progress = None,
        allow_empty = false, mass_change = Some(Share(50)), repository_id = None, reserve = None, ssh_command = None,
        keep_owners = None, keep_modes = None
    ),
    text_signature = "(source, repository, *, init=False, rules=None, filters=(), exclude=(), policy='quick', \
                      link_dest=(), threads=None, one_file_system=False, progress=None, allow_empty=False, \
                      mass_change=50, repository_id=None, reserve=None, ssh_command=None, keep_owners=None, \
                      keep_modes=None)"
)]
#[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
pub(crate) fn snapshot(
    py: Python<'_>,
    source: FsPath,
    repository: FsPath,
    init: bool,
    rules: Option<FsPath>,
    filters: Rules,
    exclude: Rules,
    policy: &str,
    link_dest: FsPaths,
    threads: Option<Threads>,
    one_file_system: bool,
    progress: Option<Callback>,
    allow_empty: bool,
    mass_change: Option<Share>,
    repository_id: Option<String>,
    reserve: Option<u64>,
    ssh_command: Option<Program>,
    keep_owners: Option<bool>,
    keep_modes: Option<bool>,
) -> PyResult<SnapshotReport> {
    let stop = StopFlag::default();
    let mut snapshotter =
        Snapshotter::new(source, repository).init(init).one_file_system(one_file_system).stop(stop.clone());
    snapshotter = with_policy(snapshotter, policy)?;
    snapshotter = snapshotter.allow_empty(allow_empty).mass_change(mass_change.map(|Share(percent)| percent));
    if let Some(id) = repository_id {
        snapshotter = snapshotter.repository_id(id);
    }
    if let Some(bytes) = reserve {
        snapshotter = snapshotter.reserve(bytes);
    }
    if let Some(program) = ssh_command {
        snapshotter = snapshotter.ssh(program.into_ssh().map_err(|error| exception(py, &error))?);
    }
    snapshotter = keep_owners.into_iter().fold(snapshotter, Snapshotter::keep_owners);
    snapshotter = keep_modes.into_iter().fold(snapshotter, Snapshotter::keep_modes);
    if let Some(filter) = filter(py, rules, filters, exclude)? {
        snapshotter = snapshotter.filter(filter);
    }
    snapshotter = link_dest.0.into_iter().fold(snapshotter, Snapshotter::link_dest);
    if let Some(Threads(threads)) = threads {
        snapshotter = snapshotter.threads(threads);
    }
    let watcher = Watcher::new(progress, stop);
    let result = py.detach(|| snapshotter.run(&watcher));
    if let Some(failure) = watcher.into_failure() {
        return Err(failure);
    }
    SnapshotReport::new(py, result.map_err(|error| exception(py, &error))?)
}

fn with_policy(snapshotter: Snapshotter, name: &str) -> PyResult<Snapshotter> {
    match name {
        "quick" => Ok(snapshotter.policy(Quick::default())),
        "strict" => Ok(snapshotter.policy(Strict::default())),
        "checksum" => Ok(snapshotter.policy(Checksum::default())),
        _ => Err(PyValueError::new_err(format!(
            "unknown policy {name:?}: it is 'quick', 'strict' or 'checksum'"
        ))),
    }
}

/// Reads the rules, in the order of the keywords; none if there are no rules at all.
fn filter(py: Python<'_>, file: Option<FsPath>, filters: Rules, exclude: Rules) -> PyResult<Option<Filter>> {
    if file.is_none() && filters.0.is_empty() && exclude.0.is_empty() {
        return Ok(None);
    }
    let mut builder = FilterBuilder::new();
    if let Some(file) = file {
        builder = builder.rules_file(file);
    }
    builder = filters.0.into_iter().fold(builder, FilterBuilder::rule);
    builder = exclude.0.into_iter().fold(builder, FilterBuilder::exclude);
    // A rule file may be a pipe that another thread of Python's writes to.
    let built = py.detach(|| builder.build(&LocalRuleFiles));
    built.map(Some).map_err(|error| exception(py, &error.into()))
}

/// A share in percent.
#[derive(Clone, Copy)]
pub(crate) struct Share(u8);

impl<'a, 'py> FromPyObject<'a, 'py> for Share {
    type Error = PyErr;

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let number = match given.extract::<i64>() {
            Err(error) if error.is_instance_of::<PyOverflowError>(given.py()) => None,
            number => u8::try_from(number?).ok().filter(|percent| *percent <= 100),
        };
        number
            .map(Self)
            .ok_or_else(|| PyValueError::new_err("mass_change must be a number from 0 to 100, or None"))
    }
}

/// A program that leads to a server: one line, or its words.
#[derive(FromPyObject)]
pub(crate) enum Program {
    Line(String),
    Words(Vec<String>),
}

impl Program {
    pub(crate) fn into_ssh(self) -> linkdest_core::Result<Ssh> {
        match self {
            Self::Line(line) => Ssh::default().command_line(line),
            Self::Words(words) => Ok(Ssh::default().command(words)),
        }
    }
}

/// A number of threads, 1 at least.
#[derive(Clone, Copy)]
pub(crate) struct Threads(pub NonZeroUsize);

impl<'a, 'py> FromPyObject<'a, 'py> for Threads {
    type Error = PyErr;

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let number = match given.extract::<i64>() {
            Err(error) if error.is_instance_of::<PyOverflowError>(given.py()) => None,
            number => usize::try_from(number?).ok().and_then(NonZeroUsize::new),
        };
        number.map(Self).ok_or_else(|| PyValueError::new_err("threads must be a number from 1 up"))
    }
}

/// What the caller wants to be called with the figures.
pub(crate) struct Callback(Py<PyAny>);

impl<'a, 'py> FromPyObject<'a, 'py> for Callback {
    type Error = PyErr;

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if given.is_callable() {
            Ok(Self(given.to_owned().unbind()))
        } else {
            Err(PyTypeError::new_err("progress must be callable"))
        }
    }
}

/// The figures of a run as they stand.
#[pyclass(frozen, module = "linkdest")]
pub(crate) struct Progress(linkdest_core::Progress);

#[pymethods]
impl Progress {
    /// What was done so far.
    #[getter]
    fn counts(&self) -> Counts {
        Counts(self.0.counts)
    }

    /// Entries so far: `counts.entries`.
    #[getter]
    fn entries(&self) -> u64 {
        self.0.counts.entries
    }

    /// Bytes so far: `counts.bytes`.
    #[getter]
    fn bytes(&self) -> u64 {
        self.0.counts.bytes
    }

    /// Problems so far: `counts.problems`.
    #[getter]
    fn problems(&self) -> u64 {
        self.0.counts.problems
    }

    /// How many entries there will be, as far as an earlier snapshot tells.
    #[getter]
    fn expected(&self) -> Option<u64> {
        self.0.expected
    }

    /// How far the run is by that, from 0 to 1.
    #[getter]
    fn fraction(&self) -> Option<f64> {
        self.0.fraction()
    }

    fn __repr__(&self) -> String {
        format!("Progress(entries={}, bytes={}, problems={})", self.entries(), self.bytes(), self.problems())
    }
}

/// The callback is not called more often than this.
const INTERVAL: Duration = Duration::from_millis(100);

/// Looks for signals and calls the callback, on the thread that called [`snapshot`]. Events of the run's own threads
/// are not taken: those threads never see Python.
pub(crate) struct Watcher {
    callback: Option<Callback>,
    stop: StopFlag,
    last_call: Mutex<Option<Instant>>,
    failure: Mutex<Option<PyErr>>,
}

impl Monitor for Watcher {
    fn progress(&self, progress: &linkdest_core::Progress) {
        if self.stop.is_stopped() {
            return;
        }
        match Python::try_attach(|py| self.look(py, progress)) {
            Some(Ok(())) => {}
            Some(Err(failure)) => {
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
                self.stop.stop();
            }
            // The interpreter is going away; nobody is left to tell.
            None => self.stop.stop(),
        }
    }
}

impl Watcher {
    pub fn new(callback: Option<Callback>, stop: StopFlag) -> Self {
        Self { callback, stop, last_call: Mutex::default(), failure: Mutex::default() }
    }

    fn look(&self, py: Python<'_>, progress: &linkdest_core::Progress) -> PyResult<()> {
        py.check_signals()?;
        if let Some(Callback(callback)) = &self.callback
            && self.is_due()
        {
            callback.call1(py, (Progress(*progress),))?;
        }
        Ok(())
    }

    /// Says whether the callback may be called now, and takes it that it is.
    fn is_due(&self) -> bool {
        let mut last = self.last_call.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.is_none_or(|last| last.elapsed() >= INTERVAL);
        if due {
            *last = Some(Instant::now());
        }
        due
    }

    /// What Python raised meanwhile.
    pub fn into_failure(self) -> Option<PyErr> {
        self.failure.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
