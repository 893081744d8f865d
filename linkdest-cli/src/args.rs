//! What can be typed, and its help.

mod adopt;
mod check;
mod expunge;
mod filter;
mod guards;
mod history;
mod profile;
mod remote;
mod removal;
mod replicate;
mod report;
mod restore;
mod server;
mod shipped;

use std::ffi::OsStr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::rules::{self, Rules};
pub use adopt::Adopt;
pub use check::{Reindex, Verify};
pub use expunge::Expunge;
pub use filter::{Filter, FilterCheck, FilterCommand, FilterExplain, FilterList};
pub use guards::{Accept, Guards};
pub use history::{Diff, Find, Ls, Runs, Usage};
pub use profile::{Profile, ProfileCheck, ProfileCommand, Run, Schedule};
pub use remote::Remote;
pub use removal::{Delete, Forget, Pin, Removing, Unpin};
pub use replicate::Replicate;
pub use report::Report;
pub use restore::{Overwrite, Restore};
pub use server::Server;
pub use shipped::{Completions, ManPages, Schema, Shell};

const EXIT_STATUS: &str = "\
Exit status:
  0    Done
  1    Fatal error, or `run-before` failed: nothing was published
  2    The command line, a value in it, a rule or a profile cannot be used
  3    A snapshot was published, restored or deleted, but something could not be done as asked,
       or the snapshot is suspect
  4    `verify` found differences
  10   REPO is not a repository, or not the one that --repository-id names
  11   The repository is locked by another run
  130  Interrupted (Ctrl-C); 143 if by SIGTERM";

const EXAMPLES: &str = "\
Examples:
  linkdest init /mnt/backup/laptop
  linkdest snapshot /home/me /mnt/backup/laptop
  linkdest list /mnt/backup/laptop";

const INIT_EXAMPLES: &str = "\
Examples:
  linkdest init /mnt/backup/laptop
  linkdest init --dry-run /mnt/backup/laptop";

const LIST_EXAMPLES: &str = "\
Examples:
  linkdest list /mnt/backup/laptop
  linkdest list --json /mnt/backup/laptop";

const SNAPSHOT_EXAMPLES: &str = "\
Examples:
  linkdest snapshot /home/me /mnt/backup/laptop
  linkdest snapshot --init /home/me /mnt/backup/laptop
  linkdest snapshot --dry-run /home/me /mnt/backup/laptop
  linkdest snapshot /home/me /mnt/backup/laptop --link-dest /mnt/backup/2024
  linkdest snapshot --rules laptop.rules / /mnt/backup/laptop
  linkdest snapshot --exclude .cache/ --exclude '*.o' /home/me /mnt/backup/laptop
  linkdest snapshot sftp://phone:2222/sdcard /mnt/backup/phone
  linkdest snapshot --json /home/me /mnt/backup/laptop | tail -n 1";

/// Keeps snapshots as plain directories: unchanged files are hard links
///
/// Every snapshot is a directory that looks exactly as its source did: look into it, copy out of it, delete it with
/// any tool. Files that did not change since the previous snapshot are hard links to it and take no space.
#[derive(Debug, Parser)]
#[command(name = "linkdest", version, propagate_version = true, max_term_width = 100)]
#[command(after_long_help = format!("{EXIT_STATUS}\n\n{EXAMPLES}"))]
pub struct Cli {
    #[command(flatten)]
    pub output: Output,
    #[command(subcommand)]
    pub command: Command,
}

