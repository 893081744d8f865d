//! The program that leads to the server: its standard input and output, what it says when it fails, its end.

use std::io::{BufReader, Read, Write};
use std::path::Path;
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, sleep};
use std::time::{Duration, Instant};

use super::exchange::{Exchange, GREETING};
use super::reply::{Malformed, Raw};
use super::slot::{Expected, Slot};
use super::wire::LONGEST;
use crate::error::{Error, Result};
use crate::os::{Child, Piped};
use crate::path::Escaped;

/// So much of what the program says is kept, in bytes, and told, in lines.
const SAID: usize = 4096;
const LINES: usize = 4;
/// A program that is no longer needed gets so long to end by itself.
const GRACE: Duration = Duration::from_secs(2);

/// A program that runs, and the threads that talk with it.
pub(super) struct Transport {
    exchange: Arc<Exchange>,
    /// Which of its connections this is.
    connection: u64,
    process: Arc<Process>,
}

struct Process {
    child: Mutex<Child>,
    /// What it wrote last to its standard error.
    said: Mutex<Vec<u8>>,
    /// Its standard error was read to its end.
    silent: Mutex<bool>,
}

impl Transport {
    /// Starts the program for the next connection. `own_group` keeps a terminal's signals from it.
    pub fn start(
        command: &mut Command,
        own_group: bool,
        exchange: &Arc<Exchange>,
        address: &Path,
    ) -> Result<Self> {
        let program = command.get_program().to_owned();
        let Piped { child, input, output, errors } =
            Child::spawn_piped(command, own_group).map_err(|error| {
                let shown = Escaped(crate::native::OsStrExt::as_bytes(program.as_os_str()));
                Error::connection("connect", address, format!("{shown}: cannot be started: {error}"))
            })?;
        let process = Process { child: Mutex::new(child), said: Mutex::default(), silent: Mutex::new(false) };
        let connection = exchange.begin();
        let transport = Self { exchange: Arc::clone(exchange), connection, process: Arc::new(process) };
        let thread = |name: &str, work: Box<dyn FnOnce() + Send>| {
            let started = Builder::new().name(format!("sftp {name}")).spawn(work);
            started.map(drop).map_err(|error| Error::io("start a thread for", address, error))
        };
        let process = Arc::clone(&transport.process);
        thread("errors", Box::new(move || listen(errors, &process)))?;
        let exchange = Arc::clone(&transport.exchange);
        thread("write", Box::new(move || write(input, &exchange, connection)))?;
        let (exchange, process) = (Arc::clone(&transport.exchange), Arc::clone(&transport.process));
        thread("read", Box::new(move || read(output, (&exchange, connection), &process)))?;
        Ok(transport)
    }
}

impl Drop for Transport {
    fn drop(&mut self) {
        if !self.exchange.has_lost(self.connection) {
            self.exchange.close();
        }
        let end = |by_force: bool, patience: Duration| {
            let child = || self.process.child.lock().unwrap_or_else(PoisonError::into_inner);
            if by_force || self.exchange.has_lost(self.connection) {
                child().end(by_force);
            }
            wait_for(&self.process, patience)
        };
        if end(false, GRACE).is_none() {
            self.exchange.lose(self.connection, "the connection is closed");
            if end(false, GRACE).is_none() {
                end(true, GRACE);
            }
        }
    }
}

/// Waits until the program has ended.
fn wait_for(process: &Process, patience: Duration) -> Option<ExitStatus> {
    let begun = Instant::now();
    loop {
        let ended = process.child.lock().unwrap_or_else(PoisonError::into_inner).try_wait();
        match ended {
            Ok(Some(status)) => return Some(status),
            Ok(None) if begun.elapsed() < patience => sleep(Duration::from_millis(2)),
            _ => return None,
        }
    }
}

/// Writes requests, as many at once as there are.
fn write(mut input: ChildStdin, exchange: &Exchange, connection: u64) {
    let mut buffer = Vec::new();
    while exchange.take_outgoing(connection, &mut buffer).is_some() {
        // The thread that reads finds out why.
        if input.write_all(&buffer).is_err() {
            return;
        }
    }
}

/// Keeps the end of what the program says.
fn listen(mut errors: ChildStderr, process: &Process) {
    let mut buffer = [0; 1024];
    while let Ok(read @ 1..) = errors.read(&mut buffer) {
        let mut said = process.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.extend_from_slice(buffer.get(..read).unwrap_or_default());
        let surplus = said.len().saturating_sub(SAID);
        said.drain(..surplus);
    }
    *process.silent.lock().unwrap_or_else(PoisonError::into_inner) = true;
}

/// Reads answers until the connection ends.
fn read(output: ChildStdout, (exchange, connection): (&Exchange, u64), process: &Process) {
    let mut output = BufReader::with_capacity(256 << 10, output);
    let mut is_first = true;
    let mut expected: Option<Expected> = None;
    let mut woken = Vec::new();
    loop {
        if !has_packet(output.buffer()) {
            // It may take a while until more comes. Many answers that came together are handed over at once.
            exchange.push();
            woken.drain(..).for_each(|slot: Arc<Slot>| slot.wake());
        }
        let mut expect =
            |id, length| exchange.expect(connection, id, length).map(|found| expected = Some(found));
        match packet(&mut output, is_first, &mut expect) {
            Ok(Some((_, raw))) => {
                is_first = false;
                if let Some(mut expected) = expected.take() {
                    expected.follow(&raw, exchange, connection);
                    woken.extend(expected.answer(raw));
                }
            }
            Ok(None) => break exchange.lose(connection, ended(process, is_first)),
            Err(malformed) => break exchange.refuse(connection, malformed),
        }
    }
    // Whoever waits for it finds out why.
    drop(expected);
    woken.iter().for_each(|slot| slot.wake());
    // Who breaks the protocol may go on talking; nobody listens.
    process.child.lock().unwrap_or_else(PoisonError::into_inner).end(false);
}

