//! Running a profile: hooks, the snapshot, forgetting, checking.

use std::ffi::OsString;
use std::time::{Duration, Instant};

use super::hooks::Failure;
use super::report::{HookFailure, ProfileReport};
use super::{Profile, locate::escaped};
use crate::error::{Error, ErrorKind, Result};
use crate::monitor::{Event, Monitor, StopFlag};
use crate::repository::{ForgetPlan, Removal, Repository, SnapshotName, Status};
use crate::snapshot::{SnapshotReport, absolute, host_of};
use crate::step::{Fact, Outcome, Step};
use crate::verify::{Verifier, VerifyReport};

/// Runs a profile: `run-before`, the snapshot, what the keep rules remove, the check of a sample; then `run-after` if a
/// snapshot was published, else `run-failed`; and `run-finally`.
///
/// Only snapshots of the profile's own source are removed, and only after a snapshot that is complete or has problems.
/// Each step is told to the monitor as a [`Fact`].
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let at = |name: &str| dir.path().join(name);
/// # std::fs::create_dir(at("home"))?;
/// use linkdest_core::{Collecting, Event, Profile, ProfileRun, Repository};
/// Repository::init(at("backup"))?;
/// let text = "source = 'home'\nrepository = 'backup'\n[hooks]\nrun-before = 'mount-it'\n";
/// let profile = Profile::parse(text, at("me.toml"))?;
/// let monitor = Collecting::default();
/// let report = ProfileRun::new(&profile).dry_run(true).run(&monitor)?;
/// assert!(report.snapshot().is_dry_run());
/// let told = |event: &Event| matches!(event, Event::Fact(fact) if fact.to_string().contains("would run: mount-it"));
/// assert!(monitor.events().iter().any(told));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ProfileRun<'p> {
    profile: &'p Profile,
    dry_run: bool,
    lock_wait: Option<Duration>,
    stop: StopFlag,
}

impl<'p> ProfileRun<'p> {
    /// Names the profile.
    #[must_use]
    pub fn new(profile: &'p Profile) -> Self {
        Self { profile, dry_run: false, lock_wait: None, stop: StopFlag::default() }
    }

    /// Writes nothing and runs no hooks; tells what would be done. Unset: does it.
    #[must_use]
    pub fn dry_run(mut self, dry: bool) -> Self {
        self.dry_run = dry;
        self
    }

    /// Sets how long to wait for another run to end. Unset: as the profile says.
    #[must_use]
    pub fn lock_wait(mut self, patience: Duration) -> Self {
        self.lock_wait = Some(patience);
        self
    }

    /// Sets the flag that stops the run from outside. A hook that runs is ended with all that it started; the hooks at
    /// the end run all the same. Unset: nothing does.
    #[must_use]
    pub fn stop(mut self, stop: StopFlag) -> Self {
        self.stop = stop;
        self
    }

    /// Runs it.
    ///
    /// # Errors
    /// When no snapshot was published: [`ErrorKind::Hook`] if that is for `run-before`. What goes wrong later is in the
    /// report.
    pub fn run(&self, monitor: &dyn Monitor) -> Result<ProfileReport> {
        let begun = Instant::now();
        let run = Running { asked: self, monitor };
        let profile = self.profile;
        let (source, repository) = (escaped(&profile.source), escaped(&profile.repository));
        run.tell(
            Step::Run,
            Outcome::Began,
            format!("{}: {source} into {repository}", escaped(profile.name.as_ref())),
        );
        let result = match run.take() {
            Ok(snapshot) => {
                let mut report = ProfileReport::new(snapshot);
                run.look_after(&mut report);
                run.end_with(Step::RunAfter, &mut report);
                run.end_with(Step::RunFinally, &mut report);
                report.duration = begun.elapsed();
                Ok(report)
            }
            Err(error) => {
                let ended = Ended::failed(&error);
                run.tell(Step::Snapshot, Outcome::Failed, ended.message.clone());
                for step in [Step::RunFailed, Step::RunFinally] {
                    run.hook(step, &ended);
                }
                Err(error)
            }
        };
        let code = result.as_ref().map_or_else(|error| error.kind().exit_code(), ProfileReport::exit_code);
        let seconds = begun.elapsed().as_secs_f64();
        run.tell(Step::Run, Outcome::Done, format!("ended after {seconds:.1} s, exit code {code}"));
        result
    }
}

/// What hooks are told of the end.
#[derive(Default)]
struct Ended {
    snapshot: Option<(String, OsString)>,
    status: &'static str,
    code: u8,
    problems: u64,
    message: String,
}

impl Ended {
    fn failed(error: &Error) -> Self {
        let cause = error.io_error().map(|cause| format!(": {cause}")).unwrap_or_default();
        let interrupted = error.kind() == ErrorKind::Interrupted;
        Self {
            status: if interrupted { "interrupted" } else { "failed" },
            code: error.kind().exit_code(),
            message: format!("{error}{cause}"),
            ..Self::default()
        }
    }

