//! `linkdest forget`

use linkdest_core::{Deleted, ForgetPlan, Repository};

use super::removing::{agreed, freed_by, removal, tell_freed, tell_problems};
use crate::args::{Forget, Output};
use crate::console::{Console, Label};
use crate::failure::Failure;
use crate::report::removal as report;
use crate::{exit, signals};

pub fn run(asked: &Forget, output: &Output) -> Result<u8, Failure> {
    let rules = asked.keep.rules();
    if rules.is_empty() && asked.free_space.is_none() {
        return Err(Failure::usage("no rule keeps anything: give a --keep option that is not 0".into()));
    }
    let repository = Repository::open(&asked.repo)?;
    let plan = match asked.free_space {
        Some(target) => repository.plan_free_space(target, Some(&rules).filter(|rules| !rules.is_empty()))?,
        None => repository.plan_forget(&rules)?,
    };
    let removed = plan.removed();
    let freed = freed_by(&repository, &removed, &asked.removing, output)?;
    let console = Console::new(output.json, false);
    show(&plan, freed, asked, output, &console);
    let (deleted, code) = if removed.is_empty() || asked.removing.dry_run {
        (Deleted::default(), exit::OK)
    } else if agreed(&asked.removing, removed.len(), &console)? {
        let deleted = repository.forget_with(&plan, &removal(&asked.removing, signals::watch()?))?;
        let code = tell_problems(deleted.problems(), &console, output);
        (deleted, code)
    } else {
        console.message(Label::Note, "nothing was removed");
        (Deleted::default(), exit::OK)
    };
    if output.json {
        console.json(&report::Forgotten::new(
            &plan,
            deleted.snapshots(),
            freed.unwrap_or_default(),
            asked.removing.dry_run,
        ));
    } else if !output.quiet && !deleted.snapshots().is_empty() {
        console.line(format_args!("{} removed", report::counted(deleted.snapshots().len())));
    }
    console.close()?;
    Ok(code)
}

/// Shows what becomes of each snapshot, to people.
fn show(plan: &ForgetPlan, freed: Option<u64>, asked: &Forget, output: &Output, console: &Console) {
    for name in plan.groups().iter().filter_map(|group| group.lost_complete()) {
        if !output.quiet {
            let newer = "all newer ones have problems";
            console
                .message(Label::Note, format_args!("{name}, the last one without problems, goes: {newer}"));
        }
    }
    let quiet = output.quiet && asked.removing.yes && !asked.removing.dry_run;
    if output.json || quiet {
        return;
    }
    for group in plan.groups() {
        console.line(report::source(group));
        group.decisions().iter().for_each(|one| console.line(report::decision(one)));
    }
    match plan.removed().len() {
        0 => console.line("nothing to remove"),
        count => tell_freed(count, freed, console),
    }
}
