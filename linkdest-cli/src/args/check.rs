//! The arguments of the commands that check snapshots, and make manifests anew.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use linkdest_core::Sample;

use super::{Server, directory, place, wait};

const VERIFY_EXIT_STATUS: &str = "\
Exit status:
  0    Everything is as it was saved
  1    Fatal error
  2    The command line, or a value in it, cannot be used
  3    Some entries could not be checked
  4    There are differences
  10   REPO is not a repository
  130  Interrupted (Ctrl-C); 143 if by SIGTERM";

const VERIFY_EXAMPLES: &str = "\
Examples:
  linkdest verify /mnt/backup/laptop
  linkdest verify /mnt/backup/laptop latest
  linkdest verify /mnt/backup/laptop --sample 10%
  linkdest verify /mnt/backup/laptop --resume
  linkdest verify sftp://me@nas/backup/laptop";

const REINDEX_EXIT_STATUS: &str = "\
Exit status:
  0    Done
  1    Fatal error; the manifests that were made until then stay
  2    The command line, or a value in it, cannot be used
  3    Some entries or snapshots could not be read
  10   REPO is not a repository
  11   The repository is locked by another run
  130  Interrupted (Ctrl-C); 143 if by SIGTERM";

const REINDEX_EXAMPLES: &str = "\
Examples:
  linkdest reindex /mnt/backup/laptop
  linkdest reindex --trust /mnt/backup/laptop latest~3";

/// Checks snapshots against what was written down of them
///
/// First the manifests, then every entry of the trees, then all content, each file read once whatever the number of
/// snapshots that share it. What is found damaged is written down: the next run takes those files from the source.
#[derive(Debug, Args)]
#[command(after_long_help = format!("{VERIFY_EXIT_STATUS}\n\n{VERIFY_EXAMPLES}"))]
pub struct Verify {
    /// The repository that holds the snapshots, or `sftp://[USER@]HOST[:PORT]/PATH`
    ///
    /// Of a repository on a server names, kinds, sizes and times are compared, and contents with --content alone.
    #[arg(value_parser = place())]
    pub repo: PathBuf,
    /// A snapshot to check [default: all]
    ///
    /// Its name, the beginning of that, `latest`, `latest~1`, or a date.
    #[arg(value_name = "SNAPSHOT")]
    pub snapshots: Vec<String>,
    /// Reads the content of a part of the files only, another part each time
    ///
    /// Ten checks of 10% read everything once. All else is checked for every entry.
    #[arg(long, value_name = "PERCENT")]
    pub sample: Option<Sample>,
    /// Goes on with a check that was stopped
    ///
    /// What that check found sound is not read again.
    #[arg(long)]
    pub resume: bool,
    /// Sets the number of threads [default: the cores]
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// Waits for another run to end before damage is written down, e.g. 10m
    #[arg(long, value_name = "DURATION", value_parser = wait)]
    pub lock_wait: Option<Duration>,
    /// Reads all content of a repository on a server
    ///
    /// It all goes over the network. Of a repository here it is read anyway.
    #[arg(long, conflicts_with_all = ["sample", "resume"])]
    pub content: bool,
    #[command(flatten)]
    pub server: Server,
}

/// Makes manifests anew from the trees of snapshots
///
/// Of snapshots whose manifest is missing or damaged, or that rsync made. Each file is read once, whatever the number of
/// snapshots that share it.
#[derive(Debug, Args)]
#[command(after_long_help = format!("{REINDEX_EXIT_STATUS}\n\n{REINDEX_EXAMPLES}"))]
pub struct Reindex {
    /// The repository that holds the snapshots
    #[arg(value_parser = directory())]
    pub repo: PathBuf,
    /// A snapshot whose manifest is made anew [default: those that are missing or damaged]
    #[arg(value_name = "SNAPSHOT")]
    pub snapshots: Vec<String>,
    /// Makes all manifests anew
    ///
    /// What only a sound manifest knew is lost: attributes that could not be stored, inodes of the source.
    #[arg(long, conflicts_with = "snapshots")]
    pub all: bool,
    /// Believes the sound manifests of other snapshots, and reads only what they do not know
    #[arg(long)]
    pub trust: bool,
    /// Writes nothing; says which manifests would be made
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Sets the number of threads [default: the cores]
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// Waits for another run to end, e.g. 30s, 10m, 1h
    #[arg(long, value_name = "DURATION", value_parser = wait)]
    pub lock_wait: Option<Duration>,
}
