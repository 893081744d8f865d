//! The extension module behind the Python package `linkdest`; `_linkdest.pyi` says what it offers.

mod adopt;
mod check;
mod error;
mod expunge;
mod filter;
mod history;
mod html;
mod interrupt;
mod names;
mod overview;
mod path;
mod profile;
mod published;
mod replicate;
mod report;
mod repository;
mod restore;
mod rules;
mod run;
mod snapshot;
mod time;

use pyo3::prelude::*;

/// The compiled part of `linkdest`.
///
/// It needs no lock of the interpreter: what it hands out cannot be changed, or is behind a lock of its own.
#[pymodule(gil_used = false)]
mod _linkdest {
    use super::{Bound, PyModule, PyModuleMethods as _, PyResult};

    #[pymodule_export]
    use super::adopt::{AdoptReport, Adoption, adopt};
    #[pymodule_export]
    use super::check::{Finding, ReindexReport, Sighting, VerifyReport};
    #[pymodule_export]
    use super::expunge::{ExpungeReport, ExpungedEntry};
    #[pymodule_export]
    use super::filter::{Explanation, Filter};
    #[pymodule_export]
    use super::history::{Change, Item, SnapshotUsage, Usage, Version};
    #[pymodule_export]
    use super::overview::{Grown, RepositoryReport};
    #[pymodule_export]
    use super::profile::{ProfileCheck, ProfileReport, check_profile, run};
    #[pymodule_export]
    use super::published::Snapshot;
    #[pymodule_export]
    use super::replicate::{Replica, ReplicateReport, replicate};
    #[pymodule_export]
    use super::report::{Counts, Problem, SnapshotReport};
    #[pymodule_export]
    use super::repository::Repository;
    #[pymodule_export]
    use super::restore::{RestoreCounts, RestoreReport};
    #[pymodule_export]
    use super::run::Run;
    #[pymodule_export]
    use super::snapshot::{Progress, snapshot};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
