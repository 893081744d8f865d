//! Hashing in a thread of its own, beside the reading and writing of a large file.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::parts::PartsHasher;
use super::tree::Value;
use crate::manifest::ContentHash;

/// So many pieces may wait to be hashed; each is as large as a read.
const WAITING: usize = 4;

/// What the thread is given, in the order of the file.
enum Piece {
    /// So many bytes of a buffer.
    Data(Vec<u8>, usize),
    /// So many zeros.
    Zeros(u64),
}

/// A thread that hashes what it is given.
pub(super) struct Beside {
    pieces: SyncSender<Piece>,
    emptied: Receiver<Vec<u8>>,
    thread: JoinHandle<Option<(ContentHash, Vec<Value>)>>,
}

impl Beside {
    /// Starts the thread, which keeps what stands for the parts if it is given a hasher for that; `None` if the system has
    /// no thread left.
    pub fn start(parts: Option<PartsHasher>) -> Option<Self> {
        let (pieces, to_hash) = sync_channel(WAITING);
        let (hashed, emptied) = sync_channel(WAITING + 1);
        let work = move || {
            let mut parts = parts;
            let mut plain = blake3::Hasher::new();
            let mut update = |bytes: &[u8]| match &mut parts {
                Some(parts) => parts.update(bytes),
                None => {
                    plain.update(bytes);
                }
            };
            for piece in to_hash {
                match piece {
                    Piece::Data(buffer, length) => {
                        update(buffer.get(..length).unwrap_or_default());
                        // Nobody waits for it: the file may have ended.
                        let _ = hashed.try_send(buffer);
                    }
                    Piece::Zeros(length) => super::zeros(length, &mut update),
                }
            }
            match parts {
                Some(parts) => parts.finish(),
                None => Some((ContentHash(*plain.finalize().as_bytes()), Vec::new())),
            }
        };
        let thread = std::thread::Builder::new().name("linkdest-hash".to_owned()).spawn(work).ok()?;
        Some(Self { pieces, emptied, thread })
    }

    /// Takes the first `length` bytes of a buffer, and leaves another in its place.
    pub fn data(&self, buffer: &mut Vec<u8>, length: usize) {
        let other = self.emptied.try_recv().unwrap_or_default();
        // The thread ends only when this end is dropped.
        let _ = self.pieces.send(Piece::Data(std::mem::replace(buffer, other), length));
    }

    pub fn zeros(&self, length: u64) {
        let _ = self.pieces.send(Piece::Zeros(length));
    }

    /// Waits for the hash of everything, and what stands for its parts.
    pub fn finish(self) -> Option<(ContentHash, Vec<Value>)> {
        let Self { pieces, thread, .. } = self;
        drop(pieces);
        thread.join().ok().flatten()
    }
}
