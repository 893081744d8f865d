//! What ends a run ([`Error`]) and what only spoils one entry ([`Problem`]).

use std::io;
use std::path::{Path, PathBuf};

use crate::path::{Escaped, RelPath};
use std::os::unix::ffi::OsStrExt as _;

/// The result of an operation that can end a run.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, coarse enough to act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The directory is not a repository, or not one of a version that is known here.
    NotARepository,
    /// The repository is not the one that was asked for: it has another id.
    WrongRepository,
    /// Another run holds the repository's lock.
    Locked,
    /// The source is missing or cannot be read.
    SourceUnreadable,
    /// The source is no directory.
    SourceNotADirectory,
    /// Nothing is left of a source that had entries in its newest snapshot.
    SourceEmpty,
    /// The source is the repository, or lies in its own records.
    SourceIsRepository,
    /// The repository's file system cannot make hard links.
    NoHardLinks,
    /// The directory cannot become a repository: it has something in it, or is no directory.
    NotEmpty,
    /// A reference directory is missing, no directory, or on another file system.
    BadReference,
    /// An option has a value that cannot be used.
    InvalidOption,
    /// A filter rule, or a file of them, cannot be used.
    Rules,
    /// A profile, or a file that is to run one, cannot be used.
    Profile,
    /// A hook of a profile failed, so that no snapshot was taken.
    Hook,
    /// A record in the repository cannot be read.
    DamagedRecord,
    /// A manifest in the repository cannot be read; `reindex` makes it anew from the snapshot.
    DamagedManifest,
    /// A manifest was written by a newer linkdest, in a format that is not known here.
    NewerManifest,
    /// The snapshot has no manifest; `reindex` makes one from the snapshot.
    MissingManifest,
    /// There is no such snapshot, or more than one that is called so.
    NoSuchSnapshot,
    /// The snapshot has no such path.
    NoSuchPath,
    /// A snapshot may not be removed: it is pinned, or no good one would be left.
    Protected,
    /// The repository is full, over its quota, or would have less free than is to stay so.
    NoSpace,
    /// The run was stopped before it published anything, or before a question was answered.
    Interrupted,
    /// Anything else that the operating system refused.
    Io,
}

impl ErrorKind {
    /// The word for the kind in JSON.
    ///
    /// ```
    /// assert_eq!(linkdest_core::ErrorKind::NotARepository.as_str(), "not_a_repository");
    /// ```
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotARepository => "not_a_repository",
            Self::WrongRepository => "wrong_repository",
            Self::Locked => "locked",
            Self::SourceUnreadable => "source_unreadable",
            Self::SourceNotADirectory => "source_not_a_directory",
            Self::SourceEmpty => "source_empty",
            Self::SourceIsRepository => "source_is_repository",
            Self::NoHardLinks => "no_hard_links",
            Self::NotEmpty => "not_empty",
            Self::BadReference => "bad_reference",
            Self::InvalidOption => "invalid_option",
            Self::Rules => "rules",
            Self::Profile => "profile",
            Self::Hook => "hook",
            Self::DamagedRecord => "damaged_record",
            Self::DamagedManifest => "damaged_manifest",
            Self::NewerManifest => "newer_manifest",
            Self::MissingManifest => "missing_manifest",
            Self::NoSuchSnapshot => "no_such_snapshot",
            Self::NoSuchPath => "no_such_path",
            Self::Protected => "protected",
            Self::NoSpace => "no_space",
            Self::Interrupted => "interrupted",
            Self::Io => "io",
        }
    }

    /// The exit code of the command line for an error of this kind; what has no code of its own is fatal, 1.
    ///
    /// ```
    /// use linkdest_core::ErrorKind;
    /// assert_eq!((ErrorKind::Locked.exit_code(), ErrorKind::NoSpace.exit_code()), (11, 1));
    /// ```
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::NotARepository | Self::WrongRepository => 10,
            Self::Locked => 11,
            Self::BadReference
            | Self::InvalidOption
            | Self::NoSuchPath
            | Self::NoSuchSnapshot
            | Self::Profile
            | Self::Rules => 2,
            Self::Interrupted => 130,
            _ => 1,
        }
    }
}

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

    /// Makes an error of a given kind from what the operating system said.
    pub(crate) fn io_as(
        kind: ErrorKind,
        operation: &'static str,
        path: impl Into<PathBuf>,
        source: io::Error,
    ) -> Self {
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

/// Why one entry could not be saved as asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ProblemKind {
    /// The entry, or a part of it, could not be read.
    Unreadable,
    /// The entry changed while it was read, each time it was read.
    Changed,
    /// The repository's file system cannot hold the entry or one of its attributes.
    NotStored,
    /// Another name of the same directory already stands for this one there (case, Unicode forms).
    Collision,
    /// A reference could not be read; the entry was taken from the source instead.
    ReferenceUnreadable,
    /// A rule file in the source cannot be used; it counts as absent.
    Rules,
    /// The entry could not be read; the version of an earlier snapshot stands in its place.
    CarriedForward,
    /// The content in the snapshot is not what was saved.
    Damaged,
    /// Something lies where the entry should be, and stays.
    InTheWay,
    /// The snapshot is whole, but something beside it in the repository could not be tidied up.
    Housekeeping,
}

