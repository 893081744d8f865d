//! What servers answer. Hostile input: lengths are checked, and nothing is allocated on their word.

use super::attributes::Attributes;
use super::wire::{Input, kind};

/// A packet that came, apart from its length and its number.
#[derive(Debug)]
pub(super) struct Raw {
    pub kind: u8,
    pub body: Vec<u8>,
}

/// What is wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed(pub &'static str);

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Status {
    pub code: u32,
    /// What the server says of it, for people.
    pub message: Vec<u8>,
}

impl Status {
    pub const OK: u32 = 0;
    pub const EOF: u32 = 1;
    pub const NO_SUCH_FILE: u32 = 2;
    pub const PERMISSION_DENIED: u32 = 3;
    pub const BAD_MESSAGE: u32 = 5;
    pub const NO_CONNECTION: u32 = 6;
    pub const CONNECTION_LOST: u32 = 7;
    pub const UNSUPPORTED: u32 = 8;

    /// Reads a status. The message is missing in what some old servers send.
    pub fn read(body: &[u8]) -> Result<Self, Malformed> {
        let mut input = Input(body);
        let code = input.number().ok_or(Malformed("a status without a code"))?;
        let mut message = input.string().unwrap_or_default().to_vec();
        message.truncate(500);
        Ok(Self { code, message })
    }
}

/// A name of an open file or directory on the server: 256 bytes at most.
pub(super) fn handle(body: &[u8]) -> Result<Vec<u8>, Malformed> {
    match Input(body).string() {
        Some(handle) if handle.len() <= 256 => Ok(handle.to_vec()),
        _ => Err(Malformed("a handle that is too long or cut short")),
    }
}

/// The attributes of one entry.
pub(super) fn attributes(body: &[u8]) -> Result<Attributes, Malformed> {
    Attributes::read(&mut Input(body)).ok_or(Malformed("attributes that are cut short or unknown"))
}

/// The bytes of a file.
#[derive(Debug)]
pub(crate) struct Data(Vec<u8>);

impl Data {
    /// Takes what was read, of at most so many bytes; none at all is no answer.
    pub(super) fn read(body: Vec<u8>, most: usize) -> Result<Self, Malformed> {
        match Input(&body).string() {
            Some([]) => Err(Malformed("a read without any data")),
            Some(bytes) if bytes.len() > most => Err(Malformed("more data than was asked for")),
            Some(_) => Ok(Self(body)),
            None => Err(Malformed("data that are cut short")),
        }
    }

    pub fn bytes(&self) -> &[u8] {
        Input(&self.0).string().unwrap_or_default()
    }
}

/// One name of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Named<'n> {
    pub name: &'n [u8],
    pub attributes: Attributes,
    /// The first letter of the line that `ls -l` would show.
    pub letter: Option<u8>,
}

/// No name is longer, nor is a whole path on most systems, in bytes.
const LONGEST_NAME: usize = 4096;

/// Some names of a listing, all of them checked.
#[derive(Debug)]
pub(crate) struct Names(Vec<u8>);

impl Names {
    /// Takes names of a directory. What no directory has is refused: empty ones, those with a slash or a NUL byte.
    pub(super) fn of_directory(body: Vec<u8>) -> Result<Self, Malformed> {
        let mut left = Input(&body);
        let count = left.number().ok_or(Malformed("names without their number"))?;
        if count == 0 {
            return Err(Malformed("a part of a listing without any names"));
        }
        for _ in 0..count {
            let named = next(&mut left).ok_or(Malformed("names that are cut short"))?;
            let is_odd = |byte: &u8| matches!(byte, b'/' | 0);
            if named.name.is_empty() || named.name.len() > LONGEST_NAME || named.name.iter().any(is_odd) {
                return Err(Malformed("a name that no file can have"));
            }
        }
        Ok(Self(body))
    }

    /// The names, with `.` and `..` if the server has them.
    pub fn all(&self) -> impl Iterator<Item = Named<'_>> {
        let mut left = Input(&self.0);
        let count = left.number().unwrap_or_default();
        (0..count).map_while(move |_| next(&mut left))
    }

    /// The names but `.` and `..`.
    pub fn iter(&self) -> impl Iterator<Item = Named<'_>> {
        self.all().filter(|named| !matches!(named.name, b"." | b".."))
    }
}

fn next<'n>(input: &mut Input<'n>) -> Option<Named<'n>> {
    let name = input.string()?;
    let letter = input.string()?.first().copied();
    Some(Named { name, attributes: Attributes::read(input)?, letter })
}

/// The one path that REALPATH and READLINK answer with.
pub(super) fn path(body: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut input = Input(body);
    match (input.number(), input.string()) {
        (Some(1), Some(path)) if !path.is_empty() && !path.contains(&0) => Ok(path.to_vec()),
        _ => Err(Malformed("not one path")),
    }
}

/// The version, and the extensions with what they say of themselves.
pub(super) type Greeting<'g> = (u32, Vec<(&'g [u8], &'g [u8])>);

