//! Whole runs of linkdest beside those of its peers, on fresh file systems, flush included.
//!
//! `cargo bench -p linkdest-benches --bench full_and_unchanged -- SOURCE` needs root for the file systems; peers that
//! are not installed are left out.

use std::io::{self, Read as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What one run of a command took.
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    /// From start to end.
    pub wall: Duration,
    /// The most memory it held, in bytes; 0 where the kernel did not say.
    pub peak: u64,
}

/// Runs a command to its end.
///
/// # Errors
/// When it cannot be started or fails.
pub fn run(command: &mut Command) -> io::Result<Taken> {
    let started = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let mut peak = 0;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        peak = peak_of(&child).unwrap_or(0).max(peak);
        std::thread::sleep(Duration::from_millis(2));
    };
    let wall = started.elapsed();
    if status.success() {
        return Ok(Taken { wall, peak });
    }
    let mut said = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        stderr.read_to_string(&mut said)?;
    }
    Err(io::Error::other(format!("{command:?} failed: {said}")))
}

/// The high-water mark of a process's memory, from the kernel's own books (proc(5)).
#[expect(clippy::disallowed_methods, reason = "a file of the kernel's, not of a tree")]
fn peak_of(child: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib << 10)
}

/// The middle of some figures, the first left out: it warms the caches.
///
/// ```
/// assert_eq!(linkdest_benches::median(vec![9.0, 1.0, 3.0, 2.0]), 2.0);
/// ```
#[must_use]
pub fn median(figures: Vec<f64>) -> f64 {
    let mut rest: Vec<f64> = figures.into_iter().skip(1).collect();
    rest.sort_by(f64::total_cmp);
    rest.get(rest.len() / 2).copied().unwrap_or(f64::NAN)
}
