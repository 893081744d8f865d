//! What is worth saying and is no problem.

use std::fmt;

use crate::path::RelPath;

/// Something worth saying that is no problem.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The repository lies in the source; it was left out.
    RepositorySkipped(RelPath),
    /// A mount point, left empty because the run stays on one file system.
    MountSkipped(RelPath),
    /// An entry was listed, but gone when it was to be saved.
    Vanished(RelPath),
    /// All modification times moved by the same number of quarter hours: contents that are proven equal keep their
    /// links, and the manifest has the new times.
    TimesShifted {
        /// By how many seconds.
        seconds: i64,
    },
    /// Others may enter the repository, and run the setuid and setgid programs of old snapshots in it.
    ProgramsReachable,
    /// Something that the server of the source does not tell, or tells of everything alike, and what follows from that.
    SourceOdd(&'static str),
    /// Something that this build cannot do on this system, and what follows from that.
    SystemLacks(&'static str),
    /// What a dry run would copy does not fit into the repository. All in bytes.
    TooLittleSpace {
        /// What would be copied.
        needed: u64,
        /// What is available.
        available: u64,
        /// What must stay free of that.
        reserve: u64,
    },
    /// A snapshot has no manifest, so that there is nothing to check it against.
    NoManifest(String),
    /// A snapshot was removed while it was being checked.
    SnapshotRemoved(String),
    /// A check goes on that was stopped; it had begun at this time.
    Resumed(crate::entry::Timestamp),
    /// There is no stopped check to go on with: a new one begins.
    NothingToResume,
    /// Attributes that a restore could not set.
    NotRestored {
        /// Which attributes: `owners`, `trusted attributes` ...
        what: &'static str,
        /// How many entries should have them.
        entries: u64,
    },
    /// Attributes that this run cannot set here; the manifest keeps them, the snapshot does not.
    OutOfReach {
        /// Which attributes: `owners`, `trusted attributes` ...
        what: &'static str,
        /// How many entries have them.
        entries: u64,
    },
    /// The connection to a server was lost, and made anew.
    Reconnected,
    /// FIFOs and sockets that SFTP has no way to make.
    NotMade {
        /// How many entries.
        entries: u64,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RepositorySkipped(path) => write!(f, "{path}: skipped, it is the repository"),
            Self::MountSkipped(path) => write!(f, "{path}: left empty, it is on another file system"),
            Self::Vanished(path) => write!(f, "{path}: vanished before it was saved"),
            Self::TimesShifted { seconds } => {
                let (sign, minutes) = (if *seconds < 0 { '-' } else { '+' }, seconds.unsigned_abs() / 60);
                let (hours, minutes) = (minutes / 60, minutes % 60);
                write!(
                    f,
                    "all modification times moved by {sign}{hours}:{minutes:02} h; links are kept where the content is the same"
                )
            }
            Self::SourceOdd(what) | Self::SystemLacks(what) => f.write_str(what),
            Self::Reconnected => f.write_str("the connection to the server was lost, and made anew"),
            Self::TooLittleSpace { needed, available, reserve } => write!(
                f,
                "too little space in the repository: {needed} bytes would be copied, {available} are available, and \
                 {reserve} must stay free"
            ),
            Self::ProgramsReachable => f.write_str(
                "others may run the setuid programs of old snapshots: `chmod 700` the repository, or mount it nosuid",
            ),
            Self::NoManifest(snapshot) => {
                write!(f, "{snapshot}: has no manifest and was not checked; `reindex` makes one")
            }
            Self::SnapshotRemoved(snapshot) => write!(f, "{snapshot}: removed while it was being checked"),
            Self::Resumed(started) => write!(f, "going on with the check that began at {started}"),
            Self::NothingToResume => {
                f.write_str("there is no stopped check to go on with; this is a new one")
            }
            Self::NotRestored { what, entries } => {
                let entries = format_args!("{entries} {}", if *entries == 1 { "entry" } else { "entries" });
                write!(
                    f,
                    "{what} of {entries} were not restored: this user or this file system cannot set them"
                )
            }
            Self::NotMade { entries } => {
                write!(f, "FIFOs and sockets were left out, {entries} in all: SFTP cannot make them")
            }
            Self::OutOfReach { what, entries } => {
                let entries = format_args!("{entries} {}", if *entries == 1 { "entry" } else { "entries" });
                write!(
                    f,
                    "{what} of {entries} are in the manifest alone: this user or this file system cannot set them"
                )
            }
        }
    }
}
