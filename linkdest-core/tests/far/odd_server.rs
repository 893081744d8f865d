//! A server of one small tree that answers as it should, but for one thing.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

pub use crate::odd_tree::{
    BELOW, EACH, FILES, LATER, MANY, THEN, content, many, other_content, replaced_size,
};

/// What is at a path.
#[derive(Clone, Copy)]
struct Entry {
    is_directory: bool,
    size: usize,
    is_changed: bool,
}

/// What a handle stands for.
struct Open {
    path: String,
    content: Vec<u8>,
    /// How many names were told, in how many answers.
    sent: usize,
    parts: usize,
}

struct Server {
    what: String,
    handles: HashMap<Vec<u8>, Open>,
    opened: u32,
    /// How often the large file was read of.
    reads: usize,
    /// What was to happen happened: a file changed, a disk is gone.
    happened: bool,
    /// Answers that are held back, to be sent in another order.
    held: Vec<Vec<u8>>,
    /// The answer just made is one behind which another one comes for sure.
    holds: bool,
    /// How often each kind of request came.
    asked: [usize; 256],
}

/// Serves until the connection ends; `note` is where a server that dies once says so to the next one.
pub fn serve(what: &str, note: Option<&Path>) {
    let (handles, held) = (HashMap::new(), Vec::new());
    let what_else = what.to_owned();
    let asked = [0; 256];
    let mut server =
        Server { what: what_else, handles, opened: 0, reads: 0, happened: false, held, holds: false, asked };
    let is_next = note.is_some_and(Path::exists);
    server.happened |= is_next;
    let requests = requests();
    let mut out = std::io::stdout().lock();
    let mut asked = 0;
    while let Ok(packet) = requests.recv() {
        asked += 1;
        let silent = what == "silent" || (what == "silent-later" && asked > 6);
        if what == "gone" || (what == "gone-later" && asked > 6) {
            return;
        }
        let most = what.strip_prefix("dies-after-").map_or(usize::MAX, |most| most.parse().unwrap());
        let read_enough = what == "dies-in-large" && !is_next && server.reads >= 5;
        if asked > most || read_enough {
            note.inspect(|note| std::fs::write(note, "").unwrap());
            return;
        }
        if what == "gone-at-rules" && packet[0] == 3 && packet.ends_with(b".rules\0\0\0\x01\0\0\0\0") {
            return;
        }
        if silent {
            continue;
        }
        let late = match what {
            "late-look" => "/tree/small",
            "lists-late" => "/tree/d/07",
            _ => "",
        };
        if !late.is_empty() && !server.happened && server.is_read_of(&packet, late) {
            // What comes meanwhile is answered first, from before.
            while let Ok(packet) = requests.recv_timeout(Duration::from_millis(300)) {
                let answer = server.answer(&packet);
                server.send(&answer, &mut out);
            }
            server.happened = true;
        }
        let answer = server.answer(&packet);
        server.send(&answer, &mut out);
    }
    if let Some(note) = note.filter(|_| what.starts_with("lists-")) {
        // Whole at once: somebody waits for it.
        let counted: Vec<String> = server.asked.iter().map(usize::to_string).collect();
        std::fs::write(note.with_extension("part"), counted.join(" ")).unwrap();
        std::fs::rename(note.with_extension("part"), note).unwrap();
    }
}

