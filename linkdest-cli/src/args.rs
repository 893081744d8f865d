//! What can be typed, and its help.

mod history;
mod removal;
mod restore;

use std::ffi::OsStr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use linkdest_core::Sample;

use crate::rules::{self, Rules};
pub use history::{Diff, Find, Ls, Usage};
pub use removal::{Delete, Forget, Pin, Removing, Unpin};
pub use restore::{Overwrite, Restore};

const EXIT_STATUS: &str = "\
Exit status:
  0    Done
  1    Fatal error, nothing was published
  2    The command line, a value in it, or a rule cannot be used
  3    A snapshot was published, or restored, but some entries could not be as asked
  4    `verify` found differences
  10   REPO is not a repository
  11   The repository is locked by another run
  130  Interrupted (Ctrl-C); 143 if by SIGTERM";

const EXAMPLES: &str = "\
Examples:
  linkdest init /mnt/backup/laptop
  linkdest snapshot /home/me /mnt/backup/laptop
  linkdest list /mnt/backup/laptop";

const SNAPSHOT_EXAMPLES: &str = "\
Examples:
  linkdest snapshot /home/me /mnt/backup/laptop
  linkdest snapshot --init /home/me /mnt/backup/laptop
  linkdest snapshot --dry-run /home/me /mnt/backup/laptop
  linkdest snapshot /home/me /mnt/backup/laptop --link-dest /mnt/backup/2024
  linkdest snapshot --rules laptop.rules / /mnt/backup/laptop
  linkdest snapshot --exclude .cache/ --exclude '*.o' /home/me /mnt/backup/laptop
  linkdest snapshot --json /home/me /mnt/backup/laptop | tail -n 1";

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
  linkdest verify /mnt/backup/laptop --resume";

const REINDEX_EXIT_STATUS: &str = "\
Exit status:
  0    Done
  1    Fatal error; the manifests that were made until then stay
  2    The command line, or a value in it, cannot be used
  3    Some entries or snapshots could not be read
  10   REPO is not a repository
  11   The repository is locked by another run
  130  Interrupted (Ctrl-C); 143 if by SIGTERM";

const FILTER_EXIT_STATUS: &str = "\
Exit status:
  0    Done
  1    SOURCE cannot be read
  2    The command line, a value in it, or a rule cannot be used
  3    A part of SOURCE could not be read or a rule file in it not be used; `check`: there are warnings
  130  Interrupted (Ctrl-C); 143 if by SIGTERM";

const FILTER_EXAMPLES: &str = "\
Examples:
  linkdest filter list --rules laptop.rules / --print0 | xargs -0 -n 1
  linkdest filter explain --rules laptop.rules / /home/me/.cache/thing
  linkdest filter check --rules laptop.rules
  linkdest filter list --include '*.c' --exclude '*' src";

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
    /// `snapshot`, `restore`, `verify`, `reindex` and `filter list` print JSON Lines, each with a `message_type`, the
    /// first four with a `summary` or an `error` at the end; `diff`, `find` and `ls` print a line for each result; the
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
    #[arg(long, global = true, help_heading = "Output")]
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
    Verify(Verify),
    Reindex(Reindex),
    Delete(Delete),
    Forget(Forget),
    Pin(Pin),
    Unpin(Unpin),
    Restore(Restore),
    Filter(Filter),
}

/// Makes an absent or empty directory a repository
///
/// The file system is tried out first: one without hard links is refused, and nothing is left behind.
#[derive(Debug, Args)]
#[command(after_long_help = EXIT_STATUS)]
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
    /// The directory to save
    #[arg(value_parser = directory())]
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
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub metadata: Metadata,
    /// Believes after a sample that contents are unchanged where all times moved alike
    ///
    /// Where all modification times moved by the same number of quarter hours (daylight saving on FAT, a phone that
    /// changed its time zone), links are kept once each file's content is proven by its hash. With this option one file
    /// in sixteen is read.
    #[arg(long)]
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
    /// Sets the number of threads [default: the cores]
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
    #[arg(long)]
    pub no_sync: bool,
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
#[derive(Debug, Args)]
#[command(after_long_help = EXIT_STATUS)]
pub struct List {
    /// The repository that holds the snapshots
    #[arg(value_parser = directory())]
    pub repo: PathBuf,
}

