//! What ends a run ([`Error`]) and what only spoils one entry ([`Problem`]).

mod kind;
mod problem;

pub use kind::ErrorKind;
pub use problem::{Problem, ProblemKind};

use std::io;
use std::path::{Path, PathBuf};

use crate::native::OsStrExt as _;
use crate::path::Escaped;

/// The result of an operation that can end a run.
pub type Result<T> = std::result::Result<T, Error>;

/// An error that ended a run; nothing was published.
///
/// `Display` says this layer only: what was tried, on what; the cause is in `source()`.
///
/// ```
/// use linkdest_core::{ErrorKind, Repository};
/// let error = Repository::open("/nonexistent").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::NotARepository);
/// assert!(error.to_string().contains("/nonexistent"));
/// ```
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
    operation: &'static str,
    path: Option<PathBuf>,
    source: Option<io::Error>,
}

impl Error {
    /// Makes an error whose message is a whole sentence for the user.
    pub(crate) fn new(kind: ErrorKind, path: impl Into<PathBuf>, message: impl std::fmt::Display) -> Self {
        let path = path.into();
        let message = format!("{}: {message}", Escaped(path.as_os_str().as_bytes()));
        Self { kind, message, operation: "check", path: Some(path), source: None }
    }

    /// Makes an error about an option; there is no path to name.
    pub(crate) fn option(message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::InvalidOption,
            message: message.into(),
            operation: "check",
            path: None,
            source: None,
        }
    }

    /// Makes an error of a bad filter rule, which is a whole sentence already.
    pub(crate) fn rules(file: Option<&Path>, message: String) -> Self {
        let path = file.map(Path::to_owned);
        Self { kind: ErrorKind::Rules, message, operation: "read rules", path, source: None }
    }

    /// Makes an error of a profile that cannot be used, which is a whole sentence already.
    pub(crate) fn profile(path: &Path, message: impl Into<String>) -> Self {
        let (kind, message, path) = (ErrorKind::Profile, message.into(), Some(path.to_owned()));
        Self { kind, message, operation: "read profile", path, source: None }
    }

    /// Makes the error of a hook without which there is no snapshot, which is a whole sentence already.
    pub(crate) fn hook(message: String) -> Self {
        Self { kind: ErrorKind::Hook, message, operation: "run hook", path: None, source: None }
    }

    /// Makes the error of a connection that cannot be made or used, which is a whole sentence already.
    pub(crate) fn connection(operation: &'static str, address: &Path, message: impl Into<String>) -> Self {
        let (kind, message, path) = (ErrorKind::Connection, message.into(), Some(address.to_owned()));
        Self { kind, message, operation, path, source: None }
    }

    /// What ends the run, where that is what stands behind the error of one entry: a lost connection, a stop.
    pub(crate) fn within(error: &io::Error) -> Option<Self> {
        let inner = error.get_ref()?.downcast_ref::<Self>()?;
        let ends = matches!(inner.kind, ErrorKind::Connection | ErrorKind::Interrupted);
        ends.then(|| Self {
            kind: inner.kind,
            message: inner.message.clone(),
            operation: inner.operation,
            path: inner.path.clone(),
            source: None,
        })
    }

    /// Makes the error of a run that was told to stop.
    pub(crate) fn interrupted() -> Self {
        Self::stopped("stopped before the snapshot was published; what was saved so far helps the next run")
    }

    /// Makes the error of something that was told to stop, which is a whole sentence already.
    pub(crate) fn stopped(message: &str) -> Self {
        let (kind, message) = (ErrorKind::Interrupted, message.to_owned());
        Self { kind, message, operation: "stop", path: None, source: None }
    }

    /// Makes an error from what the operating system said.
    pub(crate) fn io(operation: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        let kind = match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::NoSpace,
            _ => ErrorKind::Io,
        };
        Self::io_as(kind, operation, path, source)
    }

    /// Makes an error of a given kind from what the operating system said; what ends a run by itself stays what it is.
    pub(crate) fn io_as(
        kind: ErrorKind,
        operation: &'static str,
        path: impl Into<PathBuf>,
        source: io::Error,
    ) -> Self {
        if let Some(ended) = Self::within(&source) {
            return ended;
        }
        let path = path.into();
        let message = format!("{}: cannot {operation}", Escaped(path.as_os_str().as_bytes()));
        Self { kind, message, operation, path: Some(path), source: Some(source) }
    }

    /// What kind of error this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The path it happened at, where there is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// What was being done, as a verb: `open`, `link`, `sync` ...
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// What the operating system said, where it was asked.
    #[must_use]
    pub fn io_error(&self) -> Option<&io::Error> {
        self.source.as_ref()
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = error.source.as_ref().map_or(io::ErrorKind::Other, io::Error::kind);
        Self::new(kind, error)
    }
}
