//! `linkdest diff`

use linkdest_core::Repository;

use crate::args::{Diff, Output};
use crate::console::Console;
use crate::failure::Failure;
use crate::report::history;
use crate::{exit, signals};

pub fn run(asked: &Diff, output: &Output) -> Result<u8, Failure> {
    let repository = Repository::open(&asked.repo)?;
    let (before, after) = (repository.resolve(&asked.before)?, repository.resolve(&asked.after)?);
    let changes = repository.diff_with(before.name(), after.name(), &signals::watch()?)?;
    let console = Console::new(output.json, false);
    for change in changes {
        let change = change?;
        if output.json {
            console.json(&history::ChangeLine::from(&change));
        } else {
            console.line(history::change(&change));
        }
    }
    console.close()?;
    Ok(exit::OK)
}
