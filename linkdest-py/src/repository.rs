//! Repositories, and what can be asked of them.

#![allow(clippy::needless_pass_by_value, reason = "arguments from Python are taken by value")]

use std::path::Path;
use std::sync::Arc;

use linkdest_core::{Deleted, Reindexer, RelPath, Removal, Sample, SnapshotName, StopFlag, Verifier};
use pyo3::exceptions::{PyRuntimeWarning, PyValueError};
use pyo3::prelude::*;

use crate::adopt::{AdoptReport, adopt_at};
use crate::check::{ReindexReport, VerifyReport};
use crate::error::exception;
use crate::expunge::{ExpungeReport, ExpungedEntry, expunge};
use crate::history::{Change, Item, Usage, Version};
use crate::interrupt::{interruptible, seconds};
use crate::names::{Name, Names};
use crate::overview::{RepositoryReport, keep_rules, report};
use crate::path::FsPath;
use crate::published::Snapshot;
use crate::restore::{RestoreReport, Restoring, restore};
use crate::run::Run;
use crate::snapshot::{Callback, Threads, Watcher};

/// A directory that holds snapshots.
#[pyclass(frozen, module = "linkdest")]
pub(crate) struct Repository(Arc<linkdest_core::Repository>);

#[pymethods]
impl Repository {
    /// Opens a repository.
    #[new]
    fn new(py: Python<'_>, path: FsPath) -> PyResult<Self> {
        let opened = py.detach(|| linkdest_core::Repository::open(path));
        opened.map(|opened| Self(Arc::new(opened))).map_err(|error| exception(py, &error))
    }

    /// Makes a repository of an absent or an empty directory.
    #[staticmethod]
    fn init(py: Python<'_>, path: FsPath) -> PyResult<Self> {
        let made = py.detach(|| linkdest_core::Repository::init(path));
        made.map(|made| Self(Arc::new(made))).map_err(|error| exception(py, &error))
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
        Ok(listed.into_iter().map(|one| Snapshot::new(one, &self.0)).collect())
    }

    /// Tells the history of the runs, the oldest first.
    fn runs(&self, py: Python<'_>) -> PyResult<Vec<Run>> {
        let runs = self.call(py, linkdest_core::Repository::runs)?;
        Ok(runs.into_iter().map(Run).collect())
    }

    /// Finds the snapshot that a text stands for.
    fn resolve(&self, py: Python<'_>, snapshot: Name) -> PyResult<Snapshot> {
        let found = self.call(py, |repository| repository.resolve(&snapshot.0))?;
        Ok(Snapshot::new(found, &self.0))
    }

    /// Tells what changed from one snapshot to another.
    #[pyo3(signature = (before, after = Name("latest".to_owned())), text_signature = "($self, before, after='latest')")]
    fn diff(&self, py: Python<'_>, before: Name, after: Name) -> PyResult<Vec<Change>> {
        self.call_until(py, |repository, stop| {
            let (before, after) = (repository.resolve(&before.0)?, repository.resolve(&after.0)?);
            let changes = repository.diff_with(before.name(), after.name(), stop)?;
            changes.map(|change| change.map(Change)).collect()
        })
    }

    /// Lists a directory of a snapshot, or any other entry itself.
    #[pyo3(signature = (snapshot, path = None, *, recursive = false))]
    fn ls(
        &self,
        py: Python<'_>,
        snapshot: Name,
        path: Option<FsPath>,
        recursive: bool,
    ) -> PyResult<Vec<Item>> {
        let path = path.map_or_else(|| Ok(RelPath::root()), below)?;
        self.call(py, |repository| {
            let items = repository.ls(repository.resolve(&snapshot.0)?.name(), &path)?;
            let items = if recursive { items.recursive() } else { items };
            items.map(|item| item.map(Item)).collect()
        })
    }

    /// Finds the paths that match a pattern in all snapshots.
    fn find(&self, py: Python<'_>, pattern: FsPath) -> PyResult<Vec<Version>> {
        let pattern = pattern.into_bytes();
        let found = self.call_until(py, |repository, stop| repository.find_with(pattern, stop))?;
        Ok(found.into_iter().map(Version).collect())
    }

    /// Tells the versions of a path.
    fn versions(&self, py: Python<'_>, path: FsPath) -> PyResult<Vec<Version>> {
        let path = below(path)?;
        let found = self.call(py, |repository| repository.versions(&path))?;
        Ok(found.into_iter().map(Version).collect())
    }

    /// Tells what snapshots take, and what deleting them would free.
    #[pyo3(signature = (*snapshots))]
    fn usage(&self, py: Python<'_>, snapshots: Vec<Name>) -> PyResult<Usage> {
        let ask = |repository: &linkdest_core::Repository, stop: &StopFlag| {
            repository.usage_with(&self.names(&snapshots)?, stop)
        };
        self.call_until(py, ask).map(Usage)
    }

