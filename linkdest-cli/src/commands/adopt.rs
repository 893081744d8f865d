//! `linkdest adopt`

use linkdest_core::{AdoptReport, Adopter, Silent};

use super::removing::confirmed;
use crate::args::{Adopt, Output};
use crate::console::{Console, Label};
use crate::failure::Failure;
use crate::report::{Watch, adopt as report};
use crate::{exit, signals};

pub fn run(asked: &Adopt, output: &Output) -> Result<u8, Failure> {
    let console = Console::new(output.json, !(output.json || output.quiet || output.no_progress));
    let mut adopter = Adopter::new(&asked.repo).lock_wait(asked.lock_wait.unwrap_or_default());
    if let Some(threads) = asked.threads {
        adopter = adopter.threads(threads);
    }
    let mut adopter = adopter.dry_run(true);
    let plan = adopter.run(&Silent)?;
    if !output.json && (!output.quiet || asked.dry_run || !asked.yes) {
        report::plan(&plan).iter().for_each(|line| console.line(line));
    }
    if asked.dry_run {
        tell(&plan, &console, output);
        console.close()?;
        return Ok(exit::OK);
    }
    if !plan.adoptions().is_empty() && !confirmed(asked.yes, &report::question(&plan), &console)? {
        console.message(Label::Note, "nothing was adopted");
        console.close()?;
        return Ok(exit::OK);
    }
    adopter = adopter.dry_run(false).stop(signals::watch()?);
    let result = adopter.run(&Watch::new(&console, output, false));
    console.bar.clear();
    let adopted = match result {
        Ok(adopted) => adopted,
        Err(error) => {
            let _ = console.close();
            return Err(error.into());
        }
    };
    tell(&adopted, &console, output);
    console.close()?;
    Ok(if adopted.problem_count() == 0 { exit::OK } else { exit::PROBLEMS })
}

/// Tells what was adopted, or would be, and that there must be only one master in the house.
fn tell(told: &AdoptReport, console: &Console, output: &Output) {
    if output.json {
        told.adoptions().iter().for_each(|one| console.json(&report::Line::from(one)));
        told.passed_over().iter().for_each(|one| console.json(&report::Passed::from(one)));
        console.json(&report::Summary::from(told));
    } else if !output.quiet {
        console.line(report::summary(told));
    }
    if !output.quiet && !told.adoptions().is_empty() {
        console.message(Label::Note, report::warning(told));
    }
}
