//! Bytes as the rules see them: white space, paths, and how to show them.

use std::ffi::OsStr;
use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::native::OsStrExt as _;

/// C's `isspace` in the C locale.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// The bytes as a path.
pub(super) fn path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

/// The bytes of a path.
pub(super) fn of_path(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

/// The bytes as an owned path.
pub(super) fn path_buf(bytes: &[u8]) -> PathBuf {
    path(bytes).to_owned()
}

/// What is behind the last slash.
pub(super) fn last_component(path: &[u8]) -> &[u8] {
    split_last(path).1
}

/// What is before the last slash (if there is one) and what is behind it.
pub(super) fn split_last(path: &[u8]) -> (Option<&[u8]>, &[u8]) {
    match path.iter().rposition(|&byte| byte == b'/') {
        Some(at) => (path.get(..at), path.get(at + 1..).unwrap_or_default()),
        None => (None, path),
    }
}

/// Joins a path to an absolute directory and takes `.`, `..` and double slashes out, by the text alone.
///
/// The result has no slash at its end, so that the root is empty.
pub(super) fn resolve(directory: &[u8], path: &[u8]) -> Vec<u8> {
    let start: &[u8] = if path.first() == Some(&b'/') { b"" } else { directory };
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in start.split(|&byte| byte == b'/').chain(path.split(|&byte| byte == b'/')) {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.iter().flat_map(|part| std::iter::once(&b'/').chain(*part)).copied().collect()
}

/// Says whether `ancestor` is a directory above `directory`; both as [`resolve`] gives them.
pub(super) fn is_above(ancestor: &[u8], directory: &[u8]) -> bool {
    directory.strip_prefix(ancestor).is_some_and(|rest| rest.first() == Some(&b'/'))
}

/// Shows bytes with control characters and what is not UTF-8 as `\xNN`.
pub(super) struct Escaped<'a>(pub(super) &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                if c.is_control() { write!(f, "\\x{:02x}", u32::from(c))? } else { f.write_char(c)? }
            }
            chunk.invalid().iter().try_for_each(|byte| write!(f, "\\x{byte:02x}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_resolved_by_their_text() {
        for (directory, path, want) in [
            ("/w/src", "x", "/w/src/x"),
            ("/w/src", "./x/", "/w/src/x"),
            ("/w/src", "../x", "/w/x"),
            ("/w/src", "/x//y", "/x/y"),
            ("/w", "../..", ""),
            ("", "/", ""),
        ] {
            assert_eq!(resolve(directory.as_bytes(), path.as_bytes()), want.as_bytes(), "{directory} {path}");
        }
        assert!(is_above(b"", b"/w") && is_above(b"/w", b"/w/src"));
        assert!(!is_above(b"/w", b"/w") && !is_above(b"/w", b"/wx/src"));
    }
}
