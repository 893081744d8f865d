//! The example in the description of the format is what is written.

use linkdest_core::manifest_workbench::{Limits, read, sizes};
use linkdest_core::{ContentHash, FileSystemId, Header, Kind, Metadata, Timestamp, Totals};

use crate::model::{Item, bytes_with, compare};

fn stat(item: &mut Item, size: u64, nanos: u32, inode: u64) {
    let time = |nanos| Timestamp { seconds: 1_700_000_000, nanos };
    let mut metadata = Metadata::file(size, Timestamp { seconds: 1_600_000_000, nanos: 0 });
    metadata.kind = item.metadata.kind;
    metadata.allocated = size.next_multiple_of(4096);
    (metadata.uid, metadata.gid) = (1000, 1000);
    (metadata.ctime, metadata.btime) = (Some(time(nanos)), Some(time(nanos - 100)));
    (metadata.id.device, metadata.id.inode) = (1, inode);
    if metadata.kind == Kind::Directory {
        (metadata.mode, metadata.nlink) = (0o755, 2);
    }
    item.metadata = metadata;
    item.repository_inode = inode + 100;
}

/// A directory `d` with an empty file `e`, and a file `hello`.
fn tree() -> Item {
    let mut empty = Item::new(Kind::File, b"e");
    stat(&mut empty, 0, 500, 13);
    empty.content = Some(ContentHash::OF_NOTHING);
    let mut sub = Item::directory(b"d", vec![empty]);
    stat(&mut sub, 4096, 600, 12);
    let mut hello = Item::new(Kind::File, b"hello");
    stat(&mut hello, 6, 700, 14);
    hello.content = Some(ContentHash::of(b"hello\n"));
    (hello.origin.0, hello.origin.1) = (2, 0);
    let mut root = Item::directory(b"", vec![sub, hello]);
    stat(&mut root, 4096, 800, 11);
    root.metadata.nlink = 3;
    root
}

fn example() -> Vec<u8> {
    let header = Header {
        snapshot: "2026-11-22T132200Z".into(),
        sequence: 2,
        source: b"/s".into(),
        host: "h".into(),
        started: Timestamp { seconds: 1_700_000_050, nanos: 0 },
        policy: "quick".into(),
        rules: String::new(),
        version: "0.1.0".into(),
        references: vec!["2026-11-21T132200Z".into()],
        generation: 0,
    };
    let device = FileSystemId { kind: "ext4".into(), id: "u".into() };
    let totals = Totals { entries: 3, directories: 1, files: 2, bytes: 6, flagged: 0 };
    bytes_with(&tree(), 1, Limits::default(), &header, &[device], totals)
}

/// The bytes of a dump: lines of an offset, bytes and an explanation.
fn dumped(text: &str) -> Vec<u8> {
    let lines = text.lines().filter_map(|line| line.split_once(" | "));
    let mut bytes = Vec::new();
    for (offset, rest) in lines {
        assert_eq!(usize::from_str_radix(offset, 16).unwrap(), bytes.len(), "{offset}");
        let (hex, _) = rest.split_once('|').unwrap();
        bytes.extend(hex.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()));
    }
    bytes
}

#[test]
fn the_example_is_what_is_written() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/manifest-format.md"));
    let text = text.unwrap();
    let example_text = text.split("## An example").nth(1).unwrap();
    let dumps: Vec<Vec<u8>> = example_text.split("```").skip(1).step_by(2).map(dumped).collect();
    let [file, rows] = &dumps[..] else { panic!("a dump of the file, and one of the rows") };
    let written = example();
    assert_eq!(*file, written, "{}", written.iter().map(|byte| format!("{byte:02x} ")).collect::<String>());
    let manifest = read(written).unwrap();
    compare(&manifest, &tree());
    let stored = sizes(&manifest).directories as usize - 64;
    let block = file.windows(stored).find_map(|packed| {
        lz4_flex::block::decompress(packed, rows.len()).ok().filter(|unpacked| unpacked == rows)
    });
    assert!(block.is_some(), "the rows are those of the file");
}
