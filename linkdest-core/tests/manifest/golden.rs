//! A manifest that was written with version 1 of the format, and is read for ever.

use std::path::PathBuf;

use linkdest_core::manifest_workbench::{Limits, read};
use linkdest_core::{
    BlockCache, ContentHash, EncodedXattrs, EntryFlags, FileSystemId, Header, Kind, Timestamp, Totals,
    XattrValue,
};

use crate::model::{Item, bytes_with, compare};

fn path() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/manifest/golden-v1.ldm"].iter().collect()
}

fn time(seconds: i64, nanos: u32) -> Timestamp {
    Timestamp { seconds, nanos }
}

/// An entry with usual attributes.
fn item(kind: Kind, name: &[u8], inode: u64) -> Item {
    let mut item = Item::new(kind, name);
    let metadata = &mut item.metadata;
    (metadata.mode, metadata.uid, metadata.gid) = (0o644, 1000, 1001);
    metadata.mtime = time(1_700_000_000, 123_456_789);
    metadata.ctime = Some(time(1_700_000_001, 5));
    metadata.btime = Some(time(1_700_000_000, 999_000_000));
    (metadata.id.device, metadata.id.inode) = (1, inode);
    item.repository_inode = inode + 5000;
    item.origin = (2, 0, Vec::new());
    item
}

fn file(name: &[u8], inode: u64, content: &[u8]) -> Item {
    let mut item = item(Kind::File, name, inode);
    item.metadata.size = content.len() as u64;
    item.metadata.allocated = item.metadata.size.next_multiple_of(4096);
    item.content = Some(ContentHash::of(content));
    item
}

fn directory(name: &[u8], inode: u64, children: Vec<Item>) -> Item {
    let mut item = item(Kind::Directory, name, inode);
    (item.metadata.mode, item.metadata.nlink) = (0o755, 2);
    (item.metadata.size, item.metadata.allocated) = (4096, 4096);
    item.children = Some(children);
    item
}

/// One entry for each form that something can have.
fn forms() -> Vec<Item> {
    let with = |name: &str, inode, change: fn(&mut Item)| {
        let mut item = file(name.as_bytes(), inode, b"some content");
        change(&mut item);
        item
    };
    vec![
        with("allocated in sectors", 100, |item| item.metadata.allocated = 1536),
        with("allocated oddly", 101, |item| item.metadata.allocated = 1001),
        with("attributes of its own", 102, |item| {
            (item.metadata.mode, item.metadata.uid, item.metadata.gid) = (0o4711, 0, u32::MAX);
        }),
        with("birth before modification", 103, |item| {
            item.metadata.ctime = Some(time(1_720_000_000, 1));
            item.metadata.btime = Some(time(1_700_000_000, 123_000_000));
        }),
        with("birth long ago", 104, |item| item.metadata.btime = Some(time(0, 0))),
        with("birth unknown", 105, |item| item.metadata.btime = None),
        with("born last", 106, |item| item.metadata.btime = Some(time(1_800_000_000, 17))),
        with("carried forward", 107, |item| {
            item.flags = EntryFlags::CARRIED_FORWARD.union(EntryFlags::NOT_STORED);
        }),
        with("change at the end of time", 108, |item| {
            item.metadata.ctime = Some(time(i64::MAX, 999_999_999));
        }),
        with("change in whole seconds", 109, |item| item.metadata.ctime = Some(time(1_700_000_900, 0))),
        with("change unknown", 110, |item| item.metadata.ctime = None),
        with("device other", 111, |item| item.metadata.id.device = 2),
        with("empty without a hash", 112, |item| (item.metadata.size, item.content) = (0, None)),
        with("flags unknown", 113, |item| item.flags = EntryFlags::from_bits(0xe1)),
        with("fresh", 114, |item| item.origin = (0, 0, Vec::new())),
        with("group, one name", 115, |item| (item.metadata.nlink, item.origin.0) = (2, 0)),
        with("group, other name", 115, |item| (item.metadata.nlink, item.origin.0) = (2, 1)),
        with("inode unknown", 0, |item| item.repository_inode = 0),
        with("modification at the beginning of time", 116, |item| {
            item.metadata.mtime = time(i64::MIN, 0);
        }),
        with("modification in whole seconds", 117, |item| item.metadata.mtime = time(1_600_000_000, 0)),
        with("modification is change", 118, |item| {
            item.metadata.mtime = time(1_700_000_001, 5);
        }),
        with("modification later than change", 119, |item| {
            item.metadata.mtime = time(1_700_000_002, 8);
        }),
        with("moved", 120, |item| item.origin = (3, 1, b"old/place \xff".to_vec())),
        with("numbers at their end", 121, |item| {
            (item.metadata.size, item.metadata.allocated) = (u64::MAX, u64::MAX);
            (item.metadata.nlink, item.metadata.rdev) = (u64::MAX, u64::MAX);
            (item.metadata.id.inode, item.repository_inode) = (u64::MAX, u64::MAX);
        }),
        with("reference other", 122, |item| item.origin = (2, 1, Vec::new())),
        with("size at its end, no hash", 123, |item| {
            (item.metadata.size, item.metadata.allocated, item.content) = (u64::MAX, 0, None);
        }),
        with("without a hash", 124, |item| item.content = None),
        with("xattrs", 125, |item| {
            item.xattrs = EncodedXattrs::new([
                (&b"user.long"[..], &[7; 20_000][..]),
                (b"user.empty", b""),
                (b"security.capability", b"\x01\0\0\x02"),
            ]);
        }),
    ]
}

