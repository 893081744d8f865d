//! Values of a profile, each with its place in the text; what is wrong is collected.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::ProfileFault;
use super::hooks::Program;
use super::suggest::closest;
use crate::sftp::{Address, Ssh};
use crate::size::parse_size;

pub(super) type Value<'t> = Spanned<DeValue<'t>>;

/// Takes values, and collects what is wrong with them.
pub(super) struct Reader<'t> {
    text: &'t str,
    /// What relative paths are relative to.
    directory: PathBuf,
    home: Option<PathBuf>,
    pub faults: Vec<ProfileFault>,
}

impl<'t> Reader<'t> {
    pub fn new(text: &'t str, directory: &Path, home: Option<PathBuf>) -> Self {
        Self { text, directory: directory.to_owned(), home, faults: Vec::new() }
    }

    pub fn fault(&mut self, span: Range<usize>, message: impl Into<String>) {
        self.faults.push(ProfileFault::at(self.text, span, message));
    }

    /// A key that nobody knows.
    pub fn unknown(&mut self, key: &Spanned<std::borrow::Cow<'_, str>>, known: &[&str]) {
        let name = key.get_ref();
        let guess = closest(name, known).map(|guess| format!("; did you mean `{guess}`?"));
        let known = || format!("; there are {}", known.join(", "));
        self.fault(key.span(), format!("unknown key `{name}`{}", guess.unwrap_or_else(known)));
    }

    fn wrong<T>(&mut self, value: &Value<'_>, wanted: &str) -> Option<T> {
        self.fault(value.span(), format!("expected {wanted}, found {}", kind(value.get_ref())));
        None
    }

    pub fn string<'v>(&mut self, value: &'v Value<'t>) -> Option<&'v str> {
        match value.get_ref() {
            DeValue::String(text) if text.contains('\0') => {
                self.fault(value.span(), "a NUL character cannot be part of it");
                None
            }
            DeValue::String(text) => Some(text),
            _ => self.wrong(value, "text in quotes"),
        }
    }

    /// A string that another type reads.
    pub fn parsed<T>(&mut self, value: &Value<'t>) -> Option<T>
    where
        T: FromStr,
        T::Err: std::fmt::Display,
    {
        let parsed = self.string(value)?.parse();
        parsed.map_err(|error: T::Err| self.fault(value.span(), error.to_string())).ok()
    }

    /// One of some words.
    pub fn word<T: Copy>(&mut self, value: &Value<'t>, words: &[(&str, T)]) -> Option<T> {
        let given = self.string(value)?;
        if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == given) {
            return Some(*meaning);
        }
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let guess = closest(given, &known).map(|guess| format!("; did you mean `{guess}`?"));
        let message = format!("`{given}` is none of {}{}", known.join(", "), guess.unwrap_or_default());
        self.fault(value.span(), message);
        None
    }

    pub fn boolean(&mut self, value: &Value<'t>) -> Option<bool> {
        match value.get_ref() {
            DeValue::Boolean(given) => Some(*given),
            _ => self.wrong(value, "true or false"),
        }
    }

    /// A whole number in a range.
    pub fn number(&mut self, value: &Value<'t>, range: Range<u64>) -> Option<u64> {
        let DeValue::Integer(digits) = value.get_ref() else { return self.wrong(value, "a whole number") };
        let number = u64::from_str_radix(digits.as_str(), digits.radix()).ok().filter(|n| range.contains(n));
        if number.is_none() {
            let message = format!("{digits} is not between {} and {}", range.start, range.end - 1);
            self.fault(value.span(), message);
        }
        number
    }

    /// How many snapshots a rule keeps.
    pub fn count(&mut self, value: &Value<'t>) -> Option<u32> {
        match value.get_ref() {
            DeValue::String(text) if text == "unlimited" => Some(u32::MAX),
            DeValue::Integer(_) => self.number(value, 0..1 << 32).and_then(|count| u32::try_from(count).ok()),
            _ => self.wrong(value, "a number or \"unlimited\""),
        }
    }

    /// A size in bytes: a number, or text with a unit.
    pub fn size(&mut self, value: &Value<'t>) -> Option<u64> {
        if matches!(value.get_ref(), DeValue::Integer(_)) {
            return self.number(value, 0..u64::MAX);
        }
        let size = parse_size(self.string(value)?);
        size.map_err(|error| self.fault(value.span(), error.to_string())).ok()
    }

