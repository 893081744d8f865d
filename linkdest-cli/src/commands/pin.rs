//! `linkdest pin` and `linkdest unpin`

use linkdest_core::Repository;

use crate::args::{Output, Pin};
use crate::console::Console;
use crate::failure::Failure;
use crate::report::removal as report;
use crate::{exit, signals};

pub fn run(asked: &Pin, pinned: bool, output: &Output) -> Result<u8, Failure> {
    let repository = Repository::open(&asked.repo)?;
    let snapshot = repository.resolve(&asked.snapshot)?;
    let name = snapshot.name();
    let changed = if asked.dry_run {
        snapshot.is_pinned() != pinned
    } else {
        repository.pin_with(name, pinned, asked.lock_wait.unwrap_or_default(), &signals::watch()?)?
    };
    let console = Console::new(output.json, false);
    if output.json {
        console.json(&report::Pinned::new(name, pinned, changed, asked.dry_run));
    } else if !output.quiet {
        let state = if pinned { "pinned" } else { "not pinned" };
        let how = match (asked.dry_run, changed) {
            (true, true) => "would be",
            (false, true) => "is now",
            (_, false) => "is already",
        };
        console.line(format_args!("{name}: {how} {state}"));
    }
    console.close()?;
    Ok(exit::OK)
}
