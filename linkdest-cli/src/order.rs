//! Options anywhere: those that stand before the command are moved behind it, where its own are known.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;

use clap::{Arg, Command};

/// Moves the command's name in front of the options that were typed before it, and so on in a command of commands.
pub fn command_first(mut typed: Vec<OsString>, root: &Command) -> Vec<OsString> {
    let (mut command, mut begin) = (root, 1);
    while let Some((index, found)) = find_command(&typed, begin, command, root) {
        typed.get_mut(begin..=index).unwrap_or_default().rotate_right(1);
        (command, begin) = (found, begin + 1);
    }
    typed
}

/// Finds the first word that is neither an option nor an option's value; `None` if it is no command.
fn find_command<'c>(
    typed: &[OsString],
    begin: usize,
    command: &'c Command,
    root: &Command,
) -> Option<(usize, &'c Command)> {
    let mut words = typed.iter().enumerate().skip(begin);
    while let Some((index, word)) = words.next() {
        match word.as_bytes() {
            b"--" => return None,
            [b'-', b'-', name @ ..] if takes_next(name, root) => drop(words.next()),
            [b'-', letters @ ..] if !letters.is_empty() => {
                if letters_take_next(letters, root) {
                    words.next();
                }
            }
            _ => {
                return word
                    .to_str()
                    .and_then(|word| command.find_subcommand(word))
                    .map(|found| (index, found));
            }
        }
    }
    None
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

fn any_argument(command: &Command, is_it: impl Fn(&Arg) -> bool + Copy) -> bool {
    command.get_arguments().any(|argument| takes_value(argument) && is_it(argument))
        || command.get_subcommands().any(|command| any_argument(command, is_it))
}

fn takes_value(argument: &Arg) -> bool {
    argument.get_action().takes_values() && argument.get_num_args().is_none_or(|number| number.takes_values())
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
            ("-FF -f list snapshot a b", "snapshot -FF -f list a b"),
            ("--exclude -q filter list a", "filter list --exclude -q a"),
            ("filter -Cm -f list list a", "filter list -Cm -f list a"),
            ("--color never filter -F check a", "filter check --color never -F a"),
            ("filter nonsense list", "filter nonsense list"),
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