/// Checks snapshots against what was written down of them
///
/// First the manifests, then every entry of the trees, then all content, each file read once whatever the number of
/// snapshots that share it. What is found damaged is written down: the next run takes those files from the source.
#[derive(Debug, Args)]
#[command(after_long_help = format!("{VERIFY_EXIT_STATUS}\n\n{VERIFY_EXAMPLES}"))]
pub struct Verify {
    /// The repository that holds the snapshots
    #[arg(value_parser = directory())]
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
}

/// Makes manifests anew from the trees of snapshots
///
/// Of snapshots whose manifest is missing or damaged, or that rsync made. Each file is read once, whatever the number of
/// snapshots that share it.
#[derive(Debug, Args)]
#[command(after_long_help = REINDEX_EXIT_STATUS)]
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

/// Shows what rules select, and why
///
/// The rules are those of rsync's --filter; nothing is written.
#[derive(Debug, Args)]
#[command(after_long_help = format!("{FILTER_EXIT_STATUS}\n\n{FILTER_EXAMPLES}"))]
pub struct Filter {
    #[command(subcommand)]
    pub command: FilterCommand,
}

/// The commands about rules.
#[derive(Debug, Subcommand)]
pub enum FilterCommand {
    List(FilterList),
    Explain(FilterExplain),
    Check(FilterCheck),
}

/// Lists the entries of SOURCE that take part
///
/// Paths are relative to SOURCE, directories end in `/`, and all are sorted by their bytes. On a terminal names are
/// escaped; elsewhere they are printed as they are.
#[derive(Debug, Args)]
#[command(after_long_help = FILTER_EXIT_STATUS)]
pub struct FilterList {
    /// The directory that would be saved
    #[arg(value_parser = directory())]
    pub source: PathBuf,
    /// Ends each path with a NUL byte, not with a line end
    ///
    /// Names are then never escaped.
    #[arg(long, conflicts_with = "json")]
    pub print0: bool,
    #[command(flatten, next_help_heading = rules::HEADING)]
    pub rules: Rules,
}

/// Says for each PATH whether it takes part, and which rule or option decides
///
/// What is below a directory that is left out is never asked for: then that directory's rule is the reason. The
/// decisions about all parents follow, from the top down. Rule files in SOURCE are treated as `snapshot` does.
#[derive(Debug, Args)]
#[command(after_long_help = FILTER_EXIT_STATUS)]
pub struct FilterExplain {
    /// The directory that would be saved
    #[arg(value_parser = directory())]
    pub source: PathBuf,
    /// A path below SOURCE: relative to it, or absolute
    ///
    /// One that does not exist is taken as a file, or as a directory if it ends in `/`.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    #[command(flatten, next_help_heading = rules::HEADING)]
    pub rules: Rules,
}

/// Warns of rules that cannot do what they seem to say
///
/// Rules that can never match, that an earlier rule shadows, or that are below a directory that is left out; each with
/// a suggestion.
#[derive(Debug, Args)]
#[command(after_long_help = FILTER_EXIT_STATUS)]
pub struct FilterCheck {
    /// The directory that would be saved; its own rule files are read as well
    #[arg(value_parser = directory())]
    pub source: Option<PathBuf>,
    #[command(flatten, next_help_heading = rules::HEADING)]
    pub rules: Rules,
}

/// Takes the path of a directory; a trailing slash changes nothing, not even messages.
fn directory() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().try_map(|text| {
        if text.is_empty() { Err("a path cannot be empty") } else { Ok(without_trailing_slash(&text)) }
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
