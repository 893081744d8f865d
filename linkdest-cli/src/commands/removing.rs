//! What the commands that remove have in common: asking, and telling what was done.

use std::io::{self, IsTerminal as _, Write as _};

use bytesize::ByteSize;
use linkdest_core::{Problem, Removal, Repository, SnapshotName, StopFlag};

use crate::args::{Output, Removing};
use crate::console::{Console, Label};
use crate::exit;
use crate::failure::Failure;
use crate::report::json;
use crate::report::removal::counted;

/// What deleting these would free, for whoever decides by it, and for programs. The trees are walked for it, which would
/// take as long as removing them: where all is said already, nobody waits for it.
pub fn freed_by(
    repository: &Repository,
    names: &[SnapshotName],
    removing: &Removing,
    output: &Output,
) -> Result<Option<u64>, Failure> {
    let asked = output.json || removing.dry_run || !removing.yes;
    Ok(if asked { Some(repository.freed_by(names)?) } else { None })
}

/// Tells people what would be freed, where that is known.
pub fn tell_freed(count: usize, freed: Option<u64>, console: &Console) {
    if let Some(freed) = freed {
        let size = ByteSize(freed).display().iec().to_string();
        console.line(format_args!("{} would free {size}", counted(count)));
    }
}

/// Whether the user wants these snapshots to go.
pub fn agreed(removing: &Removing, count: usize, console: &Console) -> Result<bool, Failure> {
    let what = if count == 1 { "this snapshot".to_owned() } else { format!("these {count} snapshots") };
    confirmed(removing.yes, &format!("Remove {what}?"), console)
}

/// Whether the user says yes: said before, or asked for on a terminal.
pub fn confirmed(yes: bool, question: &str, console: &Console) -> Result<bool, Failure> {
    console.flush();
    if yes {
        return Ok(true);
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(Failure::usage("there is no terminal to ask on; use --yes, or --dry-run to look".into()));
    }
    let mut stderr = io::stderr().lock();
    let asked = write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush());
    asked.map_err(|error| Failure::io("cannot ask", &error))?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(|error| Failure::io("cannot read the answer", &error))?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

pub fn removal(removing: &Removing, stop: StopFlag) -> Removal {
    Removal::default().lock_wait(removing.lock_wait.unwrap_or_default()).stop(stop)
}

/// Tells what could not be tidied up, and hands back the exit code.
pub fn tell_problems(problems: &[Problem], console: &Console, output: &Output) -> u8 {
    for problem in problems {
        if output.json {
            console.json(&json::Problem::from(problem));
        }
        console.message(Label::Problem, problem);
    }
    if problems.is_empty() { exit::OK } else { exit::PROBLEMS }
}
