//! The exact comparison of two trees.

mod walk;

use std::collections::BTreeSet;
use std::path::Path;

use rustix::fs::FileType;

use crate::descent::Descent;
use crate::difference::{Aspect, Difference, describe};
use crate::xattrs::{XattrFilter, is_portable_xattr};
use walk::{Walk, unreadable};

/// Returns every difference between two trees.
///
/// What this user may not read counts as different, even if both sides forbid it.
///
/// # Panics
///
/// If a directory is moved or replaced during the walk.
#[must_use]
pub fn compare(left: &Path, right: &Path) -> Vec<Difference> {
    Comparison::new().run(left, right)
}

/// Panics with a readable list unless the two trees are the same.
///
/// # Panics
///
/// If anything differs.
#[track_caller]
pub fn assert_same(left: &Path, right: &Path) {
    Comparison::new().assert_same(left, right);
}

/// What to compare; everything, unless told otherwise.
pub struct Comparison {
    owners: bool,
    modes: bool,
    times: bool,
    directory_times: bool,
    blocks: bool,
    hard_links: bool,
    root_attributes: bool,
    keeps_xattr: XattrFilter,
    skipped_paths: BTreeSet<Vec<u8>>,
    skipped_names: BTreeSet<Vec<u8>>,
}

impl Default for Comparison {
    fn default() -> Self {
        Self {
            owners: true,
            modes: true,
            times: true,
            directory_times: true,
            blocks: true,
            hard_links: true,
            root_attributes: true,
            keeps_xattr: Box::new(is_portable_xattr),
            skipped_paths: BTreeSet::new(),
            skipped_names: BTreeSet::new(),
        }
    }
}

/// Writes one switch that takes a bool.
macro_rules! switch {
    ($name:ident, $text:literal) => {
        #[doc = $text]
        #[must_use]
        pub fn $name(mut self, compared: bool) -> Self {
            self.$name = compared;
            self
        }
    };
}

impl Comparison {
    switch!(owners, "Sets whether owners and groups are compared.");
    switch!(modes, "Sets whether permission bits are compared.");
    switch!(times, "Sets whether any modification times are compared.");
    switch!(directory_times, "Sets whether modification times of directories are compared.");
    switch!(blocks, "Sets whether files on the right must not occupy more than those on the left.");
    switch!(hard_links, "Sets whether the same names must share an inode.");
    switch!(root_attributes, "Sets whether the attributes of the two roots are compared.");

    /// Makes a comparison of everything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Compares only the extended attributes whose name `keep` accepts.
    ///
    /// It replaces [`is_portable_xattr`].
    #[must_use]
    pub fn xattrs(mut self, keep: impl Fn(&[u8]) -> bool + 'static) -> Self {
        self.keeps_xattr = Box::new(keep);
        self
    }

    /// Leaves out the entry at a path below the roots, with everything in it.
    #[must_use]
    pub fn skip_path(mut self, path: impl AsRef<[u8]>) -> Self {
        self.skipped_paths.insert(path.as_ref().to_vec());
        self
    }

    /// Leaves out every entry of this name, with everything in it.
    #[must_use]
    pub fn skip_name(mut self, name: impl AsRef<[u8]>) -> Self {
        self.skipped_names.insert(name.as_ref().to_vec());
        self
    }

    /// Returns every difference between two trees, in the order of the walk.
    ///
    /// # Panics
    ///
    /// If a directory is moved or replaced during the walk.
    #[must_use]
    pub fn run(&self, left: &Path, right: &Path) -> Vec<Difference> {
        match (Descent::open(left), Descent::open(right)) {
            (Ok(left), Ok(right)) => Walk::new(self, left, right).run(),
            (left, right) => vec![unreadable(Vec::new(), left.err(), right.err())],
        }
    }

    /// Panics with a readable list unless the two trees are the same.
    ///
    /// # Panics
    ///
    /// If anything that is compared differs.
    #[track_caller]
    pub fn assert_same(&self, left: &Path, right: &Path) {
        let differences = self.run(left, right);
        assert!(
            differences.is_empty(),
            "{} and {} are not the same: {}",
            left.display(),
            right.display(),
            describe(&differences)
        );
    }

    fn compares(&self, aspect: &Aspect, kind: FileType) -> bool {
        match aspect {
            Aspect::Owner | Aspect::Group => self.owners,
            Aspect::Mode => self.modes,
            Aspect::Time => self.times && (self.directory_times || kind != FileType::Directory),
            _ => true,
        }
    }
}
