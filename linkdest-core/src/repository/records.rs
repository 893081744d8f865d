//! The run records of published snapshots.

use std::collections::BTreeMap;
use std::path::Path;

use super::{RUNS, Repository, RunRecord, SnapshotName, read_record, replace_record, write_record};
use crate::error::{Error, ErrorKind, Result};
use crate::os::{Dir, Listing, c_name};

const SUFFIX: &str = ".toml";

impl Repository {
    /// Reads the run records, the oldest run first: those of the snapshots, and those of runs that left something behind
    /// without publishing it. The latter have no end and no status; one of them may still go on.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let (source, repo) = (dir.path().join("source"), dir.path().join("repo"));
    /// # std::fs::create_dir(&source)?;
    /// use linkdest_core::{Repository, Silent, Snapshotter, Status};
    /// Snapshotter::new(&source, &repo).init(true).run(&Silent)?;
    /// let runs = Repository::open(&repo)?.runs()?;
    /// assert_eq!((runs.len(), runs[0].status()), (1, Some(Status::Complete)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When the directory of the records cannot be read, or the record of a snapshot is damaged.
    pub fn runs(&self) -> Result<Vec<RunRecord>> {
        let mut runs = self.read_runs()?;
        for record in self.unfinished()? {
            runs.insert(record.snapshot.clone(), Ok(record));
        }
        let mut runs = runs.into_values().collect::<Result<Vec<_>>>()?;
        runs.sort_by(|a, b| (a.sequence, &a.snapshot).cmp(&(b.sequence, &b.snapshot)));
        Ok(runs)
    }

    /// The records of runs that left something without publishing it, the oldest name first.
    pub(crate) fn unfinished(&self) -> Result<Vec<RunRecord>> {
        let records = self.leftovers()?.into_iter().rev().filter_map(|leftover| leftover.record);
        // A run that was killed while it published has both.
        Ok(records.filter(|record| self.run_of(&record.snapshot).is_none()).collect())
    }

    /// The number of the next run. A damaged record may hide the highest one: its name then still tells the order.
    pub(crate) fn next_sequence(&self) -> Result<u64> {
        let highest = self.read_runs()?.into_values().flatten().map(|record| record.sequence).max();
        highest.unwrap_or(0).checked_add(1).ok_or_else(|| {
            let message = "a run record has the highest number that there is: no run can come after it";
            Error::new(ErrorKind::DamagedRecord, self.control_path("runs"), message)
        })
    }

    /// Reads all run records by name, each with its own result.
    pub(crate) fn read_runs(&self) -> Result<BTreeMap<SnapshotName, Result<RunRecord>>> {
        let runs = match self.control.open_dir(RUNS) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            runs => runs.map_err(|error| Error::io("open", self.control_path("runs"), error))?,
        };
        let mut listing = Listing::default();
        runs.list(&mut listing).map_err(|error| Error::io("list", self.control_path("runs"), error))?;
        let mut records = BTreeMap::new();
        for entry in listing.entries() {
            let file = listing.name(*entry);
            let name = file.to_str().ok().and_then(|file| file.strip_suffix(SUFFIX));
            if let Some(Ok(name)) = name.map(str::parse::<SnapshotName>)
                && let Some(record) = self.read_run(&runs, &name)
            {
                records.insert(name, record);
            }
        }
        Ok(records)
    }

    /// Reads the record of one snapshot; `None` if it has none.
    pub(crate) fn run_of(&self, name: &SnapshotName) -> Option<Result<RunRecord>> {
        let runs = self.control.open_dir(RUNS).ok()?;
        self.read_run(&runs, name)
    }

    fn read_run(&self, runs: &Dir, name: &SnapshotName) -> Option<Result<RunRecord>> {
        let path = self.control_path(Path::new("runs").join(format!("{name}{SUFFIX}")));
        let damaged = |message: String| Error::new(ErrorKind::DamagedRecord, &path, message);
        let file = c_name(&format!("{name}{SUFFIX}")).ok()?;
        let text = match read_record(runs, &file) {
            Ok(text) => text?,
            Err(error) => return Some(Err(Error::io_as(ErrorKind::DamagedRecord, "read", &path, error))),
        };
        Some(match RunRecord::parse(&text) {
            Err(error) => Err(damaged(error.to_string())),
            Ok(record) if record.snapshot != *name => {
                Err(damaged(format!("is the record of {}", record.snapshot)))
            }
            Ok(record) => Ok(record),
        })
    }

    /// Puts the record of a snapshot into place, in one step.
    pub(crate) fn write_run(&self, record: &RunRecord) -> Result<()> {
        let failed =
            |error| Error::io("write", self.control_path(format!("runs/{}{SUFFIX}", record.snapshot)), error);
        let runs = self.control_dir(RUNS)?;
        let file = c_name(&format!("{}{SUFFIX}", record.snapshot)).map_err(failed)?;
        write_record(&runs, &file, &record.to_toml()).map_err(failed)
    }

    /// Replaces the record of a published snapshot; after a crash there is the old one or the new one. The lock is held.
    pub(super) fn rewrite_run(&self, record: &RunRecord) -> Result<()> {
        let failed =
            |error| Error::io("write", self.control_path(format!("runs/{}{SUFFIX}", record.snapshot)), error);
        let runs = self.control_dir(RUNS)?;
        let file = c_name(&format!("{}{SUFFIX}", record.snapshot)).map_err(failed)?;
        replace_record(&runs, &file, &record.to_toml()).map_err(failed)
    }

    /// Changes the record of a published snapshot, if it has one that can be read, in one step.
    pub(super) fn update_run(&self, name: &SnapshotName, update: impl FnOnce(&mut RunRecord)) -> Result<()> {
        let runs = self.control_dir(RUNS)?;
        let Some(Ok(mut record)) = self.read_run(&runs, name) else { return Ok(()) };
        let before = record.clone();
        update(&mut record);
        if record == before { Ok(()) } else { self.rewrite_run(&record) }
    }

    /// Drops the record of a snapshot that is no more, or never was.
    pub(super) fn drop_run(&self, name: &SnapshotName) -> Result<()> {
        let failed = |error| Error::io("remove", self.control_path(format!("runs/{name}{SUFFIX}")), error);
        let file = c_name(&format!("{name}{SUFFIX}")).map_err(failed)?;
        self.control_dir(RUNS)?.unlink(&file).map_err(failed)
    }
}
