//! Whole runs of linkdest and of its peers, in turn, on fresh file systems, flush included.
//!
//! `cargo run --release -p linkdest-benches --bin peers -- --help` has the options; docs/performance.md says what is
//! measured and how to read it.

#![allow(
    clippy::disallowed_methods,
    reason = "paths of the measurement's own, which nobody changes meanwhile"
)]
#![allow(clippy::print_stdout, reason = "a program that prints a table")]

mod arguments;
mod contender;
mod edits;
mod figures;
mod generate;
mod ground;
mod least_possible;
mod machine;
mod measure;
mod page;
mod peer;
mod rounds;
mod snapshots;
mod source;
mod table;
mod workloads;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser as _;

use arguments::{Arguments, Task};

/// What can go wrong here is only ever told.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match &arguments.task {
        None => rounds::measure_all(&arguments),
        Some(Task::LeastPossible(task)) => least_possible::run(task),
        Some(Task::Generate(task)) => generate::run(task),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peers: {error}");
            ExitCode::FAILURE
        }
    }
}
