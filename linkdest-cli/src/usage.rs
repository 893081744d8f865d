//! What is answered when the command line is not a command: help, version, or one line that says what is wrong.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use linkdest_core::Escaped;

use crate::exit;
use crate::failure::Failure;

/// Answers, and hands back the exit code.
pub fn answer(error: &clap::Error, typed: &[OsString]) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => print(error, exit::OK),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => print(error, exit::USAGE),
        _ => Failure::usage(one_line(&error.render().to_string())).tell(asks_for_json(typed)),
    }
}

/// Prints a help text. A reader that went away (`| head`) is no error.
fn print(error: &clap::Error, code: u8) -> ExitCode {
    let _ = error.print();
    ExitCode::from(code)
}

fn asks_for_json(typed: &[OsString]) -> bool {
    typed.iter().take_while(|word| *word != "--").any(|word| word == "--json")
}

/// Takes what is wrong from clap's message of several lines, and leaves the reminders of usage out.
fn one_line(message: &str) -> String {
    let reminder = |line: &&str| line.starts_with("Usage:") || line.starts_with("For more information");
    let lines =
        message.lines().take_while(|line| !reminder(line)).map(str::trim).filter(|line| !line.is_empty());
    let line = lines.collect::<Vec<_>>().join(" ").replace(" tip: ", "; ");
    let line = line.strip_prefix("error: ").unwrap_or(&line);
    format!("{}; see {}--help", Escaped(line.as_bytes()), command(message))
}

/// The command that clap's line of usage is of, with a blank behind it; nothing if there is no such line.
fn command(message: &str) -> String {
    let usage = message.lines().find_map(|line| line.strip_prefix("Usage: ")).unwrap_or_default();
    let is_name = |word: &&str| word.starts_with(|c: char| c.is_ascii_lowercase());
    usage.split_whitespace().take_while(is_name).map(|word| format!("{word} ")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_become_one_line() {
        for (message, line) in [
            (
                "error: required arguments were not provided:\n  <SOURCE>\n  <REPO>\n\nUsage: linkdest init <REPO>\n",
                "required arguments were not provided: <SOURCE> <REPO>; see linkdest init --help",
            ),
            (
                "error: unexpected argument '--a\x1b' found\n\n  tip: use '--b'\n\nFor more information, try '--help'.\n",
                r"unexpected argument '--a\x1b' found; use '--b'; see --help",
            ),
        ] {
            assert_eq!(one_line(message), line);
        }
    }
}
