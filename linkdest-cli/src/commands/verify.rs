//! `linkdest verify`

use linkdest_core::{Repository, Verifier, VerifyReport};

use crate::args::{Output, Verify};
use crate::console::Console;
use crate::failure::Failure;
use crate::report::{Watch, check};
use crate::{exit, signals};

pub fn run(asked: &Verify, output: &Output) -> Result<u8, Failure> {
    let repository = Repository::open(&asked.repo)?;
    let stop = signals::watch()?;
    let mut verifier = Verifier::new(&repository)
        .resume(asked.resume)
        .lock_wait(asked.lock_wait.unwrap_or_default())
        .stop(stop);
    for name in &asked.snapshots {
        verifier = verifier.snapshot(repository.resolve(name)?.name().clone());
    }
    if let Some(sample) = asked.sample {
        verifier = verifier.sample(sample);
    }
    if let Some(threads) = asked.threads {
        verifier = verifier.threads(threads);
    }
    let console = Console::new(output.json, !(output.json || output.quiet || output.no_progress));
    let result = verifier.run(&Watch::new(&console, output, false));
    console.bar.clear();
    let report = match result {
        Ok(report) => report,
        Err(error) => {
            let _ = console.close();
            return Err(error.into());
        }
    };
    if output.json {
        console.json(&check::VerifySummary::from(&report));
    } else if !output.quiet {
        console.line(check::verified(&report));
    }
    console.close()?;
    Ok(code(&report))
}

fn code(report: &VerifyReport) -> u8 {
    match (report.finding_count(), report.problem_count()) {
        (0, 0) => exit::OK,
        (0, _) => exit::PROBLEMS,
        _ => exit::DIFFERENCES,
    }
}
