//! Bytes by directory: added up, and cut down to what is worth showing.

use std::collections::{BinaryHeap, HashMap, HashSet};

use crate::path::RelPath;

/// What is deeper is told with its parent.
const DEEPEST: usize = 32;
/// So many directories are kept in memory; beyond that the deepest are told with their parents.
const KEPT: usize = 20_000;
/// So many are shown.
const SHOWN: usize = 80;
/// So many of one directory.
const CHILDREN: usize = 24;
/// What is less than this part of all is told with its parent.
const LEAST: u64 = 400;

/// A directory with what is new in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrownDirectory {
    path: RelPath,
    bytes: u64,
    files: u64,
    children: Vec<GrownDirectory>,
}

impl Default for GrownDirectory {
    fn default() -> Self {
        Self { path: RelPath::root(), bytes: 0, files: 0, children: Vec::new() }
    }
}

impl GrownDirectory {
    /// The path below the source.
    #[must_use]
    pub fn path(&self) -> &RelPath {
        &self.path
    }

    /// The sizes of all new files in it and below it.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The number of these files.
    #[must_use]
    pub fn files(&self) -> u64 {
        self.files
    }

    /// The sub-directories that are worth telling, the largest first. What the directory has beyond them is in it itself,
    /// or in smaller ones.
    #[must_use]
    pub fn children(&self) -> &[GrownDirectory] {
        &self.children
    }

    /// The bytes that none of the children has.
    #[must_use]
    pub fn rest(&self) -> u64 {
        self.bytes.saturating_sub(self.children.iter().map(Self::bytes).fold(0, u64::saturating_add))
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Own {
    bytes: u64,
    files: u64,
}

impl Own {
    fn add(&mut self, other: Self) {
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.files = self.files.saturating_add(other.files);
    }
}

/// What is new in directories, each without what is below it.
#[derive(Debug, Default)]
pub(super) struct Tally(HashMap<Vec<u8>, Own>);

impl Tally {
    pub fn add(&mut self, path: &[u8], bytes: u64, files: u64) {
        self.put(top(path), Own { bytes, files });
        while self.0.len() > KEPT && self.fold() {}
    }

    fn put(&mut self, path: &[u8], own: Own) {
        match self.0.get_mut(path) {
            Some(there) => there.add(own),
            None => drop(self.0.insert(path.to_vec(), own)),
        }
    }

    /// Tells the deepest directories with their parents; says whether there are any.
    fn fold(&mut self) -> bool {
        let deepest = self.0.keys().map(|path| depth(path)).max().unwrap_or(0);
        for (path, own) in std::mem::take(&mut self.0) {
            let path = if depth(&path) == deepest { parent(&path) } else { &path };
            self.put(path, own);
        }
        deepest > 0
    }

    /// The tree of the directories that are worth showing.
    pub fn tree(&self) -> GrownDirectory {
        Tree::of(self).shown()
    }
}

/// A directory with all that is below it.
#[derive(Debug)]
struct Node<'t> {
    path: &'t [u8],
    all: Own,
    children: Vec<usize>,
}

#[derive(Debug)]
struct Tree<'t> {
    nodes: Vec<Node<'t>>,
    root: Option<usize>,
}

impl<'t> Tree<'t> {
    fn of(tally: &'t Tally) -> Self {
        let mut nodes: Vec<Node<'t>> = Vec::new();
        let mut index: HashMap<&[u8], usize> = HashMap::new();
        for (path, own) in &tally.0 {
            let (mut at, mut made) = (path.as_slice(), None);
            loop {
                let known = index.get(at).copied();
                let here = known.unwrap_or(nodes.len());
                if known.is_none() {
                    index.insert(at, here);
                    nodes.push(Node { path: at, all: Own::default(), children: Vec::new() });
                }
                if let Some(node) = nodes.get_mut(here) {
                    node.all.add(*own);
                    node.children.extend(made.take());
                }
                made = known.is_none().then_some(here);
                if at.is_empty() {
                    break;
                }
                at = parent(at);
            }
        }
        let root = index.get(&b""[..]).copied();
        Self { nodes, root }
    }

    /// Opens the largest directory again and again, until enough are shown.
    fn shown(&self) -> GrownDirectory {
        let Some(root) = self.root else { return GrownDirectory::default() };
        let least = self.bytes(root) / LEAST;
        let (mut opened, mut shown) = (HashSet::new(), 1);
        let mut next = BinaryHeap::from([(self.bytes(root), root)]);
        while let Some((_, at)) = next.pop().filter(|_| shown < SHOWN) {
            let children = self.children(at, least);
            shown += children.len();
            next.extend(children.into_iter().map(|child| (self.bytes(child), child)));
            opened.insert(at);
        }
        self.grown(root, least, &opened)
    }

