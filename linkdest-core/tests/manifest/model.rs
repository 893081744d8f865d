//! Trees of entries in memory, and manifests of them.

use linkdest_core::manifest_workbench::{Limits, Scribe, read};
use linkdest_core::{
    ContentHash, EncodedXattrs, Entry, EntryFlags, FileSystemId, Header, Kind, Manifest, Metadata, Origin,
    Subtree, Timestamp, Totals,
};
use proptest::prelude::*;

/// An entry that owns what it has.
#[derive(Debug, Clone)]
pub struct Item {
    pub name: Vec<u8>,
    pub metadata: Metadata,
    pub repository_inode: u64,
    pub origin: (u8, u32, Vec<u8>),
    pub target: Vec<u8>,
    pub xattrs: EncodedXattrs,
    pub content: Option<ContentHash>,
    pub flags: EntryFlags,
    /// Of a directory; without them it has no record.
    pub children: Option<Vec<Item>>,
}

impl Item {
    pub fn new(kind: Kind, name: &[u8]) -> Self {
        let mut metadata = Metadata::file(0, Timestamp { seconds: 1_700_000_000, nanos: 5 });
        metadata.kind = kind;
        Self {
            name: name.to_vec(),
            metadata,
            repository_inode: 0,
            origin: (0, 0, Vec::new()),
            target: Vec::new(),
            xattrs: EncodedXattrs::default(),
            content: None,
            flags: EntryFlags::default(),
            children: None,
        }
    }

    pub fn file(name: &[u8], size: u64, inode: u64) -> Self {
        let mut item = Self::new(Kind::File, name);
        item.content = Some(ContentHash::of(name));
        item.metadata.size = size;
        item.metadata.id.inode = inode;
        item
    }

    pub fn directory(name: &[u8], children: Vec<Self>) -> Self {
        Self { children: Some(children), ..Self::new(Kind::Directory, name) }
    }

    pub fn entry(&self, subtree: Option<Subtree>) -> Entry<'_> {
        let (form, reference, path) = &self.origin;
        let reference = *reference;
        Entry {
            name: &self.name,
            metadata: self.metadata,
            repository_inode: self.repository_inode,
            origin: match form {
                0 => Origin::Fresh,
                1 => Origin::Group,
                2 => Origin::Same { reference },
                _ => Origin::Elsewhere { reference, path },
            },
            target: &self.target,
            xattrs: self.xattrs.as_ref(),
            content: self.content,
            flags: self.flags,
            child: None,
            tree: None,
        }
        .with_subtree(subtree)
    }

    /// Sorts all children by name; of several with one name the last one stays.
    pub fn tidy(&mut self) {
        if let Some(children) = &mut self.children {
            children.reverse();
            children.sort_by(|one, other| one.name.cmp(&other.name));
            children.dedup_by(|one, other| one.name == other.name);
            children.iter_mut().for_each(Self::tidy);
        }
    }
}

/// Writes the manifest of a tree and returns its bytes.
pub fn bytes_of(root: &Item, lanes: usize, limits: Limits) -> Vec<u8> {
    let header = Header { snapshot: "2026-11-22T132200Z".into(), ..Header::default() };
    bytes_with(root, lanes, limits, &header, &[], Totals::default())
}

pub fn bytes_with(
    root: &Item,
    lanes: usize,
    limits: Limits,
    header: &Header,
    devices: &[FileSystemId],
    totals: Totals,
) -> Vec<u8> {
    let place = tempfile::tempdir().unwrap();
    let mut scribe = Scribe::create(place.path(), "manifest", header, lanes, limits).unwrap();
    let mut turn = 0;
    let child = root.children.as_ref().map(|_| write(&mut scribe, root, b"", lanes, &mut turn));
    let ended = Timestamp { seconds: 1_700_000_100, nanos: 3 };
    let digest = scribe.finish(&root.entry(child), devices, totals, ended).unwrap();
    let names: Vec<_> = place.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["manifest"], "nothing else stays");
    let bytes = std::fs::read(place.path().join("manifest")).unwrap();
    assert_eq!(read(bytes.clone()).unwrap().digest(), digest);
    bytes
}

