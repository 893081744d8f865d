//! Whatever is written is read back.

use linkdest_core::manifest_workbench::{Limits, Scribe, read, sizes};
use linkdest_core::{EncodedXattrs, Header, Kind, Metadata, Timestamp, XattrValue};
use proptest::prelude::*;

use crate::model::{Item, bytes_of, compare, tiny, tree};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_tree_comes_back(mut root in tree(), lanes in 1..4_usize, is_tiny in any::<bool>()) {
        let limits = if is_tiny { tiny() } else { Limits::default() };
        let bytes = bytes_of(&root, lanes, limits);
        root.tidy();
        compare(&read(bytes).unwrap(), &root);
    }
}

#[test]
fn an_empty_source_has_a_manifest() {
    for root in [Item::directory(b"", Vec::new()), Item::new(Kind::Directory, b"")] {
        compare(&read(bytes_of(&root, 1, Limits::default())).unwrap(), &root);
    }
}

/// Many files in one directory.
fn large(count: u64) -> Item {
    let files =
        (0..count).map(|number| Item::file(format!("file{number:06}").as_bytes(), number, number + 1));
    Item::directory(b"", vec![Item::directory(b"large", files.collect())])
}

#[test]
fn a_large_directory_is_one_directory_of_many_parts() {
    let root = large(30_000);
    let manifest = read(bytes_of(&root, 2, Limits::default())).unwrap();
    compare(&manifest, &root);
    let mut cache = linkdest_core::BlockCache::default();
    for number in [0, 1, 8191, 8192, 29_999] {
        let path = format!("large/file{number:06}");
        let found = manifest.find(path.as_bytes(), &mut cache).unwrap().unwrap();
        assert_eq!(found.entry().metadata.size, number);
        assert_eq!(found.path().as_bytes(), path.as_bytes());
    }
    for path in ["large/file", "large/file0000001", "large/file009999x", "large/g", "small"] {
        assert!(manifest.find(path.as_bytes(), &mut cache).unwrap().is_none(), "{path}");
    }
}

#[test]
fn large_entries_are_parts_of_their_own() {
    let value = vec![7; 16 << 10];
    let names: Vec<_> = (0..100).map(|number| format!("user.{number:03}")).collect();
    let attributes = || names.iter().map(|name| (name.as_bytes(), &value[..]));
    let xattrs = EncodedXattrs::new(attributes());
    let whole = |xattrs: &EncodedXattrs| {
        xattrs.as_ref().iter().filter(|(_, value)| matches!(value, XattrValue::Whole(_))).count()
    };
    assert_eq!((whole(&xattrs), xattrs.as_ref().iter().count()), (32, 100));
    let with = |number: u64| Item { xattrs: xattrs.clone(), ..Item::file(&number.to_be_bytes(), 1, 1) };
    let mut root = Item::directory(b"", (0x0101_0101_0101_0101..).take(7).map(with).collect());
    root.tidy();
    compare(&read(bytes_of(&root, 1, Limits::default())).unwrap(), &root);
}

#[test]
fn what_is_packed_all_too_densely_is_padded() {
    let link = |number: u64| Item {
        target: vec![b'x'; 4000],
        ..Item::new(Kind::Symlink, format!("link{number:04}").as_bytes())
    };
    let root = Item::directory(b"", (0..1000).map(link).collect());
    let manifest = read(bytes_of(&root, 1, Limits::default())).unwrap();
    compare(&manifest, &root);
    let sizes = sizes(&manifest);
    assert!(sizes.unpacked <= 4 * sizes.directories, "{sizes:?}");
}

#[test]
fn keys_that_were_set_aside_are_the_same_keys() {
    let mut root = large(500);
    root.children.as_mut().unwrap().extend(large(300).children.unwrap().into_iter().map(|mut item| {
        item.name = b"other".to_vec();
        item
    }));
    let all_in_memory = Limits { keys: usize::MAX, ..Limits::default() };
    let soon_set_aside = Limits { keys: 1, ..Limits::default() };
    assert_eq!(bytes_of(&root, 1, all_in_memory), bytes_of(&root, 1, soon_set_aside));
}

#[test]
fn deep_trees_take_little_space() {
    let levels = 2000;
    let mut item = Item::directory(b"bottom", Vec::new());
    for _ in 0..levels {
        item = Item::directory(b"level", vec![item]);
    }
    item.name = Vec::new();
    let bytes = bytes_of(&item, 1, Limits::default());
    let manifest = read(bytes).unwrap();
    assert_eq!(manifest.walk().map(|directory| directory.unwrap().len()).sum::<usize>(), levels);
    assert_eq!(manifest.walk().last().unwrap().unwrap().path().as_bytes().len(), levels * 6);
    let sizes = sizes(&manifest);
    // Only the paths of one directory in 16 are there in full.
    assert!(sizes.unpacked < 2_000_000 && sizes.directories < 500_000, "{sizes:?}");
}

#[test]
fn what_no_directory_holds_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let metadata = Metadata::file(0, Timestamp::default());
    let mut scribe =
        Scribe::create(place.path(), "manifest", &Header::default(), 1, Limits::default()).unwrap();
    for name in [&b""[..], b".", b"..", b"a/b", b"a\0"] {
        let item = Item::file(name, 0, 0);
        assert!(scribe.directory(0, b"", &metadata, [item.entry(None)]).is_err(), "{name:?}");
    }
    for path in [&b"/"[..], b"a/", b"../a", b"a//b", &[b'a'; 300_000]] {
        assert!(scribe.directory(0, path, &metadata, []).is_err());
    }
}

#[test]
fn values_of_attributes_are_kept_or_told_by_their_hash() {
    for (length, is_whole) in [(0, true), (16 << 10, true), ((16 << 10) + 1, false)] {
        let value = vec![1; length];
        let xattrs = EncodedXattrs::new([(&b"user.a"[..], &value[..])]);
        let (_, recorded) = xattrs.as_ref().iter().next().unwrap();
        match recorded {
            XattrValue::Whole(bytes) => assert!(is_whole && bytes == value),
            XattrValue::Digest { length, hash } => {
                assert!(!is_whole && length == value.len() as u64);
                assert_eq!(hash, linkdest_core::ContentHash::of(&value));
            }
        }
    }
}
