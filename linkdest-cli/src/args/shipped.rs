//! The commands that print what belongs to the program: completions, the schema, man pages.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{EXIT_STATUS, directory};

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  linkdest completions bash > ~/.local/share/bash-completion/completions/linkdest
  linkdest completions zsh > ~/.zfunc/_linkdest
  linkdest completions fish > ~/.config/fish/completions/linkdest.fish
  linkdest completions powershell >> $PROFILE";

const SCHEMA_EXAMPLES: &str = "\
Examples:
  linkdest schema > linkdest.schema.json";

const MAN_EXAMPLES: &str = "\
Examples:
  linkdest man /usr/local/share/man/man1";

/// Prints what makes a shell complete commands, options and snapshots
///
/// The script asks the program itself, so that the names of the snapshots in the repository that was typed are completed
/// as well. Print it again after an update.
#[derive(Debug, Args)]
#[command(after_long_help = format!("{EXIT_STATUS}\n\n{COMPLETIONS_EXAMPLES}"))]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// The shells that can be helped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// GNU Bash
    Bash,
    /// Zsh
    Zsh,
    /// fish
    Fish,
    /// PowerShell
    Powershell,
}

/// Prints the JSON Schema of what --json prints
///
/// `$defs` has an entry for each command, which describes its one document or each of its lines.
#[derive(Debug, Args)]
#[command(after_long_help = format!("{EXIT_STATUS}\n\n{SCHEMA_EXAMPLES}"))]
pub struct Schema {}

/// Writes man pages into a directory, one for each command
#[derive(Debug, Args)]
#[command(hide = true, after_long_help = format!("{EXIT_STATUS}\n\n{MAN_EXAMPLES}"))]
pub struct ManPages {
    /// The directory, which is there
    #[arg(value_parser = directory())]
    pub directory: PathBuf,
}
