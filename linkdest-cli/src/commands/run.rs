//! `linkdest run`

use linkdest_core::{Profile, ProfileReport, ProfileRun};

use crate::args::{Output, Run};
use crate::console::{Console, Label};
use crate::failure::Failure;
use crate::report::{Watch, profile};
use crate::{exit, signals};

pub fn run(asked: &Run, output: &Output) -> Result<u8, Failure> {
    let profile = Profile::load(&asked.profile)?;
    let mut run = ProfileRun::new(&profile).dry_run(asked.dry_run).stop(signals::watch()?);
    if let Some(patience) = asked.lock_wait {
        run = run.lock_wait(patience);
    }
    let with_bar = !(output.json || output.quiet || output.verbose || output.no_progress);
    let console = Console::new(output.json, with_bar);
    let watch = Watch::new(&console, output, asked.dry_run);
    let result = run.run(&watch);
    console.bar.clear();
    let report = match result {
        Ok(report) => report,
        Err(error) => {
            // The run's own error is the one to tell, whatever standard output says.
            let _ = console.close();
            return Err(error.into());
        }
    };
    watch.tell_plan();
    for reason in report.snapshot().suspect() {
        console.message(Label::Problem, format_args!("the snapshot is suspect: {reason}"));
    }
    if output.json {
        console.json(&profile::Summary::new(&profile, &report));
    }
    let unheard = if asked.dry_run { exit::FATAL } else { exit::PROBLEMS };
    console.close().map_err(|failure| failure.with_code(unheard))?;
    Ok(code(&report))
}

/// The signal that stopped it has a code of its own.
fn code(report: &ProfileReport) -> u8 {
    match report.exit_code() {
        exit::INTERRUPTED => signals::exit_code(),
        code => code,
    }
}
