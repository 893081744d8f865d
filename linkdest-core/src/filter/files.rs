//! How the filter reaches files: it asks, the caller reads.

use std::io;
use std::path::Path;

/// Reads the rule files that the operator names.
///
/// The operator's own paths may be symbolic links, and relative ones are meant from the working directory, also
/// inside rule files. A directory should read as an empty file, as with rsync.
///
/// ```
/// use linkdest_core::filter::{FilterBuilder, RuleFiles};
/// use std::{io, path::Path};
///
/// struct OneFile;
/// impl RuleFiles for OneFile {
///     fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
///         if path == Path::new("my.rules") { Ok(b"- *.o\n".to_vec()) } else { Err(io::ErrorKind::NotFound.into()) }
///     }
/// }
///
/// let filter = FilterBuilder::new().rules_file("my.rules").build(&OneFile)?;
/// assert_eq!(filter.to_string(), "- *.o\n");
/// # Ok::<(), linkdest_core::filter::RuleError>(())
/// ```
pub trait RuleFiles {
    /// Reads a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// Reads standard input, which is what the name `-` stands for.
    fn standard_input(&self) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Reads `.cvsignore` in the user's home directory, for `-C`; an error counts as an empty file.
    fn home_cvsignore(&self) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }

    /// The value of the environment variable CVSIGNORE, for `-C`.
    fn cvsignore_variable(&self) -> Option<Vec<u8>> {
        None
    }
}

/// No files at all: whatever is named is missing.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct NoFiles;

impl RuleFiles for NoFiles {
    fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }
}

impl DirectoryFiles for NoFiles {
    fn read_in(&self, _: Place<'_>, _: &[u8]) -> io::Result<Option<Vec<u8>>> {
        Ok(None)
    }
}

/// The directory that a rule file is in; what [`DirectoryFiles`] are asked for.
///
/// ```
/// use linkdest_core::filter::Place;
/// let shown = |place: Place<'_>| match place {
///     Place::Here(path) | Place::Source(path) => format!("src/{}", String::from_utf8_lossy(path)),
///     Place::Outside(path) => path.display().to_string(),
/// };
/// assert_eq!(shown(Place::Here(b"docs")), "src/docs");
/// assert_eq!(shown(Place::Outside("/home".as_ref())), "/home");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// The directory that is being entered: its path below the source, empty for the source itself.
    Here(&'a [u8]),
    /// Another directory of the source, which may or may not exist: its path below the source, without `..`.
    Source(&'a [u8]),
    /// A directory outside the source: an absolute path.
    ///
    /// Asked for when a per-directory rule has a path that leads there (`-F` has: its `/.rsync-filter` is looked for
    /// in all the directories above the source), and when a per-directory file merges one from there. Such a file
    /// was written by whoever may write into the source, so a caller with more rights should read only what the
    /// operator could have meant, or nothing.
    Outside(&'a Path),
}

/// Reads rule files in the directories of the source.
///
/// They are hostile input. The caller should read only regular files, never through a symbolic link, and only
/// up to a limit; what it refuses it may report as it likes and give `Ok(None)`, which is "there is none".
///
/// ```
/// use linkdest_core::filter::{DirectoryFiles, FilterBuilder, Place, Verdict};
/// use std::io;
///
/// struct OneFile;
/// impl DirectoryFiles for OneFile {
///     fn read_in(&self, place: Place<'_>, name: &[u8]) -> io::Result<Option<Vec<u8>>> {
///         let found = place == Place::Here(b"sub") && name == b".rules";
///         Ok(found.then(|| b"- /cache\n".to_vec()))
///     }
/// }
///
/// let filter = FilterBuilder::new().rule(": .rules").build_without_files()?;
/// let root = filter.root("/home/me".as_ref(), &OneFile)?;
/// assert_eq!(root.decide(b"cache", true).verdict(), Verdict::Include);
/// assert_eq!(root.enter(b"sub", &OneFile)?.decide(b"cache", true).verdict(), Verdict::Exclude);
/// # Ok::<(), linkdest_core::filter::RuleError>(())
/// ```
pub trait DirectoryFiles {
    /// Reads the file of that name (one component); `None` if there is none, or none to be read.
    ///
    /// An error ends up in the [`RuleError`](super::RuleError) of the directory.
    fn read_in(&self, place: Place<'_>, name: &[u8]) -> io::Result<Option<Vec<u8>>>;
}
