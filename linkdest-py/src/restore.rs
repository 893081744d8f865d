//! Putting back what a snapshot has.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use linkdest_core::{Overwrite, RelPath, Repository, StopFlag};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::error::exception;
use crate::html::{Table, number};
use crate::report::Problem;
use crate::snapshot::{Callback, Threads, Watcher};

/// How it is put back: the keywords of `Repository.restore`.
pub(crate) struct Restoring<'k> {
    pub overwrite: &'k str,
    pub checksum: bool,
    pub delete: bool,
    pub dry_run: bool,
    pub threads: Option<Threads>,
    pub progress: Option<Callback>,
}

/// Restores as asked for.
pub(crate) fn restore(
    py: Python<'_>,
    repository: &Repository,
    snapshot: &str,
    path: &RelPath,
    target: &Path,
    how: Restoring<'_>,
) -> PyResult<RestoreReport> {
    let overwrite = match how.overwrite {
        "if-changed" => Overwrite::IfChanged,
        "always" => Overwrite::Always,
        "never" => Overwrite::Never,
        other => {
            let message = format!("unknown overwrite {other:?}: it is 'if-changed', 'always' or 'never'");
            return Err(PyValueError::new_err(message));
        }
    };
    let stop = StopFlag::default();
    let watcher = Watcher::new(how.progress, stop.clone());
    let result = py.detach(|| {
        let snapshot = repository.resolve(snapshot)?;
        let restorer = repository.restore(snapshot.name(), path, target).overwrite(overwrite);
        let restorer = restorer.checksum(how.checksum).delete(how.delete).dry_run(how.dry_run).stop(stop);
        let restorer = match how.threads {
            Some(Threads(threads)) => restorer.threads(threads),
            None => restorer,
        };
        restorer.run(&watcher)
    });
    match watcher.into_failure() {
        Some(failure) => Err(failure),
        None => result.map(RestoreReport).map_err(|error| exception(py, &error)),
    }
}

/// What a restore did, in entries and bytes.
#[pyclass(frozen, eq, module = "linkdest")]
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct RestoreCounts(linkdest_core::RestoreCounts);

macro_rules! counts {
    ($($(#[$doc:meta])* $field:ident,)*) => {
        #[pymethods]
        impl RestoreCounts {
            $($(#[$doc])* #[getter] fn $field(&self) -> u64 { self.0.$field })*

            fn _repr_html_(&self) -> String {
                Table::new("figures of a restore", "")$(.number(stringify!($field).replace('_', " "), self.0.$field))*.end()
            }

            fn __repr__(&self) -> String {
                let fields = [$(format!("{}={}", stringify!($field), self.0.$field)),*];
                format!("RestoreCounts({})", fields.join(", "))
            }
        }
    };
}

counts! {
    /// Entries that the snapshot has below the path, the one at the path not.
    entries,
    /// Entries that were as they should be.
    unchanged,
    /// Entries that were there and were to stay.
    kept,
    /// Regular files whose content was copied.
    files_copied,
    /// Regular files that share their blocks with the snapshot's (reflink).
    files_cloned,
    /// Names that were linked to another name of the same inode.
    linked,
    /// Directories that were made.
    directories_created,
    /// Symlinks, FIFOs, sockets and devices that were made.
    other_created,
    /// Entries of which attributes alone were set.
    attributes_set,
    /// Entries that the snapshot does not have, removed with all that was in them.
    deleted,
    /// The sum of the sizes of all regular files in bytes, by name.
    bytes,
    /// Bytes of content written; holes do not count.
    bytes_copied,
    /// Bytes of content shared with the snapshot by clones.
    bytes_cloned,
    /// Entries or attributes that could not be restored.
    problems,
}

/// What a restore came to.
#[pyclass(frozen, module = "linkdest")]
pub(crate) struct RestoreReport(linkdest_core::RestoreReport);

#[pymethods]
impl RestoreReport {
    /// The name of the snapshot.
    #[getter]
    fn snapshot(&self) -> &str {
        self.0.snapshot().as_str()
    }

    /// What was restored to, as it was given.
    #[getter]
    fn target(&self) -> &Path {
        self.0.target()
    }

    /// "complete", or "problems" if not everything was restored.
    #[getter]
    fn status(&self) -> &'static str {
        self.0.status().as_str()
    }

    /// What was done.
    #[getter]
    fn counts(&self) -> RestoreCounts {
        RestoreCounts(*self.0.counts())
    }

    /// The first 1,000 problems; `counts.problems` has the number of all.
    #[getter]
    fn problems<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.problems().iter().cloned().map(Problem))
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
        Table::new("restored", self.snapshot())
            .row("target", linkdest_core::Escaped(self.0.target().as_os_str().as_bytes()))
            .row("status", self.status())
            .row(
                "entries",
                format_args!("{}, {} unchanged", number(counts.entries), number(counts.unchanged)),
            )
            .number("files written", counts.files_copied + counts.files_cloned)
            .number("deleted", counts.deleted)
            .bytes("copied", counts.bytes_copied)
            .list("problems", self.0.problems(), counts.problems)
            .row("dry run", if self.dry_run() { "yes, nothing was written" } else { "no" })
            .seconds("duration", self.duration())
            .end()
    }

    fn __repr__(&self) -> String {
        let (snapshot, status, counts) = (self.snapshot(), self.status(), self.0.counts());
        format!(
            "RestoreReport(snapshot='{snapshot}', status='{status}', entries={}, problems={})",
            counts.entries, counts.problems
        )
    }
}
