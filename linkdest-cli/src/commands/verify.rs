//! `linkdest verify`

use linkdest_core::{RemoteRepository, Repository, StopFlag, Verifier, VerifyReport};

use crate::args::{Output, Verify};
use crate::console::Console;
use crate::failure::Failure;
use crate::report::{Watch, check};
use crate::{exit, signals};

pub fn run(asked: &Verify, output: &Output) -> Result<u8, Failure> {
    let stop = signals::watch()?;
    let console = Console::new(output.json, !(output.json || output.quiet || output.no_progress));
    let watch = Watch::new(&console, output, false);
    let result = if asked.server.leads_to(&asked.repo)? {
        there(asked, stop, &watch)?
    } else {
        here(asked, stop, &watch)?
    };
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

/// Checks a repository of this machine.
fn here(asked: &Verify, stop: StopFlag, watch: &Watch<'_>) -> Checked {
    if asked.content {
        let message = "--content is for a repository on a server; of one here all content is read";
        return Err(Failure::usage(message.to_owned()));
    }
    let repository = Repository::open(&asked.repo)?;
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
    Ok(verifier.run(watch))
}

/// Checks a repository on a server.
fn there(asked: &Verify, stop: StopFlag, watch: &Watch<'_>) -> Checked {
    let local = [
        (asked.sample.is_some(), "--sample"),
        (asked.resume, "--resume"),
        (asked.threads.is_some(), "--threads"),
        (asked.lock_wait.is_some(), "--lock-wait"),
    ];
    if let Some((_, option)) = local.iter().find(|(given, _)| *given) {
        return Err(Failure::usage(format!("{option} is for a repository of this machine alone")));
    }
    let repository = RemoteRepository::open(&asked.repo, &asked.server.ssh()?, &stop)?;
    let mut verifier = repository.verify().content(asked.content).stop(stop);
    for name in &asked.snapshots {
        verifier = verifier.snapshot(repository.resolve(name)?.name().clone());
    }
    Ok(verifier.run(watch))
}

/// A check that could be begun, and what came of it.
type Checked = Result<linkdest_core::Result<VerifyReport>, Failure>;

fn code(report: &VerifyReport) -> u8 {
    match (report.finding_count(), report.problem_count()) {
        (0, 0) => exit::OK,
        (0, _) => exit::PROBLEMS,
        _ => exit::DIFFERENCES,
    }
}
