//! What only shows from within: many lanes at a time, and records that no writer writes.

use super::base::Base;
use super::codec;
use super::frame::Packer;
use super::part::{Head, Length};
use super::*;
use crate::entry::{Kind, Metadata, Timestamp};
use crate::os::{Dir, File};

/// A place for the file of a manifest.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn open(&self) -> Dir {
        Dir::open_operator_path(self.0.path()).unwrap()
    }

    fn writer(&self) -> ManifestWriter {
        let file: File = self.open().create_file(c"manifest").unwrap();
        ManifestWriter::create(file, self.open(), &Header::default()).unwrap()
    }

    fn read(&self) -> Manifest {
        Manifest::open(self.open().open_file(c"manifest").unwrap()).unwrap()
    }
}

fn file(name: &[u8], size: u64) -> Entry<'_> {
    let mut metadata = Metadata::file(size, Timestamp { seconds: 5, nanos: 7 });
    metadata.id.inode = size + 100;
    Entry { name, metadata, content: Some(ContentHash::of(name)), ..Entry::NONE }
}

fn directory(name: &[u8], block: u32, slot: u32) -> Entry<'_> {
    within(name, Locator { block, slot })
}

fn within(name: &[u8], child: Locator) -> Entry<'_> {
    let mut metadata = Metadata::file(4096, Timestamp::default());
    metadata.kind = Kind::Directory;
    Entry { name, metadata, child: Some(child), ..Entry::NONE }
}

