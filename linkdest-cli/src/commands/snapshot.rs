//! `linkdest snapshot`

use linkdest_core::{Checksum, Error, Filtering, Quick, SnapshotReport, Snapshotter, StopFlag, Strict};

use crate::args::{Metadata, Output, Policy, Snapshot};
use crate::console::{Console, Label};
use crate::failure::Failure;
use crate::report::{Watch, human, json};
use crate::{exit, signals};

pub fn run(asked: &Snapshot, output: &Output) -> Result<u8, Failure> {
    // Whatever is wrong with the rules is said before anything is done.
    let filtering = asked.rules.filtering()?;
    let stop = signals::watch()?;
    let with_bar = !(output.json || output.quiet || output.verbose || output.no_progress);
    let console = Console::new(output.json, with_bar);
    let watch = Watch::new(&console, output, asked.dry_run);
    let result = snapshotter(asked, filtering, stop).and_then(|snapshotter| snapshotter.run(&watch));
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
    let code = exit::of_report(&report);
    // What was published is there, also if nobody can read about it.
    let unheard = if report.is_dry_run() { exit::FATAL } else { exit::PROBLEMS };
    console.close().map_err(|failure| failure.with_code(unheard))?;
    Ok(code)
}

fn snapshotter(asked: &Snapshot, filtering: Filtering, stop: StopFlag) -> Result<Snapshotter, Error> {
    let mut snapshotter = Snapshotter::new(&asked.source, &asked.repo)
        .filter(filtering)
        .init(asked.init)
        .dry_run(asked.dry_run)
        .one_file_system(asked.one_file_system)
        .record_attributes(asked.metadata == Metadata::Record)
        .trust_shift(asked.trust_shift)
        .sync(!asked.no_sync)
        .lock_wait(asked.lock_wait.unwrap_or_default())
        .stop(stop);
    snapshotter = match asked.policy {
        Policy::Quick => snapshotter.policy(Quick::default()),
        Policy::Strict => snapshotter.policy(Strict::default()),
        Policy::Checksum => snapshotter.policy(Checksum::default()),
    };
    if let Some(threads) = asked.threads {
        snapshotter = snapshotter.threads(threads);
    }
    let snapshotter = asked.remote.apply(asked.guards.apply(snapshotter))?;
    Ok(asked.link_dest.iter().fold(snapshotter, Snapshotter::link_dest))
}

fn tell(report: &SnapshotReport, console: &Console, output: &Output) {
    for reason in report.suspect() {
        console.message(Label::Problem, format_args!("the snapshot is suspect: {reason}"));
    }
    if output.json {
        console.json(&json::Summary::from(report));
    } else if !output.quiet {
        console.line(human::Summary(report));
    }
}
