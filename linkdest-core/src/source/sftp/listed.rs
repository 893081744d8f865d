//! The names of one directory with what a server told of them.

use std::ffi::CStr;

use crate::sftp::{Attributes, Names};

/// Names with what is told of them: in the order of the server, or sorted.
#[derive(Default)]
pub(super) struct Listed {
    names: Vec<u8>,
    entries: Vec<One>,
    /// What the directory tells of itself, by the name `.`.
    own: Option<Attributes>,
    /// Names are mostly asked for in order.
    next: usize,
}

pub(super) struct One {
    start: usize,
    pub attributes: Attributes,
    pub letter: Option<u8>,
}

/// Nobody has more names in one directory, nor more bytes of names: a server that goes on and on is not believed.
const MOST_NAMES: usize = 20_000_000;
const MOST_BYTES: usize = 512 << 20;

impl Listed {
    pub fn add(&mut self, names: &Names) {
        for named in names.all() {
            match named.name {
                b"." => self.own = Some(named.attributes),
                b".." => {}
                name => self.push(name, named.attributes, named.letter),
            }
        }
    }

    /// What the directory tells of itself, if it does.
    pub fn own(&self) -> Option<Attributes> {
        self.own
    }

    fn push(&mut self, name: &[u8], attributes: Attributes, letter: Option<u8>) {
        let start = self.names.len();
        self.names.extend_from_slice(name);
        self.names.push(0);
        self.entries.push(One { start, attributes, letter });
    }

    pub fn entries(&self) -> &[One] {
        &self.entries
    }

    /// Says whether it has more than any directory.
    pub fn is_endless(&self) -> bool {
        self.entries.len() > MOST_NAMES || self.names.len() > MOST_BYTES
    }

    pub fn name(&self, one: &One) -> &CStr {
        name_at(&self.names, one)
    }

    /// Brings the names in the order of their bytes, for [`find`](Self::find).
    pub fn sort(&mut self) {
        let Self { names, entries, next, .. } = self;
        entries.sort_by(|one, other| name_at(names, one).cmp(name_at(names, other)));
        *next = 0;
    }

    /// What is told of a name; the names must be sorted.
    pub fn find(&mut self, name: &CStr) -> Option<(Attributes, Option<u8>)> {
        let is_here = |place: usize| self.entries.get(place).is_some_and(|one| self.name(one) == name);
        let place = if is_here(self.next) {
            self.next
        } else {
            self.entries.partition_point(|one| self.name(one) < name)
        };
        if !is_here(place) {
            return None;
        }
        self.next = place + 1;
        self.entries.get(place).map(|one| (one.attributes, one.letter))
    }
}

fn name_at<'n>(names: &'n [u8], one: &One) -> &'n CStr {
    let bytes = names.get(one.start..).unwrap_or_default();
    CStr::from_bytes_until_nul(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::ffi::CString;

    use super::*;

    /// Looking through all names for each of them would take hours here.
    #[test]
    fn names_of_a_large_directory_in_the_order_of_its_server_are_found_at_once() {
        const NAMES: u64 = 400_000;
        let name = |number: u64| CString::new(format!("{number:07}")).unwrap();
        let mut listed = Listed::default();
        for index in 0..NAMES {
            // 7 has no factor in common with the number of names: each comes once, in an order that is not theirs.
            let number = index * 7 % NAMES;
            let told = Attributes { size: Some(number), ..Attributes::default() };
            listed.push(name(number).as_bytes(), told, Some(b'-'));
        }
        listed.sort();
        let found = |listed: &mut Listed, number| listed.find(&name(number)).map(|(told, _)| told.size);
        for number in (0..NAMES).chain((0..NAMES).rev().step_by(3)) {
            assert_eq!(found(&mut listed, number), Some(Some(number)));
        }
        assert_eq!(found(&mut listed, NAMES), None);
        assert!(listed.find(c"").is_none() && listed.find(c"a").is_none());
    }

    #[test]
    fn a_name_that_is_listed_twice_is_told_as_each_of_them() {
        let mut listed = Listed::default();
        for (name, size) in [("b", 1), ("a", 2), ("b", 3)] {
            let told = Attributes { size: Some(size), ..Attributes::default() };
            listed.push(name.as_bytes(), told, None);
        }
        listed.sort();
        let mut sizes = |name| listed.find(name).and_then(|(told, _)| told.size);
        assert_eq!([sizes(c"a"), sizes(c"b"), sizes(c"b"), sizes(c"c")], [Some(2), Some(1), Some(3), None]);
    }
}
