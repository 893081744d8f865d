//! A program whose answers come late, and how many requests wait for them meanwhile.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

static WAITING: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

/// Counts packets as their bytes pass by.
#[derive(Default)]
struct Packets {
    head: Vec<u8>,
    left: usize,
}

impl Packets {
    /// How many packets end in these bytes.
    fn ended(&mut self, mut bytes: &[u8]) -> usize {
        let mut count = 0;
        while !bytes.is_empty() {
            if self.left == 0 {
                self.head.push(bytes[0]);
                bytes = &bytes[1..];
                if let Ok(length) = <[u8; 4]>::try_from(self.head.as_slice()) {
                    self.left = u32::from_be_bytes(length) as usize;
                    self.head.clear();
                }
            } else {
                let passed = self.left.min(bytes.len());
                self.left -= passed;
                bytes = &bytes[passed..];
                count += usize::from(self.left == 0);
            }
        }
        count
    }
}

/// Runs a program, and passes on what it says after twice the delay: there and back.
pub fn run(delay: Duration, note: &Path, program: &[&str]) {
    let (name, arguments) = program.split_first().unwrap();
    let mut command = Command::new(name);
    let mut child = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    std::thread::spawn(move || {
        let (mut packets, mut buffer) = (Packets::default(), vec![0; 1 << 16]);
        while let Ok(read @ 1..) = std::io::stdin().read(&mut buffer) {
            let asked = packets.ended(&buffer[..read]);
            MOST.fetch_max(WAITING.fetch_add(asked, Ordering::SeqCst) + asked, Ordering::SeqCst);
            if input.write_all(&buffer[..read]).is_err() {
                return;
            }
        }
    });
    let (send, receive) = channel::<(Instant, Vec<u8>)>();
    let late = std::thread::spawn(move || {
        let (mut packets, mut out) = (Packets::default(), std::io::stdout());
        for (due, bytes) in receive {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            WAITING.fetch_sub(packets.ended(&bytes), Ordering::SeqCst);
            if out.write_all(&bytes).and_then(|()| out.flush()).is_err() {
                return;
            }
        }
    });
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read @ 1..) = output.read(&mut buffer) {
        if send.send((Instant::now() + 2 * delay, buffer[..read].to_vec())).is_err() {
            break;
        }
    }
    // Standard output ends with this process: who waits for that finds the note.
    std::fs::write(note, MOST.load(Ordering::SeqCst).to_string()).unwrap();
    drop(send);
    late.join().unwrap();
    let _ = child.wait();
}
