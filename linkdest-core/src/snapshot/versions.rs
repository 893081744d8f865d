//! Versions of large files: what one was before, and what is kept for the next one.

use super::read::Content;
use super::worker::Worker;
use crate::entry::{Kind, Metadata};
use crate::hashing::Value;
use crate::manifest::{ContentHash, EntryFlags};
use crate::placing::{Earlier, PATCH_LEAST};
use crate::policy::{ChangePolicy as _, Checksum};
use crate::source::Source;

impl<S: Source> Worker<'_, '_, S> {
    /// What a large file was in a reference, where blocks can be shared with that.
    pub(super) fn earlier_version(&self, content: &Content<'_, S>, stamps: &Metadata) -> Option<Earlier> {
        if stamps.size < PATCH_LEAST || !self.engine.plan.reach.reflink {
            return None;
        }
        content.handles.references.iter().find_map(|(number, dir)| {
            let found = dir.stat_at(content.name).ok()?;
            if found.kind != Kind::File || found.size < PATCH_LEAST {
                return None;
            }
            let file = dir.open_file(content.name).ok()?;
            let parts = self.parts_of(*number, content, &file.stat().ok()?).unwrap_or_default();
            Some(Earlier { file, parts })
        })
    }

    /// What stands for the parts of a reference's file, if its manifest has the hash of what is there now. Where bytes
    /// are to be compared, nothing stands for them.
    fn parts_of(&self, number: usize, content: &Content<'_, S>, disk: &Metadata) -> Option<Vec<Value>> {
        let plan = &self.engine.plan;
        let reference = plan.references.get(number).filter(|reference| number == 0 && !reference.unproven)?;
        if plan.policy.name() == Checksum::default().name() || self.engine.is_damaged(disk) {
            return None;
        }
        let record = self.records.as_ref()?.find(content.name.to_bytes())?;
        let then = &record.metadata;
        let is_as_recorded = record.repository_inode == disk.id.inode
            && then.size == disk.size
            && (then.mtime == disk.mtime || record.flags.contains(EntryFlags::RECORDED_ONLY))
            && reference.started.is_some();
        let lists = plan.part_lists.as_ref().filter(|_| is_as_recorded)?;
        Some(lists.load(&record.content?, disk.size))
    }

    /// Keeps what stands for the parts of a file that was just read.
    pub(super) fn keep_parts(&self, hash: &ContentHash, size: u64, parts: &[Value]) {
        let plan = &self.engine.plan;
        let (Some(lists), Some(scratch)) = (&plan.part_lists, &plan.scratch) else { return };
        if !parts.is_empty() {
            let length = parts.as_flattened().len() as u64;
            // Nothing is lost without it: the next version is compared byte by byte.
            let _ = plan.space.take(length, scratch).and_then(|()| lists.store(hash, size, parts));
        }
    }
}
