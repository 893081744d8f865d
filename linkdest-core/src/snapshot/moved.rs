//! Entries that the first reference has under another path: found by their inode, or by their content.

use std::ffi::CString;
use std::io;
use std::sync::Arc;

use super::decide::{Candidate, Decision, Elsewhere, Other, Proof, SideError, Subject};
use super::node::Node;
use super::recorded::{Known, is_linkable};
use super::references::Reference;
use super::worker::Worker;
use crate::entry::{FileId, Kind, Metadata};
use crate::error::Result;
use crate::hashing::{Hashed, hash};
use crate::manifest::{ContentHash, Entry, Subtree};
use crate::os::Dir;
use crate::path::RelPath;
use crate::source::Source;

/// A directory of the first reference, found under another path.
pub(super) struct MovedDirectory {
    pub dir: Dir,
    pub path: RelPath,
    pub recorded: Option<Subtree>,
}

/// Says whether a record is of the inode that the source has now: made at the same time, or untouched since.
fn is_same_inode(record: &Metadata, source: &Metadata) -> bool {
    let same_birth = record.btime.is_some() && record.btime == source.btime;
    let same_change = record.ctime.is_some() && record.ctime == source.ctime;
    record.kind == source.kind && (same_birth || same_change)
}

impl<S: Source> Worker<'_, '_, S> {
    /// Finds what the inode of an entry was called when the first reference was made.
    pub(super) fn find_moved(
        &mut self,
        node: &Node<S>,
        subject: &mut Subject<'_, S>,
    ) -> Result<Option<Decision>> {
        let id = node.identity_before(subject.metadata());
        if id.device == 0 || !is_linkable(subject.metadata().kind) {
            return Ok(None);
        }
        for place in self.places_of(id).into_iter().take(MOST_TRIED) {
            let found = self.engine.predecessor().map(|manifest| manifest.entry_at(place, &mut self.cache));
            let found = match found {
                None => return Ok(None),
                Some(Ok(found)) => found,
                Some(Err(error)) => {
                    self.engine.manifest_damaged(self.index, &error);
                    return Ok(None);
                }
            };
            let (entry, path) = (found.entry(), found.path());
            let source = subject.metadata();
            let stamps = entry.metadata.size == source.size && entry.metadata.mtime == source.mtime;
            if !stamps || !is_same_inode(&entry.metadata, source) {
                continue;
            }
            let Some((candidate, dir)) = self.candidate_at(&entry, path, source, id) else { continue };
            if candidate.known.untouched {
                self.take_over_attributes(&entry);
            }
            let Some(at) = candidate.elsewhere.clone() else { continue };
            match self.compare(subject, Other { dir: &dir, name: &at.name }, candidate) {
                Ok(decision) if decision.candidate().is_some() => return Ok(Some(decision)),
                Ok(_) | Err(SideError::Source) => {}
                Err(SideError::Reference(error)) => {
                    self.reference_problem(node, subject.name, "compare", error)?;
                }
            }
        }
        Ok(None)
    }

