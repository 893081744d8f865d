//! `linkdest schedule`

use std::os::unix::ffi::OsStrExt as _;

use linkdest_core::{Escaped, Profile, ScheduleFile};

use crate::args::{Output, Schedule};
use crate::console::Console;
use crate::exit;
use crate::failure::Failure;
use crate::report::profile;

pub fn run(asked: &Schedule, output: &Output) -> Result<u8, Failure> {
    let profile = Profile::load(&asked.profile)?;
    let mut schedule = linkdest_core::Schedule::new(&profile, asked.when()).cron(asked.cron);
    if asked.user || asked.system {
        schedule = schedule.system(asked.system);
    }
    let dry = asked.print || asked.dry_run;
    let files = match (dry, asked.remove) {
        (true, _) => schedule.files()?,
        (false, true) => schedule.remove()?,
        (false, false) => schedule.write()?,
    };
    let line = schedule.crontab_line()?;
    let console = Console::new(output.json, false);
    if output.json {
        console.json(&profile::Scheduled::new(&files, line.as_deref(), asked.remove, dry));
    } else if asked.print {
        files.iter().for_each(|file| console.line(printed(file)));
        line.iter().for_each(|line| console.line(line));
    } else {
        tell(asked, &schedule, &files, line.as_deref(), output, &console);
    }
    console.close()?;
    Ok(exit::OK)
}

/// A file as it would be, below its name.
fn printed(file: &ScheduleFile) -> String {
    format!("# {}\n{}", path(file), file.text())
}

fn path(file: &ScheduleFile) -> Escaped<'_> {
    Escaped(file.path().as_os_str().as_bytes())
}

fn tell(
    asked: &Schedule,
    schedule: &linkdest_core::Schedule,
    files: &[ScheduleFile],
    line: Option<&str>,
    output: &Output,
    console: &Console,
) {
    let done = match (asked.dry_run, asked.remove) {
        (true, true) => "would be removed, if it is there",
        (true, false) => "would be written",
        (false, true) => "removed",
        (false, false) => "written",
    };
    if !output.quiet {
        files.iter().for_each(|file| console.line(format_args!("{}: {done}", path(file))));
        if files.is_empty() && line.is_none() {
            console.line("there is nothing to remove");
        }
    }
    if let Some(line) = line {
        let what = if asked.remove { "take this line out" } else { "put this line in" };
        console.line(format_args!("run `crontab -e` and {what}:\n{line}"));
    }
    let commands = schedule.commands(asked.remove);
    if !output.quiet && !files.is_empty() && !commands.is_empty() {
        let what = if asked.remove { "so that systemd forgets it:" } else { "now enable it:" };
        console.line(what);
        commands.iter().for_each(|command| console.line(format_args!("  {command}")));
    }
}
