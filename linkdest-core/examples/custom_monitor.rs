//! A monitor of one's own: why was a file copied? It adds up the reasons, and stops after too many problems.
//! `custom_monitor SOURCE REPOSITORY`

use std::collections::BTreeMap;
use std::env::args_os;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use linkdest_core::{Action, Event, Monitor, Snapshotter, StopFlag};

/// Called from all worker threads.
struct Reasons {
    counts: Mutex<BTreeMap<String, u64>>,
    problems: Mutex<u64>,
    most: u64,
    stop: StopFlag,
}

impl Monitor for Reasons {
    fn event(&self, event: &Event) {
        match event {
            Event::Entry { action: Action::Copy, reason, .. } => {
                let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
                *counts.entry(reason.to_string()).or_default() += 1;
            }
            Event::Problem(problem) => {
                eprintln!("{problem}");
                let mut problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
                *problems += 1;
                if *problems > self.most {
                    self.stop.stop();
                }
            }
            _ => {}
        }
    }

    /// Each entry costs a path: asked for here, since that is what it is about.
    fn wants_entries(&self) -> bool {
        true
    }
}

fn main() -> ExitCode {
    let (Some(source), Some(repository)) = (args_os().nth(1), args_os().nth(2)) else {
        eprintln!("usage: custom_monitor SOURCE REPOSITORY");
        return ExitCode::from(2);
    };
    let stop = StopFlag::default();
    let reasons =
        Reasons { counts: Mutex::default(), problems: Mutex::default(), most: 100, stop: stop.clone() };
    let result = Snapshotter::new(source, repository).init(true).stop(stop).run(&reasons);
    for (reason, count) in reasons.counts.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        println!("{count:>8}  {reason}");
    }
    match result {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(error.kind().exit_code())
        }
    }
}
