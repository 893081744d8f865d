use super::*;
use crate::entry::{Kind, Metadata, Timestamp};
use crate::os::{Dir, File};
use std::ffi::CString;

/// Makes files for manifests.
struct Files {
    dir: tempfile::TempDir,
}

impl Files {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn open(&self) -> Dir {
        Dir::open_operator_path(self.dir.path()).unwrap()
    }

    fn create(&self, name: &str) -> File {
        self.open().create_file(&CString::new(name).unwrap()).unwrap()
    }

    fn read(&self, name: &str) -> File {
        self.open().open_file(&CString::new(name).unwrap()).unwrap()
    }
}

fn file(name: &[u8], size: u64) -> Entry<'_> {
    let mut metadata = Metadata::file(size, Timestamp { seconds: 5, nanos: 7 });
    metadata.id.inode = size + 100;
    Entry { name, metadata, content: Some(ContentHash::of(name)), ..Entry::NONE }
}

fn directory(name: &[u8], child: Locator) -> Entry<'_> {
    let mut metadata = Metadata::file(4096, Timestamp::default());
    metadata.kind = Kind::Directory;
    Entry { name, metadata, child: Some(child), ..Entry::NONE }
}

#[test]
fn what_was_written_is_read() {
    let files = Files::new();
    let header = Header { snapshot: "2026-11-22T132200Z".into(), sequence: 3, ..Header::default() };
    let writer = ManifestWriter::create(files.create("m"), files.open(), &header).unwrap();
    let mut lane = writer.lane();
    let base = Entry::NONE.metadata;
    let mut draft = DirectoryDraft::new(&base);
    draft.push(&file(b"b", 2));
    draft.push(&file(b"a", 1));
    let sub = lane.write(&writer, b"sub", &mut draft).unwrap();
    assert!(draft.is_empty());
    let mut draft = DirectoryDraft::new(&base);
    draft.push(&directory(b"sub", sub));
    draft.push(&file(b"c", 3));
    let root = lane.write(&writer, b"", &mut draft).unwrap();
    let totals = Totals { entries: 4, ..Totals::default() };
    let ended = Timestamp { seconds: 9, nanos: 1 };
    let digest = writer.finish(vec![lane], &directory(b"", root), &[], totals, ended).unwrap();

    let manifest = Manifest::open(files.read("m")).unwrap();
    assert_eq!(manifest.header(), &header);
    assert_eq!((manifest.digest(), manifest.totals(), manifest.ended()), (digest, &totals, ended));
    manifest.check().unwrap();
    let paths: Vec<_> = manifest
        .walk()
        .flat_map(|directory| {
            let directory = directory.unwrap();
            directory
                .entries()
                .map(|entry| directory.path().child(entry.name).to_string())
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(paths, ["c", "sub", "sub/a", "sub/b"]);
    let mut cache = BlockCache::default();
    let found = manifest.find(b"sub/b", &mut cache).unwrap().unwrap();
    assert_eq!((found.entry(), found.path().as_bytes()), (file(b"b", 2), &b"sub/b"[..]));
    assert!(manifest.find(b"sub/x", &mut cache).unwrap().is_none());
    let places = manifest.by_inode(0, 102, &mut cache).unwrap();
    assert_eq!(places, [found.place().unwrap()]);
    assert!(manifest.knows_size(3, &mut cache).unwrap() && !manifest.knows_size(4, &mut cache).unwrap());
    assert_eq!(manifest.by_content(2, &ContentHash::of(b"b"), &mut cache).unwrap(), places);
}
