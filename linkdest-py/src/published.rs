//! Published snapshots.

use std::hash::{Hash, Hasher};
use std::path::Path;

use linkdest_core::RunRecord;
use pyo3::prelude::*;

use crate::time::datetime;

/// One published snapshot.
#[pyclass(frozen, eq, hash, module = "linkdest")]
pub(crate) struct Snapshot(pub linkdest_core::Snapshot);

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
        self.0.is_suspect()
    }

    /// Why it is suspect.
    #[getter]
    fn suspect_reasons(&self) -> Vec<String> {
        self.0.record().map(RunRecord::suspect).unwrap_or_default().to_vec()
    }

    /// Whether the snapshot is kept whatever the retention rules say.
    #[getter]
    fn pinned(&self) -> bool {
        self.0.is_pinned()
    }

    /// Whether another tool made the snapshot, and it was adopted.
    #[getter]
    fn adopted(&self) -> bool {
        self.0.is_adopted()
    }

    /// The bytes that were new in it; None where the run's record was lost.
    #[getter]
    fn new_bytes(&self) -> Option<u64> {
        self.0.record().map(RunRecord::counts).map(|counts| counts.bytes_copied)
    }

    /// The number of its problems; None where the run's record was lost.
    #[getter]
    fn problems(&self) -> Option<u64> {
        self.0.record().map(RunRecord::counts).map(|counts| counts.problems)
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
