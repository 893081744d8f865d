//! One file for each command.

mod accept;
mod adopt;
mod delete;
mod diff;
mod expunge;
mod filter;
mod find;
mod forget;
mod init;
mod list;
mod ls;
mod pin;
mod profile;
mod reindex;
mod removing;
mod replicate;
mod report;
mod restore;
mod run;
mod runs;
mod schedule;
mod shipped;
mod snapshot;
mod usage;
mod verify;

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
        Command::Run(asked) => run::run(asked, &cli.output),
        Command::Profile(asked) => profile::run(asked, &cli.output),
        Command::Schedule(asked) => schedule::run(asked, &cli.output),
        Command::Usage(asked) => usage::run(asked, &cli.output),
        Command::Reindex(asked) => reindex::run(asked, &cli.output),
        Command::Adopt(asked) => adopt::run(asked, &cli.output),
        Command::Runs(asked) => runs::run(asked, &cli.output),
        Command::Report(asked) => report::run(asked, &cli.output),
        Command::Replicate(asked) => replicate::run(asked, &cli.output),
        Command::Verify(asked) => verify::run(asked, &cli.output),
        Command::Delete(asked) => delete::run(asked, &cli.output),
        Command::Forget(asked) => forget::run(asked, &cli.output),
        Command::Expunge(asked) => expunge::run(asked, &cli.output),
        Command::Pin(asked) => pin::run(asked, true, &cli.output),
        Command::Accept(asked) => accept::run(asked, &cli.output),
        Command::Unpin(asked) => pin::run(&asked.asked, false, &cli.output),
        Command::Completions(asked) => shipped::completions(asked),
        Command::Schema(_) => shipped::schema(),
        Command::ManPages(asked) => shipped::man_pages(asked, &cli.output),
    }
}
