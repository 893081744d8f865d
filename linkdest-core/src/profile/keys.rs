//! The keys of a profile.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::fault::{InvalidProfile, ProfileFault};
use super::reader::{Reader, Value, in_order};
use super::selection::Given;
use super::{Policy, Profile};
use crate::retention::{Age, KeepRules};
use crate::step::Step;

const TOP: &[&str] = &[
    "source",
    "repository",
    "repository-id",
    "rules",
    "filters",
    "exclude",
    "include",
    "exclude-from",
    "include-from",
    "per-directory-rules",
    "cvs-exclude",
    "prune-empty-dirs",
    "exclude-caches",
    "exclude-if-present",
    "exclude-larger-than",
    "on-bad-rules",
    "policy",
    "metadata",
    "trust-shift",
    "link-dest",
    "one-file-system",
    "threads",
    "ssh-command",
    "keep-owners",
    "keep-modes",
    "lock-wait",
    "free-space",
    "keep",
    "guards",
    "verify",
    "hooks",
];
const KEEP: &[&str] = &["last", "hourly", "daily", "weekly", "monthly", "yearly", "within"];
const GUARDS: &[&str] = &["allow-empty", "mass-change", "reserve"];
const VERIFY: &[&str] = &["sample"];
const HOOKS: &[&str] = &["run-before", "run-after", "run-failed", "run-finally"];

const POLICIES: &[(&str, Policy)] =
    &[("quick", Policy::Quick), ("strict", Policy::Strict), ("checksum", Policy::Checksum)];

/// Reads a profile.
pub(super) fn parse(text: &str, path: &Path, home: Option<PathBuf>) -> Result<Profile, InvalidProfile> {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let fault = |error: &toml::de::Error| {
            ProfileFault::at(text, error.span().unwrap_or(0..0), error.message().replace('\n', ", "))
        };
        return Err(InvalidProfile::new(&path, errors.iter().map(fault).collect()));
    }
    let directory = path.parent().unwrap_or(Path::new("/")).to_owned();
    let mut reader = Reader::new(text, &directory, home);
    let mut profile = empty(&path);
    for (key, value) in in_order(document.get_ref()) {
        if !top(&mut profile, key.get_ref(), value, &mut reader) {
            reader.unknown(key, TOP);
        }
    }
    for (key, path) in [("source", &profile.source), ("repository", &profile.repository)] {
        if path.as_os_str().is_empty() && !document.get_ref().contains_key(key) {
            reader.fault(0..0, format!("`{key}` is missing"));
        }
    }
    if reader.faults.is_empty() { Ok(profile) } else { Err(InvalidProfile::new(&path, reader.faults)) }
}

fn empty(path: &Path) -> Profile {
    Profile {
        name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        path: path.to_owned(),
        source: PathBuf::new(),
        repository: PathBuf::new(),
        repository_id: None,
        selection: super::Selection::default(),
        policy: Policy::default(),
        record_attributes: false,
        trust_shift: false,
        link_dest: Vec::new(),
        one_file_system: false,
        threads: None,
        ssh_command: None,
        keep_owners: None,
        keep_modes: None,
        lock_wait: std::time::Duration::ZERO,
        keep: KeepRules::default(),
        free_space: None,
        guards: super::Guards::default(),
        sample: None,
        hooks: super::Hooks::default(),
    }
}

/// Takes a key of the top level; says whether there is such a key.
fn top<'t>(profile: &mut Profile, key: &str, value: &Value<'t>, reader: &mut Reader<'t>) -> bool {
    match key {
        "source" => profile.source = reader.place(value).unwrap_or_default(),
        "repository" => profile.repository = reader.path(value).unwrap_or_default(),
        "repository-id" => profile.repository_id = repository_id(value, reader),
        "policy" => profile.policy = reader.word(value, POLICIES).unwrap_or_default(),
        "metadata" => {
            let words = [("inode", false), ("record", true)];
            profile.record_attributes = reader.word(value, &words).unwrap_or_default();
        }
        "trust-shift" => profile.trust_shift = reader.boolean(value).unwrap_or_default(),
        "link-dest" => {
            profile.link_dest = reader.list(value, Reader::path);
            if profile.link_dest.len() > 20 {
                reader.fault(value.span(), "more than 20 directories to link to");
            }
        }
        "one-file-system" => profile.one_file_system = reader.boolean(value).unwrap_or_default(),
        "threads" => {
            let threads = reader.number(value, 1..1 << 16).and_then(|threads| usize::try_from(threads).ok());
            profile.threads = threads.and_then(NonZeroUsize::new);
        }
        "ssh-command" => profile.ssh_command = reader.command(value),
        "keep-owners" => profile.keep_owners = reader.boolean(value),
        "keep-modes" => profile.keep_modes = reader.boolean(value),
        "lock-wait" => profile.lock_wait = reader.duration(value).unwrap_or_default(),
        "free-space" => profile.free_space = reader.size(value),
        "keep" => {
            table(value, reader, KEEP, |key, value, reader| keep(&mut profile.keep, key, value, reader));
        }
        "guards" => table(value, reader, GUARDS, |key, value, reader| guard(profile, key, value, reader)),
        "verify" => table(value, reader, VERIFY, |key, value, reader| match key {
            "sample" => {
                profile.sample = reader.parsed(value);
                true
            }
            _ => false,
        }),
        "hooks" => table(value, reader, HOOKS, |key, value, reader| hook(profile, key, value, reader)),
        _ => return selection(profile, key, value, reader),
    }
    true
}

