//! Any bytes are a manifest or an error; what is read agrees with itself, and takes little memory.
//!
//! An input is a byte that says its form, and a manifest: as it is in a file (0), or unpacked, so that mutations reach
//! what is in the blocks. Checksums are not compared in fuzzing. The unpacked form, in the words of
//! `docs/manifest-format.md`: `bytes` the fields of the header; `n` blocks of directories, each `bytes` rows and
//! `bytes` plain; the two sections, each `n` keys, `n` blocks, each `n` major, `n` minor and `bytes` unpacked; the rest
//! of the tail.

#![no_main]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use libfuzzer_sys::fuzz_target;
use linkdest_core::manifest_workbench::read;
use linkdest_core::{BlockCache, ContentHash, Directory, Kind, Manifest};

struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is handed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(held, Ordering::Relaxed);
        // SAFETY: as promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as promised by the caller.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// So many entries are looked up one by one.
const LOOKED_UP: usize = 50;

fuzz_target!(|data: &[u8]| {
    let Some((form, data)) = data.split_first() else { return };
    let bytes = if *form == 0 { Some(data.to_vec()) } else { packed(data) };
    let Some(bytes) = bytes else { return };
    let length = bytes.len();
    let before = HELD.load(Ordering::Relaxed) - length;
    PEAK.store(before, Ordering::Relaxed);
    if let Ok(manifest) = read(bytes) {
        look(&manifest);
    }
    let peak = PEAK.load(Ordering::Relaxed) - before;
    assert!(peak <= (64 << 20) + 16 * length, "{peak} bytes for a manifest of {length}");
});

fn look(manifest: &Manifest) {
    let is_good = manifest.check().is_ok();
    let mut cache = BlockCache::default();
    let mut left = LOOKED_UP;
    let mut entries = manifest.root().name.len();
    for directory in manifest.walk() {
        let Ok(directory) = directory else {
            assert!(!is_good);
            break;
        };
        assert_eq!(directory.entries().count(), directory.len());
        entries += directory.len();
        for (index, entry) in directory.entries().enumerate() {
            assert_eq!(directory.get(index), Some(entry));
            assert_eq!(directory.position(entry.name), Some(index));
            assert!(entry.child.is_none() || entry.metadata.kind == Kind::Directory);
            let _ = entry.xattrs.iter().count();
            if left > 0 {
                left -= 1;
                look_up(manifest, &directory, index, is_good, &mut cache);
            }
        }
        assert_eq!(directory.get(directory.len()), None);
    }
    for number in [0, 1, entries as u64, u64::MAX] {
        for place in manifest.by_inode(1, number, &mut cache).into_iter().flatten() {
            let _ = manifest.entry_at(place, &mut cache).map(|found| found.path());
        }
        let _ = manifest.by_content(number, &ContentHash([7; 32]), &mut cache);
        let _ = manifest.knows_size(number, &mut cache);
    }
}

/// Finds an entry in every way there is.
fn look_up(manifest: &Manifest, directory: &Directory, index: usize, is_good: bool, cache: &mut BlockCache) {
    let (entry, place) = (directory.get(index).unwrap(), directory.place(index).unwrap());
    let found = manifest.entry_at(place, cache).unwrap();
    assert_eq!(found.entry(), entry);
    let again = manifest.find(found.path().as_bytes(), cache).unwrap().unwrap();
    assert_eq!((again.place(), again.entry()), (Some(place), entry));
    let id = entry.metadata.id;
    let by_inode = manifest.by_inode(id.device, id.inode, cache);
    let size = entry.metadata.size;
    let by_content = entry.content.map(|hash| manifest.by_content(size, &hash, cache));
    let is_known = manifest.knows_size(size, cache);
    if is_good {
        let by_inode = by_inode.unwrap();
        assert!(id.inode == 0 || by_inode.contains(&place) || by_inode.len() == 1000);
        if let Some(places) = by_content.filter(|_| size > 0) {
            let places = places.unwrap();
            assert!(places.contains(&place) || places.len() == 1000);
            assert!(is_known.unwrap());
        }
    }
}

/// Makes a manifest of its unpacked form.
fn packed(data: &[u8]) -> Option<Vec<u8>> {
    let mut input = Input(data);
    let fields = input.bytes()?;
    let mut file = b"\x89LDM\r\n\x1a\n".to_vec();
    put(&mut file, fields.len() as u64);
    file.extend_from_slice(fields);
    file.extend_from_slice(&[0; 8]);
    let (mut blocks, mut table, mut sections) = (0, Vec::new(), Vec::new());
    let mut block = |rows: &[u8], plain: &[u8]| {
        let packed = lz4_flex::block::compress(rows);
        let padding = rows.len().div_ceil(3).saturating_sub(packed.len() + plain.len());
        file.extend_from_slice(&packed);
        file.extend_from_slice(plain);
        file.resize(file.len() + padding, 0);
        for number in [0, packed.len(), plain.len() + padding, rows.len()] {
            put(&mut table, number as u64);
        }
        table.extend_from_slice(&[0; 8]);
        blocks += 1;
    };
    for _ in 0..input.number()? {
        block(input.bytes()?, input.bytes()?);
    }
    for _ in 0..2 {
        let (keys, count) = (input.number()?, input.number()?);
        put(&mut sections, keys);
        put(&mut sections, count);
        for _ in 0..count {
            put(&mut sections, input.number()?);
            put(&mut sections, input.number()?);
            block(input.bytes()?, b"");
        }
    }
    let start = file.len();
    put(&mut file, blocks);
    for part in [&table, &sections, input.0] {
        file.extend_from_slice(part);
    }
    let length = file.len() - start;
    for number in [start as u64, length as u64, 0, 1 | 1 << 32, 0] {
        file.extend_from_slice(&number.to_le_bytes());
    }
    file.extend_from_slice(b"LDM end\n");
    Some(file)
}

fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (first, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(first & 0x7f) << shift;
            if *first < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }
}