/// How results and messages look; the same for every command.
#[derive(Debug, Args)]
pub struct Output {
    /// Prints results as JSON
    ///
    /// `snapshot`, `restore`, `replicate`, `verify`, `reindex`, `adopt`, `run` and `filter list` print JSON Lines, each with
    /// a `message_type`, the first seven with a `summary` or an `error` at the end; `diff`, `find` and `ls` print a line for each result; the
    /// other commands print one document. Paths that are not UTF-8 come with their bytes as `path_b64`.
    #[arg(long, global = true, help_heading = "Output")]
    pub json: bool,
    /// Hides progress, notes and summary
    ///
    /// Problems and errors are told all the same.
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Output")]
    pub quiet: bool,
    /// Prints each entry with what is done and why
    ///
    /// It adds nothing to --json and to --dry-run.
    #[arg(short, long, global = true, help_heading = "Output")]
    pub verbose: bool,
    /// Shows no progress
    ///
    /// Neither the bar, which is there on a terminal only, nor JSON status lines.
    #[arg(long, global = true, help_heading = "Output", hide_short_help = true)]
    pub no_progress: bool,
    #[command(flatten, next_help_heading = "Output")]
    pub color: colorchoice_clap::Color,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    Init(Init),
    Snapshot(Snapshot),
    List(List),
    Ls(Ls),
    Diff(Diff),
    Find(Find),
    Usage(Usage),
    Runs(Runs),
    Report(Report),
    Verify(Verify),
    Reindex(Reindex),
    Adopt(Adopt),
    Replicate(Replicate),
    Delete(Delete),
    Forget(Forget),
    Expunge(Expunge),
    Pin(Pin),
    Unpin(Unpin),
    Accept(Accept),
    Restore(Restore),
    Run(Run),
    Profile(Profile),
    Schedule(Schedule),
    Filter(Filter),
    Completions(Completions),
    Schema(Schema),
    #[command(name = "man")]
    ManPages(ManPages),
}

/// Makes an absent or empty directory a repository
///
/// The file system is tried out first: one without hard links is refused, and nothing is left behind.
#[derive(Debug, Args)]
#[command(after_long_help = format!("{EXIT_STATUS}\n\n{INIT_EXAMPLES}"))]
pub struct Init {
    /// The directory that will hold the snapshots
    #[arg(value_parser = directory())]
    pub repo: PathBuf,
    /// Writes nothing; says whether it could be done
    ///
    /// Hard links cannot be tried out without writing.
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

/// Takes a snapshot of SOURCE into REPO
///
/// Unchanged files become hard links to the previous snapshot, the others are copied. The snapshot appears under its
/// name only when it is complete. Entries that could not be saved as asked are reported as problems.
#[derive(Debug, Args)]
#[command(after_long_help = format!("{EXIT_STATUS}\n\n{SNAPSHOT_EXAMPLES}"))]
pub struct Snapshot {
    /// The directory to save, or one on a server: `sftp://[user@]host[:port]/path`
    ///
    /// `/~/` at the beginning of the path is the home directory there. The path is percent-encoded: `%20` is a space. A
    /// directory here whose name begins with `sftp://` is written with `./` before it.
    #[arg(value_parser = place())]
    pub source: PathBuf,
    /// The repository that holds the snapshots
    #[arg(value_parser = directory())]
    pub repo: PathBuf,
    /// Makes REPO a repository if it is none yet
    ///
    /// Without it a directory that is no repository is an error, so that an unmounted disk does not become a full
    /// backup onto the wrong one. On a repository it changes nothing.
    #[arg(long)]
    pub init: bool,
    /// Writes nothing; lists what would be done and why
    ///
    /// Each entry is listed as linked, copied, cloned or created, with the reason, sorted by path.
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Sets how change is detected
    #[arg(long, value_enum, default_value_t, value_name = "POLICY")]
    pub policy: Policy,
    /// Sets what becomes of a file whose attributes alone changed (mode, owner, extended attributes)
    #[arg(long, value_enum, default_value_t, value_name = "HOW", hide_short_help = true)]
    pub metadata: Metadata,
    /// Believes after a sample that contents are unchanged where all times moved alike
    ///
    /// Where all modification times moved by the same number of quarter hours (daylight saving on FAT, a phone that
    /// changed its time zone), links are kept once each file's content is proven by its hash. With this option one file
    /// in sixteen is read.
    #[arg(long, hide_short_help = true)]
    pub trust_shift: bool,
    /// Links to files in DIR as well; repeatable
    ///
    /// REPO's own snapshots come first, then each DIR in the order given. DIR must be on REPO's file system; rsync may
    /// have made it. A relative DIR starts at the working directory.
    #[arg(long, value_name = "DIR", value_parser = directory())]
    pub link_dest: Vec<PathBuf>,
    /// Stays on SOURCE's file system
    ///
    /// Mount points become empty directories.
    #[arg(short = 'x', long)]
    pub one_file_system: bool,
    /// Sets the number of threads [default: the cores; 48 with a server]
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// Waits for another run to end, e.g. 30s, 10m, 1h
    ///
    /// Unset, a repository that is locked is an error at once.
    #[arg(long, value_name = "DURATION", value_parser = wait)]
    pub lock_wait: Option<Duration>,
    /// Publishes without flushing to disk first
    ///
    /// Faster, but a crash of the machine may leave the snapshot with missing content. The next run after a crash
    /// compares every byte.
    #[arg(long, hide_short_help = true)]
    pub no_sync: bool,
    #[command(flatten, next_help_heading = "Source on a server")]
    pub remote: Remote,
    #[command(flatten, next_help_heading = "Guards")]
    pub guards: Guards,
    #[command(flatten, next_help_heading = rules::HEADING)]
    pub rules: Rules,
}

/// How change is detected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Policy {
    /// By size and times; bytes are compared where these prove nothing
    #[default]
    Quick,
    /// As quick, but no attribute that changed explains a moved change time: bytes are compared
    Strict,
    /// By the bytes of every file
    Checksum,
}

