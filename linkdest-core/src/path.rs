//! Paths below a source or snapshot root, as bytes.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::native::OsStrExt as _;

/// A path below a root: components joined by `/`, bytes, never absolute, without `.` and `..`.
///
/// The root itself is the empty path. `Display` escapes what a terminal or a log should not see.
///
/// ```
/// use linkdest_core::RelPath;
/// let path = RelPath::new(b"home/me/a\x1b[31m").unwrap();
/// assert_eq!(path.to_string(), r"home/me/a\x1b[31m");
/// assert!(RelPath::new(b"../etc").is_none());
/// assert!(RelPath::new(b"/etc").is_none());
/// assert_eq!(RelPath::root().to_string(), ".");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct RelPath(Vec<u8>);

impl RelPath {
    /// Takes a path; `None` if it is absolute, has an empty, `.` or `..` component, or a NUL byte.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Option<Self> {
        let bytes = bytes.into();
        let good = |part: &[u8]| !part.is_empty() && part != b"." && part != b".." && !part.contains(&0);
        (bytes.is_empty() || bytes.split(|&b| b == b'/').all(good)).then_some(Self(bytes))
    }

    /// Takes a path as people type it: slashes at either end, several of them, and `.` change nothing; `None` if it has
    /// a `..` or a NUL byte.
    ///
    /// ```
    /// use linkdest_core::RelPath;
    /// assert_eq!(RelPath::from_typed(b"/home//./me/").unwrap().as_bytes(), b"home/me");
    /// assert_eq!(RelPath::from_typed(b"."), Some(RelPath::root()));
    /// assert!(RelPath::from_typed(b"a/../b").is_none());
    /// ```
    pub fn from_typed(bytes: impl AsRef<[u8]>) -> Option<Self> {
        let parts = bytes.as_ref().split(|&byte| byte == b'/');
        let parts: Vec<_> = parts.filter(|part| !part.is_empty() && *part != b".").collect();
        Self::new(parts.join(&b'/'))
    }

    /// The root itself: the empty path.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// Joins names from the top down, as they come from a directory listing.
    pub(crate) fn from_names<'a>(names: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut bytes = Vec::new();
        for name in names {
            if !bytes.is_empty() {
                bytes.push(b'/');
            }
            bytes.extend_from_slice(name);
        }
        Self(bytes)
    }

    /// The path of `name` in this directory.
    pub(crate) fn child(&self, name: &[u8]) -> Self {
        Self::from_names([self.0.as_slice(), name].into_iter().filter(|part| !part.is_empty()))
    }

    /// The directory that an entry is in, and its name there; the root has neither.
    pub(crate) fn split(&self) -> (Self, &[u8]) {
        let slash = self.0.iter().rposition(|&byte| byte == b'/');
        let (parent, name) = self.0.split_at(slash.unwrap_or(0));
        (Self(parent.to_vec()), name.strip_prefix(b"/").unwrap_or(name))
    }

    /// The bytes of the path.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The path as std knows it.
    #[must_use]
    pub fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }

    /// The path as text, with U+FFFD where it is not UTF-8.
    #[must_use]
    pub fn to_string_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// Says whether the path is UTF-8, so that nothing is lost in text.
    #[must_use]
    pub fn is_utf8(&self) -> bool {
        std::str::from_utf8(&self.0).is_ok()
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { f.write_char('.') } else { write!(f, "{}", Escaped(&self.0)) }
    }
}

impl From<&RelPath> for PathBuf {
    fn from(path: &RelPath) -> Self {
        path.as_path().to_owned()
    }
}

/// Shows bytes with control characters, line separators, backslashes and invalid UTF-8 as `\xNN`.
///
/// ```
/// use linkdest_core::Escaped;
/// assert_eq!(Escaped(b"a\nb\xff").to_string(), r"a\x0ab\xff");
/// assert_eq!(Escaped("é".as_bytes()).to_string(), "é");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Escaped<'a>(pub &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                if is_plain(c) {
                    f.write_char(c)?;
                } else {
                    let mut bytes = [0; 4];
                    hex(f, c.encode_utf8(&mut bytes).as_bytes())?;
                }
            }
            hex(f, chunk.invalid())?;
        }
        Ok(())
    }
}

/// Bidirectional controls and line separators can make a terminal line say something else.
fn is_plain(c: char) -> bool {
    !(c.is_control()
        || c == '\\'
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}'))
}

fn hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "\\x{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_clean_relative_paths_are_taken() {
        for (bytes, good) in [
            (&b""[..], true),
            (b"a", true),
            (b"a/b", true),
            (b"...", true),
            (b"/a", false),
            (b"a/", false),
            (b"a//b", false),
            (b".", false),
            (b"a/../b", false),
            (b"a\0b", false),
        ] {
            assert_eq!(RelPath::new(bytes).is_some(), good, "{bytes:?}");
        }
    }

    #[test]
    fn paths_fall_into_directory_and_name() {
        for (path, parent, name) in [("a", "", "a"), ("a/b", "a", "b"), ("a/b/c", "a/b", "c"), ("", "", "")] {
            let split = RelPath::new(path).unwrap();
            let split = split.split();
            assert_eq!((split.0.as_bytes(), split.1), (parent.as_bytes(), name.as_bytes()));
        }
    }

    #[test]
    fn children_of_the_root_have_no_leading_slash() {
        assert_eq!(RelPath::root().child(b"a").child(b"b").as_bytes(), b"a/b");
    }

    #[test]
    fn every_byte_is_shown_on_one_line() {
        let all: Vec<u8> = (1..=255).collect();
        let shown = Escaped(&all).to_string();
        assert!(shown.chars().all(|c| !c.is_control()));
    }
}
