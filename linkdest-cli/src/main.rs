//! The command line of linkdest: what was typed goes to the library, what comes back goes to the terminal.

#![forbid(unsafe_code)]

mod args;
mod commands;
mod complete;
mod console;
mod exit;
mod failure;
mod help;
mod man;
mod order;
mod progress;
mod report;
mod rules;
mod signals;
mod usage;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::FromArgMatches as _;

use args::Cli;

fn main() -> ExitCode {
    complete::answer(help::command);
    let command = help::command();
    let typed: Vec<OsString> = order::command_first(std::env::args_os().collect(), &command);
    let parsed = command.try_get_matches_from(&typed).and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return usage::answer(&error, &typed),
    };
    cli.output.color.write_global();
    match commands::run(&cli) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => failure.tell(cli.output.json),
    }
}
