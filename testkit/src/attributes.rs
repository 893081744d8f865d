//! The attributes of an entry that `stat` tells.

use rustix::fs::{FileType, Stat};

use crate::descent::Identity;
use crate::difference::Aspect;

/// A property that differs, with its value on both sides.
pub(crate) type Finding = (Aspect, String, String);

/// What `stat` tells about one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// The device the entry lies on.
    pub dev: u64,
    /// The inode number.
    pub ino: u64,
    /// How many names the inode has.
    pub nlink: u64,
    /// The kind of entry.
    pub kind: FileType,
    /// The permission bits, `07777`.
    pub mode: u32,
    /// The owning user.
    pub uid: u32,
    /// The owning group.
    pub gid: u32,
    /// The length in bytes.
    pub size: u64,
    /// The modification time: whole seconds, and nanoseconds beyond them.
    pub mtime: (i64, u32),
    /// The numbers of a device node.
    pub rdev: u64,
    /// The allocated bytes.
    pub allocated: u64,
}

impl From<Stat> for Attributes {
    fn from(stat: Stat) -> Self {
        Self {
            dev: stat.st_dev as u64,
            ino: stat.st_ino as u64,
            nlink: stat.st_nlink as u64,
            kind: FileType::from_raw_mode(stat.st_mode as _),
            mode: stat.st_mode as u32 & 0o7777,
            uid: stat.st_uid as u32,
            gid: stat.st_gid as u32,
            size: stat.st_size as u64,
            mtime: (stat.st_mtime as i64, stat.st_mtime_nsec as u32),
            rdev: stat.st_rdev as u64,
            allocated: stat.st_blocks as u64 * 512,
        }
    }
}

impl Attributes {
    /// Returns what tells this inode from any other.
    pub(crate) fn identity(&self) -> Identity {
        (self.dev, self.ino)
    }

    /// Returns the attributes that differ. Of different kinds, only the kind is told.
    pub(crate) fn findings(&self, other: &Self) -> Vec<Finding> {
        if self.kind != other.kind {
            return vec![(Aspect::Kind, format!("{:?}", self.kind), format!("{:?}", other.kind))];
        }
        let mut findings = Vec::new();
        // The mode bits of a symlink mean nothing and cannot be set.
        if self.mode != other.mode && self.kind != FileType::Symlink {
            findings.push((Aspect::Mode, format!("{:04o}", self.mode), format!("{:04o}", other.mode)));
        }
        if self.uid != other.uid {
            findings.push((Aspect::Owner, self.uid.to_string(), other.uid.to_string()));
        }
        if self.gid != other.gid {
            findings.push((Aspect::Group, self.gid.to_string(), other.gid.to_string()));
        }
        if self.mtime != other.mtime {
            findings.push((Aspect::Time, time_text(self.mtime), time_text(other.mtime)));
        }
        findings.extend(self.findings_of_kind(other));
        findings
    }

    /// Returns the differing attributes that only some kinds of entry have.
    fn findings_of_kind(&self, other: &Self) -> Option<Finding> {
        let is_device = matches!(self.kind, FileType::CharacterDevice | FileType::BlockDevice);
        if self.kind == FileType::RegularFile && self.size != other.size {
            return Some((Aspect::Size, self.size.to_string(), other.size.to_string()));
        }
        if is_device && self.rdev != other.rdev {
            return Some((Aspect::Device, device_text(self.rdev), device_text(other.rdev)));
        }
        None
    }
}

fn time_text((seconds, nanoseconds): (i64, u32)) -> String {
    format!("{seconds}s+{nanoseconds}ns")
}

fn device_text(device: u64) -> String {
    format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device))
}
