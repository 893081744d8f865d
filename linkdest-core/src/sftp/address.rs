//! Where an SFTP server is, as people write it: `sftp://[user@]host[:port]/path`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::native::{OsStrExt as _, OsStringExt as _};
use crate::path::Escaped;

/// A directory on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub user: Option<String>,
    pub host: String,
    pub port: Option<u16>,
    /// The path as the server knows it: absolute, or relative to the home directory.
    pub path: Vec<u8>,
}

const SCHEME: &[u8] = b"sftp://";

impl Address {
    /// Says whether a path is an address. A local directory of such a name is written with `./` before it.
    pub fn is_one(path: &Path) -> bool {
        path.as_os_str()
            .as_bytes()
            .get(..SCHEME.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(SCHEME))
    }

    /// Reads an address. The path is percent-decoded; `/~/` at its beginning is the home directory.
    pub fn parse(text: &Path) -> Result<Self> {
        let bytes = text.as_os_str().as_bytes();
        let wrong = |why: &str| Error::option(format!("{}: {why}", without_password(bytes)));
        let rest = bytes.get(SCHEME.len()..).unwrap_or_default();
        let Some(slash) = rest.iter().position(|&byte| byte == b'/') else {
            return Err(wrong(
                "the path is missing: sftp://host/ is the root, sftp://host/~/ the home directory",
            ));
        };
        let (place, path) = rest.split_at(slash);
        let place = std::str::from_utf8(place).map_err(|_| wrong("the host is not UTF-8"))?;
        let (user, place) = match place.rsplit_once('@') {
            Some((user, place)) => (Some(user.to_owned()), place),
            None => (None, place),
        };
        let (host, port) = host_and_port(place).ok_or_else(|| wrong("not a host and a port"))?;
        if user.as_deref().is_some_and(|user| end_of_name(user.as_bytes()).is_some()) {
            return Err(wrong("a password has no place in an address: use a key or an agent"));
        }
        if !is_plain(host) || user.as_deref().is_some_and(|user| !is_plain(user)) {
            return Err(wrong("not a name of a host or a user that ssh could be given"));
        }
        let path =
            decoded_path(path).ok_or_else(|| wrong("`%` needs two digits, 0 to 9 and a to f, and not 00"))?;
        Ok(Self { user, host: host.to_owned(), port, path })
    }

    /// The address in the one form that snapshots of it are known by.
    pub fn canonical(&self) -> PathBuf {
        let user = self.user.iter().map(|user| format!("{user}@")).collect::<String>();
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let port = self.port.iter().map(|port| format!(":{port}")).collect::<String>();
        let mut text = format!("sftp://{user}{host}{port}/").into_bytes();
        let path = match self.path.strip_prefix(b"/") {
            Some(path) => path,
            None => {
                text.extend_from_slice(b"~/");
                self.path.strip_prefix(b".").unwrap_or(&self.path)
            }
        };
        for (index, &byte) in path.iter().enumerate() {
            let literal_home = index == 0 && byte == b'~' && self.path.starts_with(b"/");
            if byte > b' ' && byte < 0x7f && byte != b'%' && !literal_home {
                text.push(byte);
            } else {
                text.extend_from_slice(format!("%{byte:02X}").as_bytes());
            }
        }
        if text.ends_with(b"/~/") {
            text.pop();
        }
        OsString::from_vec(text).into()
    }
}

/// Where the name of a user ends that a password comes after, as people write it by mistake.
fn end_of_name(user: &[u8]) -> Option<usize> {
    let is_end =
        |at: &[u8]| at.starts_with(b":") || at.get(..3).is_some_and(|at| at.eq_ignore_ascii_case(b"%3a"));
    (0..user.len()).find(|at| user.get(*at..).is_some_and(is_end))
}

/// What was written, for messages, which go to logs.
fn without_password(text: &[u8]) -> String {
    let (scheme, rest) = text.split_at(SCHEME.len().min(text.len()));
    let end = rest.iter().position(|&byte| byte == b'/').unwrap_or(rest.len());
    let place = rest.get(..end).unwrap_or_default();
    let user_end = place.iter().rposition(|&byte| byte == b'@');
    let name_end = end_of_name(place.get(..user_end.unwrap_or(end)).unwrap_or_default());
    let hidden = match (name_end, user_end) {
        (Some(from), Some(to)) => Some(from..to),
        // A port, or a password with a slash in it.
        (Some(from), None) => {
            let port = place.get(from + 1..).unwrap_or_default();
            let is_port = place.starts_with(b"[") || port.iter().all(u8::is_ascii_digit);
            let to = || rest.iter().rposition(|&byte| byte == b'@').unwrap_or(end);
            (!is_port).then(|| from..to())
        }
        (None, _) => None,
    };
    let shown = |part: &[u8]| Escaped(part).to_string();
    match hidden {
        Some(hidden) => {
            let (before, after) = (rest.get(..hidden.start), rest.get(hidden.end..));
            format!(
                "{}{}:***{}",
                shown(scheme),
                shown(before.unwrap_or_default()),
                shown(after.unwrap_or_default())
            )
        }
        None => shown(text),
    }
}

fn host_and_port(place: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            (host, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
        }
        None => match place.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        },
    };
    let port = port
        .map(|port| port.parse().ok().filter(|port| *port > 0))
        .map_or(Some(None), |port| port.map(Some))?;
    Some((host, port))
}

/// Says whether ssh takes a name for what it is: no option, nothing that a shell of a ProxyCommand would act on.
fn is_plain(name: &str) -> bool {
    let strange = |c: char| c.is_whitespace() || c.is_control() || "'`\"$\\;&<>|(){}@/".contains(c);
    !name.is_empty() && !name.starts_with('-') && !name.contains(strange)
}