    fn published(report: &ProfileReport) -> Self {
        let snapshot = &report.snapshot;
        let name = snapshot.snapshot().zip(snapshot.path());
        let errors = report.errors.iter().map(ToString::to_string);
        let hooks = report.failed_hooks.iter().map(ToString::to_string);
        Self {
            snapshot: name.map(|(name, path)| (name.to_string(), path.as_os_str().to_owned())),
            status: status(snapshot),
            code: report.exit_code(),
            problems: snapshot.counts().problems,
            message: errors.chain(hooks).collect::<Vec<_>>().join("; "),
        }
    }

    /// The variables of the end; those without a value are taken away.
    fn variables(&self) -> [(&'static str, Option<OsString>); 6] {
        let text =
            |text: String| Some(text.replace('\0', " ").into()).filter(|text: &OsString| !text.is_empty());
        let ended = !self.status.is_empty();
        let number = |number: u64| ended.then(|| number.to_string().into());
        [
            ("LINKDEST_SNAPSHOT", self.snapshot.as_ref().map(|(name, _)| name.into())),
            ("LINKDEST_SNAPSHOT_PATH", self.snapshot.as_ref().map(|(_, path)| path.clone())),
            ("LINKDEST_STATUS", text(self.status.to_owned())),
            ("LINKDEST_EXIT_CODE", number(self.code.into())),
            ("LINKDEST_PROBLEMS", number(self.problems)),
            ("LINKDEST_ERROR", text(self.message.clone())),
        ]
    }
}

fn status(report: &SnapshotReport) -> &'static str {
    if report.is_suspect() { "suspect" } else { report.status().as_str() }
}

/// A run that goes on.
struct Running<'r, 'p> {
    asked: &'r ProfileRun<'p>,
    monitor: &'r dyn Monitor,
}

impl Running<'_, '_> {
    fn tell(&self, step: Step, outcome: Outcome, message: String) {
        self.monitor.event(&Event::Fact(Fact { step, outcome, message }));
    }

    fn lock_wait(&self) -> Duration {
        self.asked.lock_wait.unwrap_or(self.asked.profile.lock_wait)
    }

    /// Takes the snapshot; the rules are read before anything is done.
    fn take(&self) -> Result<SnapshotReport> {
        let profile = self.asked.profile;
        let filtering = profile.selection.filtering(profile.directory())?;
        self.before()?;
        profile.open_repository()?;
        self.tell(Step::Snapshot, Outcome::Began, format!("{}", escaped(&profile.source)));
        let report = profile
            .snapshotter()
            .filter(filtering)
            .dry_run(self.asked.dry_run)
            .lock_wait(self.lock_wait())
            .stop(self.asked.stop.clone())
            .run(self.monitor)?;
        self.tell(Step::Snapshot, Outcome::Done, described(&report));
        Ok(report)
    }

    fn before(&self) -> Result<()> {
        if self.asked.stop.is_stopped() {
            return Err(Error::stopped("stopped before the snapshot was begun"));
        }
        match self.hook(Step::RunBefore, &Ended::default()) {
            None => Ok(()),
            Some(Failure::Stopped) => Err(Error::stopped("stopped before the snapshot was begun")),
            Some(failure) => Err(Error::hook(format!("run-before failed: {failure}; no snapshot was taken"))),
        }
    }

    /// Runs a hook if there is one; tells how it failed, if it did.
    fn hook(&self, step: Step, ended: &Ended) -> Option<Failure> {
        let profile = self.asked.profile;
        let program = profile.hooks.get(step)?;
        if self.asked.dry_run {
            self.tell(step, Outcome::Skipped, format!("would run: {program}"));
            return None;
        }
        self.tell(step, Outcome::Began, program.name());
        let mut variables: Vec<(&str, Option<OsString>)> = vec![
            ("LINKDEST_HOOK", Some(step.as_str().into())),
            ("LINKDEST_PROFILE", Some(profile.name.clone().into())),
            ("LINKDEST_PROFILE_PATH", Some(profile.path.clone().into())),
            ("LINKDEST_SOURCE", Some(profile.source.clone().into())),
            ("LINKDEST_REPOSITORY", Some(profile.repository.clone().into())),
        ];
        variables.extend(ended.variables());
        let result = program.run(profile.directory(), &variables, &self.asked.stop);
        match &result {
            Ok(()) => self.tell(step, Outcome::Done, "done".to_owned()),
            Err(failure) => self.tell(step, Outcome::Failed, failure.to_string()),
        }
        result.err()
    }

