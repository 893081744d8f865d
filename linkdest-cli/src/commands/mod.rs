//! One file for each command.

mod diff;
mod filter;
mod find;
mod init;
mod list;
mod ls;
mod restore;
mod snapshot;
mod usage;

use crate::args::{Cli, Command};
use crate::failure::Failure;

/// Does what was typed, and hands back the exit code.
pub fn run(cli: &Cli) -> Result<u8, Failure> {
    match &cli.command {
        Command::Init(asked) => init::run(asked, &cli.output),
        Command::Snapshot(asked) => snapshot::run(asked, &cli.output),
        Command::Filter(asked) => filter::run(asked, &cli.output),
        Command::List(asked) => list::run(asked, &cli.output),
        Command::Ls(asked) => ls::run(asked, &cli.output),
        Command::Diff(asked) => diff::run(asked, &cli.output),
        Command::Find(asked) => find::run(asked, &cli.output),
        Command::Restore(asked) => restore::run(asked, &cli.output),
        Command::Usage(asked) => usage::run(asked, &cli.output),
    }
}
