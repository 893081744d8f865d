//! The kinds of errors that end a run: their words, their exit codes.

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
    /// The other side of a connection cannot be reached, refuses, does not answer as it should, or is gone.
    Connection,
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
            Self::Connection => "connection",
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
