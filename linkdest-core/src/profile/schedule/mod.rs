//! Running a profile again and again: a timer and a service for systemd, or a line for cron.

mod cron;
mod files;
mod quote;
mod systemd;

pub use files::ScheduleFile;

use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::{Profile, locate};
use crate::error::{Error, Result};
use crate::os::effective_ids;

/// How often a profile is run.
///
/// ```
/// use linkdest_core::When;
/// assert_eq!("daily".parse(), Ok(When::Daily));
/// assert_eq!("Mon..Fri 18:00".parse(), Ok(When::Calendar("Mon..Fri 18:00".into())));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// Every hour.
    Hourly,
    /// Every day.
    Daily,
    /// Every week.
    Weekly,
    /// At times that systemd.time(7) or crontab(5) calls so.
    Calendar(String),
}

impl FromStr for When {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        Ok(match text {
            "hourly" => Self::Hourly,
            "daily" => Self::Daily,
            "weekly" => Self::Weekly,
            calendar => Self::Calendar(calendar.to_owned()),
        })
    }
}

/// Makes what runs a profile again and again: see [`files`](Self::files).
///
/// ```
/// use linkdest_core::{Profile, Schedule, When};
/// let profile = Profile::parse("source = '/home/me'\nrepository = '/backup'", "/etc/linkdest/me.toml")?;
/// let schedule = Schedule::new(&profile, When::Daily).system(true).program("/usr/bin/linkdest");
/// let [service, timer] = &schedule.files()?[..] else { panic!() };
/// assert_eq!(timer.path().to_str(), Some("/etc/systemd/system/linkdest-me.timer"));
/// assert!(timer.text().contains("OnCalendar=daily"));
/// assert!(service.text().contains("ExecStart=/usr/bin/linkdest run /etc/linkdest/me.toml\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Schedule {
    name: String,
    profile: PathBuf,
    when: When,
    system: bool,
    cron: bool,
    program: Option<PathBuf>,
}

impl Schedule {
    /// Names the profile, and how often it is run.
    #[must_use]
    pub fn new(profile: &Profile, when: When) -> Self {
        let (name, path) = (profile.name().to_owned(), profile.path().to_owned());
        Self { name, profile: path, when, system: effective_ids().0 == 0, cron: false, program: None }
    }

    /// Sets whether the machine runs it, or the user's own systemd or crontab. Unset: the machine for root.
    #[must_use]
    pub fn system(mut self, system: bool) -> Self {
        self.system = system;
        self
    }

    /// Sets whether it is for cron. Unset: for systemd.
    #[must_use]
    pub fn cron(mut self, cron: bool) -> Self {
        self.cron = cron;
        self
    }

    /// Sets the program that is run, by its absolute path. Unset: this one.
    #[must_use]
    pub fn program(mut self, program: impl AsRef<Path>) -> Self {
        self.program = Some(program.as_ref().to_owned());
        self
    }

    /// The files that make it run: a service and a timer of systemd, or one in `/etc/cron.d`; none for a user's crontab,
    /// which [`crontab_line`](Self::crontab_line) is for.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidOption`](crate::ErrorKind::InvalidOption): times that the scheduler would not understand;
    /// [`ErrorKind::Profile`](crate::ErrorKind::Profile): a name or path that cannot be written there.
    pub fn files(&self) -> Result<Vec<ScheduleFile>> {
        match (self.cron, self.system) {
            (false, _) => systemd::files(self),
            (true, true) => Ok(vec![cron::file(self)?]),
            (true, false) => Ok(Vec::new()),
        }
    }

    /// The line for `crontab -e`; `None` where files do it.
    ///
    /// # Errors
    /// As [`files`](Self::files).
    pub fn crontab_line(&self) -> Result<Option<String>> {
        if self.cron && !self.system { cron::user_line(self).map(Some) } else { Ok(None) }
    }

    /// Writes the files, each in one step. A file that is there is replaced only if this made it, for the same profile.
    ///
    /// # Errors
    /// As [`files`](Self::files), and when a file cannot be written; nothing is written if one of them is in the way.
    pub fn write(&self) -> Result<Vec<ScheduleFile>> {
        let files = self.files()?;
        files.iter().try_for_each(ScheduleFile::check)?;
        files.iter().try_for_each(ScheduleFile::write)?;
        Ok(files)
    }

    /// Removes what [`write`](Self::write) wrote for this profile; tells what was there.
    ///
    /// # Errors
    /// When a file is another's, or cannot be removed.
    pub fn remove(&self) -> Result<Vec<ScheduleFile>> {
        let files = self.files()?;
        files.iter().try_for_each(ScheduleFile::check)?;
        let mut removed = Vec::new();
        for file in files {
            if file.remove()? {
                removed.push(file);
            }
        }
        Ok(removed)
    }

    /// The commands that put it into force once it is written, or, after it was removed, that end it.
    #[must_use]
    pub fn commands(&self, removed: bool) -> Vec<String> {
        if self.cron {
            return Vec::new();
        }
        let user = if self.system { "" } else { " --user" };
        let timer = format!("{}.timer", self.unit());
        let timer = quote::shell(timer.as_bytes());
        if removed {
            return vec![format!("systemctl{user} daemon-reload"), format!("systemctl{user} stop {timer}")];
        }
        let mut commands =
            vec![format!("systemctl{user} daemon-reload"), format!("systemctl{user} enable --now {timer}")];
        if !self.system {
            commands.push("loginctl enable-linger    # to run also while you are not logged in".to_owned());
        }
        commands
    }

    /// The name of the units, without their ending.
    fn unit(&self) -> String {
        format!("linkdest-{}", quote::unit(&self.name))
    }

    fn program_path(&self) -> Result<PathBuf> {
        let program = match &self.program {
            Some(program) => program.clone(),
            None => std::env::current_exe().map_err(|error| Error::io("find", "linkdest", error))?,
        };
        if program.is_absolute() {
            Ok(program)
        } else {
            Err(Error::option(format!("{}: the program needs an absolute path", locate::escaped(&program))))
        }
    }
}
