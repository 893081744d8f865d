//! The command that takes over the snapshots of other tools.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{EXIT_STATUS, directory, wait};

const EXAMPLES: &str = "\
Examples:
  linkdest adopt --dry-run /var/cache/rsnapshot
  linkdest adopt --yes /mnt/backup/laptop
  linkdest snapshot /home/me /mnt/backup/laptop";

/// Takes over the snapshots that another tool made in REPO, where they are
///
/// Known are directories named by date (rsync scripts), rsnapshot, rsync-time-backup, Back In Time and Timeshift. Nothing in
/// them is changed. Each gets a name from the tool's own mark and a manifest, for which each file is read once, and the
/// next snapshot links to the newest of them. The other tool must not rotate or delete in REPO any more. If it is
/// interrupted, the next `adopt` goes on.
#[derive(Debug, Args)]
#[command(after_long_help = format!("{EXIT_STATUS}\n\n{EXAMPLES}"))]
pub struct Adopt {
    /// The directory with the snapshots; it becomes a repository
    #[arg(value_parser = directory())]
    pub repo: PathBuf,
    /// Writes nothing; shows what would be adopted
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Adopts without asking
    ///
    /// Needed where there is no terminal to ask on.
    #[arg(short, long)]
    pub yes: bool,
    /// Sets the number of threads [default: the cores]
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// Waits for another run to end, e.g. 30s, 10m, 1h
    ///
    /// Unset, a repository that is locked is an error at once.
    #[arg(long, value_name = "DURATION", value_parser = wait)]
    pub lock_wait: Option<Duration>,
}
