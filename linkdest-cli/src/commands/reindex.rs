//! `linkdest reindex`

use linkdest_core::{Reindexer, Repository};

use crate::args::{Output, Reindex};
use crate::console::Console;
use crate::failure::Failure;
use crate::report::{Watch, check};
use crate::{exit, signals};

pub fn run(asked: &Reindex, output: &Output) -> Result<u8, Failure> {
    let repository = Repository::open(&asked.repo)?;
    let stop = signals::watch()?;
    let mut reindexer = Reindexer::new(&repository)
        .all(asked.all)
        .trust(asked.trust)
        .dry_run(asked.dry_run)
        .lock_wait(asked.lock_wait.unwrap_or_default())
        .stop(stop);
    for name in &asked.snapshots {
        reindexer = reindexer.snapshot(repository.resolve(name)?.name().clone());
    }
    if let Some(threads) = asked.threads {
        reindexer = reindexer.threads(threads);
    }
    let console = Console::new(output.json, !(output.json || output.quiet || output.no_progress));
    let result = reindexer.run(&Watch::new(&console, output, false));
    console.bar.clear();
    let report = match result {
        Ok(report) => report,
        Err(error) => {
            let _ = console.close();
            return Err(error.into());
        }
    };
    if output.json {
        report.snapshots().iter().for_each(|one| console.json(&check::Reindexed::from(one)));
        console.json(&check::ReindexSummary::from(&report));
    } else if !output.quiet {
        check::reindexed(&report).iter().for_each(|line| console.line(line));
    }
    console.close()?;
    Ok(if report.problem_count() == 0 { exit::OK } else { exit::PROBLEMS })
}
