//! A server of one small tree that answers as it should, but for one thing.

use std::collections::HashMap;
use std::io::{Read, Write};

/// The files in `/tree`, with their sizes; beside them there is an empty directory `d`.
pub const FILES: &[(&str, usize)] = &[("empty", 0), ("small", 10), ("middle", 70_000), ("large", 700_000)];

/// The content of a file of that size.
pub fn content(size: usize) -> Vec<u8> {
    (0..size).map(|byte| (byte * 7 % 251) as u8).collect()
}

struct Server {
    what: String,
    handles: HashMap<Vec<u8>, (String, usize)>,
    opened: u32,
    /// Answers that are held back, to be sent in another order.
    held: Vec<Vec<u8>>,
    /// The answer just made is one behind which another one comes for sure.
    holds: bool,
}

pub fn serve(what: &str) {
    let mut server =
        Server { what: what.to_owned(), handles: HashMap::new(), opened: 0, held: Vec::new(), holds: false };
    let (mut input, mut out) = (std::io::stdin().lock(), std::io::stdout().lock());
    let mut asked = 0;
    loop {
        let mut length = [0; 4];
        if input.read_exact(&mut length).is_err() {
            return;
        }
        let mut packet = vec![0; u32::from_be_bytes(length) as usize];
        if input.read_exact(&mut packet).is_err() {
            return;
        }
        asked += 1;
        let silent = what == "silent" || (what == "silent-later" && asked > 6);
        if what == "gone" || (what == "gone-later" && asked > 6) {
            return;
        }
        if silent {
            continue;
        }
        let answer = server.answer(&packet);
        server.send(&answer, &mut out);
    }
}

fn string(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat()
}

fn status(code: u32) -> Vec<u8> {
    [&[101][..], &code.to_be_bytes(), &string(b"as it is"), &string(b"")].concat()
}

/// Takes a string off the front.
fn take<'p>(packet: &mut &'p [u8]) -> &'p [u8] {
    let (length, rest) = packet.split_first_chunk::<4>().unwrap();
    let (bytes, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
    *packet = rest;
    bytes
}

impl Server {
    fn is(&self, what: &str) -> bool {
        self.what == what
    }

    fn send(&mut self, answer: &[u8], out: &mut impl Write) {
        let framed = match self.what.as_str() {
            "long-packet" if self.opened > 0 => [&[0xff; 4][..], answer].concat(),
            "tiny-packet" if self.opened > 0 => [&[0; 4][..], answer].concat(),
            _ => string(answer),
        };
        if self.is("twice") && self.opened > 0 {
            self.held.push(framed.clone());
        }
        self.held.push(framed);
        // Two answers change places where there are two.
        if self.is("shuffled") && self.held.len() < 2 && self.holds {
            return;
        }
        for framed in self.held.drain(..).rev() {
            let _ = out.write_all(&framed);
        }
        let _ = out.flush();
    }

    /// The answer to a request: kind, number, and the rest.
    fn answer(&mut self, packet: &[u8]) -> Vec<u8> {
        let (kind, rest) = packet.split_first().unwrap();
        if *kind == 1 {
            let version: u32 = if self.is("old") { 2 } else { 3 };
            let kind = if self.is("no-greeting") { 101 } else { 2 };
            return [&[kind][..], &version.to_be_bytes()].concat();
        }
        let (id, mut rest) = rest.split_first_chunk::<4>().unwrap();
        let answer = self.reply(*kind, take(&mut rest), rest);
        let id = if self.is("wrong-id") && self.opened > 0 { [9; 4] } else { *id };
        [&answer[..1], &id, &answer[1..]].concat()
    }

    fn reply(&mut self, kind: u8, subject: &[u8], rest: &[u8]) -> Vec<u8> {
        let path = String::from_utf8_lossy(subject).into_owned();
        // Who looks at something opens or closes it as well, but for what was read in many parts.
        self.holds = matches!(kind, 7 | 17) && path != "/tree/large";
        match kind {
            16 => self.names(&[(&path, self.attributes(&path))]),
            7 | 17 if self.is("other-kind") && self.opened > 0 => [&[102][..], &string(b"x")].concat(),
            7 | 17 => match self.size(&path) {
                Some(_) => [&[105][..], &self.attributes(&path)].concat(),
                None => status(2),
            },
            3 | 11 => self.open(&path),
            4 => status(0),
            5 => self.read(subject, rest),
            12 => self.list(subject),
            _ => status(8),
        }
    }

