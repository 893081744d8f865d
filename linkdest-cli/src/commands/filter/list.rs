//! `linkdest filter list`

use std::io::{self, IsTerminal as _};

use linkdest_core::Selected;

use super::Problems;
use crate::args::{FilterList, Output};
use crate::console::{Console, Label};
use crate::failure::Failure;
use crate::report::{filter, json};
use crate::{exit, signals};

pub fn run(asked: &FilterList, output: &Output) -> Result<u8, Failure> {
    let filtering = asked.rules.filtering()?;
    let problems = Problems::default();
    let stop = signals::watch()?;
    let selected = filtering.select(&asked.source, &problems, &stop);
    let problems = problems.into_sorted();
    let escaped = !asked.print0 && !output.json && io::stdout().is_terminal();
    let console = Console::new(!escaped, false);
    for problem in &problems {
        if output.json {
            console.json(&json::Problem::from(problem));
        }
        console.message(Label::Problem, problem);
    }
    for one in &selected? {
        if stop.is_stopped() {
            return Err(Failure::interrupted());
        }
        if output.json {
            console.json(&filter::Selected::from(one));
        } else if escaped {
            console.line(format_args!("{}{}", one.path, slash(one)));
        } else {
            console.bytes(one.path.as_bytes());
            console.bytes(slash(one).as_bytes());
            console.bytes(if asked.print0 { b"\0" } else { b"\n" });
        }
    }
    console.close()?;
    Ok(if problems.is_empty() { exit::OK } else { exit::PROBLEMS })
}

fn slash(one: &Selected) -> &'static str {
    if one.directory { "/" } else { "" }
}
