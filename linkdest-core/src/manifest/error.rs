//! Why a manifest cannot be read.

use std::io;

/// A manifest cannot be read.
///
/// ```
/// use linkdest_core::ManifestError;
/// assert_eq!(ManifestError::Newer(9).to_string(), "the manifest has format version 9, which is newer than this linkdest");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The file could not be read.
    #[error("the manifest cannot be read")]
    Io(#[from] io::Error),
    /// The bytes are not what was written: what is wrong, and where.
    #[error("the manifest is damaged: {0}")]
    Damaged(String),
    /// A newer linkdest wrote it, in a format version that is not known here.
    #[error("the manifest has format version {0}, which is newer than this linkdest")]
    Newer(u32),
}

impl ManifestError {
    pub(super) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged(what.into())
    }
}
