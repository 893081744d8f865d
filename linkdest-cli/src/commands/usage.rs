//! `linkdest usage`

use bytesize::ByteSize;
use linkdest_core::{Repository, SnapshotName};

use crate::args::{Output, Usage};
use crate::console::{Console, Label};
use crate::failure::Failure;
use crate::report::history;
use crate::{exit, signals};

pub fn run(asked: &Usage, output: &Output) -> Result<u8, Failure> {
    let repository = Repository::open(&asked.repo)?;
    let names = asked.snapshots.iter().map(|text| Ok(repository.resolve(text)?.name().clone()));
    let names: Vec<SnapshotName> = names.collect::<Result<_, Failure>>()?;
    let usage = repository.usage_with(&names, &signals::watch()?)?;
    let console = Console::new(output.json, false);
    if output.json {
        console.json(&history::Usage::from(&usage));
    } else if usage.snapshots().is_empty() {
        if !output.quiet {
            console.message(Label::Note, "there are no snapshots yet");
        }
    } else {
        history::usage(usage.snapshots()).iter().for_each(|line| console.line(line));
        let freed = ByteSize(usage.freed_bytes()).display().iec().to_string();
        if usage.snapshots().len() > 1 && !names.is_empty() {
            console.line(format_args!("{:<21}  {freed:>34}", "all of them together"));
        }
    }
    console.close()?;
    Ok(exit::OK)
}
