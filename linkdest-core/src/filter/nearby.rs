//! What a per-directory file finds around it.

use std::io;
use std::path::PathBuf;

use super::block::Slot;
use super::bytes::{is_above, path, path_buf, resolve, split_last};
use super::cvs::CvsRules;
use super::files::{DirectoryFiles, Place};
use super::loader::{Opened, Surroundings};
use super::pattern::Anchor;
use super::rule::{Rule, RuleKind};
use super::syntax::Modifiers;

/// What a per-directory file may read in all: enough for any honest one, and no bomb of files that merge each other.
const MOST_BYTES: usize = 4 << 20;

/// The surroundings of a per-directory file; directories are absolute paths without a slash at the end.
pub(super) struct Nearby<'a> {
    pub(super) files: &'a dyn DirectoryFiles,
    pub(super) source: &'a [u8],
    /// The directory that is being entered.
    pub(super) here: &'a [u8],
    /// The directory whose file is being read: this one, or one above it.
    pub(super) directory: &'a [u8],
    pub(super) slots: &'a [Slot],
    pub(super) cvs: &'a CvsRules,
}

impl Nearby<'_> {
    /// The directory as the caller knows it.
    pub(super) fn place<'d>(&self, directory: &'d [u8]) -> Place<'d> {
        match self.below_source(directory) {
            Some(below) if directory == self.here => Place::Here(below),
            Some(below) => Place::Source(below),
            None => Place::Outside(path(if directory.is_empty() { b"/" } else { directory })),
        }
    }

    pub(super) fn is_outside(&self, directory: &[u8]) -> bool {
        self.below_source(directory).is_none()
    }

    /// The path of a file for messages: below the source relative, outside absolute.
    pub(super) fn shown(&self, directory: &[u8], name: &[u8]) -> Vec<u8> {
        match self.below_source(directory) {
            Some(b"") => name.to_vec(),
            Some(below) => [below, b"/", name].concat(),
            None => [directory, b"/", name].concat(),
        }
    }

    fn below_source<'d>(&self, directory: &'d [u8]) -> Option<&'d [u8]> {
        match directory.strip_prefix(self.source)? {
            b"" => Some(b""),
            rest => rest.strip_prefix(b"/"),
        }
    }
}

impl Surroundings for Nearby<'_> {
    /// A name alone is looked for in the source (not beside the file!), one with a slash from the file's directory.
    fn open(&self, name: &[u8]) -> Opened {
        let (before, last) = split_last(name);
        let directory = match before {
            None if is_above(self.directory, self.source) => self.directory.to_vec(),
            None => self.source.to_vec(),
            Some(b"") => Vec::new(),
            Some(before) => resolve(self.directory, before),
        };
        let content = match last {
            b"" | b"." | b".." => Ok(Some(Vec::new())),
            _ => self.files.read_in(self.place(&directory), last),
        };
        let content = content.and_then(|content| content.ok_or_else(|| io::ErrorKind::NotFound.into()));
        let path: PathBuf = path_buf(&self.shown(&directory, last));
        Opened { path, content, secret: self.is_outside(&directory) }
    }

    fn is_declared(&self, name: &[u8]) -> bool {
        self.slots.iter().any(|slot| slot.file.name() == name)
    }

    fn cvs_rules(&self, kind: RuleKind, modifiers: Modifiers) -> Vec<Rule> {
        self.cvs.of_kind(kind, modifiers)
    }

    fn merged_anchor(&self) -> Anchor {
        Anchor::Source
    }

    fn is_of_entered(&self) -> bool {
        self.directory == self.here
    }

    fn budget(&self) -> usize {
        MOST_BYTES
    }
}
