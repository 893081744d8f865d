//! `linkdest replicate`

use linkdest_core::{ReplicateReport, Replicator, Repository, Silent};

use super::removing::confirmed;
use crate::args::{Output, Replicate};
use crate::console::{Console, Label};
use crate::failure::Failure;
use crate::report::{Watch, removal::counted, replicate as report};
use crate::{exit, signals};

pub fn run(asked: &Replicate, output: &Output) -> Result<u8, Failure> {
    let replicator = replicator(asked)?;
    let with_bar = !(output.json || output.quiet || output.verbose || output.no_progress);
    let console = Console::new(output.json, with_bar);
    if !asked.keep.rules().is_empty() && !asked.dry_run && !agreed(asked, output, &console)? {
        console.message(Label::Note, "nothing was done");
        console.close()?;
        return Ok(exit::OK);
    }
    let watch = Watch::new(&console, output, asked.dry_run);
    let result = replicator.dry_run(asked.dry_run).stop(signals::watch()?).run(&watch);
    console.bar.clear();
    let done = match result {
        Ok(done) => done,
        Err(error) => {
            // The run's own error is the one to tell, whatever standard output says.
            let _ = console.close();
            return Err(error.into());
        }
    };
    tell(&done, &console, output);
    console.close()?;
    Ok(exit::of_status(done.status()))
}

fn replicator(asked: &Replicate) -> Result<Replicator, Failure> {
    let mut replicator = Replicator::new(&asked.repo, &asked.target)
        .init(asked.init)
        .keep(asked.keep.rules())
        .lock_wait(asked.lock_wait.unwrap_or_default());
    if asked.server.leads_to(&asked.target)? {
        replicator = replicator.ssh(asked.server.ssh()?);
    }
    if let Some(bytes) = asked.bandwidth {
        replicator = replicator.bandwidth(bytes);
    }
    if !asked.snapshots.is_empty() {
        let repository = Repository::open(&asked.repo)?;
        for text in &asked.snapshots {
            replicator = replicator.snapshot(repository.resolve(text)?.name().clone());
        }
    }
    Ok(replicator)
}

/// Whether what the keep rules would remove at the target may go.
fn agreed(asked: &Replicate, output: &Output, console: &Console) -> Result<bool, Failure> {
    if asked.yes {
        return Ok(true);
    }
    let plan = replicator(asked)?.dry_run(true).run(&Silent)?;
    if plan.removed().is_empty() {
        return Ok(true);
    }
    if !output.json {
        report::removed(&plan).iter().for_each(|line| console.line(line));
    }
    let question = format!("Remove {} at the target?", counted(plan.removed().len()));
    confirmed(asked.yes, &question, console)
}

fn tell(done: &ReplicateReport, console: &Console, output: &Output) {
    if output.json {
        done.replicas().iter().for_each(|one| console.json(&report::Line::from(one)));
        console.json(&report::Summary::from(done));
    } else if !output.quiet || done.is_dry_run() {
        report::lines(done).iter().for_each(|line| console.line(line));
        console.line(report::Text(done));
    }
}
