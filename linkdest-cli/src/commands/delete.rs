//! `linkdest delete`

use linkdest_core::{Repository, SnapshotName};

use super::removing::{agreed, freed_by, removal, tell_freed, tell_problems};
use crate::args::{Delete, Output};
use crate::console::{Console, Label};
use crate::failure::Failure;
use crate::report::removal as report;
use crate::{exit, signals};

pub fn run(asked: &Delete, output: &Output) -> Result<u8, Failure> {
    let repository = Repository::open(&asked.repo)?;
    let mut names: Vec<SnapshotName> = Vec::new();
    for text in &asked.snapshots {
        let name = repository.resolve(text)?.name().clone();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    repository.check_delete(&names)?;
    let console = Console::new(output.json, false);
    let shown = !output.json && (!output.quiet || asked.removing.dry_run || !asked.removing.yes);
    let freed = freed_by(&repository, &names, &asked.removing, output)?;
    if shown {
        names.iter().for_each(|name| console.line(format_args!("remove  {name}")));
        tell_freed(names.len(), freed, &console);
    }
    let code = if asked.removing.dry_run {
        if output.json {
            console.json(&report::Deletion::new(&names, freed.unwrap_or_default(), true));
        }
        exit::OK
    } else if agreed(&asked.removing, names.len(), &console)? {
        let deleted = repository.delete_with(&names, &removal(&asked.removing, signals::watch()?))?;
        let code = tell_problems(deleted.problems(), &console, output);
        if output.json {
            console.json(&report::Deletion::new(deleted.snapshots(), freed.unwrap_or_default(), false));
        } else if !output.quiet {
            console.line(format_args!("{} removed", report::counted(deleted.snapshots().len())));
        }
        code
    } else {
        console.message(Label::Note, "nothing was removed");
        exit::OK
    };
    console.close()?;
    Ok(code)
}
