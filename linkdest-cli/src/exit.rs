//! Exit codes.

use linkdest_core::{ErrorKind, SnapshotReport, Status};

/// Done.
pub const OK: u8 = 0;
/// A fatal error, nothing was published.
pub const FATAL: u8 = 1;
/// The command line, a value in it, or a rule cannot be used.
pub const USAGE: u8 = 2;
/// A snapshot was published, or a list printed, with problems, or is suspect; rules were checked, with warnings.
pub const PROBLEMS: u8 = 3;
/// A check found differences.
pub const DIFFERENCES: u8 = 4;
/// What a process ended by SIGINT is known by; SIGTERM has its own, see [`crate::signals`].
pub const INTERRUPTED: u8 = 130;

/// The exit code of an error; what has no code of its own is fatal.
pub fn of_kind(kind: ErrorKind) -> u8 {
    kind.exit_code()
}

/// The exit code of a snapshot, or of a plan of one: what is suspect is no success.
pub fn of_report(report: &SnapshotReport) -> u8 {
    if report.is_suspect() { PROBLEMS } else { of_status(report.status()) }
}

/// The exit code of a run that ended with a report.
pub fn of_status(status: Status) -> u8 {
    if status == Status::Complete { OK } else { PROBLEMS }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_contract() {
        for (kind, code) in [
            (ErrorKind::NotARepository, 10),
            (ErrorKind::WrongRepository, 10),
            (ErrorKind::SourceEmpty, 1),
            (ErrorKind::Locked, 11),
            (ErrorKind::BadReference, 2),
            (ErrorKind::InvalidOption, 2),
            (ErrorKind::Rules, 2),
            (ErrorKind::NoSuchSnapshot, 2),
            (ErrorKind::NoSuchPath, 2),
            (ErrorKind::MissingManifest, 1),
            (ErrorKind::Interrupted, 130),
            (ErrorKind::SourceUnreadable, 1),
            (ErrorKind::NoSpace, 1),
        ] {
            assert_eq!(of_kind(kind), code, "{kind:?}");
        }
        assert_eq!((of_status(Status::Complete), of_status(Status::Problems)), (0, 3));
    }
}
