//! Exit codes, and the words for what went wrong.

use linkdest_core::{ErrorKind, Status};

/// Done.
pub const OK: u8 = 0;
/// A fatal error, nothing was published.
pub const FATAL: u8 = 1;
/// The command line, or a value in it, cannot be used.
pub const USAGE: u8 = 2;
/// A snapshot was published, with problems.
pub const PROBLEMS: u8 = 3;
/// What a process ended by SIGINT is known by; SIGTERM has its own, see [`crate::signals`].
pub const INTERRUPTED: u8 = 130;

const KINDS: [(ErrorKind, &str, u8); 13] = [
    (ErrorKind::NotARepository, "not_a_repository", 10),
    (ErrorKind::Locked, "locked", 11),
    (ErrorKind::SourceUnreadable, "source_unreadable", FATAL),
    (ErrorKind::SourceNotADirectory, "source_not_a_directory", FATAL),
    (ErrorKind::SourceIsRepository, "source_is_repository", FATAL),
    (ErrorKind::NoHardLinks, "no_hard_links", FATAL),
    (ErrorKind::NotEmpty, "not_empty", FATAL),
    (ErrorKind::BadReference, "bad_reference", USAGE),
    (ErrorKind::InvalidOption, "invalid_option", USAGE),
    (ErrorKind::DamagedRecord, "damaged_record", FATAL),
    (ErrorKind::NoSpace, "no_space", FATAL),
    (ErrorKind::Interrupted, "interrupted", INTERRUPTED),
    (ErrorKind::Io, "io", FATAL),
];

/// The word for a kind of error in JSON, and the exit code.
pub fn of_kind(kind: ErrorKind) -> (&'static str, u8) {
    let known = KINDS.iter().find(|(known, ..)| *known == kind);
    known.map_or(("other", FATAL), |(_, word, code)| (word, *code))
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
            (ErrorKind::Locked, 11),
            (ErrorKind::BadReference, 2),
            (ErrorKind::InvalidOption, 2),
            (ErrorKind::Interrupted, 130),
            (ErrorKind::SourceUnreadable, 1),
            (ErrorKind::NoSpace, 1),
        ] {
            assert_eq!(of_kind(kind).1, code, "{kind:?}");
        }
        assert_eq!((of_status(Status::Complete), of_status(Status::Problems)), (0, 3));
    }

    #[test]
    fn words_are_the_kinds_in_snake_case() {
        for (kind, word, _) in KINDS {
            let mut expected = String::new();
            for letter in format!("{kind:?}").chars() {
                if letter.is_uppercase() && !expected.is_empty() {
                    expected.push('_');
                }
                expected.extend(letter.to_lowercase());
            }
            assert_eq!(word, expected);
        }
    }
}
