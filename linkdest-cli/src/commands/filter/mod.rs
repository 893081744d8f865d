//! `linkdest filter`: what rules select, and why. Nothing is written.

mod check;
mod explain;
mod list;

use std::sync::{Mutex, PoisonError};

use linkdest_core::{Event, Monitor, Problem};

use crate::args::{Filter, FilterCommand, Output};
use crate::failure::Failure;

pub fn run(asked: &Filter, output: &Output) -> Result<u8, Failure> {
    match &asked.command {
        FilterCommand::List(asked) => list::run(asked, output),
        FilterCommand::Explain(asked) => explain::run(asked, output),
        FilterCommand::Check(asked) => check::run(asked, output),
    }
}

/// Keeps the problems of a walk.
#[derive(Default)]
struct Problems(Mutex<Vec<Problem>>);

impl Problems {
    /// The problems by path, each once: threads find them in any order, and several questions may meet the same.
    fn into_sorted(self) -> Vec<Problem> {
        let mut problems = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        problems.sort_by(|a, b| (a.path(), a.message()).cmp(&(b.path(), b.message())));
        problems.dedup();
        problems
    }
}

impl Monitor for Problems {
    fn event(&self, event: &Event) {
        if let Event::Problem(problem) = event {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(problem.clone());
        }
    }
}
