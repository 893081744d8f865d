//! The command that removes one path from snapshots.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::history::SNAPSHOTS;
use super::removal::Removing;
use super::{EXIT_STATUS, directory};

const EXAMPLES: &str = "\
Examples:
  linkdest expunge --dry-run /mnt/backup/laptop home/me/.netrc
  linkdest expunge --links /mnt/backup/laptop home/me/videos/private.mkv
  linkdest expunge --snapshot latest /mnt/backup/laptop var/cache";

/// Removes one path from all snapshots
///
/// A file, or a directory with everything in it, also from pinned snapshots; the snapshots stay as they are otherwise. It
/// is written down that the path was expunged: `verify`, `diff` and `find` say so instead of telling of a loss. Content
/// that has another path too, in the same snapshot or in another one, is still there under that; names of the same inode
/// in the same snapshot are listed. What is still in the source is saved again by the next run, unless a rule excludes it.
#[derive(Debug, Args)]
#[command(after_long_help = format!("{EXIT_STATUS}\n\n{SNAPSHOTS}\n\n{EXAMPLES}"))]
pub struct Expunge {
    /// The repository that holds the snapshots
    #[arg(value_parser = directory())]
    pub repo: PathBuf,
    /// The path below the source
    pub path: OsString,
    /// Removes it from this snapshot alone; repeatable
    #[arg(long, value_name = "SNAPSHOT")]
    pub snapshot: Vec<String>,
    /// Removes the other names too that the same inodes have in the same snapshot
    #[arg(long)]
    pub links: bool,
    #[command(flatten)]
    pub removing: Removing,
}
