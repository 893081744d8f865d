//! POSIX ACLs in the bytes the kernel takes and gives as an extended attribute.

/// The attribute that holds the ACL of an entry.
pub const ACCESS_ACL: &str = "system.posix_acl_access";

/// The attribute that holds the ACL a directory gives to new entries.
pub const DEFAULT_ACL: &str = "system.posix_acl_default";

/// The version of the format, the only one there is.
const VERSION: u32 = 2;

/// The id of an entry that names nobody.
const NO_ID: u32 = u32::MAX;

/// One entry of an ACL with its permissions, `0` to `7`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AclEntry {
    /// For the owner.
    Owner(u16),
    /// For the user of this number.
    User(u32, u16),
    /// For the owning group.
    OwningGroup(u16),
    /// For the group of this number.
    Group(u32, u16),
    /// The most that named users and any groups get.
    Mask(u16),
    /// For everyone else.
    Other(u16),
}

impl AclEntry {
    /// Returns the tag, id and permissions of the entry, which also sort in the kernel's order.
    fn parts(self) -> (u16, u32, u16) {
        match self {
            AclEntry::Owner(permissions) => (0x01, NO_ID, permissions),
            AclEntry::User(id, permissions) => (0x02, id, permissions),
            AclEntry::OwningGroup(permissions) => (0x04, NO_ID, permissions),
            AclEntry::Group(id, permissions) => (0x08, id, permissions),
            AclEntry::Mask(permissions) => (0x10, NO_ID, permissions),
            AclEntry::Other(permissions) => (0x20, NO_ID, permissions),
        }
    }
}

/// Returns the value of [`ACCESS_ACL`] or [`DEFAULT_ACL`] for an ACL, in whatever order given.
#[must_use]
pub fn acl(entries: &[AclEntry]) -> Vec<u8> {
    let mut parts: Vec<_> = entries.iter().map(|entry| entry.parts()).collect();
    parts.sort_unstable();
    let mut value = VERSION.to_le_bytes().to_vec();
    for (tag, id, permissions) in parts {
        value.extend(tag.to_le_bytes());
        value.extend(permissions.to_le_bytes());
        value.extend(id.to_le_bytes());
    }
    value
}
