//! Watches a run and tells what happens as it happens.

use std::io::IsTerminal as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use linkdest_core::{
    Action, Event, Fact, Finding, Monitor, Notice, Outcome, Problem, Progress, Reason, RelPath,
};

use super::{check, human, json, profile};
use crate::args::Output;
use crate::console::{Console, Label};
use crate::progress::Minutes;

/// The least time between two JSON status lines.
const STATUS_EVERY: Duration = Duration::from_secs(1);

/// Tells the events of one run.
pub struct Watch<'a> {
    console: &'a Console,
    output: &'a Output,
    dry_run: bool,
    planned: Mutex<Vec<(RelPath, Action, Reason)>>,
    last_status: Mutex<Option<Instant>>,
    begun: Instant,
    /// Where standard error is no terminal.
    minutes: Option<Mutex<Minutes>>,
}

impl<'a> Watch<'a> {
    pub fn new(console: &'a Console, output: &'a Output, dry_run: bool) -> Self {
        let hidden = output.json || output.quiet || output.no_progress;
        let wants_lines = !hidden && !std::io::stderr().is_terminal();
        Self {
            console,
            output,
            dry_run,
            planned: Mutex::default(),
            last_status: Mutex::default(),
            begun: Instant::now(),
            minutes: wants_lines.then(|| Mutex::new(Minutes::new())),
        }
    }

    /// Lists what a dry run would have done, by path: threads find entries in any order.
    pub fn tell_plan(&self) {
        let mut planned = std::mem::take(&mut *self.planned.lock().unwrap_or_else(PoisonError::into_inner));
        planned.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        for (path, action, reason) in &planned {
            if self.output.json {
                self.console.json(&json::Plan::new(path, *action, *reason));
            } else {
                self.console.line(human::entry(path, *action, *reason));
            }
        }
    }

    fn problem(&self, problem: &Problem) {
        if self.output.json {
            self.console.json(&json::Problem::from(problem));
        }
        self.console.message(Label::Problem, problem);
    }

    /// What a check finds is its result.
    fn finding(&self, finding: &Finding) {
        if self.output.json {
            self.console.json(&check::Finding::from(finding));
        } else {
            self.console.bar.aside(|| self.console.line(finding));
        }
    }

    /// What failed is told whatever is asked for.
    fn fact(&self, fact: &Fact) {
        if self.output.json {
            self.console.json(&profile::Fact::from(fact));
        }
        if fact.outcome == Outcome::Failed || !(self.output.json || self.output.quiet) {
            self.console.log(profile::line(fact));
        }
    }

    fn notice(&self, notice: &Notice) {
        if !self.output.quiet {
            self.console.message(Label::Note, notice);
        }
    }

    fn entry(&self, path: &RelPath, action: Action, reason: Reason) {
        if self.dry_run {
            let planned = (path.clone(), action, reason);
            self.planned.lock().unwrap_or_else(PoisonError::into_inner).push(planned);
        } else if self.wants_entries() {
            self.console.line(human::entry(path, action, reason));
        }
    }

    fn minute(&self, progress: &Progress) {
        let Some(minutes) = &self.minutes else { return };
        let line = minutes.lock().unwrap_or_else(PoisonError::into_inner).line(progress);
        line.iter().for_each(|line| self.console.log(line));
    }

    fn status(&self, progress: &Progress) {
        let mut last = self.last_status.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.is_none_or(|last| last.elapsed() >= STATUS_EVERY);
        if due && !self.output.quiet && !self.output.no_progress {
            let elapsed = self.begun.elapsed();
            self.console.json(&json::StatusLine::new(progress, elapsed));
            *last = Some(Instant::now());
        }
    }
}

impl Monitor for Watch<'_> {
    fn event(&self, event: &Event) {
        match event {
            Event::Problem(problem) => self.problem(problem),
            Event::Notice(notice) => self.notice(notice),
            Event::Finding(finding) => self.finding(finding),
            Event::Fact(fact) => self.fact(fact),
            Event::Entry { path, action, reason } => self.entry(path, *action, *reason),
            Event::Publishing => self.console.bar.show_publishing(),
            _ => {}
        }
    }

    fn progress(&self, progress: &Progress) {
        if self.output.json {
            self.status(progress);
        } else {
            self.console.bar.show(progress);
            self.minute(progress);
        }
        self.console.flush();
    }

    fn wants_entries(&self) -> bool {
        self.output.verbose && !self.output.json
    }
}
