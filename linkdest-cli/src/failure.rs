//! What ends the program early: one line on standard error, and with `--json` one on standard output.

use std::error::Error as _;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use linkdest_core::ErrorKind;

use crate::console::{Label, print_json, print_message};
use crate::report::json;
use crate::{exit, signals};

/// An error as it is told.
#[derive(Debug)]
pub struct Failure {
    pub kind: &'static str,
    pub code: u8,
    pub message: String,
    pub path: Option<PathBuf>,
}

impl Failure {
    /// The command line cannot be used.
    pub fn usage(message: String) -> Self {
        Self::of(ErrorKind::InvalidOption, message)
    }

    /// The operating system refused something that has no path.
    pub fn io(what: &str, error: &io::Error) -> Self {
        Self::of(ErrorKind::Io, format!("{what}: {error}"))
    }

    fn of(kind: ErrorKind, message: String) -> Self {
        Self { kind: kind.as_str(), code: exit::of_kind(kind), message, path: None }
    }

    /// The user asked to stop.
    pub fn interrupted() -> Self {
        Self::of(ErrorKind::Interrupted, "stopped".to_owned()).with_code(signals::exit_code())
    }

    /// Sets the exit code.
    pub fn with_code(self, code: u8) -> Self {
        Self { code, ..self }
    }

    /// Tells the user, and hands back the exit code.
    pub fn tell(&self, as_json: bool) -> ExitCode {
        if as_json {
            print_json(&json::Error::from(self));
        }
        print_message(Label::Error, &self.message);
        ExitCode::from(self.code)
    }
}

impl From<linkdest_core::Error> for Failure {
    fn from(error: linkdest_core::Error) -> Self {
        let failure = Self { path: error.path().map(Into::into), ..Self::of(error.kind(), chain(&error)) };
        if error.kind() == ErrorKind::Interrupted { failure.with_code(signals::exit_code()) } else { failure }
    }
}

/// The error and its causes, each layer once.
fn chain(error: &linkdest_core::Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let layer = error.to_string();
        if !message.ends_with(&layer) {
            message = format!("{message}: {layer}");
        }
        cause = error.source();
    }
    message
}
