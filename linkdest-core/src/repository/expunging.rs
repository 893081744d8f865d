//! Expunging what is written down to be: trees first, then manifests, then what is written down. Every step can be done
//! again, so that whoever finds it unfinished begins at the first.

use std::collections::BTreeSet;
use std::ffi::CString;
use std::io;

use super::expunged::{Attributes, names_of};
use super::{ExpungedEntry, Repository, SnapshotName};
use crate::descent::Descent;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{BlockCache, Header, Manifest, write_without};
use crate::monitor::StopFlag;
use crate::os::{Dir, effective_ids, errno};

impl Repository {
    /// Finishes what is to be expunged, and forgets what was expunged from snapshots that are no more. The lock is held.
    ///
    /// # Errors
    /// The first thing that could not be done; everything else was.
    pub(super) fn finish_expunging(&self, stop: &StopFlag) -> Result<()> {
        let before = self.expunged()?;
        let mut all = Vec::new();
        for entry in &before {
            if self.has_snapshot(&entry.snapshot)? {
                all.push(entry.clone());
            }
        }
        let pending = |entry: &&ExpungedEntry| entry.pending.is_some();
        let names: BTreeSet<_> = all.iter().filter(pending).map(|entry| entry.snapshot.clone()).collect();
        let mut first = if names.is_empty() { Ok(()) } else { self.take_out_of_leftovers(&all) };
        let clean = first.is_ok();
        let mut done = BTreeSet::new();
        for name in names {
            if stop.is_stopped() {
                return Err(Error::stopped(
                    "stopped; the next snapshot, delete, forget, reindex or expunge finishes it",
                ));
            }
            match self.expunge_from(&name, &all) {
                Ok(()) => drop(done.insert(name)),
                Err(error) => first = first.and(Err(error)),
            }
        }
        if !done.is_empty() {
            self.root.sync_file_system().map_err(|error| Error::io("write to disk", &self.path, error))?;
        }
        for entry in &mut all {
            if clean && done.contains(&entry.snapshot) {
                entry.pending = None;
            }
        }
        if all != before {
            self.write_expunged(&all)?;
            // Nothing is lost with them, and the next one that deletes tries again.
            let _ = self.forget_part_lists();
        }
        first
    }

    /// Removes from one snapshot what is to be removed, and writes that down in its manifest.
    fn expunge_from(&self, name: &SnapshotName, all: &[ExpungedEntry]) -> Result<()> {
        let failed = |error| Error::io("expunge from", self.path.join(name.as_str()), error);
        let entries: Vec<_> = all.iter().filter(|entry| entry.snapshot == *name).collect();
        let tree = self.open_tree(name).map_err(failed)?;
        for entry in &entries {
            if let Some(attributes) = entry.pending {
                self.take_out(&tree, entry, Some(attributes))?;
            }
        }
        match self.manifest(name) {
            Ok(Some(manifest)) => self.write_generation(name, &manifest, &entries),
            Ok(None) => Ok(()),
            // `reindex` makes it anew, with what is written down here.
            Err(error) if error.kind() == ErrorKind::DamagedManifest => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Moves an entry into the trash, if it is there, and gives the directory that it was in its attributes back.
    fn take_out(&self, tree: &Dir, entry: &ExpungedEntry, before: Option<Attributes>) -> Result<()> {
        let place = || self.path.join(entry.snapshot.as_str()).join(entry.path.as_path());
        let failed = |error| Error::io("expunge", place(), error);
        let (parent, name) = entry.path.split();
        let name = CString::new(name).map_err(|error| failed(error.into()))?;
        let mut descent = Descent::new(tree);
        let dir = match descent.open(&parent) {
            Err(error) if errno::is_absent(&error) => return Ok(()),
            dir => dir.map_err(failed)?,
        };
        let mode = dir.stat().map_err(failed)?.mode & 0o7777;
        // Its owner may have to be let in first.
        if effective_ids().0 != 0 && mode & 0o300 != 0o300 {
            dir.set_mode_search(mode | 0o700).map_err(failed)?;
        }
        if dir.stat_if_there(&name).map_err(failed)?.is_some() {
            self.move_entry_to_trash(dir, &name, &entry.snapshot)?;
        }
        before.map_or(Ok(()), |before| put_back(dir, before)).map_err(failed)
    }

    /// Removes the same paths from the trees of killed runs, which the next run links to.
    fn take_out_of_leftovers(&self, all: &[ExpungedEntry]) -> Result<()> {
        for leftover in self.leftovers()? {
            let Some(tree) = &leftover.tree else { continue };
            for entry in all.iter().filter(|entry| entry.pending.is_some()) {
                self.take_out(tree, entry, None)?;
            }
        }
        Ok(())
    }

    /// Writes a further generation of a manifest, unless that was done, and what the run record tells of it.
    fn write_generation(
        &self,
        name: &SnapshotName,
        old: &Manifest,
        entries: &[&ExpungedEntry],
    ) -> Result<()> {
        if !self.has_recorded(name, old, entries)? {
            let header = old.header();
            let header = Header {
                generation: header.generation.saturating_add(1),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                ..header.clone()
            };
            let scratch = self.scratch()?;
            let writer = scratch.begin_manifest(&header, &self.path.join(name.as_str()))?;
            write_without(old, writer, &names_of(entries.iter().copied()))
                .map_err(|error| super::manifest_error(self.manifest_path(name), error))?;
            self.adopt_manifest(scratch, name)?;
        }
        let Some(new) = self.manifest(name)? else { return Ok(()) };
        let totals = *new.totals();
        self.note_digest(name, &new)?;
        self.update_run(name, |record| {
            record.counts.entries = totals.entries;
            record.counts.directories = totals.directories;
            record.counts.bytes = totals.bytes;
        })
    }

    fn has_recorded(
        &self,
        name: &SnapshotName,
        manifest: &Manifest,
        entries: &[&ExpungedEntry],
    ) -> Result<bool> {
        let mut cache = BlockCache::default();
        for entry in entries {
            let found = manifest.find(entry.path.as_bytes(), &mut cache);
            let found = found.map_err(|error| super::manifest_error(self.manifest_path(name), error))?;
            if !found.is_some_and(|found| found.entry().is_expunged()) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn put_back(dir: &Dir, before: Attributes) -> io::Result<()> {
    let now = dir.stat()?;
    if now.mtime != before.mtime {
        dir.set_mtime_at(c".", before.mtime)?;
    }
    if now.mode & 0o7777 != before.mode {
        dir.set_mode_search(before.mode)?;
    }
    Ok(())
}