/// What becomes of a file whose attributes alone changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Metadata {
    /// A new inode with the new attributes; its content is shared where the file system can
    #[default]
    Inode,
    /// The link is kept; the manifest has the new attributes, and restoring sets them
    Record,
}

/// Lists the snapshots in REPO, the oldest first
///
/// With their status, age and size, the bytes that were new in each, and the number of its problems.
#[derive(Debug, Args)]
#[command(after_long_help = format!("{EXIT_STATUS}\n\n{LIST_EXAMPLES}"))]
pub struct List {
    /// The repository that holds the snapshots, or `sftp://[USER@]HOST[:PORT]/PATH`
    #[arg(value_parser = place())]
    pub repo: PathBuf,
    #[command(flatten)]
    pub server: Server,
}

const NOT_THERE: &str = "only SOURCE of `snapshot`, TARGET of `replicate`, and REPO of `list`, `verify` and `restore` can \
                         be on a server; of a directory with such a name, write ./sftp:...";

/// Takes the path of a directory; a trailing slash changes nothing, not even messages.
fn directory() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().try_map(|text| {
        if text.is_empty() {
            Err("a path cannot be empty")
        } else if is_address(&text) {
            Err(NOT_THERE)
        } else {
            Ok(without_trailing_slash(&text))
        }
    })
}

fn is_address(text: &OsStr) -> bool {
    text.as_encoded_bytes().get(..7).is_some_and(|start| start.eq_ignore_ascii_case(b"sftp://"))
}

/// Takes a directory, or an address, which is left as it is.
fn place() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().try_map(|text| {
        if text.is_empty() {
            return Err("a path cannot be empty");
        }
        Ok(if is_address(&text) { text.into() } else { without_trailing_slash(&text) })
    })
}

fn without_trailing_slash(text: &OsStr) -> PathBuf {
    Path::new(text).components().collect()
}

fn wait(text: &str) -> Result<Duration, String> {
    let wait: jiff::SignedDuration =
        text.parse().map_err(|_| "not a duration like 30s, 10m or 1h".to_owned())?;
    Duration::try_from(wait).map_err(|_| "a wait cannot be negative".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn waits_are_read_as_people_write_them() {
        for (text, seconds) in [
            ("30s", Some(30)),
            ("10m", Some(600)),
            ("1h", Some(3600)),
            ("1h30m", Some(5400)),
            ("0s", Some(0)),
        ]
        .into_iter()
        .chain(["", "10", "m", "-5s", "5s ago", "soon"].map(|text| (text, None)))
        {
            assert_eq!(wait(text).ok().map(|wait| wait.as_secs()), seconds, "{text:?}");
        }
    }

    #[test]
    fn a_trailing_slash_changes_nothing() {
        for (text, path) in
            [("a/", "a"), ("/a//", "/a"), ("/", "/"), ("./a", "./a"), ("../a/", "../a"), (".", ".")]
        {
            assert_eq!(without_trailing_slash(OsStr::new(text)).as_os_str(), path, "{text:?}");
        }
    }
}
