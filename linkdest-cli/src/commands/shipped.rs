//! `linkdest completions`, `schema` and `man`

use std::io;
use std::os::unix::ffi::OsStrExt as _;

use clap_complete::env::{Bash, EnvCompleter, Fish, Powershell, Zsh};
use linkdest_core::Escaped;

use crate::args::{Completions, ManPages, Output, Shell};
use crate::console::Console;
use crate::failure::Failure;
use crate::{complete, exit, help, man};

/// Describes what `--json` prints.
const SCHEMA: &str = include_str!("../../schema/linkdest.schema.json");

pub fn completions(asked: &Completions) -> Result<u8, Failure> {
    let shell: &dyn EnvCompleter = match asked.shell {
        Shell::Bash => &Bash,
        Shell::Zsh => &Zsh,
        Shell::Fish => &Fish,
        Shell::Powershell => &Powershell,
    };
    let mut script = Vec::new();
    let told = |error: io::Error| Failure::io("cannot make the script", &error);
    shell
        .write_registration(complete::VARIABLE, "linkdest", "linkdest", "linkdest", &mut script)
        .map_err(told)?;
    print(&script)
}

pub fn schema() -> Result<u8, Failure> {
    print(SCHEMA.as_bytes())
}

fn print(bytes: &[u8]) -> Result<u8, Failure> {
    let console = Console::new(true, false);
    console.bytes(bytes);
    console.close()?;
    Ok(exit::OK)
}

/// Writes the pages; those that are there are replaced.
#[expect(clippy::disallowed_methods, reason = "the operator's own path")]
pub fn man_pages(asked: &ManPages, output: &Output) -> Result<u8, Failure> {
    let shown = Escaped(asked.directory.as_os_str().as_bytes()).to_string();
    let told = |error: io::Error| Failure::io(&format!("cannot write man pages into {shown}"), &error);
    let pages = man::pages(help::command()).map_err(told)?;
    for (name, page) in &pages {
        std::fs::write(asked.directory.join(name), page).map_err(told)?;
    }
    let console = Console::new(output.json, false);
    if !output.quiet {
        console.line(format_args!("{shown}: {} pages written", pages.len()));
    }
    console.close()?;
    Ok(exit::OK)
}
