//! Giving new entries their last attributes: owner, then extended attributes and ACLs, then mode, then times.
//!
//! The order matters: a change of owner clears setuid bits and capabilities, a mode may forbid setting attributes, and
//! everything moves times.

use std::ffi::CStr;
use std::io;

use crate::entry::{Kind, Metadata};
use crate::os::{Dir, File, XattrBuffer, XattrPlace, Xattrs};
use crate::policy::attributes::Reach;

/// What newly made directories and files have before they are stamped.
const NEW_DIRECTORY_MODE: u32 = 0o700;
const NEW_FILE_MODE: u32 = 0o600;

/// Times outside of these seconds are cut off by some file systems, silently: such a time is read back.
const SAFE_SECONDS: std::ops::RangeInclusive<i64> = 0..=0x7fff_ffff;

/// An attribute that was refused.
pub(crate) struct Refused {
    pub operation: &'static str,
    pub error: io::Error,
}

/// Something that attributes can be set on.
pub(crate) trait Stampable {
    fn set_owner(&self, uid: u32, gid: u32) -> io::Result<()>;
    fn set_mode(&self, mode: u32) -> io::Result<()>;
    fn set_mtime(&self, mtime: crate::entry::Timestamp) -> io::Result<()>;
    fn stat(&self) -> io::Result<Metadata>;
    fn place(&self) -> XattrPlace<'_>;
}

impl Stampable for File {
    fn set_owner(&self, uid: u32, gid: u32) -> io::Result<()> {
        self.set_owner(uid, gid)
    }
    fn set_mode(&self, mode: u32) -> io::Result<()> {
        self.set_mode(mode)
    }
    fn set_mtime(&self, mtime: crate::entry::Timestamp) -> io::Result<()> {
        self.set_mtime(mtime)
    }
    fn stat(&self) -> io::Result<Metadata> {
        self.stat()
    }
    fn place(&self) -> XattrPlace<'_> {
        XattrPlace::File(self)
    }
}

impl Stampable for Dir {
    fn set_owner(&self, uid: u32, gid: u32) -> io::Result<()> {
        self.set_owner(uid, gid)
    }
    fn set_mode(&self, mode: u32) -> io::Result<()> {
        self.set_mode(mode)
    }
    fn set_mtime(&self, mtime: crate::entry::Timestamp) -> io::Result<()> {
        self.set_mtime(mtime)
    }
    fn stat(&self) -> io::Result<Metadata> {
        self.stat()
    }
    fn place(&self) -> XattrPlace<'_> {
        XattrPlace::Dir(self)
    }
}

/// A name that is not opened: symlinks, FIFOs, sockets, devices.
pub(crate) struct Named<'a> {
    pub dir: &'a Dir,
    pub name: &'a CStr,
    pub kind: Kind,
}

impl Stampable for Named<'_> {
    fn set_owner(&self, uid: u32, gid: u32) -> io::Result<()> {
        self.dir.set_owner_at(self.name, uid, gid)
    }
    fn set_mode(&self, mode: u32) -> io::Result<()> {
        // A symlink has no mode of its own on Linux.
        if self.kind == Kind::Symlink { Ok(()) } else { self.dir.set_mode_at(self.name, mode) }
    }
    fn set_mtime(&self, mtime: crate::entry::Timestamp) -> io::Result<()> {
        self.dir.set_mtime_at(self.name, mtime)
    }
    fn stat(&self) -> io::Result<Metadata> {
        self.dir.stat_at(self.name)
    }
    fn place(&self) -> XattrPlace<'_> {
        XattrPlace::At(self.dir, self.name)
    }
}

/// Sets everything that is within reach and returns what was refused.
fn stamp(
    on: &impl Stampable,
    metadata: &Metadata,
    xattrs: &Xattrs,
    born_mode: u32,
    reach: &Reach,
    buffer: &mut XattrBuffer,
) -> Vec<Refused> {
    let mut refused = Vec::new();
    let mut note = |operation, result: io::Result<()>| {
        if let Err(error) = result {
            refused.push(Refused { operation, error });
        }
    };
    if reach.owner && (metadata.uid, metadata.gid) != reach.born {
        note("set owner", on.set_owner(metadata.uid, metadata.gid));
    }
    for (name, value) in xattrs {
        note("set extended attribute", buffer.set(on.place(), name, value));
    }
    // ACLs and the owner may have moved the mode.
    let moved = !xattrs.is_empty() || metadata.mode & 0o6000 != 0;
    if reach.mode && (moved || metadata.mode != born_mode) {
        note("set mode", on.set_mode(metadata.mode));
    }
    note("set times", set_mtime(on, metadata, reach));
    refused
}

fn set_mtime(on: &impl Stampable, metadata: &Metadata, reach: &Reach) -> io::Result<()> {
    on.set_mtime(metadata.mtime)?;
    if SAFE_SECONDS.contains(&metadata.mtime.seconds) || reach.same_mtime(metadata, &on.stat()?) {
        return Ok(());
    }
    Err(io::Error::other("this file system cannot hold a time that far away"))
}

/// Gives an entry that was `now` the attributes that differ. Extended attributes that it should not have are gone already.
pub(crate) fn restamp(
    on: &impl Stampable,
    now: &Metadata,
    metadata: &Metadata,
    xattrs: &Xattrs,
    reach: &Reach,
    buffer: &mut XattrBuffer,
) -> Vec<Refused> {
    let reach = Reach { born: (now.uid, now.gid), ..*reach };
    stamp(on, metadata, xattrs, now.mode, &reach, buffer)
}

/// Stamps a new file, through the descriptor that made it.
pub(crate) fn stamp_file(
    file: &File,
    metadata: &Metadata,
    xattrs: &Xattrs,
    reach: &Reach,
    buffer: &mut XattrBuffer,
) -> Vec<Refused> {
    stamp(file, metadata, xattrs, NEW_FILE_MODE, reach, buffer)
}

/// Stamps a new directory, after its last child.
pub(crate) fn stamp_dir(
    dir: &Dir,
    metadata: &Metadata,
    xattrs: &Xattrs,
    reach: &Reach,
    buffer: &mut XattrBuffer,
) -> Vec<Refused> {
    stamp(dir, metadata, xattrs, NEW_DIRECTORY_MODE, reach, buffer)
}

/// Stamps a new symlink, FIFO, socket or device.
pub(crate) fn stamp_name(
    dir: &Dir,
    name: &CStr,
    metadata: &Metadata,
    xattrs: &Xattrs,
    reach: &Reach,
    buffer: &mut XattrBuffer,
) -> Vec<Refused> {
    stamp(&Named { dir, name, kind: metadata.kind }, metadata, xattrs, NEW_FILE_MODE, reach, buffer)
}
