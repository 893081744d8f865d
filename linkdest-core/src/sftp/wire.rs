//! The form of packets: big-endian numbers, strings with their length before them.

/// What a packet is about (draft-ietf-secsh-filexfer-02, section 3).
pub(super) mod kind {
    pub const INIT: u8 = 1;
    pub const VERSION: u8 = 2;
    pub const OPEN: u8 = 3;
    pub const CLOSE: u8 = 4;
    pub const READ: u8 = 5;
    pub const WRITE: u8 = 6;
    pub const LSTAT: u8 = 7;
    pub const FSTAT: u8 = 8;
    pub const SETSTAT: u8 = 9;
    pub const FSETSTAT: u8 = 10;
    pub const OPENDIR: u8 = 11;
    pub const READDIR: u8 = 12;
    pub const REMOVE: u8 = 13;
    pub const MKDIR: u8 = 14;
    pub const RMDIR: u8 = 15;
    pub const REALPATH: u8 = 16;
    pub const STAT: u8 = 17;
    pub const RENAME: u8 = 18;
    pub const READLINK: u8 = 19;
    pub const SYMLINK: u8 = 20;
    pub const STATUS: u8 = 101;
    pub const HANDLE: u8 = 102;
    pub const DATA: u8 = 103;
    pub const NAME: u8 = 104;
    pub const ATTRS: u8 = 105;
    pub const EXTENDED: u8 = 200;
    pub const EXTENDED_REPLY: u8 = 201;
}

/// The length and the kind of a packet, and the number of its request, lie before everything else.
pub(super) const HEAD: usize = 9;

/// No packet is longer, in bytes: OpenSSH sends 256 KiB at most.
pub(super) const LONGEST: usize = 1 << 20;
/// An answer that is a status, a handle or some attributes, in bytes.
const SHORT: usize = 8 << 10;
/// One that has a path, twice, in bytes.
const PATHS: usize = 34_000;

/// A request on its way to the server; its number is set when it is sent.
pub(super) struct Request {
    bytes: Vec<u8>,
    /// An answer that is longer is not taken: many are waited for at once.
    longest: usize,
    /// Where that was opened which it is about.
    connection: Option<u64>,
    is_held: bool,
}

impl Request {
    pub fn new(kind: u8) -> Self {
        let longest = match kind {
            kind::INIT | kind::READDIR => LONGEST,
            kind::REALPATH | kind::READLINK => PATHS,
            _ => SHORT,
        };
        // Paths of common length fit.
        let mut bytes = Vec::with_capacity(128);
        bytes.extend_from_slice(&[0, 0, 0, 0, kind, 0, 0, 0, 0]);
        Self { bytes, longest, connection: None, is_held: false }
    }

    /// Says on which connection that was opened which it is about: it is not sent on any other.
    pub fn on(mut self, connection: impl Into<Option<u64>>) -> Self {
        self.connection = connection.into();
        self
    }

    pub fn connection(&self) -> Option<u64> {
        self.connection
    }

    /// Says that it may wait for others to leave with: until one does that may not, or somebody waits for an answer.
    pub fn held(mut self) -> Self {
        self.is_held = true;
        self
    }

    pub fn is_held(&self) -> bool {
        self.is_held
    }

    /// Says that an answer may have so many more bytes of what was asked for.
    pub fn answered_by(mut self, bytes: usize) -> Self {
        self.longest = self.longest.saturating_add(bytes).min(LONGEST);
        self
    }

    /// How many bytes the answer may have.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// A request of an extension, by its name.
    pub fn extended(name: &str) -> Self {
        Self::new(kind::EXTENDED).string(name.as_bytes())
    }

    pub fn number(mut self, number: u32) -> Self {
        self.bytes.extend_from_slice(&number.to_be_bytes());
        self
    }

    pub fn long(mut self, number: u64) -> Self {
        self.bytes.extend_from_slice(&number.to_be_bytes());
        self
    }

    pub fn string(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend_from_slice(&length(bytes.len()));
        self.bytes.extend_from_slice(bytes);
        self
    }

    pub fn plain(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// How many bytes it is on the wire.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Appends the whole packet.
    pub fn write(&self, id: u32, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.bytes);
        let mut put = |at: usize, bytes: [u8; 4]| {
            if let Some(place) = out.get_mut(start + at..start + at + 4) {
                place.copy_from_slice(&bytes);
            }
        };
        put(0, length(self.bytes.len().saturating_sub(4)));
        put(5, id.to_be_bytes());
    }
}

fn length(bytes: usize) -> [u8; 4] {
    // No request is that long: what is too long for a packet is refused before it is sent.
    u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes()
}

/// What is left of a packet that is being read. Hostile input: nothing is believed before it is there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    pub fn number(&mut self) -> Option<u32> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*first))
    }

    pub fn long(&mut self) -> Option<u64> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_be_bytes(*first))
    }

    pub fn string(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (string, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(string)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_begin_with_their_length_kind_and_number() {
        let mut out = vec![9];
        Request::new(kind::LSTAT).string(b"/a").write(0x0102_0304, &mut out);
        Request::new(kind::READ).string(b"h").long(5).number(6).write(7, &mut out);
        let first = [0, 0, 0, 11, 7, 1, 2, 3, 4, 0, 0, 0, 2, b'/', b'a'];
        let second = [0, 0, 0, 22, 5, 0, 0, 0, 7, 0, 0, 0, 1, b'h', 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 6];
        assert_eq!(out, [&[9][..], &first, &second].concat());
    }

    #[test]
    fn nothing_is_read_that_is_not_there() {
        for (bytes, string) in [
            (&b"\0\0\0\x02ab"[..], Some(&b"ab"[..])),
            (b"\0\0\0\0", Some(b"")),
            (b"\0\0\0\x03ab", None),
            (b"\xff\xff\xff\xffab", None),
            (b"\0\0\0", None),
            (b"", None),
        ] {
            assert_eq!(Input(bytes).string(), string, "{bytes:?}");
        }
        assert_eq!((Input(b"\0\0\0\0\0\0\x01\0").long(), Input(b"1234567").long()), (Some(256), None));
    }
}
