//! The command that shows how a repository is doing.

use std::path::PathBuf;

use clap::Args;

use super::removal::Keep;
use super::{EXIT_STATUS, directory};

const EXAMPLES: &str = "\
Examples:
  linkdest report /mnt/backup/laptop
  linkdest report /mnt/backup/laptop -o report.html
  linkdest report /mnt/backup/laptop -o report.html --profile laptop
  linkdest report /mnt/backup/laptop --keep-daily 14 --keep-monthly 12
  linkdest report /mnt/backup/laptop --json";

/// Shows how a repository is doing, as text or as one page of HTML
///
/// What there is and how fast it grows, which directories grew, what could not be saved, and with keep rules which
/// snapshots will go, and when. The page needs nothing else: no network and no script. REPO is only read.
#[derive(Debug, Args)]
#[command(after_long_help = format!("{EXIT_STATUS}\n\n{EXAMPLES}"))]
pub struct Report {
    /// The repository that holds the snapshots
    #[arg(value_parser = directory())]
    pub repo: PathBuf,
    /// Writes a page of HTML to FILE; `-` is standard output
    ///
    /// A file that is there is replaced when the page is complete. FILE cannot be in REPO.
    #[arg(short, long, value_name = "FILE", conflicts_with = "json")]
    pub output: Option<PathBuf>,
    /// Takes the keep rules of a profile for the forecast
    ///
    /// PROFILE is a path or a name, as for `linkdest run`.
    #[arg(long, value_name = "PROFILE", conflicts_with_all = [
        "keep_last", "keep_hourly", "keep_daily", "keep_weekly", "keep_monthly", "keep_yearly", "keep_within",
    ])]
    pub profile: Option<PathBuf>,
    #[command(flatten, next_help_heading = "What will be kept")]
    pub keep: Keep,
}