fn write(writer: &ManifestWriter, lane: &mut Lane, path: &[u8], entries: &[Entry<'_>]) -> Locator {
    let mut draft = DirectoryDraft::new(&Entry::NONE.metadata);
    entries.iter().for_each(|entry| draft.push(entry));
    assert_eq!(draft.len(), entries.len());
    let written = lane.write(writer, path, &mut draft, None).unwrap();
    assert!(draft.len() == 0);
    written.at
}

fn finish(writer: ManifestWriter, lanes: Vec<Lane>, root: Locator) -> ContentHash {
    writer.finish(lanes, &within(b"", root), &[], Totals::default(), Timestamp::default()).unwrap()
}

#[test]
fn workers_write_at_the_same_time() {
    let files = Files::new();
    let writer = files.writer();
    let work = |number: usize| {
        let (mut lane, mut children) = (writer.lane(), Vec::new());
        for index in 0..300 {
            let name = format!("{number}-{index:03}");
            let names: Vec<_> = (0..50).map(|file| format!("{name}-{file}")).collect();
            let entries: Vec<_> =
                names.iter().zip(1..).map(|(name, size)| file(name.as_bytes(), size)).collect();
            children.push((name.clone(), write(&writer, &mut lane, name.as_bytes(), &entries)));
        }
        (lane, children)
    };
    let done: Vec<_> = std::thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = (0..4).map(|number| scope.spawn(move || work(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let (mut lanes, children): (Vec<Lane>, Vec<_>) = done.into_iter().unzip();
    let children: Vec<_> = children.into_iter().flatten().collect();
    let entries: Vec<_> = children.iter().map(|(name, at)| within(name.as_bytes(), *at)).collect();
    let root = write(&writer, &mut lanes[2], b"", &entries);
    let digest = finish(writer, lanes, root);

    let manifest = files.read();
    assert_eq!(manifest.digest(), digest);
    manifest.check().unwrap();
    assert_eq!(manifest.walk().map(|directory| directory.unwrap().len()).sum::<usize>(), 1200 * 51);
    let found = manifest.by_inode(0, 103, &mut BlockCache::default()).unwrap();
    assert_eq!(found.len(), 1000);
}

#[test]
fn threads_share_what_they_may() {
    fn sync<T: Send + Sync>() {}
    fn send<T: Send>() {}
    sync::<Manifest>();
    sync::<ManifestWriter>();
    send::<(Lane, DirectoryDraft, BlockCache, Directory, Found)>();
}

#[test]
fn a_lane_that_is_lost_is_an_error() {
    let files = Files::new();
    let writer = files.writer();
    let mut lane = writer.lane();
    let at = write(&writer, &mut lane, b"", &[]);
    drop(lane);
    let root = within(b"", at);
    assert!(writer.finish(Vec::new(), &root, &[], Totals::default(), Timestamp::default()).is_err());
}

#[test]
fn of_two_entries_with_one_name_the_last_one_counts() {
    let files = Files::new();
    let writer = files.writer();
    let mut lane = writer.lane();
    let entries = [file(b"same name", 1), file(b"a", 2), file(b"same name", 3), file(b"same name ", 4)];
    let at = write(&writer, &mut lane, b"", &entries);
    finish(writer, vec![lane], at);
    let manifest = files.read();
    let sizes: Vec<_> = manifest.walk().next().unwrap().unwrap().entries().map(|e| e.metadata.size).collect();
    assert_eq!(sizes, [2, 3, 4]);
}

#[test]
fn an_inode_just_below_those_of_the_earlier_manifest_is_not_lost() {
    let at_inode = |name, repository_inode| Entry { repository_inode, ..file(name, 1) };
    let earlier = Files::new();
    let writer = earlier.writer();
    let mut lane = writer.lane();
    let at = write(&writer, &mut lane, b"", &[at_inode(b"b", 50), at_inode(b"c", 70)]);
    finish(writer, vec![lane], at);
    let earlier = earlier.read().walk().next().unwrap().unwrap();
    for new in [0, 1, 48, 49, 50, 51, u64::MAX] {
        let files = Files::new();
        let writer = files.writer();
        let mut lane = writer.lane();
        let mut draft = DirectoryDraft::new(&Entry::NONE.metadata);
        draft.prepare(draft::DraftSpace::default(), 3, Some(&earlier));
        let same = Origin::Same { reference: 0 };
        let entries = [
            Entry { origin: same, ..at_inode(b"b", 50) },
            at_inode(b"a", new),
            Entry { origin: same, ..at_inode(b"c", 70) },
        ];
        entries.iter().for_each(|entry| draft.push(entry));
        let at = lane.write(&writer, b"", &mut draft, None).unwrap();
        finish(writer, vec![lane], at.at);
        let manifest = files.read();
        manifest.check().unwrap();
        let root = manifest.walk().next().unwrap().unwrap();
        assert!(root.entries().eq([entries[1], entries[0], entries[2]]), "{new}: {root:?}");
    }
}

/// Says whether a manifest of these directories in one block, the root last, is taken.
fn is_taken(directories: &[(&[u8], &[Entry<'_>])]) -> bool {
    let files = Files::new();
    let writer = files.writer();
    let mut lane = writer.lane();
    let mut root = Locator { block: 0, slot: 0 };
    for (path, entries) in directories {
        root = write(&writer, &mut lane, path, entries);
    }
    finish(writer, vec![lane], root);
    let manifest = files.read();
    let walked = manifest.walk().take(100).all(|directory| directory.is_ok());
    assert_eq!(manifest.check().is_ok(), walked);
    walked
}

#[test]
fn directories_lie_in_each_other_as_their_paths_say() {
    let leaf = [file(b"file", 1)];
    assert!(is_taken(&[(b"a", &leaf), (b"", &[directory(b"a", 0, 0)])]));
    // In itself.
    assert!(!is_taken(&[(b"", &[directory(b"a", 0, 0)])]));
    assert!(!is_taken(&[(b"a", &[directory(b"a", 0, 0)]), (b"", &[directory(b"a", 0, 0)])]));
    // In each other.
    assert!(!is_taken(&[
        (b"a", &[directory(b"b", 0, 1)]),
        (b"a/b", &[directory(b"a", 0, 0)]),
        (b"", &[directory(b"a", 0, 0)])
    ]));
    // Twice.
    assert!(!is_taken(&[(b"a", &leaf), (b"", &[directory(b"a", 0, 0), directory(b"b", 0, 0)])]));
    // Elsewhere, and nowhere.
    assert!(!is_taken(&[(b"b", &leaf), (b"", &[directory(b"a", 0, 0)])]));
    assert!(!is_taken(&[(b"a", &leaf), (b"", &[directory(b"a", 0, 5)])]));
    assert!(!is_taken(&[(b"a", &leaf), (b"", &[directory(b"a", 7, 0)])]));
}

#[test]
fn paths_build_on_each_other_in_a_block() {
    let paths: Vec<String> =
        (0..100).map(|number| format!("{}/{}", number / 7, "x".repeat(number % 5 + 1))).collect();
    let files = Files::new();
    let writer = files.writer();
    let mut lane = writer.lane();
    let mut at = Vec::new();
    for path in &paths {
        at.push(write(&writer, &mut lane, path.as_bytes(), &[file(path.replace('/', "-").as_bytes(), 1)]));
    }
    finish(writer, vec![lane], at[0]);
    let (manifest, mut cache) = (files.read(), BlockCache::default());
    for (path, at) in paths.iter().zip(at) {
        let directory = manifest.directory(at, &mut cache).unwrap();
        assert_eq!(directory.path().as_bytes(), path.as_bytes());
    }
}

/// A part of the root, with files of these names.
struct Part<'a> {
    names: &'a [&'a [u8]],
    next: Option<u32>,
    continues: bool,
    path: &'a [u8],
}

/// Says whether a block of these parts is a root that can be read and walked; its first part comes first.
fn is_root(parts: &[Part<'_>]) -> bool {
    let (told, untold) = (is_root_with(parts, Some(0)), is_root_with(parts, None));
    assert_eq!(told, untold);
    told
}

/// The parts tell how long they are, and so much more; or they do not.
fn is_root_with(parts: &[Part<'_>], more: Option<u32>) -> bool {
    let files = Files::new();
    let writer = files.writer();
    let mut rows = Vec::new();
    for part in parts {
        let next = part.next.map(|slot| Locator { block: 0, slot });
        let (base, entries) = (Base::default(), u32::try_from(part.names.len()).unwrap());
        let mut entries_of_part = Vec::new();
        for name in part.names {
            let entry = Entry { content: None, ..file(name, 0) };
            let entry = Entry { metadata: Metadata { size: 0, ..entry.metadata }, ..entry };
            assert!(codec::encode(&entry, &base, &mut entries_of_part).is_none());
        }
        let bytes = u32::try_from(entries_of_part.len()).unwrap();
        let length = more.map(|more| Length { bytes: bytes + more, hashes: 0 });
        Head { base, next, continues: part.continues, entries, shared: 0, suffix: part.path, length }
            .encode(&mut rows);
        rows.extend_from_slice(&entries_of_part);
    }
    let mut packer = Packer::default();
    let (info, stored) = packer.pack(&rows, b"").unwrap();
    let number = writer.reserve_block().unwrap();
    writer.write_block(number, info, stored).unwrap();
    finish(writer, Vec::new(), Locator { block: 0, slot: 0 });
    let manifest = files.read();
    let mut cache = BlockCache::default();
    let directory = manifest.directory(Locator { block: 0, slot: 0 }, &mut cache);
    let walked = manifest.walk().all(|directory| directory.is_ok());
    assert_eq!(directory.is_ok(), walked);
    // This ends, whatever it finds.
    let _ = manifest.find(b"zzz", &mut cache);
    walked
}

#[test]
fn parts_follow_each_other_as_their_names_do() {
    let part = |names, next, continues| Part { names, next, continues, path: b"" };
    let (a, b): (&[&[u8]], &[&[u8]]) = (&[b"a"], &[b"b", b"c"]);
    assert!(is_root(&[part(a, Some(1), false), part(b, None, true)]));
    assert!(is_root(&[part(a, Some(2), false), part(&[b"x"], None, true), part(b, Some(1), true)]));
    // In circles.
    assert!(!is_root(&[part(a, Some(0), false)]));
    assert!(!is_root(&[part(a, Some(1), false), part(b, Some(1), true)]));
    assert!(!is_root(&[part(a, Some(1), false), part(b, Some(0), true)]));
    // Out of order, of another directory, not a continuation, nothing in it.
    assert!(!is_root(&[part(b, Some(1), false), part(a, None, true)]));
    assert!(!is_root(&[part(a, Some(1), false), Part { path: b"b", ..part(b, None, true) }]));
    assert!(!is_root(&[part(a, Some(1), false), part(b, None, false)]));
    assert!(!is_root(&[part(a, Some(1), false), part(&[], None, true)]));
    assert!(!is_root(&[part(&[], Some(1), false), part(b, None, true)]));
    assert!(!is_root(&[part(a, None, true)]));
    // Names out of order, and no names.
    assert!(!is_root(&[part(&[b"b", b"a"], None, false)]));
    assert!(!is_root(&[part(&[b"a", b"a"], None, false)]));
    assert!(!is_root(&[part(&[b".."], None, false)]));
    assert!(!is_root(&[part(&[b"a/b"], None, false)]));
    assert!(!is_root(&[part(&[b""], None, false)]));
}

#[test]
fn a_part_that_is_not_as_long_as_it_says_is_none() {
    let part = Part { names: &[b"a"], next: None, continues: false, path: b"" };
    assert!(is_root_with(&[part], Some(0)));
    for more in [1, 100, u32::MAX - 20] {
        let part = Part { names: &[b"a"], next: None, continues: false, path: b"" };
        assert!(!is_root_with(&[part], Some(more)));
    }
}

#[test]
fn a_directory_with_the_hash_of_another_one_is_damage() {
    for (is_right, below_root) in [(true, true), (false, true), (true, false), (false, false)] {
        let files = Files::new();
        let writer = files.writer();
        let mut lane = writer.lane();
        let mut write = |path: &[u8], entry: Entry<'_>, changes: bool| {
            let mut draft = DirectoryDraft::new(&Entry::NONE.metadata);
            draft.push(&entry);
            let written = lane.write(&writer, path, &mut draft, None).unwrap();
            let other = Some(ContentHash::OF_NOTHING);
            if changes && !is_right { Subtree { hash: other, ..written } } else { written }
        };
        let below = write(b"d", file(b"a", 1), below_root);
        let top = write(b"", within(b"d", below.at).with_subtree(Some(below)), !below_root);
        let root = within(b"", top.at).with_subtree(Some(top));
        writer.finish(vec![lane], &root, &[], Totals::default(), Timestamp::default()).unwrap();
        assert_eq!(files.read().check().is_ok(), is_right);
    }
}

#[test]
fn a_draft_that_was_not_written_leaves_nothing_to_the_next_one() {
    let mut draft = super::DirectoryDraft::new(&Entry::NONE.metadata);
    draft.push(&Entry { name: b"a", ..Entry::NONE });
    assert!(draft.take_space().is_none());
    assert!(super::DirectoryDraft::new(&Entry::NONE.metadata).take_space().is_some());
}
