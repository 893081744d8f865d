//! `linkdest runs`

use linkdest_core::Repository;

use crate::args::{Output, Runs};
use crate::console::{Console, Label};
use crate::exit;
use crate::failure::Failure;
use crate::report::runs as report;

pub fn run(asked: &Runs, output: &Output) -> Result<u8, Failure> {
    let runs = Repository::open(&asked.repo)?.runs()?;
    let console = Console::new(output.json, false);
    if output.json {
        console.json(&report::Runs::from(runs.as_slice()));
    } else if runs.is_empty() {
        if !output.quiet {
            console.message(Label::Note, "there are no runs yet");
        }
    } else {
        report::lines(&runs).iter().for_each(|line| console.line(line));
    }
    console.close()?;
    Ok(exit::OK)
}
