//! Checking a whole manifest.

use super::cache::{BlockCache, Loaded};
use super::error::ManifestError;
use super::frame::checksum;
use super::keys::{Key, SECTIONS, Section};
use super::reader::Manifest;
use super::record::Entry;
use super::tree_hash::TreeHasher;

impl Manifest {
    /// Reads everything there is and checks it: each block, that the lists of keys have what the entries have, that
    /// all directories can be walked, and their hashes. Header, tail and footer were checked when the manifest was opened.
    ///
    /// # Errors
    /// What cannot be read or is damaged.
    pub fn check(&self) -> Result<(), ManifestError> {
        let mut sums = SECTIONS.map(|_| Sum::default());
        for number in 0..self.tail.directory_blocks() {
            let Loaded::Directories(block) = self.load(block_number(number))? else { continue };
            if let Some(slot) = (0..block.parts()).find(|slot| !block.is_sound(*slot)) {
                return Err(ManifestError::damaged(format!(
                    "block {number}: directory {slot} does not decode"
                )));
            }
            for (section, key) in block.keys() {
                let of = SECTIONS.iter().zip(&mut sums).find(|(of, _)| **of == section);
                if let Some((_, sum)) = of {
                    sum.add(&key);
                }
            }
        }
        for (section, expected) in SECTIONS.into_iter().zip(sums) {
            if self.sum_of(section)? != expected {
                return Err(ManifestError::damaged(format!("{section:?}: not the keys of the entries")));
            }
        }
        let (mut hasher, mut cache) = (TreeHasher::default(), BlockCache::default());
        self.check_tree(&self.root(), &mut hasher, &mut cache)?;
        self.walk().try_for_each(|directory| {
            directory?.entries().try_for_each(|entry| self.check_tree(&entry, &mut hasher, &mut cache))
        })
    }

    /// Compares the hash of a directory with what is in it.
    fn check_tree(
        &self,
        entry: &Entry<'_>,
        hasher: &mut TreeHasher,
        cache: &mut BlockCache,
    ) -> Result<(), ManifestError> {
        let (Some(child), Some(_)) = (entry.child, entry.tree) else { return Ok(()) };
        let directory = self.directory(child, cache)?;
        if hasher.hash(directory.entries()) == entry.tree {
            return Ok(());
        }
        Err(ManifestError::damaged(format!("{}: its hash is not that of what is in it", directory.path())))
    }

    /// Adds up the keys of a section, and checks their order.
    fn sum_of(&self, section: Section) -> Result<Sum, ManifestError> {
        let mut sum = Sum::default();
        let Some((blocks, first)) = self.tail.section(section) else { return Ok(sum) };
        let mut last = Key::START;
        for number in first..first + blocks.first.len() {
            let Loaded::Keys(block) = self.load(block_number(number))? else { continue };
            for key in block.all() {
                if key <= last {
                    return Err(ManifestError::damaged(format!("block {number}: keys are out of order")));
                }
                last = key;
                sum.add(&key);
            }
        }
        if sum.count == blocks.keys {
            Ok(sum)
        } else {
            Err(ManifestError::damaged("a number of keys is wrong"))
        }
    }
}

fn block_number(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Tells lists of keys apart whatever their order.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sum {
    count: u64,
    sum: u64,
}

impl Sum {
    fn add(&mut self, key: &Key) {
        let (place, directory) = (key.place, key.place.directory);
        let mut bytes = [0; 28];
        let numbers = [key.major, key.minor, u64::from(directory.block) << 32 | u64::from(directory.slot)];
        let all = numbers.iter().flat_map(|number| number.to_le_bytes()).chain(place.index.to_le_bytes());
        bytes.iter_mut().zip(all).for_each(|(to, from)| *to = from);
        self.count += 1;
        self.sum = self.sum.wrapping_add(checksum(&bytes));
    }
}
