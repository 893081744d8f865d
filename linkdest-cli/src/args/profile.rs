//! The arguments of the commands about profiles: run, profile check, schedule.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, Subcommand};
use linkdest_core::When;

use super::{EXIT_STATUS, wait};

const PROFILES: &str = "\
Profiles:
  PROFILE is the path of a TOML file, which has a `/` or ends in `.toml`, or a name: NAME.toml is
  looked for in ~/.config/linkdest and in /etc/linkdest. docs/profiles.md has the format.";

const RUN_EXAMPLES: &str = "\
Examples:
  linkdest run laptop
  linkdest run --dry-run ./laptop.toml
  linkdest run --quiet --lock-wait 10m /etc/linkdest/laptop.toml";

const CHECK_EXIT_STATUS: &str = "\
Exit status:
  0    Nothing is wrong
  2    A run would fail
  3    There are warnings";

const CHECK_EXAMPLES: &str = "\
Examples:
  linkdest profile check laptop
  linkdest profile check ./laptop.toml";

const SCHEDULE_EXAMPLES: &str = "\
Examples:
  linkdest schedule laptop --daily
  linkdest schedule laptop --calendar 'Mon..Fri 18:00' --print
  linkdest schedule laptop --cron --calendar '30 3 * * *'
  linkdest schedule laptop --remove";

/// Does all that a profile says: snapshot, forget, check a sample
///
/// What its keep rules do not keep of the source's snapshots is removed without asking, and only after a snapshot was
/// published. Hooks run before and after. One line is told for each step.
#[derive(Debug, Args)]
#[command(after_long_help = format!("{PROFILES}\n\n{EXIT_STATUS}\n\n{RUN_EXAMPLES}"))]
pub struct Run {
    /// The profile
    pub profile: PathBuf,
    /// Writes nothing and runs no hooks; lists what would be done
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Waits for another run to end, e.g. 30s, 10m, 1h [default: as the profile says]
    #[arg(long, value_name = "DURATION", value_parser = wait)]
    pub lock_wait: Option<Duration>,
}

/// Looks after profiles
#[derive(Debug, Args)]
#[command(after_long_help = format!("{PROFILES}\n\n{CHECK_EXIT_STATUS}\n\n{CHECK_EXAMPLES}"))]
pub struct Profile {
    #[command(subcommand)]
    pub command: ProfileCommand,
}

/// The commands about profiles.
#[derive(Debug, Subcommand)]
pub enum ProfileCommand {
    Check(ProfileCheck),
}

/// Says what a run of a profile would do, and what is wrong with it
///
/// Source, repository, rules and hooks are looked at; nothing is written and no hook is run.
#[derive(Debug, Args)]
#[command(after_long_help = format!("{PROFILES}\n\n{CHECK_EXIT_STATUS}\n\n{CHECK_EXAMPLES}"))]
pub struct ProfileCheck {
    /// The profile
    pub profile: PathBuf,
}

/// Makes a profile run again and again
///
/// By systemd: a service and a timer are written, and the commands that enable them are told. With --cron a file in
/// /etc/cron.d is written for root; for others the line for `crontab -e` is printed.
#[derive(Debug, Args)]
#[command(after_long_help = format!("{PROFILES}\n\n{EXIT_STATUS}\n\n{SCHEDULE_EXAMPLES}"))]
#[command(group = ArgGroup::new("how_often").required(true).args(["hourly", "daily", "weekly", "calendar", "remove"]))]
pub struct Schedule {
    /// The profile
    pub profile: PathBuf,
    /// Runs it every hour
    #[arg(long)]
    pub hourly: bool,
    /// Runs it every day; one that was missed is made up for by systemd
    #[arg(long)]
    pub daily: bool,
    /// Runs it every week
    #[arg(long)]
    pub weekly: bool,
    /// Runs it at these times: of systemd.time(7), with --cron of crontab(5)
    #[arg(long, value_name = "EXPR")]
    pub calendar: Option<String>,
    /// Has the user's own systemd or crontab run it [default, but for root]
    #[arg(long, conflicts_with = "system")]
    pub user: bool,
    /// Has the machine run it, as root [default for root]
    #[arg(long)]
    pub system: bool,
    /// Is for cron, not for systemd
    #[arg(long)]
    pub cron: bool,
    /// Prints the files, and writes nothing
    #[arg(long, conflicts_with = "remove")]
    pub print: bool,
    /// Removes what was written for this profile
    #[arg(long)]
    pub remove: bool,
    /// Writes nothing; says what would be written or removed
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

impl Schedule {
    /// How often; of what is removed it does not matter.
    pub fn when(&self) -> When {
        match (&self.calendar, self.hourly, self.weekly) {
            (Some(calendar), _, _) => When::Calendar(calendar.clone()),
            (None, true, _) => When::Hourly,
            (None, _, true) => When::Weekly,
            _ => When::Daily,
        }
    }
}
