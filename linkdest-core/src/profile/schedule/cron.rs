//! Lines for cron.

use std::path::PathBuf;

use super::files::{ScheduleFile, marker};
use super::{Schedule, When, quote};
use crate::error::{Error, Result};
use crate::native::OsStrExt as _;
use crate::path::Escaped;

/// Where cron looks for the crontabs of packages and of the administrator.
const DIRECTORY: &str = "/etc/cron.d";
/// Hooks find what an administrator does; cron's own is shorter.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The file of the machine.
pub(super) fn file(schedule: &Schedule) -> Result<ScheduleFile> {
    let marker = marker(&schedule.profile)?;
    let text = format!("{marker}PATH={PATH}\n{} root {}\n", when(schedule)?, command(schedule)?);
    let path = PathBuf::from(DIRECTORY).join(format!("linkdest-{}", quote::cron_file(&schedule.name)));
    Ok(ScheduleFile { path, text, marker })
}

/// The line for a user's crontab.
pub(super) fn user_line(schedule: &Schedule) -> Result<String> {
    Ok(format!("{} {}", when(schedule)?, command(schedule)?))
}

/// Cron mails what is printed: problems and errors, no more.
fn command(schedule: &Schedule) -> Result<String> {
    let program = schedule.program_path()?;
    let words = [program.as_os_str().as_bytes(), schedule.profile.as_os_str().as_bytes()];
    // A crontab is text, a line each command.
    let fits = |word: &[u8]| std::str::from_utf8(word).is_ok_and(|word| !word.contains(char::is_control));
    if let Some(word) = words.into_iter().find(|word| !fits(word)) {
        let message = format!("{}: such a path cannot be written in a crontab", Escaped(word));
        return Err(Error::profile(&schedule.profile, message));
    }
    let [program, profile] = words.map(quote::shell);
    Ok(quote::cron(&format!("nice {program} run --quiet {profile}")))
}

/// Profiles begin at minutes of their own, at night.
fn when(schedule: &Schedule) -> Result<String> {
    let minute = schedule.name.bytes().fold(7_u32, |sum, byte| (sum * 31 + u32::from(byte)) % 60);
    Ok(match &schedule.when {
        When::Hourly => format!("{minute} * * * *"),
        When::Daily => format!("{minute} 3 * * *"),
        When::Weekly => format!("{minute} 3 * * 0"),
        When::Calendar(given) => checked(given)?,
    })
}

fn checked(given: &str) -> Result<String> {
    let fields: Vec<&str> = given.split_whitespace().collect();
    let field =
        |field: &&str| field.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"*,/-".contains(&byte));
    let words = ["@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually", "@reboot"];
    let known = match &fields[..] {
        [word] => words.contains(word),
        [_, _, _, _, _] => fields.iter().all(field),
        _ => false,
    };
    let text = || Escaped(given.as_bytes());
    known.then(|| fields.join(" ")).ok_or_else(|| {
        Error::option(format!("`{}`: not a time like `30 3 * * *` or `@daily`; see crontab(5)", text()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;

    fn line(path: &str, when: When) -> Result<String> {
        let profile = Profile::parse("source = '/s'\nrepository = '/r'", path).unwrap();
        user_line(&Schedule::new(&profile, when).program("/usr/bin/linkdest"))
    }

    #[test]
    fn lines_mean_what_they_should() {
        for (path, when, expected) in [
            ("/p/me.toml", "30 3 * * Mon", "30 3 * * Mon nice /usr/bin/linkdest run --quiet /p/me.toml"),
            ("/p/my 50%.toml", "@daily", r"@daily nice /usr/bin/linkdest run --quiet '/p/my 50\%.toml'"),
            (
                "/p/it's.toml",
                " 1  2 3 4 5 ",
                r"1 2 3 4 5 nice /usr/bin/linkdest run --quiet '/p/it'\''s.toml'",
            ),
        ] {
            assert_eq!(line(path, When::Calendar(when.into())).unwrap(), expected);
        }
        assert!(line("/p/me.toml", When::Daily).unwrap().contains(" 3 * * * nice "));
    }

    #[test]
    fn what_cron_would_not_understand_is_refused() {
        for when in
            ["", "3 * * *", "* * * * * *", "* * * * %", "@often", "* * * * *\n* * * * *", "Mon..Fri 18:00"]
        {
            assert!(line("/p/me.toml", When::Calendar(when.into())).is_err(), "{when:?}");
        }
        assert!(line("/p/a\nb.toml", When::Daily).is_err());
    }
}