fn decoded_path(text: &[u8]) -> Option<Vec<u8>> {
    let home = text == b"/~" || text.starts_with(b"/~/");
    let mut names: Vec<Vec<u8>> = Vec::new();
    let parts = text.split(|&byte| byte == b'/').skip(if home { 2 } else { 1 });
    for part in parts.filter(|part| !part.is_empty()) {
        let name = decoded(part)?;
        if name != b"." {
            names.push(name);
        }
    }
    let joined = names.join(&b'/');
    match (home, joined.is_empty()) {
        (true, true) => Some(b".".to_vec()),
        (true, false) => Some(joined),
        (false, _) => Some([b"/", &joined[..]].concat()),
    }
}

fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut left = text;
    while let Some((&byte, rest)) = left.split_first() {
        left = rest;
        if byte == b'%' {
            let (digits, rest) = rest.split_first_chunk::<2>()?;
            let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            let decoded = digit(digits[0])? << 4 | digit(digits[1])?;
            if decoded == 0 {
                return None;
            }
            out.push(decoded);
            left = rest;
        } else if byte == 0 {
            return None;
        } else {
            out.push(byte);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        for (text, user, host, port, path, canonical) in [
            ("sftp://h/x", None, "h", None, "/x", "sftp://h/x"),
            ("SFTP://h/x", None, "h", None, "/x", "sftp://h/x"),
            ("sftp://me@h:2222/a/b/", Some("me"), "h", Some(2222), "/a/b", "sftp://me@h:2222/a/b"),
            ("sftp://h/", None, "h", None, "/", "sftp://h/"),
            ("sftp://h//a//./b", None, "h", None, "/a/b", "sftp://h/a/b"),
            ("sftp://h/~/x", None, "h", None, "x", "sftp://h/~/x"),
            ("sftp://h/~", None, "h", None, ".", "sftp://h/~"),
            ("sftp://h/~/", None, "h", None, ".", "sftp://h/~"),
            ("sftp://h/~x", None, "h", None, "/~x", "sftp://h/%7Ex"),
            ("sftp://h/%7e/x", None, "h", None, "/~/x", "sftp://h/%7E/x"),
            ("sftp://h/a%20b%25", None, "h", None, "/a b%", "sftp://h/a%20b%25"),
            ("sftp://[::1]:22/x", None, "::1", Some(22), "/x", "sftp://[::1]:22/x"),
            ("sftp://[fe80::1%eth0]/x", None, "fe80::1%eth0", None, "/x", "sftp://[fe80::1%eth0]/x"),
            ("sftp://h/a?b#c", None, "h", None, "/a?b#c", "sftp://h/a?b#c"),
        ] {
            let address = Address::parse(Path::new(text)).unwrap();
            assert_eq!(
                (address.user.as_deref(), address.host.as_str(), address.port),
                (user, host, port),
                "{text}"
            );
            assert_eq!(address.path, path.as_bytes(), "{text}");
            assert_eq!(address.canonical(), Path::new(canonical), "{text}");
            assert_eq!(Address::parse(&address.canonical()).unwrap(), address, "{text}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_survive() {
        let text = OsStr::from_bytes(b"sftp://h/a\xff%fe");
        let address = Address::parse(Path::new(text)).unwrap();
        assert_eq!(address.path, b"/a\xff\xfe");
        assert_eq!(address.canonical(), Path::new("sftp://h/a%FF%FE"));
    }

    #[test]
    fn a_password_is_in_no_message() {
        for (text, shown) in [
            ("sftp://me:hunter2@h/x", "sftp://me:***@h/x"),
            ("sftp://me:hunter2@h:99/x@y", "sftp://me:***@h:99/x@y"),
            ("sftp://me:hunter2@h", "sftp://me:***@h"),
            ("sftp://me%3Ahunter2@h/x", "sftp://me:***@h/x"),
            ("sftp://me:hun@ter2@h/x", "sftp://me:***@h/x"),
            ("sftp://me:hun/ter2@h/x", "sftp://me:***@h/x"),
            ("sftp://me:hunter2", "sftp://me:***"),
            ("SFTP://me:hunter2@h;id/x", "SFTP://me:***@h;id/x"),
            ("sftp://:hunter2@h/x", "sftp://:***@h/x"),
            ("sftp://h:0/x", "sftp://h:0/x"),
            ("sftp://[::1]22/x", "sftp://[::1]22/x"),
            ("sftp://h/a:b@%", "sftp://h/a:b@%"),
        ] {
            let message = Address::parse(Path::new(text)).unwrap_err().to_string();
            assert!(message.starts_with(&format!("{shown}: ")), "{text}: {message}");
            assert!(!message.contains("ter2"), "{message}");
        }
    }

    #[test]
    fn what_ssh_could_misunderstand_is_refused() {
        for text in [
            "sftp://h",
            "sftp:///x",
            "sftp://-oProxyCommand=x/x",
            "sftp://-l@h/x",
            "sftp://@h/x",
            "sftp://me:secret@h/x",
            "sftp://h:0/x",
            "sftp://h:99999/x",
            "sftp://h:/x",
            "sftp://h:22:23/x",
            "sftp://[::1/x",
            "sftp://[::1]22/x",
            "sftp://h;id/x",
            "sftp://h$(id)/x",
            "sftp://h h/x",
            "sftp://h/%",
            "sftp://h/%g0",
            "sftp://h/%00",
        ] {
            assert!(Address::is_one(Path::new(text)));
            assert!(Address::parse(Path::new(text)).is_err(), "{text}");
        }
        assert!(!Address::is_one(Path::new("./sftp://h/x")));
        assert!(!Address::is_one(Path::new("sftp:/h/x")));
    }
}
