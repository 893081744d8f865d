//! What a person wants to know of a repository: figures, and one page that shows them.
//!
//! The figures of runs are those of their records; what grew is told by the manifests. Nothing is written and no lock is
//! taken.

mod forecast;
mod grown;
mod growth;
mod page;
mod rhythm;
mod troubles;

pub use forecast::{Fate, Forecast};
pub use grown::GrownDirectory;
pub use growth::Growth;
pub use rhythm::Pace;
pub use troubles::Trouble;

use std::path::{Path, PathBuf};

use crate::entry::Timestamp;
use crate::error::Result;
use crate::monitor::StopFlag;
use crate::repository::{Damage, Group, Repository, RunRecord, Snapshot, plan_retention};
use crate::retention::KeepRules;

/// Makes a [`Report`] of a repository.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let (source, repo) = (dir.path().join("source"), dir.path().join("repo"));
/// # std::fs::create_dir_all(source.join("photos"))?;
/// use linkdest_core::{KeepRules, Reporter, Repository, Silent, Snapshotter};
/// Snapshotter::new(&source, &repo).init(true).run(&Silent)?;
/// std::fs::write(source.join("photos/cat"), vec![7; 5000])?;
/// Snapshotter::new(&source, &repo).run(&Silent)?;
///
/// let repository = Repository::open(&repo)?;
/// let report = Reporter::new(&repository).keep(KeepRules::default().last(1)).run()?;
/// assert_eq!(report.snapshots().len(), 2);
/// let photos = &report.growth()[0].root().children()[0];
/// assert_eq!((photos.path().as_bytes(), photos.bytes(), photos.files()), (&b"photos"[..], 5000, 1));
/// assert_eq!(report.forecast().unwrap().goes_now().count(), 1);
/// assert!(report.to_html().starts_with("<!doctype html>"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Reporter<'r> {
    repository: &'r Repository,
    rules: KeepRules,
    now: Option<Timestamp>,
    stop: StopFlag,
}

impl<'r> Reporter<'r> {
    /// Makes one without keep rules.
    #[must_use]
    pub fn new(repository: &'r Repository) -> Self {
        Self { repository, rules: KeepRules::default(), now: None, stop: StopFlag::default() }
    }

    /// Sets the rules that the forecast is made by; without any rule there is none.
    #[must_use]
    pub fn keep(mut self, rules: KeepRules) -> Self {
        self.rules = rules;
        self
    }

    /// Sets the time that counts as now; the clock's if this is not called.
    #[must_use]
    pub fn now(mut self, now: Timestamp) -> Self {
        self.now = Some(now);
        self
    }

    /// Sets the flag that ends it.
    #[must_use]
    pub fn stop(mut self, stop: StopFlag) -> Self {
        self.stop = stop;
        self
    }

    /// Reads the run records and the manifests; with rules also the trees of the snapshots that these would remove.
    ///
    /// # Errors
    /// When the repository cannot be read, or [`Interrupted`](crate::ErrorKind::Interrupted). A manifest that is missing
    /// or damaged is none: the report says so.
    pub fn run(&self) -> Result<Report> {
        let now = self.now.unwrap_or_else(Timestamp::now);
        let snapshots = self.repository.snapshots()?;
        let everything = KeepRules::default().last(u32::MAX);
        let groups = plan_retention(snapshots.clone(), &everything)?.groups;
        let forecast = match self.rules.is_empty() {
            true => None,
            false => Some(forecast::forecast(self.repository, &snapshots, &groups, &self.rules, now)?),
        };
        Ok(Report {
            path: self.repository.path().to_owned(),
            id: self.repository.id().to_owned(),
            made: now,
            growth: growth::growth(self.repository, &snapshots, &groups, &self.stop)?,
            troubles: troubles::troubles(&snapshots),
            unfinished: self.repository.unfinished()?,
            damages: self.repository.damages()?,
            available: self.repository.available()?,
            pace: rhythm::pace(&groups, now),
            newest: newest(&groups),
            forecast,
            snapshots,
        })
    }
}

/// The newest snapshot of each source.
fn newest(groups: &[Group]) -> Vec<Snapshot> {
    groups.iter().filter_map(|group| group.decisions().last()).map(|one| one.snapshot().clone()).collect()
}

/// What is told of a repository: see [`Reporter`].
#[derive(Debug, Clone)]
pub struct Report {
    path: PathBuf,
    id: String,
    made: Timestamp,
    snapshots: Vec<Snapshot>,
    newest: Vec<Snapshot>,
    growth: Vec<Growth>,
    troubles: Vec<Trouble>,
    unfinished: Vec<RunRecord>,
    damages: Vec<Damage>,
    available: u64,
    pace: Option<Pace>,
    forecast: Option<Forecast>,
}

impl Report {
    /// The path that the repository was opened by.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The repository's own name for itself.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When the report was made.
    #[must_use]
    pub fn made(&self) -> Timestamp {
        self.made
    }

    /// The snapshots, the oldest run first.
    #[must_use]
    pub fn snapshots(&self) -> &[Snapshot] {
        &self.snapshots
    }

    /// The newest snapshot of each source.
    #[must_use]
    pub fn newest(&self) -> &[Snapshot] {
        &self.newest
    }

    /// Where each source grew.
    #[must_use]
    pub fn growth(&self) -> &[Growth] {
        &self.growth
    }

    /// The problems of the runs, those of the newest snapshots first. A run record has the first 1,000 of its run.
    #[must_use]
    pub fn troubles(&self) -> &[Trouble] {
        &self.troubles
    }

    /// The runs that published nothing and left something for the next one; one of them may still go on.
    #[must_use]
    pub fn unfinished(&self) -> &[RunRecord] {
        &self.unfinished
    }

    /// What was found damaged and is still in a snapshot.
    #[must_use]
    pub fn damages(&self) -> &[Damage] {
        &self.damages
    }

    /// The bytes that are available on the repository's file system.
    #[must_use]
    pub fn available(&self) -> u64 {
        self.available
    }

    /// How fast the repository grows; `None` if no source has two runs that tell.
    #[must_use]
    pub fn pace(&self) -> Option<Pace> {
        self.pace
    }

    /// When the space is used up at that pace if nothing is removed; `None` if it does not grow, or not in this century.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use linkdest_core::{Reporter, Repository};
    /// let repository = Repository::init(dir.path().join("repo"))?;
    /// assert_eq!(Reporter::new(&repository).run()?.full(), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn full(&self) -> Option<Timestamp> {
        const CENTURY: u64 = 36_525;
        let days = self.available.checked_div(self.pace?.bytes_per_day()).filter(|days| *days < CENTURY)?;
        let seconds = self.made.seconds.checked_add(i64::try_from(days).ok()?.checked_mul(86_400)?)?;
        Some(Timestamp { seconds, nanos: 0 })
    }

    /// What the keep rules will do, if any were given.
    #[must_use]
    pub fn forecast(&self) -> Option<&Forecast> {
        self.forecast.as_ref()
    }

    /// Shows it as one page of HTML that needs nothing else: no script, no network. Every name is escaped. Times are
    /// those of the local time zone.
    #[must_use]
    pub fn to_html(&self) -> String {
        page::html(self)
    }
}