fn kinds() -> Vec<Item> {
    let node = |kind, name: &[u8], inode, rdev| {
        let mut node = item(kind, name, inode);
        node.metadata.rdev = rdev;
        node
    };
    let mut link = item(Kind::Symlink, b"symlink", 204);
    link.target = b"../forms/\xfe".to_vec();
    (link.metadata.size, link.metadata.mode) = (10, 0o777);
    let mut not_entered = directory(b"directory not entered", 205, Vec::new());
    not_entered.children = None;
    vec![
        node(Kind::BlockDevice, b"block device", 200, 0x0801),
        node(Kind::CharDevice, b"char device", 201, 0x0103),
        directory(b"directory empty", 206, Vec::new()),
        not_entered,
        node(Kind::Fifo, b"fifo", 202, 0),
        file(b"file empty", 207, b""),
        node(Kind::Socket, b"socket", 203, 0),
        link,
        file(b"\xff\n not UTF-8", 208, b"x"),
    ]
}

fn tree() -> Item {
    let large = (0..100_u64).map(|number| {
        file(format!("{number:02}").as_bytes(), 300 + number, format!("content {}", number / 2).as_bytes())
    });
    let deepest = directory(b"deeper", 12, vec![file(b"deepest", 13, b"deepest content")]);
    let children = vec![
        directory(b"deep", 11, vec![deepest]),
        directory(b"forms", 14, forms()),
        directory(b"kinds", 15, kinds()),
        directory(b"large", 16, large.collect()),
    ];
    let mut root = directory(b"", 2, children);
    root.tidy();
    root
}

fn header() -> Header {
    Header {
        snapshot: "2026-11-22T132200Z".into(),
        sequence: 77,
        source: b"/home/me \xff".to_vec(),
        host: "laptop".into(),
        started: time(1_795_353_720, 250_000_000),
        policy: "quick".into(),
        rules: "- *.tmp".into(),
        version: "0.1.0".into(),
        references: vec!["2026-11-21T132200Z".into(), "2026-11-20T132200Z-02".into()],
        generation: 1,
    }
}

fn devices() -> Vec<FileSystemId> {
    let device = |kind: &str, id: &str| FileSystemId { kind: kind.into(), id: id.into() };
    vec![device("ext4", "7d1f2a9c-0000-4000-8000-0123456789ab"), device("xfs", "")]
}

const TOTALS: Totals = Totals { entries: 143, directories: 7, files: 131, bytes: 12_345, flagged: 2 };

#[test]
fn version_1_is_read() {
    let bytes = std::fs::read(path()).unwrap();
    let digest = "dface88c308492934ab247666db33e1a14d582bbe7036625f4085bd7feaac9d9";
    let manifest = read(bytes).unwrap();
    assert_eq!(manifest.digest().to_string(), digest);
    assert_eq!(*manifest.header(), header());
    assert_eq!(manifest.devices(), devices());
    assert_eq!(*manifest.totals(), TOTALS);
    assert_eq!(manifest.ended(), time(1_700_000_100, 3));
    compare(&manifest, &tree());
}

#[test]
fn version_1_is_searched() {
    let manifest = read(std::fs::read(path()).unwrap()).unwrap();
    let mut cache = BlockCache::default();
    let names = |places: Vec<linkdest_core::Place>, cache: &mut BlockCache| -> Vec<String> {
        places.into_iter().map(|at| manifest.entry_at(at, cache).unwrap().path().to_string()).collect()
    };
    let group = manifest.by_inode(1, 115, &mut cache).unwrap();
    assert_eq!(names(group, &mut cache), ["forms/group, one name", "forms/group, other name"]);
    let other_device = manifest.by_inode(2, 111, &mut cache).unwrap();
    assert_eq!(names(other_device, &mut cache), ["forms/device other"]);
    let content = manifest.by_content(10, &ContentHash::of(b"content 33"), &mut cache).unwrap();
    assert_eq!(names(content, &mut cache), ["large/66", "large/67"]);
    assert!(manifest.knows_size(12, &mut cache).unwrap() && !manifest.knows_size(11, &mut cache).unwrap());
    let xattrs = manifest.find(b"forms/xattrs", &mut cache).unwrap().unwrap();
    let all: Vec<_> = xattrs.entry().xattrs.iter().collect();
    let hash = ContentHash::of(&[7; 20_000]);
    assert_eq!(
        all,
        [
            (&b"security.capability"[..], XattrValue::Whole(b"\x01\0\0\x02")),
            (b"user.empty", XattrValue::Whole(b"")),
            (b"user.long", XattrValue::Digest { length: 20_000, hash }),
        ]
    );
}

/// Writes the file, once for each version of the format. It is never written again: what was written has to be read.
#[test]
#[ignore = "makes the file that the other tests read"]
fn make_version_1() {
    let limits = Limits { block: 2048, part_entries: 30, part_bytes: 4096, keys: 2048, key_block: 512 };
    let bytes = bytes_with(&tree(), 2, limits, &header(), &devices(), TOTALS);
    let mut file = std::fs::File::create_new(path()).unwrap();
    std::io::Write::write_all(&mut file, &bytes).unwrap();
}