/// Takes a key that says which entries take part.
fn selection<'t>(profile: &mut Profile, key: &str, value: &Value<'t>, reader: &mut Reader<'t>) -> bool {
    let text = |reader: &mut Reader<'t>, value: &Value<'t>| reader.string(value).map(str::to_owned);
    let selection = &mut profile.selection;
    let given = &mut selection.given;
    match key {
        "rules" => given.extend(reader.list(value, Reader::path).into_iter().map(Given::Rules)),
        "filters" => given.extend(reader.list(value, text).into_iter().map(Given::Filter)),
        "exclude" => given.extend(reader.list(value, text).into_iter().map(Given::Exclude)),
        "include" => given.extend(reader.list(value, text).into_iter().map(Given::Include)),
        "exclude-from" => given.extend(reader.list(value, Reader::path).into_iter().map(Given::ExcludeFrom)),
        "include-from" => given.extend(reader.list(value, Reader::path).into_iter().map(Given::IncludeFrom)),
        "per-directory-rules" => {
            given.extend(reader.boolean(value).unwrap_or_default().then_some(Given::PerDirectory));
        }
        "cvs-exclude" => selection.cvs_exclude = reader.boolean(value).unwrap_or_default(),
        "prune-empty-dirs" => selection.prune_empty_dirs = reader.boolean(value).unwrap_or_default(),
        "exclude-caches" => selection.exclude_caches = reader.boolean(value).unwrap_or_default(),
        "exclude-if-present" => selection.exclude_if_present = reader.list(value, entry_name),
        "exclude-larger-than" => selection.larger_than = reader.size(value),
        "on-bad-rules" => {
            let words = [("fail", false), ("ignore-file", true)];
            selection.ignore_bad_rules = reader.word(value, &words).unwrap_or_default();
        }
        _ => return false,
    }
    true
}

fn entry_name<'t>(reader: &mut Reader<'t>, value: &Value<'t>) -> Option<String> {
    let name = reader.string(value)?;
    if matches!(name, "" | "." | "..") || name.contains('/') {
        reader.fault(value.span(), "not the name of an entry in a directory");
        return None;
    }
    Some(name.to_owned())
}

fn repository_id(value: &Value<'_>, reader: &mut Reader<'_>) -> Option<String> {
    let DeValue::String(id) = value.get_ref() else {
        reader.fault(value.span(), "expected text in quotes");
        return None;
    };
    if id.len() != 32 || !id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        reader
            .fault(value.span(), "an id has 32 digits, 0 to 9 and a to f: `linkdest init --json` prints it");
        return None;
    }
    Some(id.to_string())
}

/// Takes all keys of a table.
fn table<'t>(
    value: &Value<'t>,
    reader: &mut Reader<'t>,
    known: &[&str],
    mut take: impl FnMut(&str, &Value<'t>, &mut Reader<'t>) -> bool,
) {
    let Some(table) = reader.table(value) else { return };
    for (key, value) in in_order(table) {
        if !take(key.get_ref(), value, reader) {
            reader.unknown(key, known);
        }
    }
}

fn keep<'t>(rules: &mut KeepRules, key: &str, value: &Value<'t>, reader: &mut Reader<'t>) -> bool {
    type Rule = fn(KeepRules, u32) -> KeepRules;
    let rule: Rule = match key {
        "last" => KeepRules::last,
        "hourly" => KeepRules::hourly,
        "daily" => KeepRules::daily,
        "weekly" => KeepRules::weekly,
        "monthly" => KeepRules::monthly,
        "yearly" => KeepRules::yearly,
        "within" => {
            let age: Option<Age> = reader.parsed(value);
            *rules = age.into_iter().fold(rules.clone(), KeepRules::within);
            return true;
        }
        _ => return false,
    };
    *rules = reader.count(value).into_iter().fold(rules.clone(), rule);
    true
}

fn guard<'t>(profile: &mut Profile, key: &str, value: &Value<'t>, reader: &mut Reader<'t>) -> bool {
    let guards = &mut profile.guards;
    match key {
        "allow-empty" => guards.allow_empty = reader.boolean(value).unwrap_or_default(),
        "reserve" => guards.reserve = reader.size(value),
        "mass-change" => {
            guards.mass_change = match value.get_ref() {
                DeValue::Boolean(false) => Some(None),
                _ => reader.number(value, 0..101).and_then(|percent| u8::try_from(percent).ok()).map(Some),
            }
        }
        _ => return false,
    }
    true
}

fn hook<'t>(profile: &mut Profile, key: &str, value: &Value<'t>, reader: &mut Reader<'t>) -> bool {
    let steps = [Step::RunBefore, Step::RunAfter, Step::RunFailed, Step::RunFinally];
    let Some(step) = steps.into_iter().find(|step| step.as_str() == key) else { return false };
    profile.hooks.set(step, reader.program(value));
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_that_is_told_of_is_taken() {
        for (table, keys) in
            [("", TOP), ("keep", KEEP), ("guards", GUARDS), ("verify", VERIFY), ("hooks", HOOKS)]
        {
            for key in keys {
                let section = if table.is_empty() { String::new() } else { format!("[{table}]\n") };
                let error = parse(&format!("{section}{key} = 1.5"), Path::new("/p.toml"), None).unwrap_err();
                assert!(!error.to_string().contains("unknown key"), "{table} {key}: {error}");
                assert!(error.to_string().contains("expected"), "{table} {key}: {error}");
            }
        }
    }
}
