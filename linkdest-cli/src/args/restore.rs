//! `linkdest restore`

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::history::SNAPSHOTS;
use super::{EXIT_STATUS, Server, directory, place};

const EXAMPLES: &str = "\
Examples:
  linkdest restore /mnt/backup/laptop latest:home/me/docs /home/me/docs
  linkdest restore -n --delete /mnt/backup/laptop 2026-11-20:home/me /home/me
  linkdest restore /mnt/backup/laptop latest~1:home/me/notes /tmp/notes";

/// Puts back what a snapshot has
///
/// TARGET becomes what PATH is: the contents of a directory go into TARGET, which is made if it is missing; anything else
/// is written as TARGET. Only what differs is written, with owners, modes, times, extended attributes, hard links and
/// holes. Nothing in TARGET is followed, and nothing is shared with the snapshot. Contents are verified as they are read:
/// one that is damaged is a problem, and is restored as it is.
#[derive(Debug, Args)]
#[command(after_long_help = format!("{EXIT_STATUS}\n\n{SNAPSHOTS}\n\n{EXAMPLES}"))]
pub struct Restore {
    /// The repository that holds the snapshots, or `sftp://[USER@]HOST[:PORT]/PATH`
    #[arg(value_parser = place())]
    pub repo: PathBuf,
    /// A snapshot, and a path in it
    #[arg(value_name = "SNAPSHOT[:PATH]")]
    pub what: OsString,
    /// What is to become what PATH is
    #[arg(value_parser = directory())]
    pub target: PathBuf,
    /// Sets what becomes of entries that TARGET has already
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    pub overwrite: Overwrite,
    /// Compares contents instead of modification times
    #[arg(long)]
    pub checksum: bool,
    /// Removes what the snapshot does not have
    ///
    /// Directories that are in the way of something else too. What is on another file system, and the repository, stay.
    #[arg(long)]
    pub delete: bool,
    /// Writes nothing; lists what would be done and why
    ///
    /// Each entry that differs, sorted by path.
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Sets the number of threads [default: the cores]
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    #[command(flatten)]
    pub server: Server,
}

/// What becomes of entries that the target has already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Overwrite {
    /// What differs in kind, size, modification time or attributes is replaced
    #[default]
    IfChanged,
    /// Everything is written anew
    Always,
    /// What is there stays; only what is missing is made
    Never,
}
