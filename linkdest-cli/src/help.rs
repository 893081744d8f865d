//! The command line as its help and its man pages show it: the commands in groups, examples at the end.

use std::fmt::Write as _;

use clap::{Command, CommandFactory as _};

use crate::args::Cli;

/// The commands by what they are for; `-h` of the program shows them like this.
const GROUPS: [(&str, &[&str]); 6] = [
    ("Saving", &["init", "snapshot", "run", "schedule", "profile", "filter"]),
    ("Looking", &["list", "ls", "diff", "find", "usage", "runs", "report"]),
    ("Getting back", &["restore"]),
    ("Checking", &["verify", "reindex", "accept"]),
    ("Removing", &["forget", "delete", "expunge", "pin", "unpin"]),
    ("Moving and setting up", &["adopt", "replicate", "completions", "schema"]),
];

/// The command line with its help.
pub fn command() -> Command {
    let command = Cli::command();
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n{}\nOptions:\n{{options}}{{after-help}}",
        groups(&command)
    );
    command.help_template(template)
}

/// The commands with what they do, in groups.
fn groups(command: &Command) -> String {
    let mut text = String::new();
    let width = GROUPS.iter().flat_map(|(_, names)| *names).map(|name| name.len()).max().unwrap_or(0);
    for (group, names) in GROUPS {
        let _ = write!(text, "\n{group}:\n");
        for command in names.iter().filter_map(|name| command.find_subcommand(name)) {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(text, "  {:<width$}  {about}", command.get_name());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All commands but those of clap, with their names in full.
    fn all(command: &Command, name: &str, into: &mut Vec<(String, Command)>) {
        into.push((name.to_owned(), command.clone()));
        for one in command.get_subcommands().filter(|one| !one.is_hide_set() && one.get_name() != "help") {
            all(one, &format!("{name} {}", one.get_name()), into);
        }
    }

    fn commands() -> Vec<(String, Command)> {
        let mut built = command();
        built.build();
        let mut commands = Vec::new();
        all(&built, "linkdest", &mut commands);
        commands
    }

    #[test]
    fn every_command_is_in_one_group() {
        let grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| *names).copied().collect();
        for command in command().get_subcommands().filter(|command| !command.is_hide_set()) {
            let times = grouped.iter().filter(|name| **name == command.get_name()).count();
            assert_eq!(times, 1, "{}", command.get_name());
        }
        for name in grouped {
            assert!(command().find_subcommand(name).is_some(), "{name}");
        }
    }

    #[test]
    fn every_help_has_exit_status_and_examples() {
        for (name, mut command) in commands() {
            let help = command.render_long_help().to_string();
            assert!(help.contains("\nExit status:\n"), "{name}:\n{help}");
            let examples =
                help.split("\nExamples:\n").nth(1).unwrap_or_else(|| panic!("{name} has no examples"));
            for example in examples.lines() {
                assert!(example.starts_with("  linkdest ") && example.len() <= 100, "{name}: {example}");
            }
        }
    }

    #[test]
    fn short_help_fits_on_a_screen() {
        for (name, command) in commands() {
            let help = command.term_width(100).render_help().to_string();
            let lines = help.lines().count();
            assert!(lines <= 50, "{name} -h has {lines} lines:\n{help}");
            assert!(!help.contains("Exit status:"), "{name}");
        }
    }

    #[test]
    fn examples_can_be_typed() {
        for (name, mut subcommand) in commands() {
            let help = subcommand.render_long_help().to_string();
            for example in help.split("\nExamples:\n").nth(1).unwrap_or_default().lines() {
                let typed =
                    example.split(" | ").next().unwrap_or_default().split(" >").next().unwrap_or_default();
                let words = words(typed);
                let words = crate::order::command_first(words, &command());
                let parsed = command().try_get_matches_from(&words);
                assert!(parsed.is_ok(), "{name}: {example}: {}", parsed.unwrap_err());
            }
        }
    }

    /// Splits as a shell does, single quotes alone.
    fn words(line: &str) -> Vec<std::ffi::OsString> {
        let mut words = vec![String::new()];
        let mut quoted = false;
        for c in line.trim().chars() {
            match c {
                '\'' => quoted = !quoted,
                ' ' if !quoted => words.push(String::new()),
                c => words.last_mut().unwrap().push(c),
            }
        }
        words.into_iter().map(Into::into).collect()
    }
}
