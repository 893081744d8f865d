//! Markers: an empty file in the root of the target for each restore under way. One that nobody holds is of a restore
//! that was killed, and names in the making may lie about below; where a single entry is restored, beside it.

use std::ffi::{CStr, CString};
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Overwrite;
use super::engine::Engine;
use super::node::Node;
use crate::entry::Kind;
use crate::os::{Dir, File, c_name};

/// What all names of a restore begin with; so many digits, a hyphen and what tells them apart follow.
pub(super) const OURS: &str = ".linkdest-";
pub(super) const DIGITS: usize = 12;
const MARKER: &str = "restore";
/// Of a restore of a single entry: there is nothing below.
const SINGLE: &str = "entry";

/// The markers that a run knows of.
#[derive(Default)]
pub(super) struct Markers {
    /// Its own, locked while it runs; `None` if it could not be made.
    own: OnceLock<Option<(CString, File)>>,
    /// Those of killed runs.
    found: OnceLock<Vec<CString>>,
    /// A name in the making may still be there: the markers must stay.
    left: AtomicBool,
}

impl Markers {
    /// Says whether killed runs may have left something.
    pub fn any_found(&self) -> bool {
        self.found.get().is_some_and(|found| !found.is_empty())
    }

    /// Keeps the markers for the next restore.
    pub fn keep(&self) {
        self.left.store(true, Ordering::Relaxed);
    }

    fn found(&self) -> &[CString] {
        self.found.get().map_or(&[], Vec::as_slice)
    }

    fn own(&self) -> Option<&CStr> {
        self.own.get()?.as_ref().map(|(name, _)| name.as_c_str())
    }
}

/// What the names of the run begin with whose marker has a name; `None` if it is no marker's.
fn prefix(name: &[u8]) -> Option<&[u8]> {
    let prefix = name.strip_suffix(MARKER.as_bytes()).or_else(|| name.strip_suffix(SINGLE.as_bytes()))?;
    let digits = prefix.strip_prefix(OURS.as_bytes())?.strip_suffix(b"-")?;
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    (digits.len() == DIGITS && digits.iter().all(is_digit)).then_some(prefix)
}

/// Says whether a name is that of a killed run's marker.
fn is_abandoned(dir: &Dir, name: &CStr) -> bool {
    let is_empty_file = dir.stat_at(name).is_ok_and(|stat| stat.kind == Kind::File && stat.size == 0);
    // Where locks cannot be had, no other restore is expected.
    let is_held = || matches!(dir.open_file(name).and_then(|file| file.try_lock()), Ok(false));
    prefix(name.to_bytes()).is_some() && is_empty_file && !is_held()
}

impl Engine<'_> {
    /// A name that nothing has, for something in the making; before the first one the target is marked.
    pub fn fresh_name(&self, node: &Node) -> io::Result<CString> {
        self.markers.own.get_or_init(|| self.mark(node.root()));
        self.next_name()
    }

    /// Removes a name in the making.
    pub fn drop_name(&self, dir: &Dir, name: &CStr) {
        match dir.unlink(name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => self.markers.keep(),
            _ => {}
        }
    }

    /// Makes this run's marker. Where that cannot be, as in a directory that only what lies below is written to, the
    /// restore goes on without.
    fn mark(&self, root: &Node) -> Option<(CString, File)> {
        let handles = root.handles().clone()?;
        let what = if self.plan.is_directory { MARKER } else { SINGLE };
        let name = c_name(&format!("{}{what}", self.plan.prefix)).ok()?;
        let file = handles.target.as_ref()?.create_file(&name).ok()?;
        let _ = file.try_lock();
        Some((name, file))
    }

    /// Notes the markers of killed runs among the names in the root that the snapshot does not have. Beside a single
    /// entry those of whole directories stay: what lies below is not looked at.
    pub fn find_markers(&self, root: &Dir, names: &[CString]) {
        let is_ours = |name: &CStr| self.plan.is_directory || name.to_bytes().ends_with(SINGLE.as_bytes());
        let abandoned = names.iter().filter(|name| is_ours(name) && is_abandoned(root, name));
        self.markers.found.get_or_init(|| abandoned.cloned().collect());
    }

    /// Says whether a name in the root is that of a killed run's marker, which is removed last.
    pub fn is_marker(&self, node: &Node, name: &CStr) -> bool {
        node.parent.is_none() && self.markers.found().iter().any(|found| found.as_c_str() == name)
    }

    /// Says whether a killed run left a name, in the making; those were never of directories.
    pub fn is_leftover(&self, dir: &Dir, name: &CStr) -> bool {
        let is_of = |marker: &CString| {
            prefix(marker.to_bytes()).is_some_and(|prefix| name.to_bytes().starts_with(prefix))
        };
        self.markers.found().iter().any(is_of)
            && dir.stat_at(name).is_ok_and(|stat| stat.kind != Kind::Directory)
    }

    /// Removes all markers when everything else is done, before the root is stamped.
    pub fn unmark(&self, root: &Node, dir: &Dir) {
        let names: Vec<&CStr> = self
            .markers
            .own()
            .into_iter()
            .chain(self.markers.found().iter().map(CString::as_c_str))
            .collect();
        if names.is_empty() || self.is_dry() {
            return;
        }
        let stays = self.overwrites() == Overwrite::Never && !root.is_dirty();
        root.soil();
        if !self.markers.left.load(Ordering::Relaxed) {
            // Whoever may not remove one has it there until somebody may.
            names.iter().for_each(|name| drop(dir.unlink(name)));
        }
        // A directory that stays as it is gets no other time from this.
        if let (true, Some(found)) = (stays, root.found) {
            let _ = dir.set_mtime_at(c".", found.mtime);
        }
    }

    /// Removes this run's marker after a failure: whoever made a name removed it. What killed runs left may be there
    /// still.
    pub fn withdraw(&self, dir: &Dir) {
        if let (Some(own), false) = (self.markers.own(), self.markers.left.load(Ordering::Relaxed)) {
            let _ = dir.unlink(own);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::prefix;

    #[test]
    fn only_the_exact_form_is_a_marker() {
        for (name, expected) in [
            (".linkdest-0123456789ab-restore", Some(".linkdest-0123456789ab-")),
            (".linkdest-0123456789ab-entry", Some(".linkdest-0123456789ab-")),
            (".linkdest-0123456789AB-restore", None),
            (".linkdest-0123456789a-restore", None),
            (".linkdest-0123456789abc-restore", None),
            (".linkdest-0123456789ag-restore", None),
            (".linkdest-0123456789ab-restore2", None),
            (".linkdest-0123456789ab-0", None),
            ("x.linkdest-0123456789ab-restore", None),
            (".linkdest--restore", None),
            ("restore", None),
        ] {
            assert_eq!(prefix(name.as_bytes()), expected.map(str::as_bytes), "{name}");
        }
    }
}
