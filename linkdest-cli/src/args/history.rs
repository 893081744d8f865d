//! The commands that read snapshots and what is known of them: diff, find, ls, runs, usage.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::{EXIT_STATUS, directory};

pub(super) const SNAPSHOTS: &str = "\
Snapshots are named by:
  2026-11-22T132200Z  the exact name, or its path, REPO/2026-11-22T132200Z
  2026-11-22T13       the beginning of a name, longer than a date, of one snapshot only
  2026-11-22          the newest snapshot of that local day
  3 days ago          the newest one that is at least so old; also 2h ago, 1 month ago
  latest, latest~N    the newest one, or N before it";

const DIFF_EXAMPLES: &str = "\
Examples:
  linkdest diff /mnt/backup/laptop latest~1
  linkdest diff /mnt/backup/laptop 2026-11-20 2026-11-22
  linkdest diff /mnt/backup/laptop '1 week ago'
  linkdest diff --json /mnt/backup/laptop latest~7";

const LS_EXAMPLES: &str = "\
Examples:
  linkdest ls /mnt/backup/laptop latest
  linkdest ls -l /mnt/backup/laptop latest:home/me/docs
  linkdest ls -R --print0 /mnt/backup/laptop 2026-11-22 | xargs -0 -n 1";

const FIND_EXAMPLES: &str = "\
Examples:
  linkdest find /mnt/backup/laptop '*.odt'
  linkdest find /mnt/backup/laptop '/home/me/docs/**'
  linkdest find /mnt/backup/laptop --versions home/me/notes";

const USAGE_EXAMPLES: &str = "\
Examples:
  linkdest usage /mnt/backup/laptop
  linkdest usage /mnt/backup/laptop latest~9 latest~8";

const RUNS_EXAMPLES: &str = "\
Examples:
  linkdest runs /mnt/backup/laptop
  linkdest runs --json /mnt/backup/laptop";

/// Tells what changed from snapshot A to snapshot B
///
/// One line for each change, in the order of the paths: added, removed, content (the bytes of a file, the target of a
/// symlink), attributes (mode, owner, times, extended attributes, links), renamed (with the path before), type (a file is
/// a directory now). Below a renamed directory each entry is renamed itself. Both snapshots need a manifest.
#[derive(Debug, Args)]
#[command(after_long_help = format!("{EXIT_STATUS}\n\n{SNAPSHOTS}\n\n{DIFF_EXAMPLES}"))]
pub struct Diff {
    /// The repository that holds the snapshots
    #[arg(value_parser = directory())]
    pub repo: PathBuf,
    /// The earlier snapshot
    #[arg(value_name = "A")]
    pub before: String,
    /// The later snapshot
    #[arg(value_name = "B", default_value = "latest")]
    pub after: String,
}

/// Lists what is in a snapshot
///
/// Of a directory what is in it, of anything else the entry itself. Paths are those below the source, directories end in
/// `/`, and all are sorted by their bytes, below each directory. On a terminal names are escaped; elsewhere they are
/// printed as they are.
#[derive(Debug, Args)]
#[command(after_long_help = format!("{EXIT_STATUS}\n\n{SNAPSHOTS}\n\n{LS_EXAMPLES}"))]
pub struct Ls {
    /// The repository that holds the snapshots
    #[arg(value_parser = directory())]
    pub repo: PathBuf,
    /// A snapshot, and a path in it
    #[arg(value_name = "SNAPSHOT[:PATH]")]
    pub what: OsString,
    /// Prints mode, owner, group, size, time and target too
    #[arg(short, long, conflicts_with_all = ["json", "print0"])]
    pub long: bool,
    /// Lists what is in sub-directories too
    #[arg(short = 'R', long)]
    pub recursive: bool,
    /// Ends each path with a NUL byte, not with a line end
    ///
    /// Names are then never escaped.
    #[arg(long, visible_alias = "null", conflicts_with = "json")]
    pub print0: bool,
}

/// Finds paths in all snapshots, and their versions
///
/// One line for each version of each path, with the snapshots that have it. PATTERN is one of rsync's filter language:
/// `*.txt` is compared with names, `docs/*.txt` with the end of paths, `/docs/**` with paths from the root, and `docs/` is
/// for directories only.
#[derive(Debug, Args)]
#[command(after_long_help = format!("{EXIT_STATUS}\n\n{FIND_EXAMPLES}"))]
pub struct Find {
    /// The repository that holds the snapshots
    #[arg(value_parser = directory())]
    pub repo: PathBuf,
    /// What to look for
    #[arg(required_unless_present = "versions")]
    pub pattern: Option<OsString>,
    /// Tells the versions of PATH, the oldest first
    ///
    /// One line for each run of snapshots that have the same version.
    #[arg(long, value_name = "PATH", conflicts_with = "pattern")]
    pub versions: Option<OsString>,
    /// Prints the paths alone, each once, ended by a NUL byte
    ///
    /// Names are then never escaped.
    #[arg(long, visible_alias = "null", conflicts_with = "json")]
    pub print0: bool,
}

/// Tells what space snapshots take, and what deleting them would free
///
/// SIZE is the sum of the sizes of the files; NEW what is on disk and in no older snapshot; FREED what deleting that
/// snapshot alone would free. The last line has what deleting all of the given snapshots, and no other, would free.
#[derive(Debug, Args)]
#[command(after_long_help = format!("{EXIT_STATUS}\n\n{SNAPSHOTS}\n\n{USAGE_EXAMPLES}"))]
pub struct Usage {
    /// The repository that holds the snapshots
    #[arg(value_parser = directory())]
    pub repo: PathBuf,
    /// The snapshots [default: all of them, each on its own]
    #[arg(value_name = "SNAPSHOT")]
    pub snapshots: Vec<String>,
}

/// Tells the history of the runs
///
/// When each began, how long it took, how it ended and what it did, the oldest first. Of runs that published nothing only
/// those are known that left something for the next one: they are unfinished, or still go on.
#[derive(Debug, Args)]
#[command(after_long_help = format!("{EXIT_STATUS}\n\n{RUNS_EXAMPLES}"))]
pub struct Runs {
    /// The repository that holds the snapshots
    #[arg(value_parser = directory())]
    pub repo: PathBuf,
}
