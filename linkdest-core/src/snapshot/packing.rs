//! A hard-link group that is set aside, as bytes.
//!
//! Each time only the names that were placed since the last time are written, and where those before them are: what is
//! written of a group grows with its names, and no faster.

use std::ffi::CString;
use std::sync::Arc;

use super::groups::{Group, Inode, PlacedName, State};
use super::recorded::GroupRecord;
use crate::entry::Metadata;
use crate::manifest::{pack, unpack};
use crate::path::RelPath;
use crate::source::Source;

/// Stands for no earlier names.
const NONE: u64 = u64::MAX;

impl<S: Source> Group<S> {
    /// A led group as bytes: names placed since it was last set aside first.
    pub(super) fn pack(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(256);
        let (leader, others) =
            self.placed.split_first().map_or((None, &[][..]), |(one, all)| (Some(one), all));
        put(&mut bytes, self.earlier.unwrap_or(NONE));
        put(&mut bytes, others.len() as u64);
        for placed in others.iter().chain(leader) {
            let (parent, name) = placed.path();
            for text in [parent.as_bytes(), name.to_bytes()] {
                put(&mut bytes, text.len() as u64);
                bytes.extend_from_slice(text);
            }
        }
        put(&mut bytes, self.names);
        put(&mut bytes, self.seen);
        put(&mut bytes, u64::from(self.state == State::Led { fresh: true }));
        if let Some(record) = &self.record {
            pack(&record.entry(b"", record.metadata()), &mut bytes);
        }
        bytes
    }

    /// The group of this inode, as it was packed and put in this place; of its names only the leader.
    pub(super) fn unpack(metadata: &Metadata, place: u64, packed: &[u8]) -> Option<Self> {
        let (bytes, (names, earlier)) = (&mut &*packed, Self::unpack_names(packed)?);
        number(bytes)?;
        for _ in 0..number(bytes)? {
            placed::<S>(bytes)?;
        }
        let leader = placed(bytes)?;
        // Nothing to be found there is not looked for.
        let earlier = if names.is_empty() { earlier } else { Some(place) };
        let (names, seen, fresh) = (number(bytes)?, number(bytes)?, number(bytes)? == 1);
        let record = Arc::new(GroupRecord::of(&unpack(bytes)?));
        Some(Self {
            inode: Inode::of(&record.metadata()),
            names,
            seen,
            state: State::Led { fresh },
            placed: vec![leader],
            earlier,
            record: Some(record),
            ..Self::new(metadata)
        })
    }

    /// The names of a packed group, its leader left out, and where those before them are.
    pub(super) fn unpack_names(mut bytes: &[u8]) -> Option<(Vec<PlacedName<S>>, Option<u64>)> {
        let bytes = &mut bytes;
        let earlier = Some(number(bytes)?).filter(|place| *place != NONE);
        let count = number(bytes)?;
        let names: Option<Vec<_>> = (0..count).map(|_| placed(bytes)).collect();
        Some((names?, earlier))
    }
}

fn placed<S: Source>(bytes: &mut &[u8]) -> Option<PlacedName<S>> {
    let parent = RelPath::new(text(bytes)?)?;
    Some(PlacedName::Far { parent, name: CString::new(text(bytes)?).ok()? })
}

fn put(bytes: &mut Vec<u8>, number: u64) {
    bytes.extend_from_slice(&number.to_le_bytes());
}

fn number(bytes: &mut &[u8]) -> Option<u64> {
    let (number, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u64::from_le_bytes(*number))
}

fn text<'b>(bytes: &mut &'b [u8]) -> Option<&'b [u8]> {
    let length = usize::try_from(number(bytes)?).ok()?;
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Entry;
    use crate::os::Dir;
    use crate::snapshot::groups::{Groups, lock};
    use crate::snapshot::space::Space;
    use crate::source::LocalSource;

    fn far(name: &str) -> PlacedName<LocalSource> {
        PlacedName::Far { parent: RelPath::new("some/directory").unwrap(), name: CString::new(name).unwrap() }
    }

    fn name(placed: &PlacedName<LocalSource>) -> String {
        placed.path().1.to_str().unwrap().to_owned()
    }

    #[test]
    fn a_group_that_is_often_set_aside_writes_each_name_once() {
        let metadata = Metadata { nlink: 1000, ..Entry::NONE.metadata };
        let mut group = Group::<LocalSource> {
            placed: vec![far("leader")],
            state: State::Led { fresh: false },
            record: Some(Arc::new(GroupRecord::of(&Entry { metadata, ..Entry::NONE }))),
            ..Group::new(&metadata)
        };
        let mut packed = Vec::new();
        for number in 0..200 {
            group.see();
            group.follow(far(&number.to_string()));
            let bytes = group.pack();
            assert!(bytes.len() < 300, "{} bytes with {number} names before", bytes.len());
            packed.push(bytes);
            group = Group::unpack(&metadata, packed.len() as u64 - 1, packed.last().unwrap()).unwrap();
            assert_eq!(
                (group.seen, group.names, group.state),
                (number + 1, 1000, State::Led { fresh: false })
            );
        }
        assert_eq!(group.placed.iter().map(name).collect::<Vec<_>>(), ["leader"]);
        let (mut names, mut earlier) = (Vec::new(), group.earlier);
        while let Some(place) = earlier {
            let (some, before) =
                Group::<LocalSource>::unpack_names(&packed[usize::try_from(place).unwrap()]).unwrap();
            names.extend(some.iter().map(name));
            earlier = before;
        }
        names.reverse();
        assert_eq!(names, (0..200).map(|number: u32| number.to_string()).collect::<Vec<_>>());
    }

    #[test]
    fn names_that_nobody_will_need_are_not_kept() {
        let metadata = Metadata { nlink: 1000, ..Entry::NONE.metadata };
        let state = State::Led { fresh: true };
        let mut group = Group::<LocalSource> { placed: vec![far("leader")], state, ..Group::new(&metadata) };
        group.follow(far("other"));
        assert_eq!(group.placed.len(), 1);
    }

    /// The file of groups set aside grew into what had to stay free.
    #[test]
    fn what_must_stay_free_is_not_taken_for_groups_set_aside() {
        let metadata = Metadata { nlink: 1000, ..Entry::NONE.metadata };
        let dir = tempfile::tempdir().unwrap();
        let scratch = Dir::open_operator_path(dir.path()).unwrap();
        let groups = Groups::<LocalSource>::new(0);
        let shared = groups.join(&metadata).unwrap();
        let mut group = lock(&shared);
        group.see();
        group.placed = vec![far("leader")];
        group.state = State::Led { fresh: false };
        group.record = Some(Arc::new(GroupRecord::of(&Entry { metadata, ..Entry::NONE })));
        let leave = |reserve| groups.leave(&shared, &group, Some((&scratch, &Space::new(Some(reserve)))));
        assert_eq!(leave(u64::MAX).unwrap_err().kind(), std::io::ErrorKind::StorageFull);
        leave(0).unwrap();
        let again = groups.join(&metadata).unwrap();
        assert!(!Arc::ptr_eq(&again, &shared));
        let again = lock(&again);
        assert_eq!((again.seen, again.state), (1, State::Led { fresh: false }));
    }
}
