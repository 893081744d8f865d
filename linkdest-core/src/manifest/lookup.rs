//! Finding entries: by path, by inode, by content.

use std::sync::Arc;

use super::cache::{BlockCache, Loaded};
use super::directory::Found;
use super::error::ManifestError;
use super::hash::ContentHash;
use super::keys::{Section, beginning};
use super::part::is_path;
use super::reader::Manifest;
use super::record::{Locator, Place};

/// No lookup by inode or content tells of more places than this: one is enough to link to, and a list of all files
/// of a common content for each of them would take for ever.
const MOST_PLACES: usize = 1000;

impl Manifest {
    /// Finds an entry by its path below the source; the root is the empty path.
    ///
    /// # Errors
    /// What cannot be read or is damaged.
    pub fn find(&self, path: &[u8], cache: &mut BlockCache) -> Result<Option<Found>, ManifestError> {
        if !is_path(path, 0) {
            return Ok(None);
        }
        let (mut found, mut above) = (self.found_root(), 0);
        for name in path.split(|&byte| byte == b'/').filter(|name| !name.is_empty()) {
            let directory = path.get(..above).unwrap_or_default();
            let Some(child) = found.entry().child else { return Ok(None) };
            let Some(place) = self.find_in(child, directory, name, cache)? else { return Ok(None) };
            found = self.entry_at(place, cache)?;
            above += name.len() + usize::from(above > 0);
        }
        Ok(Some(found))
    }

    /// Finds a name in a directory that has to have this path.
    fn find_in(
        &self,
        at: Locator,
        path: &[u8],
        name: &[u8],
        cache: &mut BlockCache,
    ) -> Result<Option<Place>, ManifestError> {
        let mut part = self.first_part(at, path, cache)?;
        loop {
            let (block, slot) = &part;
            if let Some(index) = block.find(*slot, name) {
                let directory = Locator { block: block.number(), slot: *slot };
                return Ok(u32::try_from(index).ok().map(|index| Place { directory, index }));
            }
            if block.bounds(*slot).is_none_or(|(_, last)| last > name) {
                return Ok(None);
            }
            match self.next_part(block, *slot, cache)? {
                Some(next) => part = next,
                None => return Ok(None),
            }
        }
    }

    /// Reads the entry at a place.
    ///
    /// # Errors
    /// What cannot be read or is damaged, and a place of another manifest.
    pub fn entry_at(&self, place: Place, cache: &mut BlockCache) -> Result<Found, ManifestError> {
        let Place { directory: Locator { block, slot }, index } = place;
        Found::in_block(self.block(block, cache)?, place).ok_or_else(|| {
            ManifestError::damaged(format!("block {block}: there is no entry {index} in directory {slot}"))
        })
    }

    /// Where the entries are that had this inode, at most 1,000 of them: the device is the manifest's own number.
    ///
    /// # Errors
    /// What cannot be read or is damaged.
    pub fn by_inode(
        &self,
        device: u64,
        inode: u64,
        cache: &mut BlockCache,
    ) -> Result<Vec<Place>, ManifestError> {
        let id = (device, inode);
        self.places(Section::Inodes, id, id, MOST_PLACES, cache)
    }

    /// Says whether a regular file with this size and a hash is known; of empty files none is.
    ///
    /// # Errors
    /// What cannot be read or is damaged.
    pub fn knows_size(&self, size: u64, cache: &mut BlockCache) -> Result<bool, ManifestError> {
        Ok(!self.places(Section::Content, (size, 0), (size, u64::MAX), 1, cache)?.is_empty())
    }

    /// Where regular files of this size and content may be, at most 1,000 of them: only the beginning of the hash was
    /// compared. Empty files are not found.
    ///
    /// # Errors
    /// What cannot be read or is damaged.
    pub fn by_content(
        &self,
        size: u64,
        hash: &ContentHash,
        cache: &mut BlockCache,
    ) -> Result<Vec<Place>, ManifestError> {
        let id = (size, beginning(&hash.0));
        self.places(Section::Content, id, id, MOST_PLACES, cache)
    }

    /// The places of the first keys from `low` to `high`.
    fn places(
        &self,
        section: Section,
        low: (u64, u64),
        high: (u64, u64),
        most: usize,
        cache: &mut BlockCache,
    ) -> Result<Vec<Place>, ManifestError> {
        let mut places = Vec::new();
        let Some((blocks, number)) = self.tail.section(section) else { return Ok(places) };
        // The block before the first one that begins at `low` may end with it.
        let start = blocks.first.partition_point(|first| *first < low).saturating_sub(1);
        for (index, first) in blocks.first.iter().enumerate().skip(start) {
            if *first > high || places.len() == most {
                break;
            }
            let number = u32::try_from(number + index).unwrap_or(u32::MAX);
            let Loaded::Keys(block) = self.loaded(number, cache)? else { break };
            let wanted = block
                .near(low)
                .skip_while(|key| key.id() < low)
                .take_while(|key| key.id() <= high)
                .map(|key| key.place);
            places.extend(wanted.take(most - places.len()));
        }
        Ok(places)
    }

    fn found_root(&self) -> Found {
        Found::root(Arc::clone(&self.root))
    }
}
