//! Random edits of a real tree, as its user would make them.

mod attributes;
mod contents;
mod names;

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::FileType;

use crate::difference::escaped;
use crate::population::Population;
use crate::random::Random;

/// Directories with more entries than this are not deleted or replaced.
const SMALL_DIRECTORY: usize = 20;

/// Makes one edit; `None` when the tree has nothing it applies to.
type Edit = fn(&mut Editor) -> Option<Done>;

/// What was done, for people to read, or why it could not be.
type Done = io::Result<String>;

/// Every edit there is.
const EDITS: [Edit; 19] = [
    Editor::rewrite,
    Editor::append,
    Editor::change_byte_unnoticed,
    Editor::change_mode,
    Editor::change_owner,
    Editor::change_time,
    Editor::set_xattr,
    Editor::rename_in_place,
    Editor::move_elsewhere,
    Editor::delete_file,
    Editor::delete_directory,
    Editor::new_file,
    Editor::new_directory,
    Editor::new_symlink,
    Editor::retarget_symlink,
    Editor::make_hard_link,
    Editor::break_hard_link,
    Editor::replace_file_by_directory,
    Editor::replace_directory_by_file,
];

/// Applies `count` random edits to a tree and returns a description of each.
///
/// The same seed makes the same edits to the same tree; times are those of the clock. What the
/// file system refuses is described as refused and counts.
///
/// # Panics
///
/// If the tree cannot be listed.
pub fn random_edits(root: &Path, seed: u64, count: usize) -> Vec<String> {
    let population = Population::of(root).expect("the tree can be listed");
    let mut editor = Editor {
        root: root.to_owned(),
        random: Random::new(seed),
        population,
        new_names: 0,
        explained: HashSet::new(),
        silent: HashSet::new(),
    };
    let mut descriptions = Vec::with_capacity(count);
    while descriptions.len() < count {
        let edit = *editor.random.one_of(&EDITS);
        match edit(&mut editor) {
            None => {}
            Some(Ok(text)) => descriptions.push(text),
            Some(Err(error)) => {
                descriptions.push(format!("refused: {error}"));
                // Half of it may have been done.
                editor.population = Population::of(root).expect("the tree can be listed");
            }
        }
    }
    descriptions
}

/// A tree and the numbers that say what becomes of it.
struct Editor {
    root: PathBuf,
    random: Random,
    population: Population,
    new_names: usize,
    /// Inodes whose ctime was moved by a new name: a change of their bytes hides behind that from all who do not read.
    explained: HashSet<u64>,
    /// Inodes whose bytes were changed unnoticed: only their ctime tells, and nothing else may explain it.
    silent: HashSet<u64>,
}

impl Editor {
    /// Returns the path by which calls reach an entry.
    fn full(&self, path: &[u8]) -> PathBuf {
        self.root.join(OsStr::from_bytes(path))
    }

    /// The inode of an entry.
    fn inode(&self, path: &[u8]) -> Option<u64> {
        Some(std::fs::symlink_metadata(self.full(path)).ok()?.ino())
    }

    /// Notes that an entry gets a new name; `None` if it must keep the ones that it has.
    fn explain(&mut self, path: &[u8]) -> Option<()> {
        let inode = self.inode(path)?;
        (!self.silent.contains(&inode)).then(|| self.explained.insert(inode)).map(drop)
    }

    /// Notes what keeps other names than those at and below a path: their number changes.
    fn explain_lost_names(&mut self, path: &Path) {
        let Ok(stat) = std::fs::symlink_metadata(path) else { return };
        if stat.is_dir() {
            let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
            entries.for_each(|entry| self.explain_lost_names(&entry.path()));
        } else if stat.nlink() > 1 {
            self.explained.insert(stat.ino());
        }
    }

    fn pick_file(&mut self) -> Option<Vec<u8>> {
        self.population.pick(&mut self.random, |_, kind| kind == FileType::RegularFile)
    }

    fn pick_non_directory(&mut self) -> Option<Vec<u8>> {
        self.population.pick(&mut self.random, |_, kind| kind != FileType::Directory)
    }

    /// Picks any directory, the root as well.
    fn pick_directory(&mut self) -> Option<Vec<u8>> {
        self.population.pick(&mut self.random, |_, kind| kind == FileType::Directory)
    }

    /// Picks a directory that few entries are lost with.
    fn pick_small_directory(&mut self) -> Option<Vec<u8>> {
        let path = self
            .population
            .pick(&mut self.random, |path, kind| kind == FileType::Directory && !path.is_empty())?;
        (self.population.count_below(&path) <= SMALL_DIRECTORY).then_some(path)
    }

    /// Picks any entry but the root.
    fn pick_entry(&mut self) -> Option<Vec<u8>> {
        self.population.pick(&mut self.random, |path, _| !path.is_empty())
    }

    /// Returns the path of an entry in `directory` that does not exist yet.
    fn new_path(&mut self, directory: &[u8]) -> Vec<u8> {
        loop {
            self.new_names += 1;
            let name = format!("new-{}-{}", self.new_names, self.random.below(1000));
            let path = joined(directory, name.as_bytes());
            if !self.population.contains(&path) {
                return path;
            }
        }
    }
}

fn joined(directory: &[u8], name: &[u8]) -> Vec<u8> {
    if directory.is_empty() { name.to_vec() } else { [directory, b"/", name].concat() }
}

fn parent(path: &[u8]) -> &[u8] {
    path.iter().rposition(|&byte| byte == b'/').map_or(&[], |slash| &path[..slash])
}

/// Describes an edit of one entry, and puts the path into its error.
fn told(what: &str, path: &[u8], result: io::Result<()>) -> Option<Done> {
    let text = format!("{what} {}", escaped(path));
    Some(match result {
        Ok(()) => Ok(text),
        Err(error) => Err(io::Error::new(error.kind(), format!("{text}: {error}"))),
    })
}
