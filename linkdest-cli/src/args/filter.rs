//! The arguments of the commands about rules.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::directory;
use crate::rules::{self, Rules};

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

const LIST_EXAMPLES: &str = "\
Examples:
  linkdest filter list --rules laptop.rules /home/me
  linkdest filter list -F --print0 /home/me | xargs -0 -n 1";

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  linkdest filter explain --rules laptop.rules / /home/me/.cache/thing";

const CHECK_EXAMPLES: &str = "\
Examples:
  linkdest filter check --rules laptop.rules
  linkdest filter check -F /home/me";

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
#[command(after_long_help = format!("{FILTER_EXIT_STATUS}\n\n{LIST_EXAMPLES}"))]
pub struct FilterList {
    /// The directory that would be saved
    #[arg(value_parser = directory())]
    pub source: PathBuf,
    /// Ends each path with a NUL byte, not with a line end
    ///
    /// Names are then never escaped.
    #[arg(long, visible_alias = "null", conflicts_with = "json")]
    pub print0: bool,
    #[command(flatten, next_help_heading = rules::HEADING)]
    pub rules: Rules,
}

/// Says for each PATH whether it takes part, and which rule or option decides
///
/// What is below a directory that is left out is never asked for: then that directory's rule is the reason. The
/// decisions about all parents follow, from the top down. Rule files in SOURCE are treated as `snapshot` does.
#[derive(Debug, Args)]
#[command(after_long_help = format!("{FILTER_EXIT_STATUS}\n\n{EXPLAIN_EXAMPLES}"))]
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
#[command(after_long_help = format!("{FILTER_EXIT_STATUS}\n\n{CHECK_EXAMPLES}"))]
pub struct FilterCheck {
    /// The directory that would be saved; its own rule files are read as well
    #[arg(value_parser = directory())]
    pub source: Option<PathBuf>,
    #[command(flatten, next_help_heading = rules::HEADING)]
    pub rules: Rules,
}
