//! Whether the paths that two snapshots have in common are names of the same inodes.

use std::collections::HashMap;

use crate::entry::Kind;
use crate::manifest::Entry;

/// The first name that was met of each inode, by its number among the names met.
///
/// Two divisions of the same names into inodes are the same where each name has the same first name in both.
#[derive(Debug, Default)]
pub(super) struct FirstNames {
    before: HashMap<Inode, u64>,
    after: HashMap<Inode, u64>,
    met: u64,
}

type Inode = (u64, u64);

impl FirstNames {
    /// Takes the two records of the next path; says whether it has another first name now.
    pub fn differ(&mut self, before: &Entry<'_>, after: &Entry<'_>) -> bool {
        if !is_linked(before) && !is_linked(after) {
            return false;
        }
        self.met += 1;
        let met = self.met;
        let first = |names: &mut HashMap<_, _>, entry: &Entry<'_>| {
            if is_linked(entry) { *names.entry(inode(entry)).or_insert(met) } else { met }
        };
        first(&mut self.before, before) != first(&mut self.after, after)
    }
}

fn is_linked(entry: &Entry<'_>) -> bool {
    entry.metadata.nlink > 1 && entry.metadata.kind != Kind::Directory
}

/// The inode of the source, or that of the repository where the source's has no meaning.
fn inode(entry: &Entry<'_>) -> Inode {
    let id = entry.metadata.id;
    if id.device != 0 && id.inode != 0 { (id.device, id.inode) } else { (0, entry.repository_inode) }
}
