//! Edits of attributes.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, lchown};

use rustix::fs::{AtFlags, FileType, XattrFlags};

use super::{Done, Editor, told};
use crate::build::timestamps;
use crate::run::is_root;

impl Editor {
    pub(super) fn change_mode(&mut self) -> Option<Done> {
        let path = self.pick_entry()?;
        let kind = self.population.kind(&path);
        let mode = match kind {
            FileType::Symlink => return None,
            FileType::Directory => *self.random.one_of(&[0o755, 0o700, 0o750, 0o1777, 0o2755]),
            _ => *self.random.one_of(&[0o644, 0o600, 0o755, 0o444, 0o4755]),
        };
        let result = fs::set_permissions(self.full(&path), fs::Permissions::from_mode(mode));
        told(&format!("set mode {mode:04o} of"), &path, result)
    }

    /// Changes an owner, if this process is the superuser.
    pub(super) fn change_owner(&mut self) -> Option<Done> {
        let path = self.pick_entry()?;
        let (user, group) = (self.random.below(3) as u32, 1000 + self.random.below(3) as u32);
        is_root().then_some(())?;
        let result = lchown(self.full(&path), Some(user), Some(group));
        told(&format!("set owner {user}:{group} of"), &path, result)
    }

    pub(super) fn change_time(&mut self) -> Option<Done> {
        let path = self.pick_entry()?;
        let time = (self.random.below(2_000_000_000) as i64, self.random.below(1_000_000_000) as u32);
        let result = rustix::fs::utimensat(
            rustix::fs::CWD,
            self.full(&path),
            &timestamps(time),
            AtFlags::SYMLINK_NOFOLLOW,
        );
        told(&format!("set time {time:?} of"), &path, result.map_err(io::Error::from))
    }

    pub(super) fn set_xattr(&mut self) -> Option<Done> {
        let path = self.pick_entry()?;
        let name = format!("user.edit-{}", self.random.below(3));
        let length = self.random.below(40) as usize;
        let value = self.random.bytes(length);
        if !matches!(self.population.kind(&path), FileType::RegularFile | FileType::Directory) {
            return None;
        }
        let result = rustix::fs::lsetxattr(self.full(&path), name.as_str(), &value, XattrFlags::empty());
        told(&format!("set xattr {name} of"), &path, result.map_err(io::Error::from))
    }
}
