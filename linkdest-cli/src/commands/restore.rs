//! `linkdest restore`

use linkdest_core::{Overwrite, RemoteRepository, Repository, RestoreReport, Restorer, StopFlag};

use crate::args::{self, Output, Restore};
use crate::console::Console;
use crate::failure::Failure;
use crate::report::{Watch, restore};
use crate::{exit, signals};

pub fn run(asked: &Restore, output: &Output) -> Result<u8, Failure> {
    let stop = signals::watch()?;
    if asked.server.leads_to(&asked.repo)? {
        let repository = RemoteRepository::open(&asked.repo, &asked.server.ssh()?, &stop)?;
        let (snapshot, path) = repository.resolve_path(&asked.what)?;
        let restorer = repository.restore(snapshot.name(), &path, &asked.target);
        return restore_with(restorer, asked, stop, output);
    }
    let repository = Repository::open(&asked.repo)?;
    let (snapshot, path) = repository.resolve_path(&asked.what)?;
    restore_with(repository.restore(snapshot.name(), &path, &asked.target), asked, stop, output)
}

fn restore_with(
    restorer: Restorer<'_>,
    asked: &Restore,
    stop: StopFlag,
    output: &Output,
) -> Result<u8, Failure> {
    let with_bar = !(output.json || output.quiet || output.verbose || output.no_progress);
    let console = Console::new(output.json, with_bar);
    let watch = Watch::new(&console, output, asked.dry_run);
    let result = as_asked(restorer, asked, stop).run(&watch);
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
    tell(&report, &console, output);
    console.close()?;
    Ok(exit::of_status(report.status()))
}

fn as_asked<'r>(restorer: Restorer<'r>, asked: &Restore, stop: StopFlag) -> Restorer<'r> {
    let overwrite = match asked.overwrite {
        args::Overwrite::IfChanged => Overwrite::IfChanged,
        args::Overwrite::Always => Overwrite::Always,
        args::Overwrite::Never => Overwrite::Never,
    };
    let restorer = restorer
        .overwrite(overwrite)
        .checksum(asked.checksum)
        .delete(asked.delete)
        .dry_run(asked.dry_run)
        .stop(stop);
    match asked.threads {
        Some(threads) => restorer.threads(threads),
        None => restorer,
    }
}

fn tell(report: &RestoreReport, console: &Console, output: &Output) {
    if output.json {
        console.json(&restore::Summary::from(report));
    } else if !output.quiet {
        console.line(restore::Text(report));
    }
}
