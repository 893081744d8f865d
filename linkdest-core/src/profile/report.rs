//! What a run by profile came to.

use std::fmt;
use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::repository::{Deleted, ForgetPlan, Status};
use crate::snapshot::SnapshotReport;
use crate::step::Step;
use crate::verify::VerifyReport;

/// A hook that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookFailure {
    pub(super) hook: Step,
    pub(super) message: String,
}

impl HookFailure {
    /// Which hook.
    #[must_use]
    pub fn hook(&self) -> Step {
        self.hook
    }

    /// How it failed.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for HookFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.hook.as_str(), self.message)
    }
}

/// The result of a run by [`Profile`](crate::Profile) that published a snapshot, or of a dry run.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let at = |name: &str| dir.path().join(name);
/// # std::fs::create_dir(at("home"))?;
/// use linkdest_core::{Profile, Repository, Silent, Step};
/// Repository::init(at("backup"))?;
/// let text = "source = 'home'\nrepository = 'backup'\n[hooks]\nrun-after = 'exit 7'\n";
/// let report = Profile::parse(text, at("me.toml"))?.run(&Silent)?;
/// assert!(report.snapshot().path().unwrap().is_dir());
/// assert_eq!(report.failed_hooks()[0].to_string(), "run-after: exit status: 7");
/// assert_eq!(report.exit_code(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ProfileReport {
    pub(super) snapshot: SnapshotReport,
    pub(super) plan: Option<ForgetPlan>,
    pub(super) forgotten: Option<Deleted>,
    pub(super) verified: Option<VerifyReport>,
    pub(super) errors: Vec<Error>,
    pub(super) failed_hooks: Vec<HookFailure>,
    pub(super) duration: Duration,
}

impl ProfileReport {
    pub(super) fn new(snapshot: SnapshotReport) -> Self {
        Self {
            snapshot,
            plan: None,
            forgotten: None,
            verified: None,
            errors: Vec::new(),
            failed_hooks: Vec::new(),
            duration: Duration::ZERO,
        }
    }

    /// The snapshot that was taken.
    #[must_use]
    pub fn snapshot(&self) -> &SnapshotReport {
        &self.snapshot
    }

    /// What becomes of the source's snapshots by the keep rules; `None` if nothing is to be forgotten.
    #[must_use]
    pub fn plan(&self) -> Option<&ForgetPlan> {
        self.plan.as_ref()
    }

    /// What was removed; `None` if nothing was to be forgotten.
    #[must_use]
    pub fn forgotten(&self) -> Option<&Deleted> {
        self.forgotten.as_ref()
    }

    /// What the check of a sample came to; `None` if none was asked for.
    #[must_use]
    pub fn verified(&self) -> Option<&VerifyReport> {
        self.verified.as_ref()
    }

    /// What ended forgetting or checking; the snapshot is published all the same.
    #[must_use]
    pub fn errors(&self) -> &[Error] {
        &self.errors
    }

    /// The hooks that failed.
    #[must_use]
    pub fn failed_hooks(&self) -> &[HookFailure] {
        &self.failed_hooks
    }

    /// How long the run took, hooks included.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// The exit code of the command line: 0, or 3 if anything was not as asked, 4 if the check found differences, 130 if
    /// the run was stopped after the snapshot was published.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        if self.errors.iter().any(|error| error.kind() == ErrorKind::Interrupted) {
            return ErrorKind::Interrupted.exit_code();
        }
        if self.verified.as_ref().is_some_and(|report| report.finding_count() > 0) {
            return 4;
        }
        if self.is_as_asked() { 0 } else { 3 }
    }

    fn is_as_asked(&self) -> bool {
        self.snapshot.status() == Status::Complete
            && !self.snapshot.is_suspect()
            && self.errors.is_empty()
            && self.failed_hooks.is_empty()
            && self.forgotten.as_ref().is_none_or(|deleted| deleted.problems().is_empty())
            && self.verified.as_ref().is_none_or(|report| report.problem_count() == 0)
    }
}