fn write(scribe: &mut Scribe, item: &Item, path: &[u8], lanes: usize, turn: &mut usize) -> Subtree {
    let children = item.children.as_deref().unwrap();
    let subtrees: Vec<Option<Subtree>> = children
        .iter()
        .map(|child| {
            child.children.as_ref().map(|_| write(scribe, child, &join(path, &child.name), lanes, turn))
        })
        .collect();
    *turn += 1;
    let entries = children.iter().zip(&subtrees).map(|(child, subtree)| child.entry(*subtree));
    scribe.directory(*turn % lanes, path, &item.metadata, entries).unwrap()
}

pub fn join(path: &[u8], name: &[u8]) -> Vec<u8> {
    if path.is_empty() { name.to_vec() } else { [path, b"/", name].concat() }
}

/// Compares a whole manifest with the tidy tree that it was made of.
pub fn compare(manifest: &Manifest, root: &Item) {
    manifest.check().unwrap();
    assert_eq!(manifest.root(), root.entry(manifest.root().subtree()));
    let mut walk = manifest.walk();
    if root.children.is_some() {
        compare_directory(&mut walk, root, b"");
    }
    assert!(walk.next().is_none());
}

fn compare_directory(walk: &mut linkdest_core::Walk<'_>, item: &Item, path: &[u8]) {
    let directory = walk.next().unwrap().unwrap();
    let children = item.children.as_deref().unwrap();
    assert_eq!((directory.path().as_bytes(), directory.len()), (path, children.len()));
    for (index, (child, entry)) in children.iter().zip(directory.entries()).enumerate() {
        assert_eq!(entry.child.is_some(), child.children.is_some());
        assert_eq!(entry, child.entry(entry.subtree()), "{}", path.escape_ascii());
        assert_eq!(directory.get(index), Some(entry));
        assert_eq!(directory.find(&child.name), Some(entry));
    }
    assert_eq!(directory.get(children.len()), None);
    for child in children.iter().filter(|child| child.children.is_some()) {
        compare_directory(walk, child, &join(path, &child.name));
    }
}

/// Limits that make small trees fill many blocks, directories in parts, and keys that are set aside.
pub fn tiny() -> Limits {
    Limits { block: 512, part_entries: 3, part_bytes: 400, keys: 256, key_block: 64 }
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => 0..5000_u64,
        2 => (0..64_u32, 0..3_u64).prop_map(|(bit, past)| (1_u64 << bit).wrapping_add(past).wrapping_sub(1)),
        1 => any::<u64>(),
        1 => Just(u64::MAX),
    ]
}

fn time() -> impl Strategy<Value = Timestamp> {
    let seconds = prop_oneof![
        6 => 1_700_000_000..1_700_000_005_i64,
        2 => -5..5_i64,
        1 => any::<i64>(),
        1 => prop::sample::select(vec![i64::MIN, i64::MAX, 9_223_372_036, -9_223_372_037]),
    ];
    let nanos = prop_oneof![Just(0), 0..1_000_000_000_u32, Just(999_999_999)];
    (seconds, nanos).prop_map(|(seconds, nanos)| Timestamp { seconds, nanos })
}

pub fn name() -> impl Strategy<Value = Vec<u8>> {
    let byte = any::<u8>().prop_map(|byte| if matches!(byte, 0 | b'/') { b'x' } else { byte });
    prop_oneof![
        4 => "[ab]{1,3}".prop_map(String::into_bytes),
        2 => prop::collection::vec(byte, 1..20),
        1 => "[a-z]{200,400}".prop_map(String::into_bytes),
    ]
    .prop_filter("no name", |name| name != b"." && name != b"..")
}

