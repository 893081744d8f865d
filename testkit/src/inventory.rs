//! The recorded state of a tree, to prove later that nothing in it has changed.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::attributes::{Attributes, Finding};
use crate::content::ContentReader;
use crate::descent::Descent;
use crate::difference::{Aspect, Difference, describe, escaped};
use crate::xattrs::{self, Holder, Xattrs, is_portable_xattr};

/// What is recorded of one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What `stat` tells.
    pub attributes: Attributes,
    /// The extended attributes, names and values.
    pub xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The target of a symlink.
    pub target: Option<Vec<u8>>,
    /// A hash of the bytes of a regular file; none if this user may not read them.
    pub content: Option<u128>,
}

/// The state of every entry of a tree, by its path below the root (empty for the root).
///
/// It takes the space of all paths, so for a very deep tree the names in it should be short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inventory {
    records: BTreeMap<Vec<u8>, Record>,
}

impl Inventory {
    /// Records a tree.
    ///
    /// # Panics
    ///
    /// If it cannot be read, except that content may be forbidden to this user.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        let at = Descent::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut survey =
            Survey { at, pending: Vec::new(), reader: ContentReader::new(), records: BTreeMap::new() };
        let taken = survey.take();
        let place = escaped(survey.at.path());
        taken.unwrap_or_else(|error| panic!("{} in {place:?}: {error}", path.display()));
        Self { records: survey.records }
    }

    /// Forgets the number of the root's device: a file system that is mounted again may get another one.
    #[must_use]
    pub fn mounted_anywhere(mut self) -> Self {
        let device = self.get("").map(|root| root.attributes.dev);
        for record in self.records.values_mut().filter(|record| Some(record.attributes.dev) == device) {
            record.attributes.dev = 0;
        }
        self
    }

    /// Returns the record of an entry by its path below the root.
    #[must_use]
    pub fn get(&self, path: impl AsRef<[u8]>) -> Option<&Record> {
        self.records.get(path.as_ref())
    }

    /// Returns all records with their paths, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Record)> {
        self.records.iter().map(|(path, record)| (path.as_slice(), record))
    }

    /// Returns how many entries there are, with the root.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Returns whether there is no entry, which never happens as there is a root.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Returns what has changed since: inodes, bytes and attributes, names gone or new.
    ///
    /// Change times and link counts may change freely.
    #[must_use]
    pub fn differences(&self, later: &Self) -> Vec<Difference> {
        let mut found = Vec::new();
        for (path, record) in &self.records {
            match later.records.get(path) {
                Some(other) => {
                    let findings = record.findings(other).into_iter();
                    found.extend(findings.map(|(aspect, left, right)| Difference {
                        path: path.clone(),
                        aspect,
                        left,
                        right,
                    }));
                }
                None if later.has_parent_of(path) => found.push(single(path, Aspect::Missing)),
                None => {}
            }
        }
        let new = later.records.keys().filter(|path| !self.records.contains_key(*path));
        found.extend(new.filter(|path| self.has_parent_of(path)).map(|path| single(path, Aspect::Extra)));
        found
    }

    /// Panics with a readable list if anything has changed since.
    ///
    /// # Panics
    ///
    /// If [`differences`](Self::differences) tells any.
    #[track_caller]
    pub fn assert_unchanged(&self, later: &Self) {
        let differences = self.differences(later);
        assert!(differences.is_empty(), "the tree has changed: {}", describe(&differences));
    }

    /// Of a whole tree that is gone or new only the top is worth telling.
    fn has_parent_of(&self, path: &[u8]) -> bool {
        let parent = path.iter().rposition(|&byte| byte == b'/').map_or(&path[..0], |slash| &path[..slash]);
        self.records.contains_key(parent)
    }
}

fn single(path: &[u8], aspect: Aspect) -> Difference {
    let (left, right) = if aspect == Aspect::Missing { ("present", "absent") } else { ("absent", "present") };
    Difference { path: path.to_vec(), aspect, left: left.to_owned(), right: right.to_owned() }
}

impl Record {
    fn findings(&self, later: &Self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let [left, right] = [self, later].map(|record| record.attributes.identity());
        if left != right {
            findings.push((Aspect::Inode, format!("{left:?}"), format!("{right:?}")));
        }
        findings.extend(self.attributes.findings(&later.attributes));
        findings.extend(xattrs::findings(&self.xattrs, &later.xattrs));
        if self.target != later.target {
            let [left, right] = [self, later].map(|record| {
                record.target.as_ref().map_or("none".to_owned(), |target| format!("\"{}\"", escaped(target)))
            });
            findings.push((Aspect::Target, left, right));
        }
        if self.content != later.content {
            let [left, right] = [self, later]
                .map(|record| record.content.map_or("none".to_owned(), |hash| format!("hash {hash:032x}")));
            findings.push((Aspect::Content, left, right));
        }
        findings
    }
}

/// The walk that makes an inventory.
struct Survey {
    at: Descent,
    /// For each directory from the root to here, the sub-directories yet to be entered.
    pending: Vec<Vec<Vec<u8>>>,
    reader: ContentReader,
    records: BTreeMap<Vec<u8>, Record>,
}

impl Survey {
    fn take(&mut self) -> io::Result<()> {
        self.visit_directory()?;
        while let Some(names) = self.pending.last_mut() {
            if let Some(name) = names.pop() {
                self.at.enter(&name)?;
                self.visit_directory()?;
                continue;
            }
            self.pending.pop();
            if !self.pending.is_empty() {
                self.at.leave()?;
            }
        }
        Ok(())
    }

    fn visit_directory(&mut self) -> io::Result<()> {
        let attributes = Attributes::from(rustix::fs::fstat(self.at.here())?);
        let xattrs = Holder::Directory(self.at.here()).xattrs(&is_portable_xattr)?;
        let record = Record { attributes, xattrs, target: None, content: None };
        self.records.insert(self.at.path().to_vec(), record);
        let mut directories = Vec::new();
        for (name, _) in self.at.names()? {
            let stat = rustix::fs::statat(self.at.here(), name.as_slice(), AtFlags::SYMLINK_NOFOLLOW)?;
            let attributes = Attributes::from(stat);
            if attributes.kind == FileType::Directory {
                directories.push(name);
            } else {
                let record = self.record(&name, attributes)?;
                self.records.insert(self.at.path_of(&name), record);
            }
        }
        self.pending.push(directories);
        Ok(())
    }

    fn record(&mut self, name: &[u8], attributes: Attributes) -> io::Result<Record> {
        let here = self.at.here();
        let xattrs: Xattrs = Holder::Name(here, name).xattrs(&is_portable_xattr)?;
        let target = match attributes.kind {
            FileType::Symlink => Some(rustix::fs::readlinkat(here, name, Vec::new())?.into_bytes()),
            _ => None,
        };
        let content = match attributes.kind {
            FileType::RegularFile => {
                let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
                match rustix::fs::openat(here, name, flags, Mode::empty()) {
                    Ok(file) => Some(self.reader.hash(file.as_fd(), attributes.size)?),
                    Err(Errno::ACCESS) => None,
                    Err(error) => return Err(error.into()),
                }
            }
            _ => None,
        };
        Ok(Record { attributes, xattrs, target, content })
    }
}