    fn size(&self, path: &str) -> Option<usize> {
        match path.strip_prefix("/tree/") {
            Some(name) => FILES
                .iter()
                .find(|(file, _)| *file == name)
                .map(|(_, size)| *size)
                .or((name == "d").then_some(0)),
            None => (path == "/tree").then_some(0),
        }
    }

    fn attributes(&self, path: &str) -> Vec<u8> {
        let is_directory = path == "/tree" || path == "/tree/d";
        let size = self.size(path).unwrap_or(0) as u64;
        let mode: u32 = match (is_directory, self.is("no-type-bits")) {
            (true, false) => 0o040_755,
            (false, false) => 0o100_644,
            (true, true) => 0o755,
            (false, true) => 0o644,
        };
        let owners = !self.is("no-owners");
        let flags: u32 = 1 | 4 | 8 | if owners { 2 } else { 0 };
        let mut out = [&flags.to_be_bytes()[..], &size.to_be_bytes()].concat();
        if owners {
            out.extend([0, 0, 0, 0, 0, 0, 0, 0]);
        }
        out.extend(mode.to_be_bytes());
        out.extend([1_600_000_000_u32.to_be_bytes(), 1_600_000_000_u32.to_be_bytes()].concat());
        out
    }

    fn names(&self, names: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut out = [&[104][..], &(names.len() as u32).to_be_bytes()].concat();
        for (name, attributes) in names {
            let letter = if *name == "d" || name.starts_with('.') { "drwxr-xr-x" } else { "-rw-r--r--" };
            out.extend([string(name.as_bytes()), string(letter.as_bytes()), attributes.clone()].concat());
        }
        out
    }

    fn open(&mut self, path: &str) -> Vec<u8> {
        if self.size(path).is_none() {
            return status(2);
        }
        if self.is("success") {
            return status(0);
        }
        self.opened += 1;
        let length = if self.is("long-handle") { 300 } else { 4 };
        let handle = [&self.opened.to_be_bytes()[..], &vec![0; length - 4]].concat();
        self.handles.insert(handle.clone(), (path.to_owned(), 0));
        [&[102][..], &string(&handle)].concat()
    }

    fn list(&mut self, handle: &[u8]) -> Vec<u8> {
        let Some((path, sent)) = self.handles.get_mut(handle) else { return status(4) };
        let path = path.clone();
        let from = *sent;
        let mut all: Vec<&str> =
            if path == "/tree" { FILES.iter().map(|(name, _)| *name).collect() } else { vec![] };
        if path == "/tree" {
            all.push("d");
        }
        match self.what.as_str() {
            "dots" => all.extend([".", ".."]),
            "slash" => all.push("a/../../../outside"),
            "absolute" => all.push("/tmp/outside"),
            "nul" => all.push("a\0b"),
            "empty-name" => all.push(""),
            _ => {}
        }
        let step = if self.is("one-by-one") { 1 } else { 100 };
        let part: Vec<&str> = all.into_iter().skip(from).take(step).collect();
        *self.handles.get_mut(handle).map(|(_, sent)| sent).unwrap() += part.len();
        if self.is("no-names") {
            return vec![104, 0, 0, 0, 0];
        }
        if self.is("many-names") {
            return vec![104, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, b'a'];
        }
        if part.is_empty() {
            return status(1);
        }
        let with: Vec<_> =
            part.iter().map(|name| (*name, self.attributes(&format!("/tree/{name}")))).collect();
        self.names(&with)
    }

    fn read(&self, handle: &[u8], rest: &[u8]) -> Vec<u8> {
        let Some((path, _)) = self.handles.get(handle) else { return status(4) };
        let offset = u64::from_be_bytes(rest[..8].try_into().unwrap()) as usize;
        let length = u32::from_be_bytes(rest[8..12].try_into().unwrap()) as usize;
        let all = content(self.size(path).unwrap_or(0));
        let most = if self.is("short-reads") { 1000.min(length) } else { length };
        let bytes: Vec<u8> = all.into_iter().skip(offset).take(most).collect();
        let data = |bytes: &[u8]| [&[103][..], &string(bytes)].concat();
        match self.what.as_str() {
            "more-data" => data(&vec![7; length + 1]),
            "no-data" => data(b""),
            _ if bytes.is_empty() => status(1),
            _ => data(&bytes),
        }
    }
}
