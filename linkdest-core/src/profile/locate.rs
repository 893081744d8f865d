//! Where profiles lie.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::native::OsStrExt as _;
use crate::os::File;
use crate::path::Escaped;

/// The profiles of the machine.
const SYSTEM: &str = "/etc/linkdest";
/// No honest profile is larger, in bytes.
const LIMIT: usize = 1 << 20;

/// The file that a name or path stands for, and its text.
pub(super) fn read(name_or_path: &Path) -> Result<(PathBuf, String)> {
    let candidates = if is_path(name_or_path.as_os_str()) {
        vec![std::path::absolute(name_or_path).unwrap_or_else(|_| name_or_path.to_owned())]
    } else {
        places().iter().map(|place| place.join(format_name(name_or_path))).collect()
    };
    for path in &candidates {
        match File::open_regular_operator_path(path).and_then(|file| file.read_small(LIMIT)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                let message = format!("{}: cannot read the profile: {error}", escaped(path));
                return Err(Error::profile(path, message));
            }
            Ok(bytes) => {
                let text = String::from_utf8(bytes)
                    .map_err(|_| Error::profile(path, format!("{}: not UTF-8", escaped(path))))?;
                return Ok((path.clone(), text));
            }
        }
    }
    Err(missing(name_or_path, &candidates))
}

/// A name has neither a directory nor an ending.
fn is_path(text: &OsStr) -> bool {
    text.as_bytes().contains(&b'/') || text.as_bytes().ends_with(b".toml")
}

fn format_name(name: &Path) -> PathBuf {
    let mut file = name.as_os_str().to_owned();
    file.push(".toml");
    file.into()
}

/// The directories that names are looked for in, the user's own first.
fn places() -> Vec<PathBuf> {
    configuration().map(|own| own.join("linkdest")).into_iter().chain([PathBuf::from(SYSTEM)]).collect()
}

/// The directory of the user's configuration (XDG Base Directory Specification): a relative one is ignored.
pub(super) fn configuration() -> Option<PathBuf> {
    let absolute = |path: &PathBuf| path.is_absolute();
    let named = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(absolute);
    named.or_else(|| home().map(|home| home.join(".config")))
}

pub(super) fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute())
}

fn missing(asked: &Path, candidates: &[PathBuf]) -> Error {
    let looked: Vec<_> = candidates.iter().map(|path| escaped(path).to_string()).collect();
    let path = escaped(asked);
    Error::profile(asked, format!("{path}: no such profile; looked for {}", looked.join(" and ")))
}

pub(super) fn escaped(path: &Path) -> Escaped<'_> {
    Escaped(path.as_os_str().as_bytes())
}