/// Says whether all of a packet is there.
fn has_packet(bytes: &[u8]) -> bool {
    let length = bytes.first_chunk().map(|length| u32::from_be_bytes(*length) as usize);
    length.is_some_and(|length| bytes.len() - 4 >= length)
}

/// Reads one packet; `None` at the end of the connection. `expect` is asked before the most of it is read: with its number
/// and how many bytes are to come.
fn packet(
    output: &mut impl Read,
    is_first: bool,
    expect: &mut impl FnMut(u32, usize) -> std::result::Result<(), Malformed>,
) -> std::result::Result<Option<(u32, Raw)>, Malformed> {
    let mut head = [0; 5];
    if output.read_exact(&mut head).is_err() {
        return Ok(None);
    }
    let [a, b, c, d, kind] = head;
    let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
    if !(5..=LONGEST).contains(&length) {
        let text = is_first && head.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t'));
        return Err(Malformed(if text {
            "it begins with text: do start-up files of its shell print something?"
        } else {
            "a packet of an impossible length"
        }));
    }
    // The greeting is answered with a version where others have the number of their request.
    let mut id = GREETING.to_be_bytes();
    if !is_first && output.read_exact(&mut id).is_err() {
        return Ok(None);
    }
    let left = length - if is_first { 1 } else { 5 };
    expect(u32::from_be_bytes(id), left)?;
    // One packet is read at a time, and none is longer than what was asked for.
    let mut body = Vec::with_capacity(left);
    match output.take(left as u64).read_to_end(&mut body) {
        Ok(read) if read == left => Ok(Some((u32::from_be_bytes(id), Raw { kind, body }))),
        _ => Ok(None),
    }
}

/// Why the connection ended: how the program did, and what it said last.
fn ended(process: &Process, at_once: bool) -> String {
    let status = wait_for(process, GRACE);
    // A master connection of ssh keeps standard error open: what is there after a moment is all.
    let begun = Instant::now();
    let is_silent = || *process.silent.lock().unwrap_or_else(PoisonError::into_inner);
    while !is_silent() && begun.elapsed() < Duration::from_millis(500) {
        sleep(Duration::from_millis(2));
    }
    let said = process.said.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let what = if at_once { "no connection" } else { "the connection was lost" };
    let how = match status {
        Some(status) if !status.success() => format!(" ({status})"),
        _ => String::new(),
    };
    let said = last_lines(&said);
    if said.is_empty() { format!("{what}{how}") } else { format!("{what}{how}: {said}") }
}

/// The last lines that say something, escaped.
fn last_lines(said: &[u8]) -> String {
    let lines: Vec<&[u8]> = said
        .split(|&byte| matches!(byte, b'\n' | b'\r'))
        .filter(|line| !line.trim_ascii().is_empty())
        .collect();
    let last = lines.iter().rev().take(LINES).rev();
    last.map(|line| Escaped(line.trim_ascii()).to_string()).collect::<Vec<_>>().join("; ")
}

/// Takes the bytes of a connection apart, as they come; for fuzzing.
pub(super) fn packets(mut bytes: &[u8]) -> Vec<(u32, Raw)> {
    let mut found = Vec::new();
    while let Ok(Some(packet)) = packet(&mut bytes, found.is_empty(), &mut |_, _| Ok(())) {
        found.push(packet);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_packets_are_refused() {
        let whole = b"\0\0\0\x06\x65\0\0\0\x07x";
        for (bytes, first, found) in [
            (&whole[..], false, Some(true)),
            (b"\0\0\0\x05\x02\0\0\0\x03", true, Some(true)),
            (b"\0\0\0\x06\x65\0\0\0\x07", false, Some(false)),
            (b"\0\0\0\x06\x65\0\0", false, Some(false)),
            (b"", false, Some(false)),
            (b"\0\0\0\x04\x65\0\0\0\x07", false, None),
            (b"\0\0\0\0\x65\0\0\0\x07", false, None),
            (b"\xff\xff\xff\xff\x65\0\0\0\x07", false, None),
            (b"Welcome to the server", true, None),
        ] {
            let read = packet(&mut &bytes[..], first, &mut |_, _| Ok(())).map(|packet| packet.is_some());
            assert_eq!(read.ok(), found, "{bytes:?}");
        }
    }

    #[test]
    fn a_packet_is_there_when_all_of_it_is() {
        for (bytes, there) in [
            (&b"\0\0\0\x05\x65\0\0\0\x07"[..], true),
            (b"\0\0\0\x05\x65\0\0\0\x07\0", true),
            (b"\0\0\0\x06\x65\0\0\0\x07", false),
            (b"\0\0\0", false),
            (b"", false),
            (b"\xff\xff\xff\xff", false),
        ] {
            assert_eq!(has_packet(bytes), there, "{bytes:?}");
        }
    }

    #[test]
    fn the_last_lines_are_told_escaped() {
        assert_eq!(last_lines(b"a\n\nb\r\n \x1b[31mc\n"), r"a; b; \x1b[31mc");
        assert_eq!(last_lines(b"1\n2\n3\n4\n5\n"), "2; 3; 4; 5");
        assert_eq!(last_lines(b" \n"), "");
    }
}