    /// Not deeper than [`DEEPEST`].
    fn grown(&self, at: usize, least: u64, opened: &HashSet<usize>) -> GrownDirectory {
        let children = if opened.contains(&at) { self.children(at, least) } else { Vec::new() };
        let children = children.into_iter().map(|child| self.grown(child, least, opened)).collect();
        let (path, all) = self.nodes.get(at).map_or((&b""[..], Own::default()), |node| (node.path, node.all));
        let path = RelPath::new(path).unwrap_or_else(RelPath::root);
        GrownDirectory { path, bytes: all.bytes, files: all.files, children }
    }

    /// The children that are worth showing, the largest first.
    fn children(&self, at: usize, least: u64) -> Vec<usize> {
        let children = self.nodes.get(at).map_or(&[][..], |node| &node.children);
        let mut children: Vec<usize> =
            children.iter().copied().filter(|child| self.bytes(*child) > least).collect();
        let path = |child: &usize| self.nodes.get(*child).map_or(&b""[..], |node| node.path);
        children.sort_unstable_by(|a, b| (self.bytes(*b), path(a)).cmp(&(self.bytes(*a), path(b))));
        children.truncate(CHILDREN);
        children
    }

    fn bytes(&self, at: usize) -> u64 {
        self.nodes.get(at).map_or(0, |node| node.all.bytes)
    }
}

fn depth(path: &[u8]) -> usize {
    if path.is_empty() { 0 } else { 1 + path.iter().filter(|byte| **byte == b'/').count() }
}

fn parent(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
    path.get(..end).unwrap_or_default()
}

/// The path without what is too deep.
fn top(path: &[u8]) -> &[u8] {
    let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
    let end = slashes.map(|(index, _)| index).nth(DEEPEST - 1);
    end.and_then(|end| path.get(..end)).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The directories that are shown, with their bytes.
    fn flat(directory: &GrownDirectory, into: &mut Vec<(String, u64)>) {
        into.push((directory.path().to_string(), directory.bytes()));
        directory.children().iter().for_each(|child| flat(child, into));
    }

    fn tree(directories: &[(&str, u64)]) -> Vec<(String, u64)> {
        let mut tally = Tally::default();
        directories.iter().for_each(|(path, bytes)| tally.add(path.as_bytes(), *bytes, 1));
        let mut shown = Vec::new();
        flat(&tally.tree(), &mut shown);
        shown
    }

    #[test]
    fn directories_have_what_is_below_them() {
        for (given, shown) in [
            (&[][..], &[(".", 0)][..]),
            (&[("", 7)], &[(".", 7)]),
            (&[("a/b", 7)], &[(".", 7), ("a", 7), ("a/b", 7)]),
            (&[("a", 1), ("a/b", 7), ("c", 9), ("a", 2)], &[(".", 19), ("a", 10), ("a/b", 7), ("c", 9)]),
            // What is next to nothing is told with its parent.
            (&[("a", 1_000_000), ("b", 1)], &[(".", 1_000_001), ("a", 1_000_000)]),
            (&[("b", 5), ("a", 5)], &[(".", 10), ("a", 5), ("b", 5)]),
        ] {
            let expected: Vec<_> = shown.iter().map(|(path, bytes)| ((*path).to_owned(), *bytes)).collect();
            assert_eq!(tree(given), expected, "{given:?}");
        }
    }

    #[test]
    fn nothing_is_lost_where_there_are_too_many() {
        let mut tally = Tally::default();
        let deep = vec!["d"; 5000].join("/");
        tally.add(deep.as_bytes(), 1000, 1);
        for number in 0..2 * KEPT {
            tally.add(format!("top{}/many/{number}", number % 3).as_bytes(), 1, 1);
        }
        assert!(tally.0.len() <= KEPT);
        let tree = tally.tree();
        assert_eq!((tree.bytes(), tree.files()), (1000 + 2 * KEPT as u64, 1 + 2 * KEPT as u64));
        let mut shown = Vec::new();
        flat(&tree, &mut shown);
        assert!(shown.len() <= SHOWN + CHILDREN, "{}", shown.len());
        assert_eq!(tree.children().len(), 4);
        assert_eq!(tree.rest(), 0);
    }
}