/// The requests as they come.
fn requests() -> Receiver<Vec<u8>> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        loop {
            let mut length = [0; 4];
            if input.read_exact(&mut length).is_err() {
                return;
            }
            let mut packet = vec![0; u32::from_be_bytes(length) as usize];
            if input.read_exact(&mut packet).is_err() || send.send(packet).is_err() {
                return;
            }
        }
    });
    receive
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

    fn is_read_of(&self, packet: &[u8], path: &str) -> bool {
        let handle = || packet.get(5..).map(|mut rest| take(&mut rest));
        packet[0] == 5
            && handle().and_then(|handle| self.handles.get(handle)).is_some_and(|open| open.path == path)
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
            let extensions = match self.what.as_str() {
                "no-ids" => [string(b"statvfs@openssh.com"), string(b"2")].concat(),
                what if what.starts_with("lists-") => {
                    [string(b"lsetstat@openssh.com"), string(b"1")].concat()
                }
                _ => Vec::new(),
            };
            return [&[kind][..], &version.to_be_bytes(), &extensions].concat();
        }
        let (id, mut rest) = rest.split_first_chunk::<4>().unwrap();
        let answer = self.reply(*kind, take(&mut rest), rest);
        let id = if self.is("wrong-id") && self.opened > 0 { [9; 4] } else { *id };
        [&answer[..1], &id, &answer[1..]].concat()
    }

    fn reply(&mut self, kind: u8, subject: &[u8], rest: &[u8]) -> Vec<u8> {
        let path = String::from_utf8_lossy(subject).into_owned();
        self.asked[usize::from(kind)] += 1;
        let open = self.handles.get(subject);
        // The end of a listing is asked for with its first part, and a small file is closed behind its last part.
        self.holds = match kind {
            12 => open.is_some_and(|open| open.parts == 0),
            5 => open.is_some_and(|open| open.path != "/tree/large"),
            _ => false,
        };
        if self.what.starts_with("ejected") {
            self.happened |= kind == 3;
            match (kind, self.is("ejected-empty") && path == "/tree") {
                (3 | 7 | 11 | 17, false) if self.happened => return status(2),
                (5 | 12, _) if self.happened => return status(1),
                _ => {}
            }
        }
        match kind {
            16 => self.names(&[(&path, self.attributes(&path))]),
            7 | 17 if self.is("other-kind") && self.opened > 0 => [&[102][..], &string(b"x")].concat(),
            7 | 17 => match self.entry(&path) {
                Some(_) => [&[105][..], &self.attributes(&path)].concat(),
                None => status(2),
            },
            3 if self.is("long-status") => {
                [&[101][..], &4_u32.to_be_bytes(), &string(&vec![b'x'; 500_000]), &string(b"")].concat()
            }
            3 if self.is("unopenable") && path == "/tree/middle" => status(2),
            11 if self.is("unlistable") && path == "/tree/d" => status(2),
            11 if self.is("lists-once") && path == "/tree/d" && self.has_opened_in_d() => status(4),
            3 | 11 => self.open(&path),
            4 => status(0),
            5 => self.read(subject, rest),
            12 => self.list(subject),
            200 if self.is("no-ids") => [&[201][..], &[0; 88]].concat(),
            _ => status(8),
        }
    }

    fn has_opened_in_d(&self) -> bool {
        self.handles.values().any(|open| open.path.starts_with("/tree/d/"))
    }

    /// The names in a directory.
    fn names_in(&self, path: &str) -> Vec<&'static str> {
        let mut names = Vec::new();
        match path {
            "/tree/d" if self.what.starts_with("lists-") => {
                let is_there = |name: &&str| !(self.is("lists-gone") && self.happened && *name == "07");
                names.extend(many().iter().map(String::as_str).filter(is_there));
            }
            "/tree" => {
                names.extend(FILES.iter().map(|(name, _)| *name));
                names.extend(["d"]);
                names.extend(self.is("gone-at-rules").then_some(".rules"));
            }
            "/tree/d" if matches!(self.what.as_str(), "full" | "broken-listing") => {
                names.extend(BELOW.iter().map(|(name, _)| *name));
            }
            _ => {}
        }
        names
    }

    fn entry(&self, path: &str) -> Option<Entry> {
        let what = self.what.as_str();
        if matches!(path, "/tree" | "/tree/d") {
            return Some(Entry { is_directory: true, size: 0, is_changed: false });
        }
        let (parent, name) = path.rsplit_once('/')?;
        self.names_in(parent).contains(&name).then_some(())?;
        let known = FILES.iter().chain(BELOW).find(|(file, _)| *file == name);
        let unknown = if parent == "/tree/d" { EACH } else { 100 };
        let size = known.map_or(unknown, |(_, size)| *size);
        let (size, is_changed) = match (what, name) {
            ("replaced-shorter" | "replaced-equal" | "replaced-longer", "large") if self.happened => {
                (replaced_size(what), true)
            }
            ("dies-in-large", "large") => (size, self.happened),
            ("grows", "small") if self.happened => (50, true),
            ("grows", "small") => (0, false),
            ("late-look", "small") => (10, self.happened),
            ("lists-late" | "lists-changed", "07") => (size, self.happened),
            ("early-end", "large") | ("early-end-small", "middle") | ("broken-listing", "a") => (size, true),
            _ => (size, false),
        };
        Some(Entry { is_directory: false, size, is_changed })
    }

    fn attributes(&self, path: &str) -> Vec<u8> {
        let entry = self.entry(path).unwrap_or(Entry { is_directory: false, size: 0, is_changed: false });
        let mode: u32 = match (entry.is_directory, self.is("no-type-bits")) {
            (true, false) => 0o040_755,
            (false, false) => 0o100_644,
            (true, true) => 0o755,
            (false, true) => 0o644,
        };
        let owners = !self.is("no-owners");
        let flags: u32 = 1 | 4 | 8 | if owners { 2 } else { 0 };
        let mut out = [&flags.to_be_bytes()[..], &(entry.size as u64).to_be_bytes()].concat();
        if owners {
            out.extend([0, 0, 0, 0, 0, 0, 0, 0]);
        }
        out.extend(mode.to_be_bytes());
        let mtime = if entry.is_changed { LATER } else { THEN };
        out.extend([mtime.to_be_bytes(), mtime.to_be_bytes()].concat());
        out
    }

    fn names(&self, names: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut out = [&[104][..], &(names.len() as u32).to_be_bytes()].concat();
        for (name, attributes) in names {
            let is_directory = matches!(*name, "d" | "." | "..");
            let letter = if is_directory { "drwxr-xr-x" } else { "-rw-r--r--" };
            out.extend([string(name.as_bytes()), string(letter.as_bytes()), attributes.clone()].concat());
        }
        out
    }

    fn open(&mut self, path: &str) -> Vec<u8> {
        let Some(entry) = self.entry(path) else { return status(2) };
        if self.is("success") {
            return status(0);
        }
        self.opened += 1;
        let length = if self.is("long-handle") { 300 } else { 4 };
        let handle = [&self.opened.to_be_bytes()[..], &vec![0; length - 4]].concat();
        let mut bytes = if entry.is_changed { other_content(entry.size) } else { content(entry.size) };
        if self.is("grows") && path == "/tree/small" && !self.happened {
            // It was written since it was listed, and is replaced right after it is opened.
            self.happened = true;
            bytes = content(100);
        }
        if self.what.starts_with("early-end") && entry.is_changed {
            bytes.truncate(1000);
        }
        let open = Open { path: path.to_owned(), content: bytes, sent: 0, parts: 0 };
        self.handles.insert(handle.clone(), open);
        [&[102][..], &string(&handle)].concat()
    }

    fn list(&mut self, handle: &[u8]) -> Vec<u8> {
        let Some(open) = self.handles.get(handle) else { return status(4) };
        let (path, from, part_number) = (open.path.clone(), open.sent, open.parts);
        let mut all = self.names_in(&path);
        match self.what.as_str() {
            "dots" => all.extend([".", ".."]),
            "slash" => all.push("a/../../../outside"),
            "absolute" => all.push("/tmp/outside"),
            "nul" => all.push("a\0b"),
            "empty-name" => all.push(""),
            _ => {}
        }
        let step = if matches!(self.what.as_str(), "one-by-one" | "names-behind-end") { 1 } else { 100 };
        let is_broken = self.is("broken-listing") && path == "/tree/d";
        let step = if is_broken { 2 } else { step };
        let step = if self.is("lists-few") { 7 } else { step };
        let mut part: Vec<&str> = all.into_iter().skip(from).take(step).collect();
        if is_broken && part_number > 0 {
            return status(4);
        }
        if self.is("names-behind-end") && part_number == 3 {
            part.clear();
        }
        if let Some(open) = self.handles.get_mut(handle) {
            (open.sent, open.parts) = (from + part.len(), part_number + 1);
        }
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
            part.iter().map(|name| (*name, self.attributes(&format!("{path}/{name}")))).collect();
        self.names(&with)
    }

    fn read(&mut self, handle: &[u8], rest: &[u8]) -> Vec<u8> {
        let Some(open) = self.handles.get(handle) else { return status(4) };
        let offset = u64::from_be_bytes(rest[..8].try_into().unwrap()) as usize;
        let length = u32::from_be_bytes(rest[8..12].try_into().unwrap()) as usize;
        let most = if self.is("short-reads") { 1000.min(length) } else { length };
        let mut bytes: Vec<u8> = open.content.iter().copied().skip(offset).take(most).collect();
        let late = match self.what.as_str() {
            "late-look" => "/tree/small",
            "lists-late" => "/tree/d/07",
            _ => "",
        };
        if open.path == late && !open.content.starts_with(&other_content(10)) {
            // It is written anew while it is read.
            bytes.iter_mut().zip(other_content(10)).take(5).for_each(|(byte, other)| *byte = other);
        }
        // Whoever read the last byte of it finds another file under its name.
        let is_end = open.path == "/tree/large" && offset + bytes.len() == open.content.len();
        self.happened |= self.what.starts_with("replaced") && is_end;
        let read_one =
            open.path == "/tree/d/07" && matches!(self.what.as_str(), "lists-changed" | "lists-gone");
        self.happened |= read_one;
        self.reads += usize::from(open.path == "/tree/large");
        let data = |bytes: &[u8]| [&[103][..], &string(bytes)].concat();
        match self.what.as_str() {
            "more-data" => data(&vec![7; length + 1]),
            "no-data" => data(b""),
            _ if bytes.is_empty() => status(1),
            _ => data(&bytes),
        }
    }
}
