//! A tree in memory, and what a snapshot of it must be.

use std::collections::BTreeMap;

/// What an entry is.
#[derive(Clone, PartialEq, Eq)]
pub enum Kind {
    Directory,
    File(Vec<u8>),
    Symlink(Vec<u8>),
    Fifo,
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Directory => out.write_str("directory"),
            Self::File(bytes) => {
                let start = &bytes[..bytes.len().min(16)];
                write!(out, "file of {} bytes: {start:?}", bytes.len())
            }
            Self::Symlink(target) => write!(out, "symlink to {}", target.escape_ascii()),
            Self::Fifo => out.write_str("FIFO"),
        }
    }
}

/// All that a snapshot keeps of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub kind: Kind,
    pub mode: u32,
    pub owner: (u32, u32),
    pub mtime: (i64, i64),
    pub xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The first name of its inode, where that has several names in the tree.
    pub group: Option<Vec<u8>>,
}

/// A tree by its paths; the root's is empty.
pub type View = BTreeMap<Vec<u8>, Seen>;

/// An inode of the source, whatever names it has.
#[derive(Debug, Clone)]
pub struct Inode {
    pub seen: Seen,
    /// Moves with every change of what a snapshot keeps of it.
    pub version: u64,
    /// Something moved its change time that explains itself; a change of bytes alone may hide behind that.
    pub explained: bool,
    /// Its bytes were changed and its size and time put back: only the change time tells.
    pub silent: bool,
    /// Other bytes than some earlier snapshot may have under this size and time.
    pub disguised: bool,
}

/// The source as it must be.
#[derive(Debug, Default)]
pub struct Tree {
    pub names: BTreeMap<Vec<u8>, usize>,
    pub inodes: Vec<Inode>,
}

pub fn parent(path: &[u8]) -> &[u8] {
    path.iter().rposition(|&byte| byte == b'/').map_or(&[], |slash| &path[..slash])
}

pub fn joined(directory: &[u8], name: &[u8]) -> Vec<u8> {
    if directory.is_empty() { name.to_vec() } else { [directory, b"/", name].concat() }
}

/// Whether a path is a directory's or lies below it.
pub fn is_at_or_below(path: &[u8], directory: &[u8]) -> bool {
    directory.is_empty()
        || path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

impl Tree {
    pub fn add(&mut self, path: &[u8], seen: Seen) {
        self.names.insert(path.to_vec(), self.inodes.len());
        self.inodes.push(Inode { seen, version: 0, explained: false, silent: false, disguised: false });
    }

    pub fn inode(&mut self, path: &[u8]) -> &mut Inode {
        &mut self.inodes[self.names[path]]
    }

    pub fn kind(&self, path: &[u8]) -> &Kind {
        &self.inodes[self.names[path]].seen.kind
    }

    pub fn paths(&self, wanted: impl Fn(&Kind) -> bool) -> Vec<Vec<u8>> {
        self.names.keys().filter(|path| wanted(self.kind(path))).cloned().collect()
    }

    pub fn below(&self, directory: &[u8]) -> Vec<Vec<u8>> {
        self.names.keys().filter(|path| is_at_or_below(path, directory)).cloned().collect()
    }

    pub fn links(&self, path: &[u8]) -> usize {
        let inode = self.names[path];
        self.names.values().filter(|other| **other == inode).count()
    }

    /// What a snapshot must be of which the rules leave in what they are asked for.
    pub fn view(&self, takes_part: &dyn Fn(&[u8], bool) -> bool) -> View {
        let mut view = View::new();
        let mut first = BTreeMap::new();
        // A directory comes before what is in it.
        for (path, number) in &self.names {
            let inode = &self.inodes[*number];
            let inside = path.is_empty() || view.contains_key(parent(path));
            if inside && (path.is_empty() || takes_part(path, inode.seen.kind == Kind::Directory)) {
                let seen = Seen { group: Some(number.to_string().into_bytes()), ..inode.seen.clone() };
                view.insert(path.clone(), seen);
                first.entry(*number).or_insert(path);
            }
        }
        regroup(&mut view);
        view
    }
}

/// Names groups after their first names, and drops groups of one.
pub fn regroup(view: &mut View) {
    let mut groups: BTreeMap<Vec<u8>, Vec<Vec<u8>>> = BTreeMap::new();
    for (path, seen) in &*view {
        if let Some(group) = &seen.group {
            groups.entry(group.clone()).or_default().push(path.clone());
        }
    }
    for names in groups.values() {
        for name in names {
            let seen = view.get_mut(name).unwrap();
            let shared = names.len() > 1 && seen.kind != Kind::Directory;
            seen.group = shared.then(|| names[0].clone());
        }
    }
}

/// What lies at a path and below it, as a tree of its own.
pub fn below(view: &View, root: &[u8]) -> View {
    let inside = view.iter().filter(|(path, _)| is_at_or_below(path, root));
    let cut = |path: &Vec<u8>| {
        let rest = &path[root.len()..];
        rest.strip_prefix(b"/").unwrap_or(rest).to_vec()
    };
    let mut part: View = inside.map(|(path, seen)| (cut(path), seen.clone())).collect();
    regroup(&mut part);
    part
}

/// The first differences, for people to read.
pub fn differences(expected: &View, found: &View) -> Vec<(Vec<u8>, String)> {
    let paths: std::collections::BTreeSet<_> = expected.keys().chain(found.keys()).collect();
    let mut told = Vec::new();
    for path in paths {
        match (expected.get(path), found.get(path)) {
            (Some(one), Some(other)) if one == other => {}
            (one, other) => {
                let text = format!("{}: {one:?}, found {other:?}", path.escape_ascii());
                told.push((path.clone(), text));
            }
        }
    }
    told
}