/// The answer to INIT.
pub(super) fn version(body: &[u8]) -> Result<Greeting<'_>, Malformed> {
    let mut input = Input(body);
    let version = input.number().ok_or(Malformed("a greeting without a version"))?;
    let mut extensions = Vec::new();
    while !input.is_empty() {
        let (Some(name), Some(data)) = (input.string(), input.string()) else {
            return Err(Malformed("extensions that are cut short"));
        };
        extensions.push((name, data));
    }
    Ok((version, extensions))
}

/// Numbers, as extensions answer with them.
pub(super) fn longs<const N: usize>(body: &[u8]) -> Result<[u64; N], Malformed> {
    let mut input = Input(body);
    let mut numbers = [0; N];
    for number in &mut numbers {
        *number = input.long().ok_or(Malformed("fewer numbers than an extension has"))?;
    }
    Ok(numbers)
}

/// The user names and the group names of numbers; one that the server does not know is empty.
pub(crate) type NamesById = (Vec<Vec<u8>>, Vec<Vec<u8>>);

/// The names of users and groups: two strings that are lists of strings.
pub(super) fn names_by_id(body: &[u8], users: usize, groups: usize) -> Result<NamesById, Malformed> {
    let mut input = Input(body);
    let mut list = |count: usize| {
        let mut names = Input(input.string()?);
        let mut list = Vec::new();
        for _ in 0..count {
            list.push(names.string()?.to_vec());
        }
        names.is_empty().then_some(list)
    };
    match (list(users), list(groups)) {
        (Some(users), Some(groups)) => Ok((users, groups)),
        _ => Err(Malformed("not as many names as numbers")),
    }
}

/// Reads an answer in every way that there is; for fuzzing.
#[doc(hidden)]
pub(super) fn read_in_every_way(kind: u8, body: &[u8]) -> usize {
    let mut found = 0;
    match kind {
        kind::VERSION => found += version(body).map_or(0, |(_, extensions)| extensions.len()),
        kind::STATUS => found += Status::read(body).map_or(0, |status| status.message.len()),
        kind::HANDLE => found += handle(body).map_or(0, |handle| handle.len()),
        kind::ATTRS => found += usize::from(attributes(body).is_ok_and(|a| a.kind().is_some())),
        kind::DATA => found += Data::read(body.to_vec(), 1 << 18).map_or(0, |data| data.bytes().len()),
        kind::NAME => {
            found += path(body).map_or(0, |path| path.len());
            if let Ok(names) = Names::of_directory(body.to_vec()) {
                for named in names.iter() {
                    assert!(
                        !named.name.is_empty() && !named.name.contains(&b'/') && !named.name.contains(&0)
                    );
                    assert!(named.name != b"." && named.name != b"..");
                    found += 1;
                }
            }
        }
        _ => {
            found += usize::from(longs::<11>(body).is_ok()) + usize::from(longs::<4>(body).is_ok());
            found += names_by_id(body, 2, 1).map_or(0, |(users, groups)| users.len() + groups.len());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(bytes: &[u8]) -> Vec<u8> {
        [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
    }

    fn names(names: &[&[u8]]) -> Vec<u8> {
        let mut body = u32::try_from(names.len()).unwrap().to_be_bytes().to_vec();
        for name in names {
            body.extend([string(name), string(b"-rw-r--r-- x"), vec![0; 4]].concat());
        }
        body
    }

    #[test]
    fn names_that_no_directory_has_are_refused() {
        for (given, expected) in [
            (&[&b"a"[..], b"\xff\n", &[b'x'; 255]][..], Some(3)),
            (&[b".", b"..", b"..."], Some(1)),
            (&[b"a/b"], None),
            (&[b"/"], None),
            (&[b""], None),
            (&[b"a\0b"], None),
            (&[&[b'x'; 4096]], Some(1)),
            (&[&[b'x'; 4097]], None),
            (&[b"good", b"../etc/passwd"], None),
            (&[], None),
        ] {
            let read = Names::of_directory(names(given));
            assert_eq!(read.as_ref().map(|names| names.iter().count()).ok(), expected, "{given:?}");
        }
    }

    #[test]
    fn cut_answers_are_refused() {
        let body = names(&[b"a", b"b"]);
        for length in 0..body.len() {
            assert!(Names::of_directory(body.get(..length).unwrap().to_vec()).is_err(), "{length}");
        }
        let endless = [&[0xff; 4][..], body.get(4..).unwrap()].concat();
        assert!(Names::of_directory(endless).is_err());
        assert!(Data::read(string(b"abc"), 2).is_err());
        assert!(Data::read(string(b""), 2).is_err());
        assert_eq!(Data::read(string(b"ab"), 2).unwrap().bytes(), b"ab");
        assert!(handle(&string(&[1; 257])).is_err());
        assert!(path(&names(&[b"a", b"b"])).is_err());
        assert!(version(&[&3_u32.to_be_bytes()[..], &string(b"x")].concat()).is_err());
        assert_eq!(Status::read(&4_u32.to_be_bytes()).map(|status| status.code), Ok(4));
        assert!(longs::<2>(&[0; 15]).is_err());
        assert!(names_by_id(&[string(&string(b"root")), string(b"")].concat(), 1, 0).is_ok());
        assert!(names_by_id(&[string(&string(b"root")), string(b"")].concat(), 2, 0).is_err());
    }
}
