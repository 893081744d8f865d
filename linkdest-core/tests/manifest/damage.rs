//! Whatever is damaged is refused.

use linkdest_core::manifest_workbench::{Limits, read};
use linkdest_core::{EncodedXattrs, FileSystemId, Header, Kind, ManifestError, Totals};

use crate::model::{Item, bytes_of, bytes_with, tiny};

fn small() -> Vec<u8> {
    let mut link = Item::new(Kind::Symlink, b"link");
    link.target = vec![b'x'; 300];
    let mut with_attributes = Item::file(b"file", 1, 2);
    with_attributes.xattrs = EncodedXattrs::new([(&b"user.a"[..], &b"value"[..])]);
    let sub = Item::directory(b"sub", vec![Item::file(b"a", 10, 11), Item::file(b"b", 10, 12)]);
    let root = Item::directory(b"", vec![sub, link, with_attributes, Item::file(b"z", 0, 9)]);
    let header = Header { references: vec!["2026-11-21T132200Z".into()], ..Header::default() };
    let device = FileSystemId { kind: "ext4".into(), id: "some".into() };
    bytes_with(&root, 1, tiny(), &header, &[device], Totals::default())
}

fn is_good(bytes: Vec<u8>) -> bool {
    read(bytes).and_then(|manifest| manifest.check()).is_ok()
}

#[test]
fn every_truncation_is_found() {
    let bytes = small();
    assert!(is_good(bytes.clone()));
    for length in 0..bytes.len() {
        assert!(!is_good(bytes[..length].to_vec()), "{length} of {}", bytes.len());
    }
}

#[test]
fn every_flipped_bit_is_found() {
    let bytes = small();
    for index in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[index] ^= 1 << bit;
            assert!(!is_good(damaged), "bit {bit} of byte {index}");
        }
    }
}

#[test]
fn more_bytes_are_found() {
    let bytes = small();
    for extra in [&b"\0"[..], b"LDM end\n", &bytes] {
        assert!(!is_good([&bytes[..], extra].concat()));
        assert!(!is_good([extra, &bytes[..]].concat()));
    }
}

#[test]
fn a_newer_version_says_so() {
    let mut bytes = small();
    let footer = bytes.len() - 48;
    bytes[footer + 24] = 2;
    let sum = xxhash_rust::xxh3::xxh3_64(&bytes[footer..footer + 32]);
    bytes[footer + 32..footer + 40].copy_from_slice(&sum.to_le_bytes());
    assert!(matches!(read(bytes), Err(ManifestError::Newer(2))));
}

#[test]
fn damage_says_where() {
    let root = Item::directory(b"", vec![Item::file(b"a", 1, 1)]);
    let mut bytes = bytes_of(&root, 1, Limits::default());
    // Right behind the header, which begins with 8 bytes and its own length.
    let block = 8 + 1 + usize::from(bytes[8]) + 8;
    bytes[block] ^= 1;
    let error = read(bytes).unwrap().check().unwrap_err().to_string();
    assert_eq!(error, format!("the manifest is damaged: block 0 at offset {block}: another checksum"));
}

#[test]
fn other_files_are_no_manifests() {
    for bytes in [&b""[..], b"hello", &[0; 48], &[0; 1000]] {
        assert!(matches!(read(bytes.to_vec()), Err(ManifestError::Damaged(_))));
    }
}
