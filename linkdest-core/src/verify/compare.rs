//! One entry on disk beside its record: attributes, as far as the run could store them here.

use crate::entry::{Kind, Metadata};
use crate::manifest::{ContentHash, EncodedXattrs, Entry, EntryFlags, RecordedXattrs, XattrValue};
use crate::policy::attributes::{Reach, XattrPlaceInRun};
use crate::repository::Capabilities;
use crate::source::KnownXattrs;

/// Flags of entries whose inode on disk need not have the recorded attributes.
const ATTRIBUTES_APART: EntryFlags =
    EntryFlags::RECORDED_ONLY.union(EntryFlags::NOT_STORED).union(EntryFlags::CARRIED_FORWARD);
const SET_GROUP_ID: u32 = 0o2000;
/// Security modules label every new file: not everything they set was the source's.
const LABEL: &[u8] = b"security.selinux";

/// What the run that made a snapshot could store, and what can be seen of it now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored {
    reach: Reach,
    /// The run was that of an ordinary user.
    by_user: bool,
}

impl Stored {
    /// `by` is the user who wrote the manifest, and with it the snapshot; `me` the one who looks.
    pub fn new(capabilities: &Capabilities, by: u32, me: u32) -> Self {
        let mut reach = capabilities.reach((by, 0));
        let (by_user, seen) = (by != 0, me == 0);
        reach.owner &= !by_user;
        reach.trusted_xattrs &= !by_user && seen;
        reach.security_xattrs &= !by_user && seen;
        Self { reach, by_user }
    }

    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    /// Says whether the inode on disk has to have the recorded attributes.
    pub fn binds(record: &Entry<'_>) -> bool {
        record.flags.bits() & ATTRIBUTES_APART.bits() == 0
    }

    /// What a stat shows to differ, in words.
    pub fn differences(&self, record: &Entry<'_>, disk: &Metadata) -> Vec<String> {
        let (then, mut said) = (&record.metadata, Vec::new());
        if !Self::binds(record) {
            return said;
        }
        // The kernel takes this bit from users who are not in the group, and says nothing.
        let ignored = if self.by_user { SET_GROUP_ID } else { 0 };
        let (was, is) = (then.mode & !ignored, disk.mode & !ignored);
        if self.reach.mode && then.kind != Kind::Symlink && was != is {
            said.push(format!("its mode is {is:04o}, not {was:04o}"));
        }
        if self.reach.owner && (then.uid, then.gid) != (disk.uid, disk.gid) {
            said.push(format!("its owner is {}:{}, not {}:{}", disk.uid, disk.gid, then.uid, then.gid));
        }
        if !self.reach.same_mtime(then, disk) {
            said.push(format!("its modification time is {}, not {}", disk.mtime, then.mtime));
        }
        if matches!(then.kind, Kind::BlockDevice | Kind::CharDevice) && then.rdev != disk.rdev {
            said.push("its device number differs".to_owned());
        }
        said
    }

    /// Names an extended attribute that differs.
    pub fn xattr_difference(&self, recorded: RecordedXattrs<'_>, disk: &KnownXattrs) -> Option<String> {
        let kept = disk.kept.iter().map(|(name, value)| (name.to_bytes(), value.as_slice()));
        let disk = EncodedXattrs::new(kept);
        let is_kept = |name: &[u8]| self.reach.xattr(name) == XattrPlaceInRun::Kept;
        let mut then = recorded.iter().filter(|(name, _)| is_kept(name)).peekable();
        for (name, value) in disk.as_ref() {
            match then.next_if(|(other, _)| *other <= name) {
                Some((other, _)) if other < name => return Some(said(other, "is gone")),
                Some((_, recorded)) if !is_same(recorded, value) => return Some(said(name, "differs")),
                None if name != LABEL => return Some(said(name, "was added")),
                _ => {}
            }
        }
        then.next().map(|(name, _)| said(name, "is gone"))
    }
}

fn said(name: &[u8], what: &str) -> String {
    format!("its extended attribute {} {what}", crate::path::Escaped(name))
}