impl ProblemKind {
    /// The word for the kind in JSON and run records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Changed => "changed",
            Self::NotStored => "not_stored",
            Self::Collision => "collision",
            Self::ReferenceUnreadable => "reference_unreadable",
            Self::Rules => "rules",
            Self::CarriedForward => "carried_forward",
            Self::Damaged => "damaged",
            Self::InTheWay => "in_the_way",
            Self::Housekeeping => "housekeeping",
        }
    }

    /// Finds the kind that a word stands for.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        [
            Self::Unreadable,
            Self::Changed,
            Self::NotStored,
            Self::Collision,
            Self::ReferenceUnreadable,
            Self::Rules,
            Self::CarriedForward,
            Self::Damaged,
            Self::InTheWay,
            Self::Housekeeping,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == word)
    }
}

/// One entry that could not be saved as asked; the run goes on and says so at its end.
///
/// ```
/// use linkdest_core::{Problem, ProblemKind, RelPath};
/// let path = RelPath::new("etc/shadow").unwrap();
/// let problem = Problem::new(path, ProblemKind::Unreadable, "open", "permission denied").with_errno(Some(13));
/// assert_eq!(problem.to_string(), "etc/shadow: unreadable: open: permission denied");
/// assert_eq!(problem.errno(), Some(13));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    path: RelPath,
    kind: ProblemKind,
    operation: String,
    errno: Option<i32>,
    message: String,
}

impl Problem {
    /// Makes a problem from its parts; `operation` is a verb, `message` the cause.
    pub fn new(
        path: RelPath,
        kind: ProblemKind,
        operation: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self { path, kind, operation: operation.into(), errno: None, message: message.into() }
    }

    /// Sets the operating system's error number.
    #[must_use]
    pub fn with_errno(mut self, errno: Option<i32>) -> Self {
        self.errno = errno;
        self
    }

    /// Makes a problem from what the operating system said.
    pub(crate) fn io(path: RelPath, kind: ProblemKind, operation: &str, error: &io::Error) -> Self {
        Self::new(path, kind, operation, error.to_string()).with_errno(error.raw_os_error())
    }

    /// Makes the problem of a reference whose manifest cannot be used.
    pub(crate) fn unusable_manifest(error: &Error) -> Self {
        let message = format!("{error}; `reindex` makes it anew");
        Self::new(RelPath::root(), ProblemKind::ReferenceUnreadable, error.operation(), message)
    }

    /// Makes the problem of a snapshot whose manifest cannot be made, or may not be replaced.
    pub(crate) fn not_indexed(error: &Error) -> Self {
        let cause = error.io_error();
        let message = cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
        Self::new(RelPath::root(), ProblemKind::Unreadable, error.operation(), message)
            .with_errno(cause.and_then(io::Error::raw_os_error))
    }

    /// Makes the problem of a published snapshot whose surroundings could not be tidied up.
    pub(crate) fn housekeeping(error: &Error) -> Self {
        let cause = error.io_error();
        let message = cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
        Self::new(RelPath::root(), ProblemKind::Housekeeping, error.operation(), message)
            .with_errno(cause.and_then(io::Error::raw_os_error))
    }

    /// The path of the entry below the source.
    #[must_use]
    pub fn path(&self) -> &RelPath {
        &self.path
    }

    /// Why the entry was not saved as asked.
    #[must_use]
    pub fn kind(&self) -> ProblemKind {
        self.kind
    }

    /// What was being done, as a verb: `open`, `read`, `set owner` ...
    #[must_use]
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// The operating system's error number, where there is one.
    #[must_use]
    pub fn errno(&self) -> Option<i32> {
        self.errno
    }

    /// The cause in words.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.kind == ProblemKind::Rules {
            return write!(f, "{}: rule file ignored: {}", self.path, self.message);
        }
        let kind = self.kind.as_str().replace('_', " ");
        write!(f, "{}: {kind}: {}: {}", self.path, self.operation, self.message)
    }
}
