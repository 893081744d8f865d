//! Finding out what a file system can do, by doing it and reading back. Some only pretend.

use std::ffi::{CStr, CString};
use std::io;

use serde::{Deserialize, Serialize};

use crate::entry::{Metadata, Timestamp};
use crate::os::{Dir, XattrBuffer, XattrPlace, errno};
use crate::policy::attributes::Reach;

/// What a repository's file system can hold, found out at `init` by writing and reading back.
///
/// Owners and the name spaces of extended attributes depend on who asks as well: each run probes for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Capabilities {
    /// Hard links. A repository without them is refused.
    pub hard_links: bool,
    /// Symbolic links.
    pub symlinks: bool,
    /// Files that share blocks (FICLONE).
    pub reflinks: bool,
    /// Owners and groups other than one's own.
    pub owners: bool,
    /// Permission bits.
    pub modes: bool,
    /// `user.*` extended attributes.
    pub user_xattrs: bool,
    /// `trusted.*` extended attributes.
    pub trusted_xattrs: bool,
    /// `security.*` extended attributes.
    pub security_xattrs: bool,
    /// POSIX ACLs.
    pub acls: bool,
    /// How finely modification times are kept, in nanoseconds.
    pub time_granularity: u32,
    /// Names that differ only in case, or only in their Unicode form, are one name.
    pub case_folding: bool,
    /// All names of an inode show the same inode number. Where they do not (some FUSE file systems), nothing is taken for
    /// shared, moved or read already because of such a number.
    #[serde(default = "yes")]
    pub inode_numbers: bool,
}

/// What older settings do not tell was so everywhere that they were made.
fn yes() -> bool {
    true
}

impl Capabilities {
    /// What can be stored by way of SFTP: whole seconds, and no extended attributes.
    pub(crate) fn remote(symlinks: bool, owners: bool, modes: bool) -> Self {
        Self {
            hard_links: true,
            symlinks,
            reflinks: false,
            owners,
            modes,
            user_xattrs: false,
            trusted_xattrs: false,
            security_xattrs: false,
            acls: false,
            time_granularity: 1_000_000_000,
            case_folding: false,
            inode_numbers: true,
        }
    }

    /// What a run can store here, given who owns what it makes.
    pub(crate) fn reach(&self, born: (u32, u32)) -> Reach {
        Reach {
            owner: self.owners,
            mode: self.modes,
            user_xattrs: self.user_xattrs,
            trusted_xattrs: self.trusted_xattrs,
            security_xattrs: self.security_xattrs,
            acls: self.acls,
            granularity: self.time_granularity,
            reflink: self.reflinks,
            inodes: self.inode_numbers,
            folds: self.case_folding,
            born,
        }
    }
}

/// What was found out, and who owns what is newly made here.
pub(crate) struct Probed {
    pub capabilities: Capabilities,
    pub born: (u32, u32),
    /// Why hard links do not work, where they do not.
    pub link_error: Option<io::Error>,
}

const FILE: &CStr = c"probe-file";
const OTHER: &CStr = c"PROBE-FILE";
const LINK: &CStr = c"probe-link";
/// One letter as one character, and as two.
const COMPOSED: &CStr = c"probe-\u{e9}";
const DECOMPOSED: &CStr = c"probe-e\u{301}";
const NAMES: [&CStr; 4] = [FILE, OTHER, LINK, COMPOSED];

/// Tries everything in a directory that is ours alone, and leaves nothing behind.
///
/// # Errors
/// Only what keeps anything at all from being written.
pub(crate) fn probe(dir: &Dir) -> io::Result<Probed> {
    NAMES.into_iter().for_each(|name| drop(dir.unlink(name)));
    let result = try_all(dir);
    NAMES.into_iter().for_each(|name| drop(dir.unlink(name)));
    result
}

