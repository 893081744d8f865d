//! Servers whose owners or modes mean nothing: phones, FAT, Windows.

use super::SftpDir;
use crate::entry::Kind;
use crate::sftp::Attributes;

/// What is kept of what a server tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept {
    pub owners: bool,
    pub modes: bool,
}

impl Default for Kept {
    fn default() -> Self {
        Self { owners: true, modes: true }
    }
}

/// So many names are needed to judge by.
const LEAST: usize = 3;

const NO_OWNERS: &str = "the server tells no owners: those of the snapshot are this user's";
const NO_MODES: &str = "the server tells no modes: only their owner may read what is saved";
const SAME_MODES: &str = "the server tells the same modes of everything: they are not kept, and only their owner may \
                          read what is saved";

impl Kept {
    /// Finds out what to keep, by what is told of the root and of the names in it, and why not all.
    pub(super) fn found(
        listed: &SftpDir,
        (owners, modes): (Option<bool>, Option<bool>),
    ) -> (Self, Vec<&'static str>) {
        let (root, told) = listed.told();
        Self::judge(&root, &told, (owners, modes))
    }

    fn judge(
        root: &Attributes,
        told: &[(Attributes, Option<u8>)],
        (owners, modes): (Option<bool>, Option<bool>),
    ) -> (Self, Vec<&'static str>) {
        let mut remarks = Vec::new();
        let mut remark = |is_so: bool, why| {
            if is_so {
                remarks.push(why);
            }
            !is_so
        };
        let all = || std::iter::once(root).chain(told.iter().map(|(told, _)| told));
        let is_told = |what: fn(&Attributes) -> bool| all().any(what);
        let owners = match owners {
            Some(owners) => owners,
            None => remark(!is_told(|told| told.owner.is_some()), NO_OWNERS),
        };
        let modes = match modes {
            Some(modes) => modes,
            None => {
                remark(!is_told(|told| told.mode.is_some_and(|mode| mode & 0o777 != 0)), NO_MODES)
                    && remark(are_made_up(root, told), SAME_MODES)
            }
        };
        (Self { owners, modes }, remarks)
    }
}

/// Says whether modes are made up: files and directories all have the same one, or those that Android gives to all of a
/// shared storage, where everything also has the same owner.
fn are_made_up(root: &Attributes, told: &[(Attributes, Option<u8>)]) -> bool {
    let of = |kind: Kind| {
        let told = told.iter().map(|(told, _)| told);
        told.filter(move |told| told.kind() == Some(kind))
            .filter_map(|told| told.mode)
            .map(|mode| mode & 0o777)
    };
    let directories = the_one(of(Kind::Directory).chain(root.mode.map(|mode| mode & 0o777)));
    let (Some(files), Some(directories)) = (the_one(of(Kind::File)), directories) else { return false };
    let owner = told.first().and_then(|(first, _)| first.owner);
    let same_owner = told.iter().all(|(told, _)| told.owner == owner);
    let android = files == 0o660 && matches!(directories, 0o770 | 0o771) && same_owner;
    told.len() >= LEAST && (files == directories || android)
}

/// What all of them are.
fn the_one(mut modes: impl Iterator<Item = u32>) -> Option<u32> {
    let first = modes.next()?;
    modes.all(|mode| mode == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: u32 = 0o100_000;
    const DIR: u32 = 0o040_000;

    fn told(mode: u32, owner: u32) -> Attributes {
        Attributes { mode: Some(mode), owner: Some((owner, owner)), ..Attributes::default() }
    }

    #[test]
    fn modes_that_are_made_up_are_found_out() {
        let root = |mode: u32| told(DIR | mode, 0);
        for (root, entries, kept) in [
            (root(0o755), vec![told(FILE | 0o644, 0), told(FILE | 0o644, 0), told(DIR | 0o755, 0)], true),
            (root(0o777), vec![told(FILE | 0o777, 0), told(FILE | 0o777, 0), told(DIR | 0o777, 0)], false),
            (root(0o755), vec![told(FILE | 0o777, 0), told(FILE | 0o777, 0), told(DIR | 0o777, 0)], true),
            (root(0o771), vec![told(FILE | 0o660, 5), told(FILE | 0o660, 5), told(DIR | 0o2771, 5)], false),
            (root(0o771), vec![told(FILE | 0o660, 5), told(FILE | 0o660, 6), told(DIR | 0o771, 5)], true),
            (root(0o777), vec![told(FILE | 0o777, 0)], true),
            (root(0o700), vec![told(DIR | 0o700, 0), told(DIR | 0o700, 0), told(DIR | 0o700, 0)], true),
        ] {
            let entries: Vec<_> = entries.into_iter().map(|told| (told, None)).collect();
            let (found, remarks) = Kept::judge(&root, &entries, (None, None));
            assert_eq!(found, Kept { owners: true, modes: kept }, "{entries:?}");
            assert_eq!(remarks.is_empty(), kept);
            let (forced, remarks) = Kept::judge(&root, &entries, (Some(false), Some(true)));
            assert_eq!((forced, remarks.len()), (Kept { owners: false, modes: true }, 0));
        }
    }

    #[test]
    fn what_is_not_told_is_not_kept() {
        let silent = Attributes::default();
        let (kept, remarks) = Kept::judge(&silent, &[(silent, Some(b'-'))], (None, None));
        assert_eq!((kept, remarks.len()), (Kept { owners: false, modes: false }, 2));
        let kind_only = Attributes { mode: Some(FILE), ..silent };
        assert!(!Kept::judge(&silent, &[(kind_only, None)], (None, None)).0.modes);
    }
}
