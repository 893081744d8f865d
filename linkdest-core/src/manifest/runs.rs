//! Keys while a manifest is written: in memory, then as sorted runs in a file, at last merged.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::io;

use super::bytes::Cursor;
use super::keys::{Key, LONGEST, SECTIONS, Section};
use crate::os::{Dir, File, c_name};

/// Reading all runs at once takes about this much memory.
const READING: usize = 4 << 20;

/// The keys of one lane.
#[derive(Debug, Default)]
pub(super) struct LaneKeys {
    /// Not sorted yet.
    fresh: [Vec<Key>; SECTIONS.len()],
    spilled: Vec<Run>,
    file: Option<File>,
    end: u64,
}

/// A sorted list in the lane's file.
#[derive(Debug, Clone, Copy)]
struct Run {
    section: Section,
    offset: u64,
    length: u64,
}

impl LaneKeys {
    #[inline]
    pub fn push(&mut self, section: Section, key: Key) {
        let [inodes, content] = &mut self.fresh;
        match section {
            Section::Inodes => inodes.push(key),
            Section::Content => content.push(key),
        }
    }

    /// Sorts what is in memory.
    pub fn sort(&mut self) {
        self.fresh.iter_mut().for_each(|keys| keys.sort_unstable());
    }

    /// The memory that the keys take up.
    pub fn size(&self) -> usize {
        self.fresh.iter().map(|keys| keys.len() * size_of::<Key>()).sum()
    }

    /// Moves all keys to a file in `scratch` that has no name once it is open: nothing of it can stay behind.
    pub fn spill(&mut self, scratch: &Dir, number: u32) -> io::Result<()> {
        let file = match self.file.take() {
            Some(file) => file,
            None => scratch.create_nameless(&c_name(&format!("manifest-keys-{number}"))?)?,
        };
        let Self { fresh, spilled, end, .. } = self;
        for (section, keys) in SECTIONS.into_iter().zip(fresh) {
            keys.sort_unstable();
            let length = write_run(&file, *end, section, keys)?;
            spilled.push(Run { section, offset: *end, length });
            *end += length;
            keys.clear();
        }
        self.file = Some(file);
        Ok(())
    }
}

fn write_run(file: &File, start: u64, section: Section, keys: &[Key]) -> io::Result<u64> {
    let (mut out, mut written, mut last) = (Vec::new(), 0, Key::START);
    for key in keys {
        section.put(&mut out, &last, key);
        last = *key;
        if out.len() >= 64 << 10 {
            file.write_all_at(&out, start + written)?;
            written += out.len() as u64;
            out.clear();
        }
    }
    file.write_all_at(&out, start + written)?;
    Ok(written + out.len() as u64)
}

/// Hands the keys of all lanes for one section to `take`, in order.
pub(super) fn merge(
    lanes: &mut [LaneKeys],
    section: Section,
    mut take: impl FnMut(&Key) -> io::Result<()>,
) -> io::Result<()> {
    let runs = lanes.iter().flat_map(|lane| &lane.spilled).filter(|run| run.section == section).count();
    let buffer = (READING / runs.max(1)).clamp(4 << 10, 256 << 10);
    let mut sources: Vec<Source<'_>> = Vec::new();
    for LaneKeys { fresh, spilled, file, .. } in lanes {
        let own = SECTIONS.into_iter().zip(fresh).find(|(of, _)| *of == section);
        if let Some((_, keys)) = own {
            if !keys.is_sorted() {
                keys.sort_unstable();
            }
            sources.push(Source::Memory(keys.iter()));
        }
        if let Some(file) = file {
            let runs = spilled.iter().filter(|run| run.section == section);
            sources.extend(runs.map(|run| Source::Spilled(Reading::new(file, *run, buffer))));
        }
    }
    let mut heads = BinaryHeap::with_capacity(sources.len());
    for (number, source) in sources.iter_mut().enumerate() {
        heads.extend(source.next()?.map(|key| Reverse((key, number))));
    }
    while let Some(mut head) = heads.peek_mut() {
        let Reverse((key, number)) = *head;
        take(&key)?;
        match sources.get_mut(number).map_or(Ok(None), Source::next)? {
            Some(key) => *head = Reverse((key, number)),
            None => drop(PeekMut::pop(head)),
        }
    }
    Ok(())
}

enum Source<'a> {
    Memory(std::slice::Iter<'a, Key>),
    Spilled(Reading<'a>),
}

impl Source<'_> {
    fn next(&mut self) -> io::Result<Option<Key>> {
        match self {
            Self::Memory(keys) => Ok(keys.next().copied()),
            Self::Spilled(reading) => reading.next(),
        }
    }
}

/// Reads one run from front to back.
struct Reading<'a> {
    file: &'a File,
    /// What is left of it in the file.
    run: Run,
    buffer: Vec<u8>,
    at: usize,
    size: usize,
    last: Key,
}

impl<'a> Reading<'a> {
    fn new(file: &'a File, run: Run, size: usize) -> Self {
        Self { file, run, buffer: Vec::new(), at: 0, size, last: Key::START }
    }

    fn next(&mut self) -> io::Result<Option<Key>> {
        if self.buffer.len() - self.at < LONGEST && self.run.length > 0 {
            self.fill()?;
        }
        let rest = self.buffer.get(self.at..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(None);
        }
        let mut cursor = Cursor::new(rest);
        let key = self.run.section.next(&mut cursor, &self.last).ok_or_else(spoiled)?;
        self.at = self.buffer.len() - cursor.rest().len();
        self.last = key;
        Ok(Some(key))
    }

    fn fill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.at);
        self.at = 0;
        let kept = self.buffer.len();
        let wanted = usize::try_from(self.run.length).unwrap_or(usize::MAX).min(self.size);
        self.buffer.resize(kept + wanted, 0);
        let space = self.buffer.get_mut(kept..).unwrap_or_default();
        if self.file.read_at(space, self.run.offset)? != wanted {
            return Err(spoiled());
        }
        self.run.offset += wanted as u64;
        self.run.length -= wanted as u64;
        Ok(())
    }
}

fn spoiled() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "what was set aside while writing the manifest came back changed",
    )
}
