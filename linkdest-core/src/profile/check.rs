//! Whether a profile can be run, and what a run would do.

use std::path::{Path, PathBuf};

use super::hooks::located;
use super::{Policy, Profile, locate::escaped};
use crate::error::Error;
use crate::native::OsStrExt as _;
use crate::os::{Dir, File, effective_ids, is_program};
use crate::sftp::Address;
use crate::step::Step;

/// How bad something is that a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// A run may do something else than is wanted.
    Warning,
    /// A run would fail.
    Error,
}

impl Severity {
    /// The word for it in JSON.
    ///
    /// ```
    /// assert_eq!(linkdest_core::Severity::Warning.as_str(), "warning");
    /// ```
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What a check of a profile found: see [`Profile::check`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileCheck {
    plan: Vec<String>,
    remarks: Vec<(Severity, String)>,
}

impl ProfileCheck {
    /// What a run would do, in plain words, a step a line.
    #[must_use]
    pub fn plan(&self) -> &[String] {
        &self.plan
    }

    /// What is wrong.
    #[must_use]
    pub fn remarks(&self) -> &[(Severity, String)] {
        &self.remarks
    }

    /// The exit code of the command line: 0, 2 if a run would fail, or 3 if there are only warnings.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let worst = |severity| self.remarks.iter().any(|(given, _)| *given == severity);
        match (worst(Severity::Error), self.remarks.is_empty()) {
            (true, _) => 2,
            (false, false) => 3,
            (false, true) => 0,
        }
    }

    fn remark(&mut self, severity: Severity, message: impl Into<String>) {
        self.remarks.push((severity, message.into()));
    }
}

impl Profile {
    /// Looks whether the profile can be run: source, repository, rules, hooks. Nothing is written and no hook is run.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let at = |name: &str| dir.path().join(name);
    /// # std::fs::create_dir(at("home"))?;
    /// use linkdest_core::{Profile, Repository, Severity};
    /// Repository::init(at("backup"))?;
    /// let text = "source = 'home'\nrepository = 'backup'\n[hooks]\nrun-before = ['./mount-it']\n";
    /// let check = Profile::parse(text, at("me.toml"))?.check();
    /// let (severity, message) = &check.remarks()[0];
    /// assert_eq!((*severity, check.exit_code()), (Severity::Error, 2));
    /// assert!(message.contains("./mount-it"), "{message}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn check(&self) -> ProfileCheck {
        let mut check = ProfileCheck { plan: self.plan_in_words(), remarks: Vec::new() };
        self.check_file(&mut check);
        self.check_places(&mut check);
        self.check_rules(&mut check);
        self.check_hooks(&mut check);
        check
    }

    /// Whoever may write to the file has its hooks run as this user.
    fn check_file(&self, check: &mut ProfileCheck) {
        let Ok(metadata) = File::open_regular_operator_path(&self.path).and_then(|file| file.stat()) else {
            return;
        };
        let path = escaped(&self.path);
        if metadata.mode & 0o002 != 0 {
            check.remark(
                Severity::Warning,
                format!("{path}: everybody can write to it, and its hooks run as you"),
            );
        }
        if metadata.uid != 0 && metadata.uid != effective_ids().0 {
            check.remark(
                Severity::Warning,
                format!("{path}: belongs to another user, and its hooks run as you"),
            );
        }
    }

    /// What is missing may be mounted by the first hook.
    fn check_places(&self, check: &mut ProfileCheck) {
        let mounted = self.hooks.get(Step::RunBefore).is_some();
        let (severity, hint) = if mounted {
            (Severity::Warning, " (unless run-before mounts it)")
        } else {
            (Severity::Error, "")
        };
        // A server may be a phone that is there at times: nobody is called for a check.
        let is_far = Address::is_one(&self.source);
        if !is_far && let Err(error) = Dir::open_operator_path(&self.source) {
            let path = escaped(&self.source);
            check.remark(severity, format!("{path}: the source cannot be read: {error}{hint}"));
        }
        if let Err(error) = self.open_repository() {
            check.remark(severity, format!("{}{hint}", whole(&error)));
        }
        for directory in &self.link_dest {
            if let Err(error) = Dir::open_operator_path(directory) {
                check.remark(severity, format!("{}: cannot be linked to: {error}{hint}", escaped(directory)));
            }
        }
    }

    fn check_rules(&self, check: &mut ProfileCheck) {
        match self.selection.filter(self.directory()) {
            Err(error) => check.remark(Severity::Error, whole(&error)),
            Ok(filter) => {
                for warning in filter.iter().flat_map(crate::filter::Filter::check) {
                    check.remark(Severity::Warning, warning.to_string());
                }
            }
        }
    }

    fn check_hooks(&self, check: &mut ProfileCheck) {
        for (step, program) in self.hooks.iter() {
            let Some(name) = program.executable() else { continue };
            let found = located(name, self.directory());
            let runs = if name.as_bytes().contains(&b'/') {
                is_program(found.as_ref())
            } else {
                search_path().iter().any(|directory| is_program(&directory.join(name)))
            };
            if !runs {
                let message = format!(
                    "{}: {}: there is no such program that can be run",
                    step.as_str(),
                    program.name()
                );
                check.remark(Severity::Error, message);
            }
        }
    }

    fn plan_in_words(&self) -> Vec<String> {
        let hook = |step: Step| self.hooks.get(step).map(|program| format!("{}: {program}", step.as_str()));
        let mut plan: Vec<String> = hook(Step::RunBefore).into_iter().collect();
        let (source, repository) = (escaped(&self.source), escaped(&self.repository));
        let policy = match self.policy {
            Policy::Quick => "quick",
            Policy::Strict => "strict",
            Policy::Checksum => "checksum",
        };
        let stay = if self.one_file_system { ", without other file systems" } else { "" };
        plan.push(format!("snapshot: {source} into {repository}, policy {policy}{stay}"));
        let rules = self.selection.given.len();
        if rules > 0 {
            plan.push(format!("rules: {rules} given"));
        }
        match (self.keep.is_empty(), self.free_space) {
            (true, None) => plan.push("forget: nothing, all snapshots stay".to_owned()),
            (false, None) => plan.push(format!("forget: all of this source but {}", self.keep)),
            (true, Some(bytes)) => plan.push(format!("forget: the oldest until {bytes} bytes are available")),
            (false, Some(bytes)) => {
                let rules = &self.keep;
                plan.push(format!(
                    "forget: all of this source but {rules}, then the oldest until {bytes} bytes are available"
                ));
            }
        }
        plan.extend(self.sample.map(|sample| format!("verify: {sample} of all contents")));
        plan.extend([Step::RunAfter, Step::RunFailed, Step::RunFinally].into_iter().filter_map(hook));
        plan
    }
}

fn search_path() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).filter(|path| path.as_path() != Path::new("")).collect()
}

/// An error and its cause.
fn whole(error: &Error) -> String {
    error.io_error().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}
