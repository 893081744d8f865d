//! The machine and the programs.

use std::fmt::Write as _;
use std::num::NonZero;
use std::process::Command;
use std::thread::available_parallelism;

use crate::ground::Ground;
use crate::peer::installed;

/// A list of what matters.
pub(crate) fn described(ground: &Ground) -> String {
    let cores = available_parallelism().map_or(1, NonZero::get);
    let processor = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".to_owned());
    let memory = field("/proc/meminfo", "MemTotal").unwrap_or_default();
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut text = format!("- {processor}, {cores} cores, {memory} of memory\n- Linux {}\n", kernel.trim());
    let mut programs: Vec<String> = vec![version(Command::new(&ground.linkdest).arg("--version"))];
    programs.extend(installed().map(|program| version(Command::new(program).arg(asking(program)))));
    let _ = writeln!(text, "- {}", programs.join("; "));
    text
}

/// A line of one of the kernel's files, without its name.
fn field(path: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// How a program is asked for its version.
fn asking(program: &str) -> &'static str {
    if program == "restic" { "version" } else { "--version" }
}

fn version(command: &mut Command) -> String {
    let output = command.output().map(|output| output.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&output);
    let first = text.lines().next().unwrap_or_default();
    first.split_whitespace().collect::<Vec<_>>().join(" ")
}