fn try_all(dir: &Dir) -> io::Result<Probed> {
    let file = dir.create_file(FILE)?;
    file.write_all_at(&[b'x'; 4096], 0)?;
    let born = file.stat()?;
    let folds_case = dir.stat_if_there(OTHER)?.is_some();
    let case_folding = folds_case || folds_forms(dir)?;
    let link_error = dir.link(FILE, dir, LINK).err();
    let inode_numbers = link_error.is_some() || dir.stat_at(FILE)?.id == dir.stat_at(LINK)?.id;
    let _ = dir.unlink(LINK);
    let symlinks =
        able(dir.make_symlink(c"target", LINK).and_then(|()| dir.read_link(LINK)), |to| *to == *c"target")?;
    let _ = dir.unlink(LINK);
    let reflinks = !folds_case && clones(dir)?;
    // Looking at a file of our own is never refused: an error there is no answer.
    let kept = |set, is: &dyn Fn(&Metadata) -> bool| -> io::Result<bool> {
        Ok(able(set, |()| true)? && is(&file.stat()?))
    };
    let owners = kept(file.set_owner(1, 1), &|stat| (stat.uid, stat.gid) == (1, 1))?;
    let _ = file.set_owner(born.uid, born.gid);
    let keeps_mode = |mode| kept(file.set_mode(mode), &|stat| stat.mode == mode);
    let modes = keeps_mode(0o640)? & keeps_mode(0o600)?;
    let mut buffer = XattrBuffer::default();
    let mut keeps = |name: &CStr, value: &[u8]| {
        let place = XattrPlace::File(&file);
        able(buffer.set(place, name, value).and_then(|()| buffer.get(place, name)), |read| {
            read == Some(value)
        })
    };
    let capabilities = Capabilities {
        hard_links: link_error.is_none(),
        symlinks,
        reflinks,
        owners,
        modes,
        user_xattrs: keeps(c"user.linkdest", b"\0x")?,
        trusted_xattrs: keeps(c"trusted.linkdest", b"\0x")?,
        security_xattrs: keeps(c"security.linkdest", b"\0x")?,
        acls: keeps(c"system.posix_acl_access", &acl())?,
        time_granularity: granularity(&file)?,
        case_folding,
        inode_numbers,
    };
    Ok(Probed { capabilities, born: (born.uid, born.gid), link_error })
}

/// Whether two Unicode forms of a name are one name. Where such a name cannot be made, it will be said of each.
fn folds_forms(dir: &Dir) -> io::Result<bool> {
    let made = dir.create_file(COMPOSED).is_ok();
    let found = made && dir.stat_if_there(DECOMPOSED)?.is_some();
    let _ = dir.unlink(COMPOSED);
    Ok(found)
}

/// Clones need a source of their own: the probe file is open for writing only.
fn clones(dir: &Dir) -> io::Result<bool> {
    let from = dir.open_file(FILE)?;
    let cloned = able(dir.create_file(OTHER)?.clone_from(&from), |()| true);
    let _ = dir.unlink(OTHER);
    cloned
}

/// Whether something works, from what came of trying it.
///
/// # Errors
/// What says nothing of what the file system can do: a whole snapshot without owners or modes must not come from one
/// failing call.
fn able<T>(tried: io::Result<T>, holds: impl FnOnce(T) -> bool) -> io::Result<bool> {
    match tried {
        Ok(found) => Ok(holds(found)),
        Err(error) if errno::is_refusal(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The steps that file systems are known to keep time in: ns, 100 ns (NTFS), µs, 10 ms (exFAT), s, 2 s (FAT).
const STEPS: [u32; 6] = [1, 100, 1_000, 10_000_000, 1_000_000_000, 2_000_000_000];

fn granularity(file: &crate::os::File) -> io::Result<u32> {
    let wanted = Timestamp { seconds: 1_000_000_001, nanos: 123_456_789 };
    file.set_mtime(wanted)?;
    let kept = file.stat()?.mtime;
    Ok(STEPS.into_iter().find(|step| kept.same_tick(wanted, *step)).unwrap_or(2_000_000_000))
}

/// A small ACL with a named user, in the kernel's form (linux/posix_acl_xattr.h).
fn acl() -> Vec<u8> {
    const NO_ID: u32 = u32::MAX;
    let entries: [(u16, u16, u32); 5] =
        [(0x01, 6, NO_ID), (0x02, 4, 1), (0x04, 4, NO_ID), (0x10, 4, NO_ID), (0x20, 0, NO_ID)];
    let mut bytes = 2_u32.to_le_bytes().to_vec();
    for (tag, permission, id) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(permission.to_le_bytes());
        bytes.extend(id.to_le_bytes());
    }
    bytes
}

/// Removes ACLs that a directory inherited, so that nothing made in it inherits them in turn.
pub(crate) fn drop_inherited_acls(dir: &Dir) -> io::Result<()> {
    let mut buffer = XattrBuffer::default();
    let names: [CString; 2] = [c"system.posix_acl_default".into(), c"system.posix_acl_access".into()];
    names.iter().try_for_each(|name| buffer.remove(XattrPlace::Dir(dir), name))
}
