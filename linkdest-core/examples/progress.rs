//! Takes a snapshot from within another program, and shows how far it is: `progress SOURCE REPOSITORY`.
//!
//! `cargo run -p linkdest-core --example progress -- ~/docs /mnt/backup/docs`

use std::env::args_os;
use std::io::{Write as _, stderr};
use std::process::ExitCode;
use std::time::Instant;

use linkdest_core::{Event, Monitor, Progress, Snapshotter, Status};

/// Writes one line again and again, and each problem below it.
struct Line {
    begun: Instant,
}

impl Monitor for Line {
    fn event(&self, event: &Event) {
        match event {
            Event::Problem(problem) => eprintln!("\rproblem: {problem}"),
            Event::Notice(notice) => eprintln!("\rnote: {notice}"),
            Event::Publishing => eprintln!("\rwriting to disk"),
            // There will be more events.
            _ => {}
        }
    }

    /// Called ten times a second at most, by one thread at a time.
    fn progress(&self, progress: &Progress) {
        let left = progress.remaining(self.begun.elapsed()).map_or(0, |left| left.as_secs());
        let percent = progress.fraction().map_or(0.0, |fraction| fraction * 100.0);
        eprint!("\r{percent:3.0} %, {left} s left, {} entries", progress.counts.entries);
        let _ = stderr().flush();
    }
}

fn main() -> ExitCode {
    let (Some(source), Some(repository)) = (args_os().nth(1), args_os().nth(2)) else {
        eprintln!("usage: progress SOURCE REPOSITORY");
        return ExitCode::from(2);
    };
    match Snapshotter::new(source, repository).init(true).run(&Line { begun: Instant::now() }) {
        Err(error) => {
            eprintln!("\r{error}");
            ExitCode::from(error.kind().exit_code())
        }
        Ok(report) => {
            println!("\r{:?}: {} bytes copied", report.snapshot(), report.counts().bytes_copied);
            ExitCode::from(if report.status() == Status::Complete { 0 } else { 3 })
        }
    }
}
