//! The walk through two trees at once.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags};

use super::Comparison;
use crate::attributes::{Attributes, Finding};
use crate::content::{ContentReader, data_map};
use crate::descent::Descent;
use crate::difference::{Aspect, Difference};
use crate::links::LinkGroups;
use crate::xattrs::{self, Holder};

/// How much more a file on the right may occupy, in bytes.
const ALLOCATION_SLACK: u64 = 128 * 1024;

/// A walk through two trees at once.
pub(super) struct Walk<'a> {
    options: &'a Comparison,
    left: Descent,
    right: Descent,
    /// For each directory from the roots to here, the sub-directories yet to be entered.
    pending: Vec<Vec<Vec<u8>>>,
    links: LinkGroups,
    reader: ContentReader,
    found: Vec<Difference>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(options: &'a Comparison, left: Descent, right: Descent) -> Self {
        let (links, reader) = (LinkGroups::default(), ContentReader::new());
        Self { options, left, right, pending: Vec::new(), links, reader, found: Vec::new() }
    }

    pub(super) fn run(mut self) -> Vec<Difference> {
        self.visit_directory();
        while let Some(names) = self.pending.last_mut() {
            match names.pop() {
                Some(name) => self.descend(&name),
                None => self.ascend(),
            }
        }
        if self.options.hard_links {
            self.found.extend(self.links.differences());
        }
        self.found
    }

    fn descend(&mut self, name: &[u8]) {
        match (self.left.enter(name), self.right.enter(name)) {
            (Ok(()), Ok(())) => self.visit_directory(),
            (left, right) => {
                for (side, entered) in [(&mut self.left, &left), (&mut self.right, &right)] {
                    if entered.is_ok() {
                        side.leave().expect("a directory just entered can be left");
                    }
                }
                self.found.push(unreadable(self.left.path_of(name), left.err(), right.err()));
            }
        }
    }

    fn ascend(&mut self) {
        self.pending.pop();
        if !self.pending.is_empty() {
            for side in [&mut self.left, &mut self.right] {
                side.leave().unwrap_or_else(|error| panic!("the tree changed during the walk: {error}"));
            }
        }
    }

    /// Compares the directory just entered and the entries in it.
    fn visit_directory(&mut self) {
        let path = self.left.path().to_vec();
        if self.options.root_attributes || !path.is_empty() {
            self.compare_directory(&path);
        }
        let mut pending = Vec::new();
        match (self.left.names(), self.right.names()) {
            (Ok(left), Ok(right)) => {
                for name in self.common_names(left, right) {
                    if self.visit_entry(&name) {
                        pending.push(name);
                    }
                }
            }
            (left, right) => self.found.push(unreadable(path, left.err(), right.err())),
        }
        pending.reverse();
        self.pending.push(pending);
    }

    fn compare_directory(&mut self, path: &[u8]) {
        let sides = [self.left.here(), self.right.here()];
        let [left, right] = sides.map(|side| rustix::fs::fstat(side).map(Attributes::from));
        let mut findings = match (left, right) {
            (Ok(left), Ok(right)) => left.findings(&right),
            (left, right) => vec![unreadable_finding(left.err(), right.err())],
        };
        findings.extend(self.xattr_findings(sides.map(Holder::Directory)));
        self.add(path, FileType::Directory, findings);
    }

    /// Returns the names on both sides and tells those on one side only.
    fn common_names(
        &mut self,
        left: Vec<(Vec<u8>, FileType)>,
        right: Vec<(Vec<u8>, FileType)>,
    ) -> Vec<Vec<u8>> {
        let [left, right] =
            [left, right].map(|names| names.into_iter().map(|(name, _)| name).collect::<BTreeSet<_>>());
        let skips = |name: &[u8]| {
            self.options.skipped_names.contains(name)
                || self.options.skipped_paths.contains(&self.left.path_of(name))
        };
        let (mut common, mut single) = (Vec::new(), Vec::new());
        for name in left.union(&right).filter(|name| !skips(name)) {
            match (left.contains(name), right.contains(name)) {
                (true, true) => common.push(name.clone()),
                (true, false) => single.push((name, Aspect::Missing, "present", "absent")),
                _ => single.push((name, Aspect::Extra, "absent", "present")),
            }
        }
        for (name, aspect, left, right) in single {
            let path = self.left.path_of(name);
            self.found.push(Difference { path, aspect, left: left.to_owned(), right: right.to_owned() });
        }
        common
    }

    /// Compares one entry; directories are only sorted out, to be compared when entered.
    fn visit_entry(&mut self, name: &[u8]) -> bool {
        let sides = [self.left.here(), self.right.here()];
        let stats = sides.map(|side| rustix::fs::statat(side, name, AtFlags::SYMLINK_NOFOLLOW));
        let path = self.left.path_of(name);
        let (left, right) = match stats.map(|stat| stat.map(Attributes::from)) {
            [Ok(left), Ok(right)] => (left, right),
            [left, right] => {
                self.found.push(unreadable(path, left.err(), right.err()));
                return false;
            }
        };
        if left.kind == FileType::Directory && right.kind == left.kind {
            return true;
        }
        let mut findings = left.findings(&right);
        if left.kind == right.kind {
            // One inode is the same as itself.
            if left.identity() != right.identity() {
                findings.extend(self.inner_findings(name, &left, &right));
            }
            self.links.record(path.clone(), &left, &right);
        }
        self.add(&path, left.kind, findings);
        false
    }

    /// Returns what differs beyond `stat`: target, bytes, holes, extended attributes.
    fn inner_findings(&mut self, name: &[u8], left: &Attributes, right: &Attributes) -> Vec<Finding> {
        if left.kind == FileType::RegularFile {
            return self.file_findings(name, left, right);
        }
        let sides = [self.left.here(), self.right.here()];
        let mut findings = Vec::new();
        if left.kind == FileType::Symlink {
            match sides.map(|side| rustix::fs::readlinkat(side, name, Vec::new())) {
                [Ok(left), Ok(right)] if left != right => {
                    findings.push((Aspect::Target, format!("{left:?}"), format!("{right:?}")));
                }
                [Ok(_), Ok(_)] => {}
                [left, right] => findings.push(unreadable_finding(left.err(), right.err())),
            }
        }
        findings.extend(self.xattr_findings(sides.map(|side| Holder::Name(side, name))));
        findings
    }

    fn file_findings(&mut self, name: &[u8], left: &Attributes, right: &Attributes) -> Vec<Finding> {
        let sides = [self.left.here(), self.right.here()];
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = sides.map(|side| rustix::fs::openat(side, name, flags, Mode::empty()));
        match opened {
            [Ok(left_file), Ok(right_file)] => {
                let files = [left_file, right_file];
                let holders = [&files[0], &files[1]].map(|file| Holder::Open(file.as_fd()));
                let mut findings = self.xattr_findings(holders);
                findings.extend(self.content_finding(&files, [left, right]));
                findings.extend(self.blocks_finding(&files, [left, right]));
                findings
            }
            [left, right] => {
                let mut findings = vec![unreadable_finding(left.err(), right.err())];
                findings.extend(self.xattr_findings(sides.map(|side| Holder::Name(side, name))));
                findings
            }
        }
    }

    /// Compares the bytes of two files of one size.
    fn content_finding(&mut self, files: &[OwnedFd; 2], attributes: [&Attributes; 2]) -> Option<Finding> {
        if attributes[0].size != attributes[1].size {
            return None;
        }
        match self.reader.first_difference(files[0].as_fd(), files[1].as_fd(), attributes[0].size) {
            Ok(None) => None,
            Ok(Some((offset, left, right))) => {
                Some((Aspect::Content, format!("{left:#04x} at {offset}"), format!("{right:#04x}")))
            }
            Err(error) => Some((Aspect::Unreadable, error.to_string(), error.to_string())),
        }
    }

    fn blocks_finding(&self, files: &[OwnedFd; 2], attributes: [&Attributes; 2]) -> Option<Finding> {
        let [left, right] = attributes.map(|side| side.allocated);
        if !self.options.blocks || right <= left + ALLOCATION_SLACK {
            return None;
        }
        let [left_map, right_map] = [0, 1].map(|side| data_map(&files[side], attributes[side].size));
        let value = |bytes: u64, map: &[_]| format!("{bytes} bytes allocated in {} stretch(es)", map.len());
        (left_map != right_map).then(|| (Aspect::Blocks, value(left, &left_map), value(right, &right_map)))
    }

    fn xattr_findings(&self, holders: [Holder<'_>; 2]) -> Vec<Finding> {
        match holders.map(|holder| holder.xattrs(&self.options.keeps_xattr)) {
            [Ok(left), Ok(right)] => xattrs::findings(&left, &right),
            [left, right] => vec![unreadable_finding(left.err(), right.err())],
        }
    }

    fn add(&mut self, path: &[u8], kind: FileType, findings: Vec<Finding>) {
        for (aspect, left, right) in findings {
            if self.options.compares(&aspect, kind) {
                self.found.push(Difference { path: path.to_vec(), aspect, left, right });
            }
        }
    }
}

pub(super) fn unreadable<E: Into<io::Error>>(path: Vec<u8>, left: Option<E>, right: Option<E>) -> Difference {
    let (aspect, left, right) = unreadable_finding(left, right);
    Difference { path, aspect, left, right }
}

fn unreadable_finding<E: Into<io::Error>>(left: Option<E>, right: Option<E>) -> Finding {
    let [left, right] =
        [left, right].map(|error| error.map_or("readable".to_owned(), |error| error.into().to_string()));
    (Aspect::Unreadable, left, right)
}