    /// Checks snapshots against what was written down of them.
    #[pyo3(
        signature = (snapshots = Names::default(), *, sample = None, resume = false, threads = None, progress = None),
        text_signature = "($self, snapshots=(), *, sample=None, resume=False, threads=None, progress=None)"
    )]
    fn verify(
        &self,
        py: Python<'_>,
        snapshots: Names,
        sample: Option<f64>,
        resume: bool,
        threads: Option<Threads>,
        progress: Option<Callback>,
    ) -> PyResult<VerifyReport> {
        let stop = StopFlag::default();
        let mut verifier = Verifier::new(&self.0).resume(resume).stop(stop.clone());
        for name in self.names_of(py, &snapshots)? {
            verifier = verifier.snapshot(name);
        }
        if let Some(percent) = sample {
            let sample = Sample::percent(percent);
            verifier = verifier.sample(sample.map_err(|error| PyValueError::new_err(error.to_string()))?);
        }
        if let Some(Threads(threads)) = threads {
            verifier = verifier.threads(threads);
        }
        let watcher = Watcher::new(progress, stop);
        let result = py.detach(|| verifier.run(&watcher));
        match watcher.into_failure() {
            Some(failure) => Err(failure),
            None => result.map(VerifyReport).map_err(|error| exception(py, &error)),
        }
    }

    /// Makes manifests anew from the trees of snapshots.
    #[pyo3(
        signature = (
            snapshots = Names::default(), *, all = false, trust = false, dry_run = false, threads = None, progress = None
        ),
        text_signature = "($self, snapshots=(), *, all=False, trust=False, dry_run=False, threads=None, progress=None)"
    )]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn reindex(
        &self,
        py: Python<'_>,
        snapshots: Names,
        all: bool,
        trust: bool,
        dry_run: bool,
        threads: Option<Threads>,
        progress: Option<Callback>,
    ) -> PyResult<ReindexReport> {
        let stop = StopFlag::default();
        let mut reindexer = Reindexer::new(&self.0).all(all).trust(trust).dry_run(dry_run).stop(stop.clone());
        for name in self.names_of(py, &snapshots)? {
            reindexer = reindexer.snapshot(name);
        }
        if let Some(Threads(threads)) = threads {
            reindexer = reindexer.threads(threads);
        }
        let watcher = Watcher::new(progress, stop);
        let result = py.detach(|| reindexer.run(&watcher));
        match watcher.into_failure() {
            Some(failure) => Err(failure),
            None => result.map(ReindexReport).map_err(|error| exception(py, &error)),
        }
    }

    /// Puts back what a snapshot has.
    #[pyo3(
        signature = (
            snapshot, target, path = None, overwrite = "if-changed", delete = false, checksum = false, dry_run = false, *,
            threads = None, progress = None
        ),
        text_signature = "($self, snapshot, target, path=None, overwrite='if-changed', delete=False, checksum=False, \
                          dry_run=False, *, threads=None, progress=None)"
    )]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn restore(
        &self,
        py: Python<'_>,
        snapshot: Name,
        target: FsPath,
        path: Option<FsPath>,
        overwrite: &str,
        delete: bool,
        checksum: bool,
        dry_run: bool,
        threads: Option<Threads>,
        progress: Option<Callback>,
    ) -> PyResult<RestoreReport> {
        let path = path.map_or_else(|| Ok(RelPath::root()), below)?;
        let how = Restoring { overwrite, checksum, delete, dry_run, threads, progress };
        restore(py, &self.0, &snapshot.0, &path, target.as_ref(), how)
    }

    /// Removes one path from all snapshots, or from those that are named.
    #[pyo3(
        signature = (path, snapshots = Names::default(), *, links = false, dry_run = false),
        text_signature = "($self, path, snapshots=(), *, links=False, dry_run=False)"
    )]
    fn expunge(
        &self,
        py: Python<'_>,
        path: FsPath,
        snapshots: Names,
        links: bool,
        dry_run: bool,
    ) -> PyResult<ExpungeReport> {
        let names = self.names_of(py, &snapshots)?;
        expunge(py, &self.0, &below(path)?, names, links, dry_run)
    }

    /// Tells what was expunged from the snapshots that there are.
    fn expunged(&self, py: Python<'_>) -> PyResult<Vec<ExpungedEntry>> {
        let entries = self.call(py, linkdest_core::Repository::expunged)?;
        Ok(entries.into_iter().map(ExpungedEntry).collect())
    }

    /// Deletes snapshots: all of them, or none.
    #[pyo3(signature = (*names, lock_wait = 0.0))]
    fn delete(&self, py: Python<'_>, names: Vec<Name>, lock_wait: f64) -> PyResult<Vec<String>> {
        let how = Removal::default().lock_wait(seconds(lock_wait)?);
        let delete = |stop| self.0.delete_with(&self.names(&names)?, &how.stop(stop));
        told(py, interruptible(py, delete)?)
    }

    /// Removes the snapshots that no rule keeps, then the oldest until there is space.
    #[pyo3(signature = (
        *, last = 0, hourly = 0, daily = 0, weekly = 0, monthly = 0, yearly = 0, within = None, free_space = None,
        dry_run = false, lock_wait = 0.0,
    ))]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
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
        lock_wait: f64,
    ) -> PyResult<Vec<String>> {
        let rules = keep_rules([last, hourly, daily, weekly, monthly, yearly], within)?;
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
        let how = Removal::default().lock_wait(seconds(lock_wait)?);
        told(py, interruptible(py, |stop| self.0.forget_with(&plan, &how.stop(stop)))?)
    }

    /// Tells how it is doing, and with rules which snapshots will go.
    #[pyo3(signature = (
        *, last = 0, hourly = 0, daily = 0, weekly = 0, monthly = 0, yearly = 0, within = None
    ))]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn report(
        &self,
        py: Python<'_>,
        last: u32,
        hourly: u32,
        daily: u32,
        weekly: u32,
        monthly: u32,
        yearly: u32,
        within: Option<&str>,
    ) -> PyResult<RepositoryReport> {
        report(py, &self.0, keep_rules([last, hourly, daily, weekly, monthly, yearly], within)?)
    }

    /// Takes over the snapshots of another tool that are here.
    #[pyo3(signature = (*, dry_run = false, threads = None, progress = None))]
    fn adopt(
        &self,
        py: Python<'_>,
        dry_run: bool,
        threads: Option<Threads>,
        progress: Option<Callback>,
    ) -> PyResult<AdoptReport> {
        adopt_at(py, self.0.path(), dry_run, threads, progress)
    }

    /// Pins a snapshot; says whether it was not pinned before.
    fn pin(&self, py: Python<'_>, name: Name) -> PyResult<bool> {
        let pinned = py.detach(|| self.0.pin(self.0.resolve(&name.0)?.name()));
        pinned.map_err(|error| exception(py, &error))
    }

    /// Takes the pin of a snapshot away; says whether it was pinned.
    fn unpin(&self, py: Python<'_>, name: Name) -> PyResult<bool> {
        let unpinned = py.detach(|| self.0.unpin(self.0.resolve(&name.0)?.name()));
        unpinned.map_err(|error| exception(py, &error))
    }

    /// Accepts a suspect snapshot; says whether it was suspect.
    #[pyo3(signature = (name, *, lock_wait = 0.0))]
    fn accept(&self, py: Python<'_>, name: Name, lock_wait: f64) -> PyResult<bool> {
        let patience = seconds(lock_wait)?;
        let accept = |stop| self.0.accept_with(self.0.resolve(&name.0)?.name(), patience, &stop);
        interruptible(py, accept)?.map_err(|error| exception(py, &error))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("Repository({})", self.path().as_os_str().into_pyobject(py)?.repr()?))
    }
}

