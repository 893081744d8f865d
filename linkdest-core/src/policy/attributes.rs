//! Attributes: only those that this run can store here are compared and asked for.

use crate::entry::{Kind, Metadata};

/// What a run can store in this repository, found out by writing and reading back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reach {
    /// Owners can be set.
    pub owner: bool,
    /// Modes can be set.
    pub mode: bool,
    /// `user.*` attributes can be set.
    pub user_xattrs: bool,
    /// `trusted.*` attributes can be set.
    pub trusted_xattrs: bool,
    /// `security.*` attributes can be set.
    pub security_xattrs: bool,
    /// POSIX ACLs can be set.
    pub acls: bool,
    /// How finely modification times are kept, in nanoseconds.
    pub granularity: u32,
    /// Files can share blocks (FICLONE).
    pub reflink: bool,
    /// Inode numbers of the repository tell inodes apart.
    pub inodes: bool,
    /// Several names may be one name in the repository.
    pub folds: bool,
    /// Who owns what is newly made: user and group.
    pub born: (u32, u32),
}

/// What becomes of one extended attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum XattrPlaceInRun {
    /// It is compared and kept.
    Kept,
    /// It cannot be set here; counted under this word.
    OutOfReach(&'static str),
    /// The file system made it: it is no attribute of the entry.
    Ignored,
}

impl Reach {
    /// What is assumed of a repository that does not exist yet.
    pub fn unknown(born: (u32, u32)) -> Self {
        let root = born.0 == 0;
        Self {
            owner: root,
            mode: true,
            user_xattrs: true,
            trusted_xattrs: root,
            security_xattrs: root,
            acls: true,
            granularity: 1,
            reflink: false,
            inodes: true,
            folds: false,
            born,
        }
    }

    /// Says whether the attributes that a stat shows are alike, modification time left out.
    pub fn same_stat(&self, source: &Metadata, reference: &Metadata) -> bool {
        // The mode of a symlink means nothing on Linux.
        let mode = !self.mode || source.kind == Kind::Symlink || source.mode == reference.mode;
        let owner = !self.owner || (source.uid, source.gid) == (reference.uid, reference.gid);
        mode && owner
    }

    /// Says whether the modification times are alike, as finely as they are kept.
    pub fn same_mtime(&self, source: &Metadata, reference: &Metadata) -> bool {
        source.mtime.same_tick(reference.mtime, self.granularity)
    }

    /// Says whether any extended attributes, or ACLs, are compared and kept.
    pub fn any_xattrs(&self) -> bool {
        self.user_xattrs || self.trusted_xattrs || self.security_xattrs || self.acls
    }

    /// Sorts one extended attribute by its name (xattr(7)).
    pub fn xattr(&self, name: &[u8]) -> XattrPlaceInRun {
        let (reached, what) = match name.split(|&byte| byte == b'.').next() {
            Some(b"user") => (self.user_xattrs, "user attributes"),
            // XFS shows ACLs a second time under these names.
            Some(b"trusted") if name.starts_with(b"trusted.SGI_ACL_") => return XattrPlaceInRun::Ignored,
            Some(b"trusted") => (self.trusted_xattrs, "trusted attributes"),
            Some(b"security") => (self.security_xattrs, "security attributes"),
            Some(b"system") if name.starts_with(b"system.posix_acl_") => (self.acls, "ACLs"),
            _ => return XattrPlaceInRun::Ignored,
        };
        if reached { XattrPlaceInRun::Kept } else { XattrPlaceInRun::OutOfReach(what) }
    }
}

#[cfg(test)]
impl Reach {
    /// A file system that can do everything, written to by root.
    pub fn everything() -> Self {
        Self {
            owner: true,
            mode: true,
            user_xattrs: true,
            trusted_xattrs: true,
            security_xattrs: true,
            acls: true,
            granularity: 1,
            reflink: true,
            inodes: true,
            folds: false,
            born: (0, 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Timestamp;

    #[test]
    fn attributes_out_of_reach_do_not_count() {
        let reach = Reach::everything();
        let file = Metadata::file(1, Timestamp::default());
        let with = |change: fn(&mut Metadata)| {
            let mut changed = file;
            change(&mut changed);
            changed
        };
        for (other, reach, same) in [
            (file, reach, true),
            (with(|f| f.mode = 0o600), reach, false),
            (with(|f| f.mode = 0o600), Reach { mode: false, ..reach }, true),
            (with(|f| f.uid = 5), reach, false),
            (with(|f| f.gid = 5), reach, false),
            (with(|f| f.gid = 5), Reach { owner: false, ..reach }, true),
            (with(|f| f.nlink = 9), reach, true),
            (with(|f| f.size = 9), reach, true),
        ] {
            assert_eq!(reach.same_stat(&file, &other), same, "{other:?}");
        }
    }

    #[test]
    fn times_are_as_fine_as_they_are_kept() {
        let at = |seconds, nanos| Metadata::file(1, Timestamp { seconds, nanos });
        let second = Reach { granularity: 1_000_000_000, ..Reach::everything() };
        for (one, other, reach, same) in [
            (at(5, 7), at(5, 7), Reach::everything(), true),
            (at(5, 7), at(5, 8), Reach::everything(), false),
            (at(5, 7), at(5, 8), second, true),
            (at(5, 7), at(6, 7), second, false),
        ] {
            assert_eq!(reach.same_mtime(&one, &other), same, "{one:?} {other:?}");
        }
    }

    #[test]
    fn one_kind_of_attributes_is_some() {
        let none = Reach {
            user_xattrs: false,
            trusted_xattrs: false,
            security_xattrs: false,
            acls: false,
            ..Reach::everything()
        };
        assert!(!none.any_xattrs());
        for one in [
            Reach { user_xattrs: true, ..none },
            Reach { trusted_xattrs: true, ..none },
            Reach { security_xattrs: true, ..none },
            Reach { acls: true, ..none },
        ] {
            assert!(one.any_xattrs(), "{one:?}");
        }
    }

    #[test]
    fn an_unknown_repository_takes_from_root_what_it_takes_from_root_alone() {
        for (user, root) in [(0, true), (1000, false)] {
            let reach = Reach::unknown((user, 0));
            assert_eq!([reach.owner, reach.trusted_xattrs, reach.security_xattrs], [root; 3]);
        }
    }

    #[test]
    fn xattrs_are_sorted_by_name_space() {
        use XattrPlaceInRun::{Ignored, Kept, OutOfReach};
        let user = Reach { trusted_xattrs: false, security_xattrs: false, ..Reach::everything() };
        for (name, root_gets, user_gets) in [
            ("user.a", Kept, Kept),
            ("trusted.a", Kept, OutOfReach("trusted attributes")),
            ("trusted.SGI_ACL_FILE", Ignored, Ignored),
            ("security.capability", Kept, OutOfReach("security attributes")),
            ("system.posix_acl_access", Kept, Kept),
            ("system.posix_acl_default", Kept, Kept),
            ("system.ntfs_acl", Ignored, Ignored),
            ("btrfs.compression", Ignored, Ignored),
        ] {
            assert_eq!(Reach::everything().xattr(name.as_bytes()), root_gets, "{name}");
            assert_eq!(user.xattr(name.as_bytes()), user_gets, "{name}");
        }
    }
}
