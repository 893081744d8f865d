//! The bytes and the holes of regular files.

use std::hash::{DefaultHasher, Hasher};
use std::io;

use rustix::fd::{AsFd, BorrowedFd};
use rustix::fs::SeekFrom;
use rustix::io::Errno;

/// How much is read at a time.
const CHUNK: u64 = 256 * 1024;

/// What the edges of holes are rounded to before two hole maps are compared.
const HOLE_GRAIN: u64 = 64 * 1024;

/// A reader of files that keeps its buffers.
pub(crate) struct ContentReader {
    left: Vec<u8>,
    right: Vec<u8>,
}

impl ContentReader {
    pub(crate) fn new() -> Self {
        Self { left: vec![0; CHUNK as usize], right: vec![0; CHUNK as usize] }
    }

    /// Returns the first offset at which two files of `size` bytes differ, and both bytes.
    pub(crate) fn first_difference(
        &mut self,
        left: BorrowedFd<'_>,
        right: BorrowedFd<'_>,
        size: u64,
    ) -> io::Result<Option<(u64, u8, u8)>> {
        let mut offset = 0;
        loop {
            // Where both have a hole there is nothing to read.
            if size > CHUNK {
                offset = next_data(left, offset, size).min(next_data(right, offset, size));
            }
            if offset >= size {
                return Ok(None);
            }
            let length = (size - offset).min(CHUNK) as usize;
            let (one, other) = (&mut self.left[..length], &mut self.right[..length]);
            read_exactly(left, one, offset)?;
            read_exactly(right, other, offset)?;
            if one != other {
                let at = (0..length).find(|&at| one[at] != other[at]).expect("they differ somewhere");
                return Ok(Some((offset + at as u64, one[at], other[at])));
            }
            offset += length as u64;
        }
    }

    /// Returns a 128-bit hash of a file's bytes, the same whether zeros are stored or holes.
    pub(crate) fn hash(&mut self, file: BorrowedFd<'_>, size: u64) -> io::Result<u128> {
        let mut hashers = [DefaultHasher::new(), DefaultHasher::new()];
        hashers[1].write_u8(1);
        hashers.iter_mut().for_each(|hasher| hasher.write_u64(size));
        let mut offset = 0;
        loop {
            let data = if size > CHUNK { next_data(file, offset, size) } else { offset };
            if data >= size {
                let [high, low] = hashers.map(|hasher| u128::from(hasher.finish()));
                return Ok(high << 64 | low);
            }
            // Chunks always begin at the same places, wherever the holes are.
            offset = data / CHUNK * CHUNK;
            let chunk = &mut self.left[..(size - offset).min(CHUNK) as usize];
            read_exactly(file, chunk, offset)?;
            if chunk.iter().any(|&byte| byte != 0) {
                for hasher in &mut hashers {
                    hasher.write_u64(offset);
                    hasher.write(chunk);
                }
            }
            offset += CHUNK;
        }
    }
}

fn read_exactly(file: BorrowedFd<'_>, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    let mut filled = 0;
    while filled < buffer.len() {
        match rustix::io::pread(file, &mut buffer[filled..], offset + filled as u64) {
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
            Ok(count) => filled += count,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Returns where the next data begins, `size` when there is none.
fn next_data(file: BorrowedFd<'_>, offset: u64, size: u64) -> u64 {
    match rustix::fs::seek(file, SeekFrom::Data(offset)) {
        Ok(data) => data.min(size),
        Err(Errno::NXIO) => size,
        // A file system that knows no holes.
        Err(_) => offset,
    }
}

/// Returns the stretches of data in a file, rounded outwards and joined where they touch.
pub(crate) fn data_map(file: impl AsFd, size: u64) -> Vec<(u64, u64)> {
    let file = file.as_fd();
    let mut map: Vec<(u64, u64)> = Vec::new();
    let mut offset = 0;
    while offset < size {
        let data = next_data(file, offset, size);
        if data >= size {
            break;
        }
        let hole = rustix::fs::seek(file, SeekFrom::Hole(data)).unwrap_or(size).clamp(data + 1, size);
        let rounded = (data / HOLE_GRAIN * HOLE_GRAIN, hole.div_ceil(HOLE_GRAIN) * HOLE_GRAIN);
        match map.last_mut() {
            Some(last) if last.1 >= rounded.0 => last.1 = rounded.1.max(last.1),
            _ => map.push(rounded),
        }
        offset = hole;
    }
    map
}
