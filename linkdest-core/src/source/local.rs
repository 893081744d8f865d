//! A source on this machine, read through open directories.

use std::ffi::{CStr, CString};
use std::io;

use super::{KnownXattrs, Opened, RuleFile, Source, SourceFile};
use crate::entry::{FileId, Kind, Metadata};
use crate::manifest::FileSystemId;
use crate::os::{Dir, File, Listing, XattrBuffer, XattrPlace};
use crate::policy::attributes::{Reach, XattrPlaceInRun};

/// A tree on this machine.
#[derive(Debug)]
pub(crate) struct LocalSource {
    root: Dir,
}

impl LocalSource {
    /// Takes the root as the operator's path led to it.
    pub fn new(root: Dir) -> Self {
        Self { root }
    }
}

/// The error for an entry that is no longer what it was looked at as.
fn replaced() -> io::Error {
    io::Error::new(io::ErrorKind::StaleNetworkFileHandle, "it was replaced by something else meanwhile")
}

fn same(dir: Dir, id: FileId) -> io::Result<Dir> {
    if dir.stat()?.id == id { Ok(dir) } else { Err(replaced()) }
}

/// Opens for listing, or where that is forbidden, for looking at and into.
fn open(parent: &Dir, name: &CStr) -> io::Result<Opened<Dir>> {
    let (dir, unlistable) = match parent.open_dir(name) {
        Ok(dir) => (dir, None),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            (parent.open_dir_search(name)?, Some(error))
        }
        Err(error) => return Err(error),
    };
    Ok(Opened { metadata: dir.stat()?, dir, unlistable })
}

impl Source for LocalSource {
    type Dir = Dir;
    type File = File;

    fn open_root(&self) -> io::Result<Opened<Dir>> {
        open(&self.root, c".")
    }

    fn open_dir(&self, parent: &Dir, name: &CStr) -> io::Result<Opened<Dir>> {
        open(parent, name)
    }

    fn reopen_parent(&self, child: &Dir, id: FileId) -> io::Result<Dir> {
        same(child.open_parent_search()?, id)
    }

    fn reopen(&self, parent: &Dir, name: &CStr, id: FileId) -> io::Result<Dir> {
        same(parent.open_dir_search(name)?, id)
    }

    fn file_system(&self, dir: &Dir) -> io::Result<FileSystemId> {
        let (kind, id) = dir.file_system()?;
        Ok(FileSystemId { kind, id })
    }

    fn list(&self, dir: &Dir, listing: &mut Listing) -> io::Result<()> {
        dir.list(listing)
    }

    fn stat(&self, dir: &Dir, names: &[&CStr], answer: &mut dyn FnMut(usize, io::Result<Metadata>)) {
        for (index, name) in names.iter().enumerate() {
            answer(index, dir.stat_at(name));
        }
    }

    fn contents(
        &self,
        dir: &Dir,
        wanted: &[(&CStr, &Metadata)],
        answer: &mut dyn FnMut(usize, io::Result<(File, Metadata)>),
    ) {
        for (index, (name, looked_at)) in wanted.iter().enumerate() {
            answer(index, open_file(dir, name, looked_at.id));
        }
    }

    fn rule_file(&self, dir: &Dir, name: &CStr) -> io::Result<RuleFile> {
        read_rule_file(dir, name)
    }

    fn target(&self, dir: &Dir, name: &CStr) -> io::Result<CString> {
        dir.read_link(name)
    }

    fn xattrs(
        &self,
        dir: &Dir,
        name: Option<&CStr>,
        reach: &Reach,
        buffer: &mut XattrBuffer,
    ) -> io::Result<KnownXattrs> {
        let place = name.map_or(XattrPlace::Dir(dir), |name| XattrPlace::At(dir, name));
        read_xattrs(place, reach, buffer)
    }
}

/// No honest rule file in a source is larger, in bytes.
const RULE_FILE_LIMIT: usize = 1 << 20;

/// Reads a file of rules that lies in a tree: only a regular one of less than 1 MiB, never through a symlink.
pub(crate) fn read_rule_file(dir: &Dir, name: &CStr) -> io::Result<RuleFile> {
    let Some(stat) = dir.stat_if_there(name)? else { return Ok(RuleFile::Absent) };
    match stat.kind {
        Kind::File if stat.size >= RULE_FILE_LIMIT as u64 => {
            return Ok(RuleFile::Refused("larger than 1 MiB"));
        }
        Kind::File => {}
        Kind::Symlink => return Ok(RuleFile::Refused("a symlink is not read as a rule file")),
        // rsync reads a directory as an empty file.
        Kind::Directory => return Ok(RuleFile::Absent),
        _ => return Ok(RuleFile::Refused("not a regular file")),
    }
    match open_file(dir, name, stat.id) {
        Ok((file, _)) => file.read_small(RULE_FILE_LIMIT).map(RuleFile::Content),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(RuleFile::Absent),
        Err(error) => Err(error),
    }
}

fn open_file(dir: &Dir, name: &CStr, id: FileId) -> io::Result<(File, Metadata)> {
    let file = dir.open_file(name)?;
    let stat = file.stat()?;
    if stat.id == id && stat.kind == Kind::File { Ok((file, stat)) } else { Err(replaced()) }
}

impl SourceFile for File {
    fn stat(&self) -> io::Result<Metadata> {
        self.stat()
    }

    fn xattrs(&self, reach: &Reach, buffer: &mut XattrBuffer) -> io::Result<KnownXattrs> {
        read_xattrs(XattrPlace::File(self), reach, buffer)
    }

    fn local(&self) -> Option<&File> {
        Some(self)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.read_at(buffer, offset)
    }
}

/// Reads the attributes, those that a run can store apart from the others.
pub(crate) fn read_xattrs(
    place: XattrPlace<'_>,
    reach: &Reach,
    buffer: &mut XattrBuffer,
) -> io::Result<KnownXattrs> {
    let mut known = KnownXattrs::default();
    let list = buffer.list(place)?;
    if list.is_empty() {
        return Ok(known);
    }
    let names: Vec<CString> = list
        .split_inclusive(|&byte| byte == 0)
        .filter_map(|name| CStr::from_bytes_with_nul(name).ok())
        .map(CString::from)
        .collect();
    for name in names {
        match reach.xattr(name.to_bytes()) {
            XattrPlaceInRun::Ignored => {}
            // An attribute that was removed since the list was read is none.
            XattrPlaceInRun::Kept => {
                let value = buffer.get(place, &name)?.map(<[u8]>::to_vec);
                known.kept.extend(value.map(|value| (name, value)));
            }
            XattrPlaceInRun::OutOfReach(what) => {
                if !known.out_of_reach.contains(&what) {
                    known.out_of_reach.push(what);
                }
                // What may not be set may often not be read either.
                let value = buffer.get(place, &name).ok().flatten().map(<[u8]>::to_vec);
                known.beyond.extend(value.map(|value| (name, value)));
            }
        }
    }
    known.kept.sort();
    Ok(known)
}