    fn places_of(&mut self, id: FileId) -> Vec<crate::manifest::Place> {
        let places =
            self.engine.predecessor().map(|manifest| manifest.by_inode(id.device, id.inode, &mut self.cache));
        match places {
            Some(Ok(places)) => places,
            Some(Err(error)) => {
                self.engine.manifest_damaged(self.index, &error);
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// Looks at a recorded entry on disk; `None` if it is not there as it was recorded.
    fn candidate_at(
        &mut self,
        record: &Entry<'_>,
        path: RelPath,
        source: &Metadata,
        id: FileId,
    ) -> Option<(Candidate, Arc<Dir>)> {
        let (parent, name) = split(&path)?;
        let dir = self.reference_dir(&parent)?;
        let disk = dir.stat_at(&name).ok()?;
        let sound = disk.id.inode == record.repository_inode
            && disk.size == record.metadata.size
            && disk.kind == record.metadata.kind
            && !self.engine.is_damaged(&disk);
        if !sound {
            return None;
        }
        let candidate = Candidate {
            reference: 0,
            metadata: disk,
            known: Known::weigh(record, source, &disk, id),
            elsewhere: Some(Arc::new(Elsewhere { parent, name, path })),
            recorded_only: false,
        };
        Some((candidate, dir))
    }

    /// Finds an entry of the first reference with this content and the attributes of the source.
    pub(super) fn find_content(
        &mut self,
        subject: &mut Subject<'_, S>,
        hash: &ContentHash,
    ) -> Option<Candidate> {
        let size = subject.metadata().size;
        let engine = self.engine;
        let places = match engine.predecessor()?.by_content(size, hash, &mut self.content_cache) {
            Ok(places) => places,
            Err(error) => {
                self.engine.manifest_damaged(self.index, &error);
                return None;
            }
        };
        for place in places.into_iter().take(MOST_TRIED) {
            let found = self.engine.predecessor()?.entry_at(place, &mut self.cache).ok()?;
            let (entry, path) = (found.entry(), found.path());
            if entry.content != Some(*hash) {
                continue;
            }
            let id = FileId::default();
            let Some((mut candidate, dir)) = self.candidate_at(&entry, path, subject.metadata(), id) else {
                continue;
            };
            candidate.known.content = Some(*hash);
            let Some(at) = candidate.elsewhere.clone() else { continue };
            let other = Other { dir: &dir, name: &at.name };
            if let Ok(Decision::Link { candidate, proof }) = self.compare(subject, other, candidate)
                && !candidate.recorded_only
                && (proof != Proof::Both || self.still_has_hash(other, &at.path, &candidate, hash))
            {
                return Some(candidate);
            }
        }
        None
    }

    /// Reads an entry of the first reference for its hash.
    fn still_has_hash(
        &mut self,
        at: Other<'_>,
        path: &RelPath,
        candidate: &Candidate,
        recorded: &ContentHash,
    ) -> bool {
        let Ok(file) = at.dir.open_file(at.name) else { return false };
        if !file.stat().is_ok_and(|stat| stat.id == candidate.metadata.id) {
            return false;
        }
        match hash(&file, &candidate.metadata, &mut self.buffers.1, self.engine.plan.stop) {
            Ok(Hashed::As(found)) if found == *recorded => true,
            Ok(_) => {
                self.engine.damaged_reference(self.index, 0, path.clone(), candidate.metadata.id);
                false
            }
            Err(_) => false,
        }
    }

    /// Finds the directory of the first reference that this directory of the source was then.
    pub(super) fn find_moved_directory(&mut self, id: FileId, metadata: &Metadata) -> Option<MovedDirectory> {
        if id.device == 0 {
            return None;
        }
        let place = self.places_of(id).into_iter().next()?;
        let found = self.engine.predecessor()?.entry_at(place, &mut self.cache).ok()?;
        let (entry, path) = (found.entry(), found.path());
        if entry.metadata.kind != Kind::Directory || !is_same_inode(&entry.metadata, metadata) {
            return None;
        }
        let (parent, name) = split(&path)?;
        let dir = self.reference_dir(&parent)?.open_dir_search(&name).ok()?;
        Some(MovedDirectory { dir, path, recorded: entry.subtree() })
    }

    /// Opens a directory of the first reference, one name at a time; the last one is kept open.
    fn reference_dir(&mut self, path: &RelPath) -> Option<Arc<Dir>> {
        if let Some((last, dir)) = &self.elsewhere
            && last == path
        {
            return Some(Arc::clone(dir));
        }
        let root = self.engine.plan.references.first()?;
        let dir = Arc::new(open_path(root, path).ok()?);
        self.elsewhere = Some((path.clone(), Arc::clone(&dir)));
        Some(dir)
    }

    /// Opens the directory of a candidate that is at another path; `None` if it is beside the handles.
    pub(super) fn open_elsewhere(&mut self, candidate: &Candidate) -> Option<Arc<Dir>> {
        candidate.elsewhere.as_ref().and_then(|at| self.reference_dir(&at.parent))
    }

    /// Takes the attributes that were recorded for those that the entry still has.
    pub(super) fn take_over_attributes(&mut self, record: &Entry<'_>) {
        self.found.xattrs.set(record.xattrs);
        self.found.target.clear();
        self.found.target.extend_from_slice(record.target);
        self.found.out_of_reach.clear();
        for (name, _) in record.xattrs.iter() {
            if let crate::policy::attributes::XattrPlaceInRun::OutOfReach(what) =
                self.engine.plan.reach.xattr(name)
                && !self.found.out_of_reach.contains(&what)
            {
                self.found.out_of_reach.push(what);
            }
        }
    }
}

/// Equal contents with other attributes are common (empty modules, licences), and the names of one inode are all alike:
/// so many are looked at.
const MOST_TRIED: usize = 8;

/// Takes the last name off a path.
fn split(path: &RelPath) -> Option<(RelPath, CString)> {
    let bytes = path.as_bytes();
    let (parent, name) = match bytes.iter().rposition(|&byte| byte == b'/') {
        Some(slash) => (bytes.get(..slash)?, bytes.get(slash + 1..)?),
        None => (&b""[..], bytes),
    };
    Some((RelPath::new(parent)?, CString::new(name).ok()?))
}

fn open_path(reference: &Reference, path: &RelPath) -> io::Result<Dir> {
    let mut dir = reference.top().open_dir_search(c".")?;
    for name in path.as_bytes().split(|&byte| byte == b'/').filter(|name| !name.is_empty()) {
        dir = dir.open_dir_search(&CString::new(name)?)?;
    }
    Ok(dir)
}
