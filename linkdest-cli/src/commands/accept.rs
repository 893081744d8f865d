//! `linkdest accept`

use linkdest_core::{Repository, RunRecord};

use crate::args::{Accept, Output};
use crate::console::{Console, Label};
use crate::failure::Failure;
use crate::report::guards as report;
use crate::{exit, signals};

pub fn run(asked: &Accept, output: &Output) -> Result<u8, Failure> {
    let repository = Repository::open(&asked.repo)?;
    let snapshot = repository.resolve(&asked.snapshot)?;
    let name = snapshot.name();
    let changed = if asked.dry_run {
        snapshot.is_suspect()
    } else {
        repository.accept_with(name, asked.lock_wait.unwrap_or_default(), &signals::watch()?)?
    };
    let reasons = snapshot.record().map(RunRecord::suspect).unwrap_or_default();
    let console = Console::new(output.json, false);
    if output.json {
        console.json(&report::Accepted::new(name, reasons, changed, asked.dry_run));
    } else if !output.quiet {
        for reason in reasons {
            console.message(Label::Note, format_args!("{name} was suspect: {reason}"));
        }
        let how = match (asked.dry_run, changed) {
            (true, true) => "would be accepted",
            (false, true) => "is accepted now",
            (_, false) => "is not suspect",
        };
        console.line(format_args!("{name}: {how}"));
    }
    console.close()?;
    Ok(exit::OK)
}
