//! What leaves entries out although no rule does.

/// What leaves an entry out whatever the rules include: an option of its own.
///
/// ```
/// assert_eq!(linkdest_core::filter::Extra::Caches.option(), "--exclude-caches");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Extra {
    /// It is in a directory with a `CACHEDIR.TAG`.
    Caches,
    /// It is in a directory that has an entry of a certain name.
    IfPresent,
    /// It is a file that is too large.
    LargerThan,
    /// It is a directory in which nothing takes part.
    PruneEmptyDirs,
}

impl Extra {
    /// The name of the option.
    #[must_use]
    pub fn option(self) -> &'static str {
        match self {
            Self::Caches => "--exclude-caches",
            Self::IfPresent => "--exclude-if-present",
            Self::LargerThan => "--exclude-larger-than",
            Self::PruneEmptyDirs => "--prune-empty-dirs",
        }
    }
}
