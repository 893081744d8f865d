//! Writing and reading the manifest of a tree: nanoseconds of CPU and bytes for an entry.
//!
//! `cargo bench -p linkdest-benches --bench manifest -- TREE`; without a tree one is made up.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a benchmark may fail, and reads a tree that nobody changes"
)]

use std::collections::HashMap;
use std::hint::black_box;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use linkdest_core::manifest_workbench::{Limits, Scribe, open, sizes};
use linkdest_core::{
    BlockCache, ContentHash, Entry, EntryFlags, FileId, Header, Kind, Manifest, Metadata, Origin,
    RecordedXattrs, Subtree, Timestamp, Totals,
};

/// What CPU time an entry may take, in nanoseconds.
const WANTED: f64 = 1500.0;

/// A directory with its entries; sub-directories come before it.
struct Directory {
    path: Vec<u8>,
    metadata: Metadata,
    entries: Vec<Known>,
}

struct Known {
    name: Vec<u8>,
    metadata: Metadata,
    repository_inode: u64,
    target: Vec<u8>,
    content: Option<ContentHash>,
    child: Option<usize>,
}

impl Known {
    fn entry(&self, subtree: Option<Subtree>) -> Entry<'_> {
        Entry {
            name: &self.name,
            metadata: self.metadata,
            repository_inode: self.repository_inode,
            origin: Origin::Same { reference: 0 },
            target: &self.target,
            xattrs: RecordedXattrs::NONE,
            content: self.content,
            flags: EntryFlags::default(),
            child: None,
            tree: None,
        }
        .with_subtree(subtree)
    }
}

fn metadata(path: &Path) -> Metadata {
    let stat = path.symlink_metadata().unwrap();
    let time = |seconds, nanos: i64| Timestamp { seconds, nanos: nanos.try_into().unwrap() };
    let mut metadata = Metadata::file(stat.size(), time(stat.mtime(), stat.mtime_nsec()));
    metadata.kind = Kind::from_mode(stat.mode()).unwrap();
    metadata.mode = stat.mode() & 0o7777;
    (metadata.uid, metadata.gid) = (stat.uid(), stat.gid());
    metadata.allocated = stat.blocks() * 512;
    metadata.ctime = Some(time(stat.ctime(), stat.ctime_nsec()));
    metadata.btime = stat.created().ok().map(Timestamp::from);
    metadata.nlink = stat.nlink();
    metadata.id = FileId { device: 1, inode: stat.ino() };
    metadata
}

fn known(path: &Path, name: &[u8], repository_inode: u64, child: Option<usize>) -> Known {
    let metadata = metadata(path);
    let target = match metadata.kind {
        Kind::Symlink => std::fs::read_link(path).unwrap().as_os_str().as_bytes().to_vec(),
        _ => Vec::new(),
    };
    let is_file = metadata.kind == Kind::File;
    let content = is_file.then(|| ContentHash::of(&std::fs::read(path).unwrap()));
    Known { name: name.to_vec(), metadata, repository_inode, target, content, child }
}

