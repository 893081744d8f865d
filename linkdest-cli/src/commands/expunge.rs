//! `linkdest expunge`

use std::os::unix::ffi::OsStrExt as _;

use linkdest_core::{Expunging, RelPath, Repository};

use super::removing::{confirmed, removal, tell_problems};
use crate::args::{Expunge, Output};
use crate::console::{Console, Label};
use crate::failure::Failure;
use crate::report::expunge as report;
use crate::{exit, signals};

pub fn run(asked: &Expunge, output: &Output) -> Result<u8, Failure> {
    let repository = Repository::open(&asked.repo)?;
    let path = RelPath::from_typed(asked.path.as_bytes());
    let path = path.ok_or_else(|| Failure::usage("the path leads out of the snapshots".into()))?;
    let mut how =
        Expunging::default().links(asked.links).removal(removal(&asked.removing, signals::watch()?));
    for text in &asked.snapshot {
        how = how.snapshot(repository.resolve(text)?.name().clone());
    }
    let console = Console::new(output.json, false);
    let code = expunge(&repository, &path, &how, asked, (&console, output))?;
    console.close()?;
    Ok(code)
}

fn expunge(
    repository: &Repository,
    path: &RelPath,
    how: &Expunging,
    asked: &Expunge,
    (console, output): (&Console, &Output),
) -> Result<u8, Failure> {
    let removing = &asked.removing;
    let plan = repository.plan_expunge(path, how)?;
    if !output.json && (!output.quiet || removing.dry_run || !removing.yes) {
        report::plan(&plan).into_iter().for_each(|line| console.line(line));
    }
    if plan.entries().is_empty() && !output.quiet {
        console.message(Label::Note, "all of it was expunged before");
    }
    let done = if removing.dry_run || plan.entries().is_empty() {
        plan
    } else if confirmed(removing.yes, &format!("Remove {} for good?", report::counted(&plan)), console)? {
        repository.expunge_with(path, how)?
    } else {
        console.message(Label::Note, "nothing was removed");
        return Ok(exit::OK);
    };
    let code = tell_problems(done.problems(), console, output);
    if output.json {
        console.json(&report::Expunged::from(&done));
    } else if !output.quiet {
        let would = if removing.dry_run { "would be " } else { "" };
        console.line(format_args!("{} {would}expunged", report::counted(&done)));
    }
    Ok(code)
}
