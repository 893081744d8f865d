//! Options anywhere: those that stand before the command are moved behind it, where its own are known.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use clap::{Arg, Command};

/// Moves the command's name in front of the options that were typed before it.
pub fn command_first(mut typed: Vec<OsString>, command: &Command) -> Vec<OsString> {
    if let Some(index) = command_index(&typed, command) {
        typed.get_mut(1..=index).unwrap_or_default().rotate_right(1);
    }
    typed
}

/// Finds the first word that is neither an option nor an option's value; `None` if it is no command.
fn command_index(typed: &[OsString], command: &Command) -> Option<usize> {
    let mut words = typed.iter().enumerate().skip(1);
    while let Some((index, word)) = words.next() {
        match word.as_bytes() {
            b"--" => return None,
            [b'-', b'-', name @ ..] if takes_next(name, command) => drop(words.next()),
            [b'-', letters @ ..] if !letters.is_empty() => {
                if letters_take_next(letters, command) {
                    words.next();
                }
            }
            _ => return is_command(word, command).then_some(index),
        }
    }
    None
}

fn is_command(word: &OsStr, command: &Command) -> bool {
    word.to_str().is_some_and(|word| command.find_subcommand(word).is_some())
}

/// Says whether `--name` takes the next word as its value; with `=` it has one already.
fn takes_next(name: &[u8], command: &Command) -> bool {
    any_argument(command, |argument| argument.get_long().is_some_and(|long| long.as_bytes() == name))
}

/// Says whether the last of `-abc` takes the next word: the first that takes a value takes the letters after it.
fn letters_take_next(letters: &[u8], command: &Command) -> bool {
    let takes =
        |letter: u8| any_argument(command, |argument| argument.get_short() == Some(char::from(letter)));
    letters.iter().position(|&letter| takes(letter)).is_some_and(|index| index + 1 == letters.len())
}

fn any_argument(command: &Command, is_it: impl Fn(&Arg) -> bool) -> bool {
    let arguments =
        std::iter::once(command).chain(command.get_subcommands()).flat_map(Command::get_arguments);
    arguments.into_iter().any(|argument| argument.get_action().takes_values() && is_it(argument))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_comes_first() {
        for (typed, expected) in [
            ("snapshot a b -q", "snapshot a b -q"),
            ("-q snapshot a b", "snapshot -q a b"),
            ("-qn snapshot a b", "snapshot -qn a b"),
            ("-q -n snapshot a b", "snapshot -q -n a b"),
            ("--threads 2 snapshot a b", "snapshot --threads 2 a b"),
            ("--threads=2 snapshot a b", "snapshot --threads=2 a b"),
            ("--link-dest list snapshot a b", "snapshot --link-dest list a b"),
            ("--color never list a", "list --color never a"),
            ("--unknown list a", "list --unknown a"),
            ("-- list a", "-- list a"),
            ("-q nonsense list", "-q nonsense list"),
            ("-q - list", "-q - list"),
            ("-q", "-q"),
            ("--threads", "--threads"),
            ("", ""),
        ] {
            let words = |text: &str| -> Vec<OsString> {
                std::iter::once("linkdest").chain(text.split_whitespace()).map(OsString::from).collect()
            };
            assert_eq!(command_first(words(typed), &crate::args::Cli::command()), words(expected), "{typed}");
        }
    }
}