impl Repository {
    /// Asks the repository, without the interpreter's lock.
    fn call<T: Send>(
        &self,
        py: Python<'_>,
        ask: impl FnOnce(&linkdest_core::Repository) -> linkdest_core::Result<T> + Send,
    ) -> PyResult<T> {
        py.detach(|| ask(&self.0)).map_err(|error| exception(py, &error))
    }

    /// The same where the answer may take its time: Ctrl-C ends it.
    fn call_until<T: Send>(
        &self,
        py: Python<'_>,
        ask: impl FnOnce(&linkdest_core::Repository, &StopFlag) -> linkdest_core::Result<T> + Send,
    ) -> PyResult<T> {
        interruptible(py, |stop| ask(&self.0, &stop))?.map_err(|error| exception(py, &error))
    }

    fn names_of(&self, py: Python<'_>, names: &Names) -> PyResult<Vec<SnapshotName>> {
        py.detach(|| self.names(&names.0)).map_err(|error| exception(py, &error))
    }

    fn names(&self, names: &[Name]) -> linkdest_core::Result<Vec<SnapshotName>> {
        names.iter().map(|Name(text)| Ok(self.0.resolve(text)?.name().clone())).collect()
    }
}

/// A path in a snapshot.
pub(crate) fn below(path: FsPath) -> PyResult<RelPath> {
    let path = RelPath::from_typed(path.into_bytes());
    path.ok_or_else(|| PyValueError::new_err("the path leads out of the snapshot"))
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