    /// A duration like `10m`.
    pub fn duration(&mut self, value: &Value<'t>) -> Option<Duration> {
        let duration: Option<jiff::SignedDuration> = self.string(value)?.parse().ok();
        let duration = duration.and_then(|duration| Duration::try_from(duration).ok());
        if duration.is_none() {
            self.fault(value.span(), "not a duration like 30s, 10m or 1h");
        }
        duration
    }

    /// A path: `~/` is the home directory, a relative one starts at the profile's directory.
    pub fn path(&mut self, value: &Value<'t>) -> Option<PathBuf> {
        let given = self.string(value)?.to_owned();
        if given.is_empty() {
            self.fault(value.span(), "a path cannot be empty");
            return None;
        }
        let path = self.expanded(value, &given)?;
        // Trailing slashes change nothing, not even messages.
        Some(self.directory.join(path).components().collect())
    }

    /// A path, or the address of a directory on a server.
    pub fn place(&mut self, value: &Value<'t>) -> Option<PathBuf> {
        let given = PathBuf::from(self.string(value)?);
        if !Address::is_one(&given) {
            return self.path(value);
        }
        let wrong = Address::parse(&given).err();
        wrong.map(|error| self.fault(value.span(), error.to_string())).is_none().then_some(given)
    }

    /// A program and its arguments: a list of words, or one line that is split as the command line does.
    pub fn command(&mut self, value: &Value<'t>) -> Option<Vec<std::ffi::OsString>> {
        if matches!(value.get_ref(), DeValue::Array(_)) {
            return match self.program(value)? {
                Program::Direct(words) => Some(words),
                Program::Shell(_) => None,
            };
        }
        let split = Ssh::default().command_line(self.string(value)?);
        let split = split.map_err(|error| self.fault(value.span(), error.to_string())).ok()?;
        split.words().map(<[_]>::to_vec)
    }

    /// Puts the home directory in the place of `~/`.
    fn expanded(&mut self, value: &Value<'t>, given: &str) -> Option<PathBuf> {
        let rest = match given.strip_prefix('~') {
            None => return Some(given.into()),
            Some("") => "",
            Some(rest) if rest.starts_with('/') => rest.trim_start_matches('/'),
            Some(_) => {
                let message =
                    format!("only `~/` is expanded: write the path in full, or `./{given}` for a name");
                self.fault(value.span(), message);
                return None;
            }
        };
        if self.home.is_none() {
            self.fault(value.span(), "`~/` cannot be expanded: the environment has no HOME that is a path");
        }
        self.home.as_ref().map(|home| home.join(rest))
    }

    /// One value, or a list of them.
    pub fn list<T>(
        &mut self,
        value: &Value<'t>,
        mut one: impl FnMut(&mut Self, &Value<'t>) -> Option<T>,
    ) -> Vec<T> {
        match value.get_ref() {
            DeValue::Array(values) => values.iter().filter_map(|value| one(self, value)).collect(),
            _ => one(self, value).into_iter().collect(),
        }
    }

    /// A command for the shell, or a list of a program and its arguments.
    pub fn program(&mut self, value: &Value<'t>) -> Option<Program> {
        let DeValue::Array(values) = value.get_ref() else {
            let command = self.string(value)?.to_owned();
            if command.trim().is_empty() {
                self.fault(value.span(), "a hook cannot be empty");
                return None;
            }
            return Some(Program::Shell(command));
        };
        let mut words = Vec::new();
        for value in values {
            let word = self.string(value)?.to_owned();
            let expands = word.starts_with("~/");
            words.push(if expands { self.expanded(value, &word)?.into() } else { word.into() });
        }
        if words.first().is_none_or(|program: &std::ffi::OsString| program.is_empty()) {
            self.fault(value.span(), "a hook needs a program");
            return None;
        }
        Some(Program::Direct(words))
    }

    pub fn table<'v>(&mut self, value: &'v Value<'t>) -> Option<&'v DeTable<'t>> {
        match value.get_ref() {
            DeValue::Table(table) => Some(table),
            _ => self.wrong(value, "a table of keys"),
        }
    }
}

/// The keys of a table, in the order of the text.
pub(super) fn in_order<'v, 't>(
    table: &'v DeTable<'t>,
) -> Vec<(&'v Spanned<std::borrow::Cow<'t, str>>, &'v Value<'t>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table of keys",
    }
}