/// Reads a tree, deepest directories first; inodes in the repository are made up as if it was filled in that order.
fn read(tree: &Path, below: PathBuf, into: &mut Vec<Directory>) -> usize {
    let here = tree.join(&below);
    let mut names: Vec<_> =
        std::fs::read_dir(&here).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    let first = 1_000_000 + into.iter().map(|directory| directory.entries.len() as u64 + 1).sum::<u64>();
    let mut entries = Vec::new();
    for (own, name) in (first..).zip(&names) {
        let path = here.join(name);
        let is_directory = path.symlink_metadata().unwrap().is_dir();
        let child = is_directory.then(|| read(tree, below.join(name), into));
        entries.push(known(&path, name.as_bytes(), own, child));
    }
    into.push(Directory {
        path: below.into_os_string().as_bytes().to_vec(),
        metadata: metadata(&here),
        entries,
    });
    into.len() - 1
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

/// Makes up 12,000 directories with 10 files each, all in the root.
fn made_up() -> Vec<Directory> {
    let (mut random, mut inode) = (Random(7), 1000);
    let mut stat = |random: &mut Random, kind| {
        let nanos = |random: &mut Random| u32::try_from(random.below(1_000_000_000)).unwrap();
        let seconds = 1_700_000_000 + i64::try_from(random.below(30_000_000)).unwrap();
        let mut metadata = Metadata::file(random.below(30_000), Timestamp { seconds, nanos: nanos(random) });
        metadata.kind = kind;
        metadata.ctime = Some(Timestamp { seconds: 1_750_000_000 + inode / 5000, nanos: nanos(random) });
        metadata.allocated = metadata.size.next_multiple_of(4096);
        inode += 1;
        metadata.id = FileId { device: 1, inode: inode as u64 };
        metadata
    };
    let mut directories = Vec::new();
    let mut tops = Vec::new();
    for number in 0..12_000_u64 {
        let file = |index: u64, random: &mut Random, metadata| Known {
            name: format!("{}_{index}.cpython-312.pyc", if random.below(2) == 0 { "module" } else { "test" })
                .into(),
            metadata,
            repository_inode: number * 11 + index,
            target: Vec::new(),
            content: Some(ContentHash::of(&random.next().to_le_bytes())),
            child: None,
        };
        let entries = (0..10).map(|index| {
            let metadata = stat(&mut random, Kind::File);
            file(index, &mut random, metadata)
        });
        let entries = entries.collect();
        let (name, metadata) = (format!("package{number}"), stat(&mut random, Kind::Directory));
        directories.push(Directory { path: name.clone().into(), metadata, entries });
        let child = Some(directories.len() - 1);
        let name = name.into();
        tops.push(Known {
            name,
            metadata,
            repository_inode: number,
            target: Vec::new(),
            content: None,
            child,
        });
    }
    let metadata = stat(&mut random, Kind::Directory);
    directories.push(Directory { path: Vec::new(), metadata, entries: tops });
    directories
}

/// The CPU time of this thread in nanoseconds.
fn cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

fn write(directories: &[Directory], to: &Path, name: &str) {
    let mut scribe = Scribe::create(to, name, &Header::default(), 1, Limits::default()).unwrap();
    let mut at = Vec::with_capacity(directories.len());
    for Directory { path, metadata, entries } in directories {
        let entries = entries.iter().map(|known| known.entry(known.child.map(|child| at[child])));
        at.push(scribe.directory(0, path, metadata, entries).unwrap());
    }
    let root = directories.last().unwrap().metadata;
    let name = Vec::new();
    let root =
        Known { name, metadata: root, repository_inode: 1, target: Vec::new(), content: None, child: None };
    scribe.finish(&root.entry(at.last().copied()), &[], Totals::default(), Timestamp::default()).unwrap();
}

fn walk(manifest: &Manifest) -> usize {
    let mut entries = 0;
    for directory in manifest.walk() {
        for entry in directory.unwrap().entries() {
            black_box(&entry);
            entries += 1;
        }
    }
    entries
}

/// The least of some runs, for an entry.
fn measure(what: &str, entries: usize, mut run: impl FnMut()) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..7 {
        let began = cpu();
        run();
        best = best.min((cpu() - began) / entries as f64);
    }
    println!("{what:20} {best:7.0} ns an entry");
    best
}

fn lookups(manifest: &Manifest, directories: &[Directory]) {
    let all: Vec<&Known> = directories.iter().flat_map(|directory| &directory.entries).collect();
    let by_hash: HashMap<_, _> =
        all.iter().filter_map(|known| Some((known.content?, known.metadata.size))).collect();
    let mut cache = BlockCache::default();
    measure("inodes, in order", all.len(), || {
        for known in &all {
            let FileId { device, inode } = known.metadata.id;
            let places = manifest.by_inode(device, inode, &mut cache).unwrap();
            let found = manifest.entry_at(places[0], &mut cache).unwrap();
            assert_eq!(black_box(found.entry()).metadata.id.inode, inode);
        }
    });
    let few: Vec<_> = by_hash.iter().take(2000).collect();
    measure("content, in disorder", few.len(), || {
        for (hash, size) in &few {
            let places = manifest.by_content(**size, hash, &mut cache).unwrap();
            assert_eq!(manifest.entry_at(places[0], &mut cache).unwrap().entry().content, Some(**hash));
        }
    });
}

fn main() {
    let tree = std::env::args_os().skip(1).find(|argument| !argument.as_bytes().starts_with(b"--"));
    let mut directories = Vec::new();
    match tree {
        Some(tree) => drop(read(Path::new(&tree), PathBuf::new(), &mut directories)),
        None => directories = made_up(),
    }
    let entries = directories.iter().map(|directory| directory.entries.len()).sum();
    println!("{entries} entries in {} directories", directories.len());

    let place = std::env::temp_dir().join(format!("linkdest-manifest-bench-{}", std::process::id()));
    std::fs::create_dir(&place).unwrap();
    let mut number = 0;
    let written = measure("write", entries, || {
        number += 1;
        write(&directories, &place, &number.to_string());
    });
    let manifest = open(&place.join("1")).unwrap();
    let walked = measure("open and walk", entries, || {
        let manifest = open(&place.join("1")).unwrap();
        assert_eq!(walk(&manifest), entries);
    });
    measure("check", entries, || manifest.check().unwrap());
    lookups(&manifest, &directories);
    let sizes = sizes(&manifest);
    let an_entry = |bytes: u64| bytes as f64 / entries as f64;
    println!(
        "bytes an entry: {:.1} in blocks ({:.1} unpacked), {:.2} header and tail, {:.1} keys of inodes, {:.1} of content",
        an_entry(sizes.directories),
        an_entry(sizes.unpacked),
        an_entry(sizes.frame),
        an_entry(sizes.inodes),
        an_entry(sizes.content),
    );
    std::fs::remove_dir_all(&place).unwrap();
    if written > WANTED || walked > WANTED {
        println!("TOO SLOW: more than {WANTED} ns an entry");
        std::process::exit(1);
    }
}
