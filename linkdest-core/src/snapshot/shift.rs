//! Modification times that all moved by the same whole number of quarter hours: daylight saving on FAT, a phone that
//! changed its time zone. The content did not change.

use std::ffi::CString;
use std::rc::Rc;

use super::decide::Proof;
use super::engine::Engine;
use super::recorded::Known;
use super::references::Reference;
use crate::entry::{Kind, Metadata, Timestamp};
use crate::manifest::{BlockCache, Locator};
use crate::source::Source;

const QUARTER: i64 = 15 * 60;
/// From one end of the world's time zones to the other, and an hour of daylight saving.
const FURTHEST: i64 = 27 * 3600;

/// Says whether two times are apart by a whole number of quarter hours, and not equal.
pub(super) fn is_shift(a: Timestamp, b: Timestamp) -> bool {
    let apart = a.seconds.saturating_sub(b.seconds);
    apart != 0
        && apart % QUARTER == 0
        && apart.unsigned_abs() <= FURTHEST.unsigned_abs()
        && a.nanos == b.nanos
}

/// So many files are looked at before a shift is believed, if the source has them.
const SAMPLE: usize = 64;
/// So many directories are looked into for them.
const DIRECTORIES: usize = 256;
/// So many wait for their turn; their parents are open meanwhile.
const OPEN: usize = 16;

/// A directory that waits for its turn: its parent and its name, but for the root, and its records.
type Turn<D> = (Option<(Rc<D>, CString)>, Locator);

/// Finds out whether the modification times of the source are all those of the first reference, moved by one shift;
/// returns it in seconds.
///
/// Looks at a sample of the recorded files. One that has the recorded time, or another shift, says no.
pub(super) fn find_shift<S: Source>(source: &S, reference: Option<&Reference>) -> Option<i64> {
    // Without change times only what this source was then says anything of it.
    let reference = reference.filter(|reference| source.is_here() || reference.same_source)?;
    let manifest = reference.manifest.as_ref()?;
    let mut cache = BlockCache::default();
    let mut shift = None;
    let mut files = 0;
    // Opened when their turn comes: far away that takes time.
    let mut todo: Vec<Turn<S::Dir>> = vec![(None, reference.root_record()?.child?)];
    let mut directories = 0;
    while let Some((place, locator)) = todo.pop() {
        let opened = match &place {
            Some((parent, name)) => source.enter_dir(parent, name),
            None => Ok(source.enter_root().ok()?),
        };
        let Ok(dir) = opened else { continue };
        let dir = Rc::new(dir);
        directories += 1;
        let records = manifest.directory(locator, &mut cache).ok()?;
        let mut names = Vec::new();
        for entry in records.entries().filter(|entry| entry.metadata.kind == Kind::File).take(SAMPLE) {
            names.push((CString::new(entry.name).ok()?, entry.metadata));
        }
        // One by one: most often the first says that nothing moved.
        for (name, then) in &names {
            let mut moved = Some(());
            source.stat(&dir, &[name.as_c_str()], &mut |_, answer| {
                let Ok(now) = answer else { return };
                if now.kind != Kind::File || now.size != then.size {
                    return;
                }
                let apart = now.mtime.seconds.saturating_sub(then.mtime.seconds);
                if !is_shift(now.mtime, then.mtime) || *shift.get_or_insert(apart) != apart {
                    moved = None;
                }
                files += 1;
            });
            moved?;
        }
        if files >= SAMPLE || directories >= DIRECTORIES {
            break;
        }
        for entry in records.entries().filter(|entry| entry.metadata.kind == Kind::Directory) {
            if let (Ok(name), Some(child)) = (CString::new(entry.name), entry.child)
                && todo.len() < OPEN
            {
                todo.push((Some((Rc::clone(&dir), name)), child));
            }
        }
    }
    shift
}

impl<S: Source> Engine<'_, S> {
    /// What a reference is taken for: the inode on disk, with the modification time that only the manifest has.
    pub fn believed_mtime(&self, source: &Metadata, disk: &Metadata, known: &Known) -> Metadata {
        let mut believed = *disk;
        if let Some(mtime) = known.mtime
            && (self.plan.record_attributes || is_shift(mtime, disk.mtime))
        {
            believed.mtime = mtime;
        }
        if let Some(shift) = self.plan.shift
            && source.mtime == believed.mtime.minus_seconds(-shift)
        {
            believed.mtime = source.mtime;
        }
        believed
    }

    /// What must be read of a file whose modification time moved with all others.
    pub fn shift_proof(&self, source: &Metadata, known: &Known, proof: Proof) -> Proof {
        let known_shift = known.mtime == Some(source.mtime);
        if known_shift {
            return proof;
        }
        match (self.plan.trust_shift, proof) {
            (_, Proof::Both) => Proof::Both,
            (true, _) if !is_in_sample(source) => Proof::Unread,
            _ => Proof::Source,
        }
    }
}

/// One in sixteen is a sample. Where there are no inodes, size and time tell files apart well enough.
fn is_in_sample(source: &Metadata) -> bool {
    let number = match source.id.inode {
        0 => (source.size ^ source.mtime.seconds.unsigned_abs()).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60,
        inode => inode,
    };
    number.is_multiple_of(16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_quarters_of_an_hour_are_a_shift() {
        let at = |seconds, nanos| Timestamp { seconds, nanos };
        for (a, b, expected) in [
            (at(3600, 5), at(0, 5), true),
            (at(0, 5), at(3600, 5), true),
            (at(900, 0), at(0, 0), true),
            (at(901, 0), at(0, 0), false),
            (at(3600, 5), at(0, 6), false),
            (at(0, 0), at(0, 0), false),
            (at(27 * 3600, 0), at(0, 0), true),
            (at(28 * 3600, 0), at(0, 0), false),
        ] {
            assert_eq!(is_shift(a, b), expected, "{a} {b}");
        }
    }
}
