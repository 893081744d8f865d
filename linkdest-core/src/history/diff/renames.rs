//! Names that went and names that came: which of them are one entry.

use std::collections::HashMap;

use xxhash_rust::xxh3::xxh3_128;

use super::change::ChangeKind;
use super::merge::Difference;
use crate::entry::{Kind, Metadata};
use crate::manifest::{Entry, Manifest};

/// How a name that went is recognised under another path; the better ways first.
const WAYS: usize = 3;
/// The way that counts only where it leaves no choice.
const BY_CONTENT: usize = 2;

/// What a name is recognised by: a key for each way, 0 where there is none. The keys are hashes of 128 bits, so that no two
/// different ones are met.
pub(super) type Keys = [u128; WAYS];

/// What names that went and names that came are recognised by.
#[derive(Debug)]
pub(super) struct Recognition {
    /// The later manifest's number for each device of the earlier one, 0 if it has none.
    devices: Vec<u64>,
}

impl Recognition {
    pub fn between(before: &Manifest, after: &Manifest) -> Self {
        let position = |id| after.devices().iter().position(|other| other == id);
        let number = |id| position(id).map_or(0, |index| index as u64 + 1);
        Self { devices: before.devices().iter().map(number).collect() }
    }

    /// The keys of a name that is no longer there.
    pub fn went(&self, entry: &Entry<'_>) -> Keys {
        let index = usize::try_from(entry.metadata.id.device).ok().and_then(|device| device.checked_sub(1));
        let device = index.and_then(|index| self.devices.get(index)).copied().unwrap_or_default();
        keys(entry, device)
    }

    /// The keys of a name that was not there before.
    pub fn came(entry: &Entry<'_>) -> Keys {
        keys(entry, entry.metadata.id.device)
    }
}

/// Makes one rename of each pair of a name that went and one that came.
pub(super) fn pair(found: &mut Vec<Difference>) {
    let candidates = |kind| -> Vec<Candidate> {
        let of_kind = found.iter().enumerate().filter(|(_, difference)| difference.kind == kind);
        of_kind.filter_map(|(number, one)| Some(Candidate { number, keys: **one.keys.as_ref()? })).collect()
    };
    let mut names = Names { went: candidates(ChangeKind::Removed), came: candidates(ChangeKind::Added) };
    let mut gone = vec![false; found.len()];
    for way in 0..WAYS {
        for (from, to) in names.pairs(way) {
            let before = found.get(from).and_then(|difference| difference.before);
            if let (Some(to), Some(gone)) = (found.get_mut(to), gone.get_mut(from)) {
                (to.kind, to.before, to.told, *gone) = (ChangeKind::Renamed, before, None, true);
            }
        }
    }
    let mut gone = gone.into_iter();
    found.retain(|_| !gone.next().unwrap_or_default());
}

/// One name: its number among the differences, and its keys.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    number: usize,
    keys: Keys,
}

/// All names that went and came.
struct Names {
    went: Vec<Candidate>,
    came: Vec<Candidate>,
}

impl Names {
    /// Takes out the pairs that one way finds.
    fn pairs(&mut self, way: usize) -> Vec<(usize, usize)> {
        let key = |candidate: &Candidate| candidate.keys.get(way).copied().filter(|key| *key != 0);
        let mut waiting: HashMap<u128, Matching> = HashMap::new();
        if self.went.is_empty() {
            return Vec::new();
        }
        for candidate in &self.came {
            if let Some(key) = key(candidate) {
                waiting.entry(key).or_default().came.push(candidate.number);
            }
        }
        for candidate in &self.went {
            if let Some(matching) = key(candidate).and_then(|key| waiting.get_mut(&key)) {
                matching.went.push(candidate.number);
            }
        }
        if way == BY_CONTENT {
            waiting.retain(|_, matching| matching.went.len() == 1 && matching.came.len() == 1);
        }
        let pairs: HashMap<usize, usize> =
            waiting.into_values().flat_map(|matching| matching.went.into_iter().zip(matching.came)).collect();
        let came: std::collections::HashSet<usize> = pairs.values().copied().collect();
        self.went.retain(|candidate| !pairs.contains_key(&candidate.number));
        self.came.retain(|candidate| !came.contains(&candidate.number));
        pairs.into_iter().collect()
    }
}

/// The names that have one key.
#[derive(Debug, Default)]
struct Matching {
    went: Vec<usize>,
    came: Vec<usize>,
}

fn keys(entry: &Entry<'_>, device: u64) -> Keys {
    [by_source(&entry.metadata, device), by_repository(entry), by_content(entry)]
}

/// The same inode of the source, if it was made at the same time: numbers are given out again.
fn by_source(metadata: &Metadata, device: u64) -> u128 {
    match metadata.btime {
        Some(made) if device != 0 && metadata.id.inode != 0 => {
            let seconds = made.seconds.cast_unsigned();
            hash(metadata.kind, &[device, metadata.id.inode, seconds, made.nanos.into()])
        }
        _ => 0,
    }
}

/// The same inode of the repository. Directories are never shared.
fn by_repository(entry: &Entry<'_>) -> u128 {
    let shared = entry.metadata.kind != Kind::Directory && entry.repository_inode != 0;
    if shared { hash(entry.metadata.kind, &[entry.repository_inode, entry.metadata.size]) } else { 0 }
}

/// The same content, if there is any.
fn by_content(entry: &Entry<'_>) -> u128 {
    match (entry.content, entry.metadata.size) {
        (None, _) | (_, 0) => 0,
        (Some(content), size) => {
            content.0.first_chunk().map_or(0, |bytes| u128::from_le_bytes(*bytes)) ^ u128::from(size)
        }
    }
}

fn hash(kind: Kind, numbers: &[u64]) -> u128 {
    let mut bytes = [0; 40];
    for (part, number) in bytes.chunks_exact_mut(8).zip([kind as u64].iter().chain(numbers)) {
        part.copy_from_slice(&number.to_le_bytes());
    }
    xxh3_128(&bytes)
}
