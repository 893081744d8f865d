//! Names and paths that are easily got wrong.

use crate::entry::Entry;

/// How long each name of the long path is, and how many there are: more than `PATH_MAX`.
const LONG_PATH: (usize, usize) = (250, 20);

pub(super) fn odd_names() -> Vec<Entry> {
    let names: [&[u8]; 24] = [
        b"new\nline",
        b"\x1b[31mescape",
        b"\xff\xfe not UTF-8",
        b"\xc3\x28",
        b"-rf",
        b"--help",
        b"trailing blank ",
        b" leading blank",
        b" ",
        b"...",
        b"..hidden",
        b".hidden",
        b"*",
        b"?",
        b"[a]",
        b"back\\slash",
        b"quote'\"`$(true)",
        b"colon:and|pipe",
        b"tab\tand\rreturn",
        b"Case",
        b"case",
        b"\xc3\xa9 composed",
        b"e\xcc\x81 decomposed",
        b"trailing newline\n",
    ];
    let mut entries = vec![Entry::directory("names")];
    entries.extend(names.map(|name| Entry::file([b"names/", name].concat(), name)));
    entries.push(Entry::file([&b"names/"[..], &[b'n'; 255]].concat(), "255 bytes\n"));
    entries.push(Entry::directory(b"names/directory\n\xff"));
    entries.push(Entry::file(b"names/directory\n\xff/file\n", "text\n"));
    entries.push(Entry::symlink(b"names/symlink\n\xff", "Case"));
    entries
}

/// Returns a file named by each single byte that can be a name.
pub(super) fn every_byte() -> Vec<Entry> {
    let mut entries = vec![Entry::directory("bytes")];
    let bytes = (1..=u8::MAX).filter(|byte| !b"/.".contains(byte));
    entries.extend(bytes.map(|byte| Entry::file([&b"bytes/"[..], &[byte]].concat(), [byte])));
    entries
}

/// Returns a file whose path no single call takes.
pub(super) fn long_path() -> Vec<Entry> {
    let (length, levels) = LONG_PATH;
    let mut entries = vec![Entry::directory("long")];
    let mut path = b"long".to_vec();
    for _ in 0..levels {
        path.push(b'/');
        path.extend(vec![b'p'; length]);
        entries.push(Entry::directory(&path));
    }
    path.extend(b"/file");
    entries.push(Entry::file(path, "beyond PATH_MAX\n"));
    entries
}
