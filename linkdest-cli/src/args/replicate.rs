//! The command that brings snapshots to another repository.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::history::SNAPSHOTS;
use super::removal::Keep;
use super::{EXIT_STATUS, Server, directory, place, wait};
use crate::rules::size;

const EXAMPLES: &str = "\
Examples:
  linkdest replicate --init /mnt/backup/laptop /mnt/second/laptop
  linkdest replicate --dry-run /mnt/backup/laptop /mnt/second/laptop
  linkdest replicate --yes /mnt/backup/laptop /mnt/second/laptop --keep-monthly 24
  linkdest replicate --bandwidth 5M --snapshots latest /mnt/backup/laptop /mnt/nas/laptop
  linkdest replicate --init /mnt/backup/laptop sftp://me@nas/backup/laptop";

/// Brings the snapshots of REPO to TARGET, another repository
///
/// The oldest first, under the same names, sharing files exactly as in REPO. REPO is only read. What TARGET has is linked
/// there; the rest is sent, and compared with its recorded hash on the way. Snapshots that TARGET has already are passed
/// over, so that a run that was interrupted goes on, and another one brings only what is new.
#[derive(Debug, Args)]
#[command(after_long_help = format!("{EXIT_STATUS}\n\n{SNAPSHOTS}\n\n{EXAMPLES}"))]
pub struct Replicate {
    /// The repository that is read
    #[arg(value_parser = directory())]
    pub repo: PathBuf,
    /// The repository that is written to, or `sftp://[USER@]HOST[:PORT]/PATH`
    ///
    /// A server needs hard links: `hardlink@openssh.com` and `posix-rename@openssh.com`, as OpenSSH has them.
    #[arg(value_parser = place())]
    pub target: PathBuf,
    /// Makes TARGET a repository if it is none yet
    ///
    /// Without it a directory that is no repository is an error, so that an unmounted disk does not become a full copy
    /// onto the wrong one. On a repository it changes nothing.
    #[arg(long)]
    pub init: bool,
    /// Brings these snapshots alone; repeatable, or separated by commas
    #[arg(long, value_name = "SNAPSHOT", value_delimiter = ',')]
    pub snapshots: Vec<String>,
    /// Sends at most SIZE of content in a second, e.g. 5M
    ///
    /// K, M, G are binary, KB, MB, GB decimal.
    #[arg(long, value_name = "SIZE", value_parser = rate)]
    pub bandwidth: Option<u64>,
    /// Writes nothing; shows what would be sent
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Removes what the keep rules do not keep at TARGET without asking
    ///
    /// Needed where there is no terminal to ask on.
    #[arg(short, long)]
    pub yes: bool,
    /// Waits for another run at TARGET to end, e.g. 30s, 10m, 1h
    ///
    /// Unset, a repository that is locked is an error at once.
    #[arg(long, value_name = "DURATION", value_parser = wait)]
    pub lock_wait: Option<Duration>,
    #[command(flatten)]
    pub server: Server,
    #[command(flatten, next_help_heading = "What is brought, and stays at TARGET")]
    pub keep: Keep,
}

fn rate(text: &str) -> Result<u64, String> {
    match size(text)? {
        0 => Err("nothing would ever arrive".to_owned()),
        bytes => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_sizes_but_not_0() {
        assert_eq!((rate("5M"), rate("0K").is_err(), rate("fast").is_err()), (Ok(5 << 20), true, true));
    }
}
