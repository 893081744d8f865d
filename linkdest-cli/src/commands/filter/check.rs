//! `linkdest filter check`

use super::Problems;
use crate::args::{FilterCheck, Output};
use crate::console::{Console, Label};
use crate::failure::Failure;
use crate::report::filter;
use crate::{exit, signals};

pub fn run(asked: &FilterCheck, output: &Output) -> Result<u8, Failure> {
    if asked.rules.is_empty() {
        let message = "there are no rules to check, name some with --rules FILE; see --help";
        return Err(Failure::usage(message.to_owned()));
    }
    let warnings = asked.rules.filter()?.check();
    let problems = Problems::default();
    let walked = match &asked.source {
        Some(source) => {
            let filtering = asked.rules.filtering()?;
            filtering.select(source, &problems, &signals::watch()?).map(drop)
        }
        None => Ok(()),
    };
    let problems = problems.into_sorted();
    let console = Console::new(output.json, false);
    if output.json {
        console.json(&filter::Warnings::new(&warnings, &problems));
    } else {
        warnings.iter().for_each(|warning| console.line(warning));
    }
    problems.iter().for_each(|problem| console.message(Label::Problem, problem));
    // What was found is told, also if the walk came to an end.
    walked?;
    let clean = warnings.is_empty() && problems.is_empty();
    if clean && !output.json && !output.quiet {
        console.message(Label::Note, "nothing to warn of");
    }
    console.close()?;
    Ok(if clean { exit::OK } else { exit::PROBLEMS })
}
