//! What a shell may complete: options, directories, and what is in the repository that was typed.
//!
//! The scripts that `linkdest completions` prints run the program with [`VARIABLE`] set and the words typed so far after
//! `--`; the answer is told on standard output.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

use clap::{Arg, Command, ValueHint};
use clap_complete::CompleteEnv;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use linkdest_core::{Kind, RelPath, Repository, Timestamp};

use crate::report::table::age;

/// The environment variable that asks for completions.
pub const VARIABLE: &str = "LINKDEST_COMPLETE";
/// So many names in a directory of a snapshot are offered.
const OFFERED: usize = 1000;

/// Answers a shell that asks for completions, and ends the process then.
pub fn answer(command: fn() -> Command) {
    CompleteEnv::with_factory(move || hinted(command())).var(VARIABLE).complete();
}

/// Says of each argument what its values are.
fn hinted(command: Command) -> Command {
    command.mut_args(hint).mut_subcommands(hinted)
}

fn hint(argument: Arg) -> Arg {
    match argument.get_id().as_str() {
        "repo" | "target" | "source" | "link_dest" => argument.value_hint(ValueHint::DirPath),
        "rules" | "exclude_from" | "include_from" | "output" => argument.value_hint(ValueHint::FilePath),
        "before" | "after" | "snapshot" | "snapshots" => with(argument, |typed| snapshots(typed, false)),
        "what" => with(argument, in_snapshot),
        _ => argument,
    }
}

fn with(argument: Arg, completer: fn(&OsStr) -> Vec<CompletionCandidate>) -> Arg {
    argument.add(ArgValueCompleter::new(completer))
}

/// The repository among the words that were typed: the first that is one.
fn repository() -> Option<Repository> {
    let words = std::env::args_os().skip_while(|word| word != "--").skip(2);
    words
        .filter(|word| !word.as_bytes().starts_with(b"-"))
        .find_map(|word| Repository::open(unquoted(&word)).ok())
}

/// A word as the shell will read it, in the common cases: quotes around it, `~` before it.
fn unquoted(word: &OsStr) -> OsString {
    let bytes: Vec<u8> = word.as_bytes().iter().copied().filter(|byte| !b"'\"\\".contains(byte)).collect();
    match (bytes.strip_prefix(b"~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => Path::new(&home).join(OsStr::from_bytes(rest)).into_os_string(),
        _ => OsString::from_vec(bytes),
    }
}

/// The names of snapshots, the newest first.
fn snapshots(typed: &OsStr, with_path: bool) -> Vec<CompletionCandidate> {
    let Some(snapshots) = repository().and_then(|repository| repository.snapshots().ok()) else {
        return Vec::new();
    };
    let now = Timestamp::now();
    let newest = snapshots.iter().rev().enumerate();
    let names = newest.flat_map(|(back, snapshot)| {
        let age = age(snapshot.started(), now).unwrap_or_else(|| "0 s".to_owned());
        let help = format!(
            "{age} old, {}",
            if snapshot.is_suspect() { "suspect" } else { snapshot.status().as_str() }
        );
        let short = if back == 0 { "latest".to_owned() } else { format!("latest~{back}") };
        // A few of these are enough to show that they are there.
        let short = Some(short).filter(|_| back < 3 || typed.as_bytes().starts_with(b"latest~"));
        short.into_iter().chain([snapshot.name().to_string()]).map(move |name| (name, help.clone()))
    });
    let fits = |(name, _): &(String, String)| name.as_bytes().starts_with(typed.as_bytes());
    let offered = names.filter(fits).enumerate().map(|(order, (name, help))| {
        let name = if with_path { format!("{name}:") } else { name };
        CompletionCandidate::new(name).help(Some(help.into())).display_order(Some(order))
    });
    offered.collect()
}

/// A snapshot, or after a colon what is in it.
fn in_snapshot(typed: &OsStr) -> Vec<CompletionCandidate> {
    match typed.as_bytes().iter().position(|byte| *byte == b':') {
        None => snapshots(typed, true),
        Some(colon) => below(typed, colon).unwrap_or_default(),
    }
}

/// The entries of the directory that was typed, as far as a shell takes their names as they are: what has a meaning of
/// its own there must not get onto a command line unseen.
fn below(typed: &OsStr, colon: usize) -> Option<Vec<CompletionCandidate>> {
    let (name, path) = typed.as_bytes().split_at_checked(colon)?;
    let path = path.get(1..)?;
    let end = path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    let (directory, begun) = path.split_at_checked(end)?;
    let repository = repository()?;
    let snapshot = repository.resolve(std::str::from_utf8(name).ok()?).ok()?;
    let items = repository.ls(snapshot.name(), &RelPath::from_typed(directory)?).ok()?;
    let offer = |item: linkdest_core::Item| {
        let path = item.path().as_bytes();
        let entry = path.rsplit(|byte| *byte == b'/').next()?;
        let fits = entry.starts_with(begun) && entry.iter().all(|byte| is_plain(*byte));
        let slash = if item.metadata().kind == Kind::Directory { "/" } else { "" };
        let mut value = typed.as_bytes().get(..=colon)?.to_vec();
        value.extend_from_slice(directory);
        value.extend_from_slice(entry);
        value.extend_from_slice(slash.as_bytes());
        fits.then(|| CompletionCandidate::new(OsString::from_vec(value)))
    };
    Some(items.filter_map(Result::ok).filter_map(offer).take(OFFERED).collect())
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii() || b"._-+@%,=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The arguments whose values are snapshots, and whether they are completed.
    fn snapshots_of(command: &Command, into: &mut Vec<(String, bool)>) {
        for argument in command.get_arguments() {
            let names = argument.get_value_names().unwrap_or_default();
            let is_snapshot =
                names.iter().any(|name| name.starts_with("SNAPSHOT") || *name == "A" || *name == "B");
            if is_snapshot {
                let completed = argument.get::<ArgValueCompleter>().is_some();
                into.push((format!("{} {}", command.get_name(), argument.get_id()), completed));
            }
        }
        command.get_subcommands().for_each(|command| snapshots_of(command, into));
    }

    #[test]
    fn every_snapshot_is_completed() {
        let mut arguments = Vec::new();
        snapshots_of(&hinted(crate::help::command()), &mut arguments);
        assert!(arguments.len() >= 12, "{arguments:?}");
        for (argument, completed) in arguments {
            assert!(completed, "{argument}");
        }
    }

    #[test]
    fn directories_are_completed() {
        let command = hinted(crate::help::command());
        for subcommand in command.get_subcommands() {
            for argument in subcommand.get_arguments().filter(|argument| argument.get_id() == "repo") {
                assert_eq!(argument.get_value_hint(), ValueHint::DirPath, "{}", subcommand.get_name());
            }
        }
    }
}
