//! Lookups find what a plain scan finds.

use std::collections::BTreeMap;

use linkdest_core::manifest_workbench::{Limits, read};
use linkdest_core::{BlockCache, ContentHash, Manifest, Place};
use proptest::prelude::*;

use crate::model::{Item, bytes_of, join, tiny, tree};

/// What a scan finds: places by inode, by size and hash.
#[derive(Default)]
struct Scan {
    inodes: BTreeMap<(u64, u64), Vec<Place>>,
    content: BTreeMap<(u64, ContentHash), Vec<Place>>,
}

fn scan(manifest: &Manifest, cache: &mut BlockCache) -> Scan {
    let mut scan = Scan::default();
    for directory in manifest.walk() {
        let directory = directory.unwrap();
        for (index, entry) in directory.entries().enumerate() {
            let place = directory.place(index).unwrap();
            let id = entry.metadata.id;
            if id.inode != 0 {
                scan.inodes.entry((id.device, id.inode)).or_default().push(place);
            }
            if let Some(hash) = entry.content.filter(|_| entry.metadata.size > 0) {
                scan.content.entry((entry.metadata.size, hash)).or_default().push(place);
            }
            let path = join(directory.path().as_bytes(), entry.name);
            let found = manifest.find(&path, cache).unwrap().unwrap();
            assert_eq!((found.place(), found.entry()), (Some(place), entry));
            let found = manifest.entry_at(place, cache).unwrap();
            assert_eq!((found.path().as_bytes(), found.entry()), (&path[..], entry));
        }
    }
    scan
}

fn sorted(mut places: Vec<Place>) -> Vec<Place> {
    places.sort();
    places
}

fn agree(manifest: &Manifest) {
    let mut cache = BlockCache::default();
    let scan = scan(manifest, &mut cache);
    for ((device, inode), places) in &scan.inodes {
        assert_eq!(manifest.by_inode(*device, *inode, &mut cache).unwrap(), sorted(places.clone()));
        for near in [inode.wrapping_sub(1), inode.wrapping_add(1)] {
            let found = manifest.by_inode(*device, near, &mut cache).unwrap();
            assert_eq!(found.is_empty(), !scan.inodes.contains_key(&(*device, near)));
        }
    }
    for ((size, hash), places) in &scan.content {
        let found = manifest.by_content(*size, hash, &mut cache).unwrap();
        let is_same = |place: &Place| {
            manifest.entry_at(*place, &mut BlockCache::default()).unwrap().entry().content == Some(*hash)
        };
        let found: Vec<Place> = found.into_iter().filter(is_same).collect();
        assert_eq!(found, sorted(places.clone()));
        for near in [*size, size.wrapping_sub(1), size.wrapping_add(1)] {
            let is_known = scan.content.keys().any(|(known, _)| *known == near);
            assert_eq!(manifest.knows_size(near, &mut cache).unwrap(), is_known, "{near}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn lookups_find_what_a_scan_finds(mut root in tree(), is_tiny in any::<bool>()) {
        root.tidy();
        agree(&read(bytes_of(&root, 2, if is_tiny { tiny() } else { Limits::default() })).unwrap());
    }
}

#[test]
fn keys_of_many_blocks_are_found() {
    let directory = |number: u64| {
        // Every inode three times, every content seven times.
        let files = (0..200).map(|index| {
            let mut item =
                Item::file(format!("{index:03}").as_bytes(), index / 2 + 1, 1 + (number / 3) * 200 + index);
            item.content = Some(ContentHash::of(&(index / 2).to_le_bytes()));
            item
        });
        Item::directory(format!("d{number:02}").as_bytes(), files.collect())
    };
    let root = Item::directory(b"", (0..30).map(directory).collect());
    agree(&read(bytes_of(&root, 3, Limits { key_block: 300, ..Limits::default() })).unwrap());
}

#[test]
fn a_lookup_tells_of_a_thousand_places_at_most() {
    let files = (0..5000).map(|number| {
        let mut item = Item::file(format!("{number}").as_bytes(), 5, 77);
        item.content = Some(ContentHash::of(b"all the same"));
        item
    });
    let manifest = read(bytes_of(&Item::directory(b"", files.collect()), 1, Limits::default())).unwrap();
    let mut cache = BlockCache::default();
    assert_eq!(manifest.by_inode(0, 77, &mut cache).unwrap().len(), 1000);
    assert_eq!(manifest.by_content(5, &ContentHash::of(b"all the same"), &mut cache).unwrap().len(), 1000);
}

#[test]
fn only_clean_paths_are_found() {
    let root = Item::directory(b"", vec![Item::directory(b"a", vec![Item::file(b"b", 1, 1)])]);
    let manifest = read(bytes_of(&root, 1, Limits::default())).unwrap();
    for (path, is_there) in [
        (&b""[..], true),
        (b"a", true),
        (b"a/b", true),
        (b"a/b/c", false),
        (b"a/", false),
        (b"/a", false),
        (b"a//b", false),
        (b"a/./b", false),
        (b"a/../a", false),
        (b"b", false),
    ] {
        let found = manifest.find(path, &mut BlockCache::default()).unwrap();
        assert_eq!(found.is_some(), is_there, "{}", path.escape_ascii());
    }
}

#[test]
fn one_cache_serves_many_manifests() {
    let manifest = |name: &[u8]| {
        read(bytes_of(&Item::directory(b"", vec![Item::file(name, 1, 1)]), 1, Limits::default())).unwrap()
    };
    let (one, other) = (manifest(b"one"), manifest(b"other"));
    let mut cache = BlockCache::default();
    for _ in 0..2 {
        assert!(one.find(b"one", &mut cache).unwrap().is_some());
        assert!(other.find(b"other", &mut cache).unwrap().is_some());
        assert!(other.find(b"one", &mut cache).unwrap().is_none());
    }
}
