//! What stands for the parts of large files: `.linkdest/parts` has a small file for each content, so that a later version
//! of it need not be compared with the earlier one byte by byte.
//!
//! Nothing depends on them. A list proves itself: its values make up the hash that it is named after, or it is not used.

use std::ffi::CStr;
use std::io;

use super::{Repository, write_bytes};
use crate::error::Result;
use crate::hashing::{PART, PARTS_LEAST, PARTS_MOST, Value, whole};
use crate::manifest::{BlockCache, ContentHash};
use crate::os::{Dir, Listing, c_name};

const PARTS: &CStr = c"parts";
/// The first bytes of a list; the size of the content follows, then what stands for each part of it.
const MAGIC: [u8; 8] = *b"LDparts\x01";
const HEAD: usize = MAGIC.len() + size_of::<u64>();

/// The lists of a repository.
#[derive(Debug)]
pub(crate) struct PartLists {
    control: Dir,
}

impl PartLists {
    /// What stands for the parts of a content, in their order; nothing if that is not known.
    pub fn load(&self, hash: &ContentHash, size: u64) -> Vec<Value> {
        self.read(hash, size).unwrap_or_default()
    }

    fn read(&self, hash: &ContentHash, size: u64) -> Option<Vec<Value>> {
        if !(PARTS_LEAST..=PARTS_MOST).contains(&size) {
            return None;
        }
        let file = self.control.open_dir(PARTS).ok()?.open_file(&c_name(&hash.to_string()).ok()?).ok()?;
        let length = HEAD + usize::try_from(size.div_ceil(PART)).ok()? * size_of::<Value>();
        if file.stat().ok()?.size != length as u64 {
            return None;
        }
        let bytes = file.read_small(length).ok()?;
        let (head, values) = bytes.split_at_checked(HEAD)?;
        let values: Vec<Value> = values.chunks_exact(size_of::<Value>()).flat_map(Value::try_from).collect();
        (head == head_of(size) && whole(&values) == Some(*hash)).then_some(values)
    }

    /// Keeps what stands for the parts of a content.
    pub fn store(&self, hash: &ContentHash, size: u64, values: &[Value]) -> io::Result<()> {
        match self.control.make_dir(PARTS) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let (dir, name) = (self.control.open_dir(PARTS)?, c_name(&hash.to_string())?);
        if self.read(hash, size).is_some() {
            return Ok(());
        }
        write_bytes(&dir, &name, &[&head_of(size), values.as_flattened()].concat())
    }
}

fn head_of(size: u64) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    let (magic, number) = head.split_at_mut(MAGIC.len());
    magic.copy_from_slice(&MAGIC);
    number.copy_from_slice(&size.to_le_bytes());
    head
}

impl Repository {
    /// The lists of what stands for the parts of large files.
    ///
    /// # Errors
    /// When the repository cannot be opened again.
    pub(crate) fn part_lists(&self) -> io::Result<PartLists> {
        Ok(PartLists { control: self.control.open_dir(c".")? })
    }

    /// Removes the lists of content that no snapshot has any more. The lock is held.
    ///
    /// # Errors
    /// When a manifest cannot be read, which may know it, or a list not be removed.
    pub(super) fn forget_part_lists(&self) -> Result<()> {
        let failed = |error| crate::error::Error::io("tidy up", self.control_path("parts"), error);
        let dir = match self.control.open_dir(PARTS) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            dir => dir.map_err(failed)?,
        };
        let mut listing = Listing::default();
        dir.list(&mut listing).map_err(failed)?;
        let mut left: Vec<(&CStr, Option<(u64, ContentHash)>)> = listing
            .entries()
            .iter()
            .map(|entry| listing.name(*entry))
            .map(|name| (name, content_of(&dir, name)))
            .collect();
        for name in self.manifest_names()? {
            if left.is_empty() {
                return Ok(());
            }
            let Some(manifest) = self.manifest(&name)? else { continue };
            let mut cache = BlockCache::default();
            let mut unknown = Vec::new();
            for one in left {
                let places = match &one.1 {
                    Some((size, hash)) => manifest.by_content(*size, hash, &mut cache),
                    None => Ok(Vec::new()),
                };
                let places =
                    places.map_err(|error| super::manifest_error(self.manifest_path(&name), error))?;
                if places.is_empty() {
                    unknown.push(one);
                }
            }
            left = unknown;
        }
        left.into_iter().try_for_each(|(name, _)| dir.unlink(name)).map_err(failed)
    }
}

/// The size and the hash of the content that a list is of; `None` if it is no list.
fn content_of(dir: &Dir, name: &CStr) -> Option<(u64, ContentHash)> {
    let text = name.to_str().ok().filter(|text| text.len() == 64)?;
    let mut hash = [0; 32];
    for (byte, digits) in hash.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    let mut head = [0; HEAD];
    dir.open_file(name).ok()?.read_at(&mut head, 0).ok()?;
    let size = u64::from_le_bytes(*head.last_chunk()?);
    (head == head_of(size)).then_some((size, ContentHash(hash)))
}