fn is_same(a: XattrValue<'_>, b: XattrValue<'_>) -> bool {
    match (a, b) {
        (XattrValue::Whole(whole), XattrValue::Digest { length, hash })
        | (XattrValue::Digest { length, hash }, XattrValue::Whole(whole)) => {
            whole.len() as u64 == length && ContentHash::of(whole) == hash
        }
        (a, b) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Timestamp;

    fn capable() -> Capabilities {
        toml::from_str(
            "hard_links = true\nsymlinks = true\nreflinks = true\nowners = true\nmodes = true\nuser_xattrs = true\n\
             trusted_xattrs = true\nsecurity_xattrs = true\nacls = true\ntime_granularity = 1\ncase_folding = false",
        )
        .unwrap()
    }

    #[test]
    fn what_could_not_be_stored_does_not_differ() {
        let file = Metadata::file(1, Timestamp { seconds: 5, nanos: 5 });
        let with = |change: fn(&mut Metadata)| {
            let mut changed = file;
            change(&mut changed);
            changed
        };
        let none = EntryFlags::default();
        for (disk, by, flags, differ) in [
            (file, 0, none, 0),
            (with(|f| f.mode = 0o600), 0, none, 1),
            (with(|f| f.mode |= 0o2000), 0, none, 1),
            (with(|f| f.mode |= 0o2000), 7, none, 0),
            (with(|f| f.uid = 7), 0, none, 1),
            (with(|f| f.uid = 7), 7, none, 0),
            (with(|f| f.mtime.nanos = 6), 7, none, 1),
            (with(|f| f.size = 2), 0, none, 0),
            (with(|f| f.mode = 0), 0, EntryFlags::RECORDED_ONLY, 0),
            (with(|f| f.mode = 0), 0, EntryFlags::NOT_STORED, 0),
            (with(|f| f.mode = 0), 0, EntryFlags::CARRIED_FORWARD, 0),
            (with(|f| f.mode = 0), 0, EntryFlags::RACY, 1),
        ] {
            let record = Entry { metadata: file, flags, ..Entry::NONE };
            let said = Stored::new(&capable(), by, 0).differences(&record, &disk);
            assert_eq!(said.len(), differ, "{disk:?} {said:?}");
        }
    }

    #[test]
    fn extended_attributes_are_compared_by_name_and_value() {
        let long = vec![7; 20 << 10];
        for (then, now, said) in [
            (&[][..], &[][..], None),
            (&[("user.a", &b"1"[..])], &[("user.a", &b"1"[..])], None),
            (&[("user.a", b"1")], &[("user.a", b"2")], Some("user.a differs")),
            (&[("user.a", b"1")], &[], Some("user.a is gone")),
            (&[], &[("user.a", b"1")], Some("user.a was added")),
            (
                &[("user.a", b"1"), ("user.c", b"1")],
                &[("user.b", b"1"), ("user.c", b"1")],
                Some("user.a is gone"),
            ),
            (&[("user.a", &long)], &[("user.a", &long)], None),
            (&[("user.a", &long)], &[("user.a", b"7")], Some("user.a differs")),
            (&[], &[("security.selinux", b"label")], None),
            (&[("trusted.a", b"1")], &[], Some("trusted.a is gone")),
        ] {
            let recorded = EncodedXattrs::new(then.iter().map(|(name, value)| (name.as_bytes(), *value)));
            let kept = now
                .iter()
                .map(|(name, value)| (std::ffi::CString::new(*name).unwrap(), value.to_vec()))
                .collect();
            let disk = KnownXattrs { kept, ..KnownXattrs::default() };
            let found = Stored::new(&capable(), 0, 0).xattr_difference(recorded.as_ref(), &disk);
            assert_eq!(
                found.as_deref().map(|found| found.contains(said.unwrap_or("?"))),
                said.map(|_| true),
                "{found:?}"
            );
        }
        let recorded = EncodedXattrs::new([(&b"trusted.a"[..], &b"1"[..])]);
        for (by, me) in [(7, 0), (0, 7)] {
            let stored = Stored::new(&capable(), by, me);
            assert_eq!(stored.xattr_difference(recorded.as_ref(), &KnownXattrs::default()), None);
        }
    }
}
