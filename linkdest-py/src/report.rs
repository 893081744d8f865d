//! What a run came to: figures, problems, and the report that holds both.

use std::path::Path;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyTuple};

use crate::html::{Table, number};

/// What a run did, in entries and bytes.
#[pyclass(frozen, eq, module = "linkdest")]
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Counts(pub linkdest_core::Counts);

macro_rules! counts {
    ($($(#[$doc:meta])* $field:ident,)*) => {
        #[pymethods]
        impl Counts {
            $($(#[$doc])* #[getter] fn $field(&self) -> u64 { self.0.$field })*

            fn _repr_html_(&self) -> String {
                Table::new("figures of a run", "")$(.number(stringify!($field).replace('_', " "), self.0.$field))*.end()
            }

            fn __repr__(&self) -> String {
                let fields = [$(format!("{}={}", stringify!($field), self.0.$field)),*];
                format!("Counts({})", fields.join(", "))
            }
        }
    };
}

counts! {
    /// Entries that are in the snapshot, directories included, the root not.
    entries,
    /// Directories among them.
    directories,
    /// Regular files that are hard links to a reference or to another name of the same inode.
    files_linked,
    /// Regular files whose content was copied.
    files_copied,
    /// Regular files that share their blocks with another file (reflink).
    files_cloned,
    /// Symlinks, FIFOs, sockets and devices that are hard links.
    other_linked,
    /// Symlinks, FIFOs, sockets and devices that were made anew.
    other_created,
    /// Names that got a fresh inode because the reference had as many as the file system allows.
    relinked_limit,
    /// Entries that were listed, but gone when they were to be saved.
    vanished,
    /// Directories left out or left empty: the repository itself, mount points.
    skipped,
    /// Entries that rules left out; what is below a directory that was left out is not counted.
    excluded,
    /// Links whose attributes differ from the source's: the manifest alone has the new ones.
    recorded_only,
    /// Entries that could not be read and stand as an earlier snapshot has them.
    carried_forward,
    /// Bytes of content written; holes do not count.
    bytes_copied,
    /// Bytes of content shared with a reference by links or clones, an inode once.
    bytes_shared,
    /// The sum of the sizes of all regular files in the snapshot in bytes, an inode once.
    bytes,
    /// Entries or attributes that could not be saved as asked.
    problems,
}

/// One entry that could not be saved as asked.
#[pyclass(frozen, eq, module = "linkdest")]
#[derive(Clone, PartialEq)]
pub(crate) struct Problem(pub linkdest_core::Problem);

#[pymethods]
impl Problem {
    /// The path of the entry below the source.
    #[getter]
    fn path(&self) -> &Path {
        self.0.path().as_path()
    }

    /// The same path as bytes.
    #[getter]
    fn path_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.path().as_bytes())
    }

    /// Why the entry was not saved as asked, in one word.
    #[getter]
    fn kind(&self) -> &'static str {
        self.0.kind().as_str()
    }

    /// What was being done, as a verb.
    #[getter]
    fn operation(&self) -> &str {
        self.0.operation()
    }

    /// The operating system's error number, where there is one.
    #[getter]
    fn errno(&self) -> Option<i32> {
        self.0.errno()
    }

    /// The cause in words.
    #[getter]
    fn message(&self) -> &str {
        self.0.message()
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let path = self.path().as_os_str().into_pyobject(py)?.repr()?;
        let message = PyString::new(py, self.message()).repr()?;
        let operation = PyString::new(py, self.operation()).repr()?;
        let errno = self.errno().map_or_else(|| "None".to_owned(), |errno| errno.to_string());
        let kind = self.kind();
        Ok(format!(
            "Problem(path={path}, kind='{kind}', operation={operation}, errno={errno}, message={message})"
        ))
    }
}

/// What a run that published a snapshot came to.
#[pyclass(frozen, module = "linkdest")]
pub(crate) struct SnapshotReport {
    report: linkdest_core::SnapshotReport,
    problems: Py<PyTuple>,
}

impl SnapshotReport {
    pub fn new(py: Python<'_>, report: linkdest_core::SnapshotReport) -> PyResult<Self> {
        let problems = PyTuple::new(py, report.problems().iter().cloned().map(Problem))?;
        Ok(Self { report, problems: problems.unbind() })
    }
}

#[pymethods]
impl SnapshotReport {
    /// The name of the snapshot.
    #[getter]
    fn snapshot(&self) -> Option<&str> {
        self.report.snapshot().map(linkdest_core::SnapshotName::as_str)
    }

    /// Where the snapshot is.
    #[getter]
    fn path(&self) -> Option<&Path> {
        self.report.path()
    }

    /// "complete", or "problems" if not everything was saved as asked.
    #[getter]
    fn status(&self) -> &'static str {
        self.report.status().as_str()
    }

    /// Whether the snapshot is marked as suspect.
    #[getter]
    fn suspect(&self) -> bool {
        self.report.is_suspect()
    }

    /// Why it is suspect.
    #[getter]
    fn suspect_reasons(&self) -> Vec<String> {
        self.report.suspect().to_vec()
    }

    /// What was done.
    #[getter]
    fn counts(&self) -> Counts {
        Counts(*self.report.counts())
    }

    /// The first 1,000 problems; `counts.problems` has the number of all.
    #[getter]
    fn problems(&self, py: Python<'_>) -> Py<PyTuple> {
        self.problems.clone_ref(py)
    }

    /// How long the run took, in seconds.
    #[getter]
    fn duration(&self) -> f64 {
        self.report.duration().as_secs_f64()
    }

    fn _repr_html_(&self) -> String {
        let counts = self.report.counts();
        let files = [counts.files_linked, counts.files_copied, counts.files_cloned].map(number);
        let [linked, copied, cloned] = files;
        Table::new("snapshot", self.snapshot().unwrap_or_default())
            .row("status", self.status())
            .list("suspect", self.report.suspect(), self.report.suspect().len() as u64)
            .number("entries", counts.entries)
            .row("files", format_args!("{linked} linked, {copied} copied, {cloned} cloned"))
            .bytes("copied", counts.bytes_copied)
            .bytes("shared", counts.bytes_shared)
            .list("problems", self.report.problems(), counts.problems)
            .seconds("duration", self.duration())
            .end()
    }

    fn __repr__(&self) -> String {
        let (snapshot, status) = (self.snapshot().unwrap_or_default(), self.status());
        let counts = self.report.counts();
        format!(
            "SnapshotReport(snapshot='{snapshot}', status='{status}', entries={}, problems={})",
            counts.entries, counts.problems
        )
    }
}
