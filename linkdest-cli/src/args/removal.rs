//! The commands that remove snapshots, or forbid it: delete, forget, pin, unpin.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args};
use linkdest_core::{Age, KeepRules};

use super::history::SNAPSHOTS;
use super::{EXIT_STATUS, directory, wait};
use crate::rules::size;

const DELETE_EXAMPLES: &str = "\
Examples:
  linkdest delete /mnt/backup/laptop 2026-11-22T132200Z
  linkdest delete --dry-run /mnt/backup/laptop latest~9 latest~8";

const FORGET_EXAMPLES: &str = "\
Examples:
  linkdest forget --dry-run /mnt/backup/laptop --keep-daily 7 --keep-weekly 5 --keep-monthly 12
  linkdest forget --yes /mnt/backup/laptop --keep-within 14d --keep-yearly 10
  linkdest forget --yes /mnt/backup/laptop --free-space 50G";

const PIN_EXAMPLES: &str = "\
Examples:
  linkdest pin /mnt/backup/laptop 2026-11-22";

const UNPIN_EXAMPLES: &str = "\
Examples:
  linkdest unpin /mnt/backup/laptop 2026-11-22";

/// What the commands that remove have in common.
#[derive(Debug, Args)]
pub struct Removing {
    /// Removes nothing; shows what would be removed
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Removes without asking
    ///
    /// Needed where there is no terminal to ask on. What would be freed is told only with --dry-run or --json: the trees
    /// have to be walked for it.
    #[arg(short, long)]
    pub yes: bool,
    /// Waits for another run to end, e.g. 30s, 10m, 1h
    ///
    /// Unset, a repository that is locked is an error at once.
    #[arg(long, value_name = "DURATION", value_parser = wait)]
    pub lock_wait: Option<Duration>,
}

/// Deletes snapshots
///
/// All of them, or none: what is pinned stays, and so does the last good snapshot. The others are not touched. The lock is
/// held for an instant; the trees are removed after that, and a removal that is interrupted is finished by the next
/// command that writes.
#[derive(Debug, Args)]
#[command(after_long_help = format!("{EXIT_STATUS}\n\n{SNAPSHOTS}\n\n{DELETE_EXAMPLES}"))]
pub struct Delete {
    /// The repository that holds the snapshots
    #[arg(value_parser = directory())]
    pub repo: PathBuf,
    /// The snapshots
    #[arg(value_name = "SNAPSHOT", required = true)]
    pub snapshots: Vec<String>,
    #[command(flatten)]
    pub removing: Removing,
}

/// Removes the snapshots that no rule keeps
///
/// The snapshots of each source, host and path, are sorted out on their own. A rule keeps the newest snapshot of each of so
/// many hours, days, weeks, months or years that have one, in local time; what one rule keeps no other removes. Pinned
/// snapshots and the newest good one of each source stay whatever the rules say.
#[derive(Debug, Args)]
#[command(after_long_help = format!("{EXIT_STATUS}\n\n{FORGET_EXAMPLES}"))]
#[command(group = ArgGroup::new("what").required(true).multiple(true).args([
    "keep_last", "keep_hourly", "keep_daily", "keep_weekly", "keep_monthly", "keep_yearly", "keep_within", "free_space",
]))]
pub struct Forget {
    /// The repository that holds the snapshots
    #[arg(value_parser = directory())]
    pub repo: PathBuf,
    #[command(flatten, next_help_heading = "What is kept")]
    pub keep: Keep,
    /// Removes the oldest until SIZE is available, e.g. 50G
    ///
    /// What no rule keeps goes first, then the oldest of all sources, also where a rule keeps them. If SIZE cannot be
    /// reached, nothing is removed. K, M, G are binary, KB, MB, GB decimal.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub free_space: Option<u64>,
    #[command(flatten, next_help_heading = "Options")]
    pub removing: Removing,
}

/// The keep rules; 0 is no rule.
#[derive(Debug, Args)]
pub struct Keep {
    /// Keeps the last N snapshots
    #[arg(long, value_name = "N", value_parser = count)]
    keep_last: Option<u32>,
    /// Keeps the last snapshot of each of N hours
    #[arg(long, value_name = "N", value_parser = count)]
    keep_hourly: Option<u32>,
    /// Keeps the last snapshot of each of N days
    #[arg(long, value_name = "N", value_parser = count)]
    keep_daily: Option<u32>,
    /// Keeps the last snapshot of each of N weeks, from Monday to Sunday
    #[arg(long, value_name = "N", value_parser = count)]
    keep_weekly: Option<u32>,
    /// Keeps the last snapshot of each of N months
    #[arg(long, value_name = "N", value_parser = count)]
    keep_monthly: Option<u32>,
    /// Keeps the last snapshot of each of N years
    #[arg(long, value_name = "N", value_parser = count)]
    keep_yearly: Option<u32>,
    /// Keeps what is not older than AGE, e.g. 2y5m7d3h, counted from the newest snapshot
    #[arg(long, value_name = "AGE")]
    keep_within: Option<Age>,
}

impl Keep {
    /// The rules, for the library.
    pub fn rules(&self) -> KeepRules {
        let rules = KeepRules::default()
            .last(self.keep_last.unwrap_or(0))
            .hourly(self.keep_hourly.unwrap_or(0))
            .daily(self.keep_daily.unwrap_or(0))
            .weekly(self.keep_weekly.unwrap_or(0))
            .monthly(self.keep_monthly.unwrap_or(0))
            .yearly(self.keep_yearly.unwrap_or(0));
        self.keep_within.map_or(rules.clone(), |age| rules.within(age))
    }
}

/// Keeps a snapshot whatever happens
///
/// Neither `delete` nor `forget` removes it until it is unpinned.
#[derive(Debug, Args)]
#[command(after_long_help = format!("{EXIT_STATUS}\n\n{SNAPSHOTS}\n\n{PIN_EXAMPLES}"))]
pub struct Pin {
    /// The repository that holds the snapshots
    #[arg(value_parser = directory())]
    pub repo: PathBuf,
    /// The snapshot
    #[arg(value_name = "SNAPSHOT")]
    pub snapshot: String,
    /// Writes nothing; says what would be done
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Waits for another run to end, e.g. 30s, 10m, 1h
    #[arg(long, value_name = "DURATION", value_parser = wait)]
    pub lock_wait: Option<Duration>,
}

/// Takes the pin of a snapshot away
#[derive(Debug, Args)]
#[command(after_long_help = format!("{EXIT_STATUS}\n\n{SNAPSHOTS}\n\n{UNPIN_EXAMPLES}"))]
pub struct Unpin {
    #[command(flatten)]
    pub asked: Pin,
}

fn count(text: &str) -> Result<u32, String> {
    if text == "unlimited" {
        return Ok(u32::MAX);
    }
    text.parse().map_err(|_| "neither a number nor `unlimited`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_numbers_or_unlimited() {
        assert_eq!((count("unlimited"), count("7"), count("-1").is_err()), (Ok(u32::MAX), Ok(7), true));
    }
}
