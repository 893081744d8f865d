//! The guards of `snapshot`, and `accept`, which overrules them afterwards.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use linkdest_core::Snapshotter;

use super::history::SNAPSHOTS;
use super::{EXIT_STATUS, directory, wait};
use crate::rules::size;

const ACCEPT_EXAMPLES: &str = "\
Examples:
  linkdest accept /mnt/backup/laptop latest";

/// What a run looks out for.
#[derive(Debug, Args)]
pub struct Guards {
    /// Saves SOURCE also where nothing is left of it
    ///
    /// Without it, a source that had entries in its newest snapshot and has none now is an error: a disk that is not
    /// mounted looks like that.
    #[arg(long)]
    pub allow_empty: bool,
    /// Sets how much may be gone or changed before the snapshot is suspect, in percent, or `off`
    ///
    /// It counts the entries of SOURCE's newest snapshot that are gone or changed; what moved is neither. Fewer than
    /// 1,000 are never a mass.
    #[arg(long, value_name = "PERCENT", default_value = "50", value_parser = share)]
    pub mass_change: Share,
    /// Refuses any other repository than the one with this id
    ///
    /// `init` prints the id. Nothing is written to another repository, and none is made, also with --init.
    #[arg(long, value_name = "ID", hide_short_help = true)]
    pub repository_id: Option<String>,
    /// Sets how much stays free on REPO's file system, e.g. 5G [default: a hundredth, 1 GiB at most]
    ///
    /// A run that would copy more ends, and publishes nothing. K, M, G are binary, KB, MB, GB decimal.
    #[arg(long, value_name = "SIZE", value_parser = size, hide_short_help = true)]
    pub reserve: Option<u64>,
}

impl Guards {
    /// Sets what was asked for.
    pub fn apply(&self, snapshotter: Snapshotter) -> Snapshotter {
        let mut snapshotter = snapshotter.allow_empty(self.allow_empty).mass_change(self.mass_change.0);
        if let Some(id) = &self.repository_id {
            snapshotter = snapshotter.repository_id(id);
        }
        match self.reserve {
            Some(bytes) => snapshotter.reserve(bytes),
            None => snapshotter,
        }
    }
}

/// A share in percent; none is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share(pub Option<u8>);

fn share(text: &str) -> Result<Share, String> {
    let text = text.strip_suffix('%').unwrap_or(text);
    match text.parse() {
        _ if text == "off" => Ok(Share(None)),
        Ok(percent @ 0..=100) => Ok(Share(Some(percent))),
        _ => Err("neither a number from 0 to 100 nor `off`".to_owned()),
    }
}

/// Accepts a suspect snapshot
///
/// It counts like any other from then on, also for `forget`; what comes after it is compared with it. Look into it
/// first: `linkdest diff REPO latest~1` tells what changed.
#[derive(Debug, Args)]
#[command(after_long_help = format!("{EXIT_STATUS}\n\n{SNAPSHOTS}\n\n{ACCEPT_EXAMPLES}"))]
pub struct Accept {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_percent_or_off() {
        for (text, expected) in
            [("50", Some(Some(50))), ("0", Some(Some(0))), ("100%", Some(Some(100))), ("off", Some(None))]
                .into_iter()
                .chain(["101", "-1", "", "%", "half", "off%%", "5.5"].map(|text| (text, None)))
        {
            assert_eq!(share(text).ok().map(|share| share.0), expected, "{text:?}");
        }
    }
}
