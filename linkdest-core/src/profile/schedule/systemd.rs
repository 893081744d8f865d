//! Units of systemd.

use std::path::PathBuf;

use super::files::{ScheduleFile, marker};
use super::{Schedule, When, locate, quote};
use crate::error::{Error, Result};
use crate::native::OsStrExt as _;

/// The service and the timer.
pub(super) fn files(schedule: &Schedule) -> Result<Vec<ScheduleFile>> {
    let directory = directory(schedule)?;
    let marker = marker(&schedule.profile)?;
    let file = |ending: &str, text: String| ScheduleFile {
        path: directory.join(format!("{}.{ending}", schedule.unit())),
        text: format!("{marker}{text}"),
        marker: marker.clone(),
    };
    Ok(vec![file("service", service(schedule)?), file("timer", timer(schedule)?)])
}

fn directory(schedule: &Schedule) -> Result<PathBuf> {
    if schedule.system {
        return Ok(PathBuf::from("/etc/systemd/system"));
    }
    let configuration = locate::configuration()
        .ok_or_else(|| Error::option("the environment has no HOME: there is no place for a user's units"))?;
    Ok(configuration.join("systemd/user"))
}

/// Only the program itself is asked to stop (`KillMode=mixed`): it ends its hooks, and runs those at the end.
fn service(schedule: &Schedule) -> Result<String> {
    let program = schedule.program_path()?;
    let bytes = program.as_os_str().as_bytes();
    if bytes.iter().any(|byte| b"'\"\\".contains(byte) || byte.is_ascii_control()) {
        let path = locate::escaped(&program);
        return Err(Error::option(format!(
            "{path}: systemd runs no program with such a path; copy it elsewhere"
        )));
    }
    let program = quote::exec_word(bytes, true);
    let profile = quote::exec_word(schedule.profile.as_os_str().as_bytes(), false);
    let description = quote::line(&schedule.name);
    // The machine's systemd sets no HOME, and a profile may say `~/`.
    let home = locate::home().filter(|_| schedule.system).map(|home| {
        let set = [b"HOME=", home.as_os_str().as_bytes()].concat();
        // In an assignment `$` is plain.
        format!("Environment={}\n", quote::exec_word(&set, true))
    });
    Ok(format!(
        "[Unit]
Description=linkdest: backup by profile {description}

[Service]
Type=oneshot
{}ExecStart={program} run {profile}
Nice=10
IOSchedulingClass=idle
KillMode=mixed
",
        home.unwrap_or_default()
    ))
}

/// A run that was missed is made up for, and not all machines begin at once.
fn timer(schedule: &Schedule) -> Result<String> {
    let (calendar, delay) = match &schedule.when {
        When::Hourly => ("hourly", "5min"),
        When::Daily => ("daily", "1h"),
        When::Weekly => ("weekly", "3h"),
        When::Calendar(calendar) => (checked(calendar)?, "0"),
    };
    Ok(format!(
        "[Unit]
Description=linkdest: when profile {} is run

[Timer]
OnCalendar={calendar}
RandomizedDelaySec={delay}
Persistent=true

[Install]
WantedBy=timers.target
",
        quote::line(&schedule.name)
    ))
}

/// Whether it means a time only systemd knows; that it is one line of such characters is seen here.
fn checked(calendar: &str) -> Result<&str> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b" *,.:/~_+-".contains(&byte);
    if !calendar.trim().is_empty() && calendar.bytes().all(known) {
        return Ok(calendar.trim());
    }
    let message = "not a time like `Mon..Fri 18:00` or `*-*-* 03:30:00`; see systemd.time(7)";
    Err(Error::option(format!("`{}`: {message}", crate::path::Escaped(calendar.as_bytes()))))
}