fn xattrs() -> impl Strategy<Value = EncodedXattrs> {
    let name = "user\\.[a-c]{1,3}".prop_map(String::into_bytes);
    let value = prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..20),
        1 => (16_000..17_000_usize).prop_map(|length| vec![7; length]),
    ];
    prop::collection::vec((name, value), 0..4).prop_map(|attributes| {
        EncodedXattrs::new(attributes.iter().map(|(name, value)| (&name[..], &value[..])))
    })
}

fn metadata() -> impl Strategy<Value = Metadata> {
    let numbers = (number(), number(), number(), number(), 0..3_u64, number());
    let small = prop_oneof![3 => 0..2_u32, 1 => any::<u32>()];
    let usual = (any::<bool>(), any::<bool>());
    let times = (time(), prop::option::of(time()), prop::option::of(time()), 0..4_u8);
    let owners = (prop_oneof![0..0o10000_u32, any::<u32>()], small.clone(), small);
    (numbers, usual, times, owners).prop_map(|(numbers, usual, times, owners)| {
        let (mtime, mut ctime, mut btime, alike) = times;
        if alike & 1 != 0 {
            ctime = Some(mtime);
        }
        if alike & 2 != 0 {
            btime = Some(mtime);
        }
        let (size, allocated, nlink, rdev, device, inode) = numbers;
        let mut metadata = Metadata::file(size, mtime);
        (metadata.ctime, metadata.btime) = (ctime, btime);
        metadata.allocated =
            if usual.0 { size.checked_next_multiple_of(4096).unwrap_or(1) } else { allocated };
        (metadata.nlink, metadata.rdev) = if usual.1 { (1, 0) } else { (nlink, rdev) };
        (metadata.id.device, metadata.id.inode) = (device, inode);
        (metadata.mode, metadata.uid, metadata.gid) = owners;
        metadata
    })
}

fn leaf() -> impl Strategy<Value = Item> {
    let kinds = vec![
        Kind::File,
        Kind::File,
        Kind::File,
        Kind::Symlink,
        Kind::Directory,
        Kind::Fifo,
        Kind::Socket,
        Kind::BlockDevice,
        Kind::CharDevice,
    ];
    let origin = (0..4_u8, prop_oneof![0..2_u32, any::<u32>()], name());
    let content =
        prop::option::of(
            prop_oneof![any::<[u8; 32]>().prop_map(ContentHash), Just(ContentHash::OF_NOTHING),],
        );
    let rest = (number(), origin, name(), prop_oneof![4 => Just(EncodedXattrs::default()), 1 => xattrs()]);
    let flags = prop_oneof![3 => Just(0), 1 => any::<u8>()];
    (name(), prop::sample::select(kinds), metadata(), rest, content, flags).prop_map(
        |(name, kind, mut metadata, (repository_inode, mut origin, target, xattrs), content, flags)| {
            metadata.kind = kind;
            // What a form does not have is not kept.
            match origin.0 {
                0 | 1 => (origin.1, origin.2) = (0, Vec::new()),
                2 => origin.2 = Vec::new(),
                _ => {}
            }
            Item {
                name,
                metadata,
                repository_inode,
                origin,
                target: if kind == Kind::Symlink { target } else { Vec::new() },
                xattrs,
                content: content.filter(|_| kind == Kind::File),
                flags: EntryFlags::from_bits(flags),
                children: None,
            }
        },
    )
}

/// Any tree.
pub fn tree() -> impl Strategy<Value = Item> {
    let items = leaf().prop_recursive(5, 120, 12, |item| {
        (leaf(), prop::collection::vec(item, 0..12)).prop_map(|(mut directory, children)| {
            directory.metadata.kind = Kind::Directory;
            (directory.target, directory.content) = (Vec::new(), None);
            directory.children = Some(children);
            directory
        })
    });
    prop::collection::vec(items, 0..20).prop_map(|children| Item::directory(b"", children))
}