    /// Runs a hook after a snapshot was published.
    fn end_with(&self, step: Step, report: &mut ProfileReport) {
        if let Some(failure) = self.hook(step, &Ended::published(report)) {
            if matches!(failure, Failure::Stopped) {
                report.errors.push(Error::stopped("stopped; the snapshot is published"));
            }
            report.failed_hooks.push(HookFailure { hook: step, message: failure.to_string() });
        }
    }

    /// Forgets and checks, after a snapshot was published. Each fails on its own.
    fn look_after(&self, report: &mut ProfileReport) {
        for step in [Step::Forget, Step::Verify] {
            let done = if step == Step::Forget { self.forget(report) } else { self.verify(report) };
            if let Err(error) = done {
                self.tell(step, Outcome::Failed, Ended::failed(&error).message);
                report.errors.push(error);
            }
        }
    }

    fn forget(&self, report: &mut ProfileReport) -> Result<()> {
        if !self.asked.profile.forgets() {
            return Ok(());
        }
        if let Some(reason) = reason_to_keep(&report.snapshot) {
            self.tell(Step::Forget, Outcome::Skipped, reason.to_owned());
            return Ok(());
        }
        self.go_on()?;
        let repository = self.asked.profile.open_repository()?;
        let plan = report.plan.insert(self.plan(&repository)?);
        if self.asked.dry_run {
            self.tell(Step::Forget, Outcome::Skipped, format!("would remove {}", named(&plan.removed())));
            return Ok(());
        }
        let how = Removal::default().lock_wait(self.lock_wait()).stop(self.asked.stop.clone());
        let how = self.asked.profile.threads.into_iter().fold(how, Removal::threads);
        let deleted = repository.forget_with(plan, &how)?;
        self.tell(Step::Forget, Outcome::Done, format!("removed {}", named(deleted.snapshots())));
        for problem in deleted.problems() {
            self.monitor.event(&Event::Problem(problem.clone()));
        }
        report.forgotten = Some(deleted);
        self.go_on()
    }

    /// What the rules remove of this source's snapshots; those of others have profiles of their own.
    fn plan(&self, repository: &Repository) -> Result<ForgetPlan> {
        let profile = self.asked.profile;
        let all = match profile.keep.is_empty() {
            true => repository.plan_keeping_all()?,
            false => repository.plan_forget(&profile.keep)?,
        };
        let plan = all.only(&host_of(&profile.source), &absolute(&profile.source));
        match profile.free_space {
            Some(target) => repository.make_space(plan, target),
            None => Ok(plan),
        }
    }

    fn verify(&self, report: &mut ProfileReport) -> Result<()> {
        let Some(sample) = self.asked.profile.sample else { return Ok(()) };
        if self.asked.dry_run {
            self.tell(Step::Verify, Outcome::Skipped, format!("would check {sample} of all contents"));
            return Ok(());
        }
        self.go_on()?;
        let repository = self.asked.profile.open_repository()?;
        let verifier = Verifier::new(&repository)
            .sample(sample)
            .lock_wait(self.lock_wait())
            .stop(self.asked.stop.clone());
        let verifier = self.asked.profile.threads.into_iter().fold(verifier, Verifier::threads);
        let verified = verifier.run(self.monitor)?;
        let outcome = if verified.finding_count() == 0 { Outcome::Done } else { Outcome::Failed };
        self.tell(Step::Verify, outcome, checked(&verified));
        report.verified = Some(verified);
        Ok(())
    }

    fn go_on(&self) -> Result<()> {
        if self.asked.stop.is_stopped() {
            return Err(Error::stopped("stopped; the snapshot is published"));
        }
        Ok(())
    }
}

/// Why nothing may be forgotten after this snapshot.
fn reason_to_keep(report: &SnapshotReport) -> Option<&'static str> {
    match report.status() {
        Status::Complete | Status::Problems if !report.is_suspect() => None,
        Status::Complete | Status::Problems => Some("nothing is removed after a suspect snapshot"),
    }
}

fn described(report: &SnapshotReport) -> String {
    let counts = report.counts();
    let name = report.snapshot().map_or("dry run", SnapshotName::as_str);
    format!(
        "{name}: {}, {} entries, {} bytes copied, {} problems",
        status(report),
        counts.entries,
        counts.bytes_copied,
        counts.problems
    )
}

fn named(snapshots: &[SnapshotName]) -> String {
    match snapshots {
        [] => "nothing".to_owned(),
        names => names.iter().map(SnapshotName::as_str).collect::<Vec<_>>().join(", "),
    }
}

fn checked(report: &VerifyReport) -> String {
    format!(
        "{} snapshots checked, {} files and {} bytes read, {} differences, {} problems",
        report.snapshots().len(),
        report.files_read(),
        report.bytes_read(),
        report.finding_count(),
        report.problem_count()
    )
}
