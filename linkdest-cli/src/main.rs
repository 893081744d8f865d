//! The command line of linkdest: what was typed goes to the library, what comes back goes to the terminal.

#![forbid(unsafe_code)]

mod args;
mod commands;
mod console;
mod exit;
mod failure;
mod order;
mod progress;
mod report;
mod rules;
mod signals;
mod usage;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use args::Cli;

fn main() -> ExitCode {
    let typed: Vec<OsString> = order::command_first(std::env::args_os().collect(), &Cli::command());
    let cli = match Cli::try_parse_from(&typed) {
        Ok(cli) => cli,
        Err(error) => return usage::answer(&error, &typed),
    };
    cli.output.color.write_global();
    match commands::run(&cli) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => failure.tell(cli.output.json),
    }
}
