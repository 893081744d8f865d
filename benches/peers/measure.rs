//! One run of one command.

use std::io::{Read as _, Seek as _};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use linkdest_testkit::flush;
use wait4::Wait4 as _;

use crate::Result;

/// What one run took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Taken {
    /// From the start to the end of the flush.
    pub(crate) wall: Duration,
    /// User and system time of the command and of all that it started and waited for.
    pub(crate) cpu: Duration,
    /// The most memory that one of those processes held, in bytes.
    pub(crate) peak: u64,
    /// By how much the free space of the target went down, in bytes; negative when it went up.
    pub(crate) stored: i64,
}

/// Runs a command to its end and flushes the file system of `target`; `stored` is left 0.
pub(crate) fn timed(command: &mut Command, accepted: &[i32], target: &Path) -> Result<Taken> {
    // Not a pipe: nobody reads while the command runs.
    let mut said = tempfile::tempfile()?;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said.try_clone()?);
    let start = Instant::now();
    let ended =
        command.spawn().map_err(|error| format!("{}: {error}", command.get_program().display()))?.wait4()?;
    flush(target)?;
    let wall = start.elapsed();
    if !ended.status.code().is_some_and(|code| accepted.contains(&code)) {
        let mut text = String::new();
        said.rewind()?;
        said.read_to_string(&mut text)?;
        return Err(failure(command, ended.status, &text).into());
    }
    let used = ended.rusage;
    Ok(Taken { wall, cpu: used.utime + used.stime, peak: used.maxrss, stored: 0 })
}

/// Runs a command that is not measured.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(failure(command, output.status, &said).into())
}

/// Tells of a failure, the shortest account in the first line.
fn failure(command: &Command, status: ExitStatus, said: &str) -> String {
    format!("{}: {status}: {}\n({command:?})", command.get_program().display(), said.trim())
}
