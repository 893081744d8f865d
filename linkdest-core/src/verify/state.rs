//! How far a check came that was stopped, and where the next sample begins: `.linkdest/verify.toml`, and beside it the
//! inodes that were found sound, a bit each.

use serde::{Deserialize, Serialize};

use super::Verifier;
use super::sample::Sample;
use crate::entry::Timestamp;
use crate::error::{Error, Result};
use crate::inodes::InodeSet;
use crate::manifest::ContentHash;
use crate::monitor::{Event, Monitor, Notice};
use crate::repository::written::parse_rfc3339;
use crate::repository::{Repository, SnapshotName};

const STATE: &str = "verify.toml";
const INODES: &str = "verify.inodes";
/// No honest set of inodes is larger, in bytes.
const INODES_LIMIT: usize = 1 << 30;

/// What is known of the check that goes on.
#[derive(Debug)]
pub(super) struct State {
    started: Timestamp,
    /// When the check began that this one goes on with.
    pub resumed: Option<Timestamp>,
    /// Unset: all.
    pub snapshots: Vec<SnapshotName>,
    pub sample: Option<Sample>,
    /// Where on the ring the sample begins.
    pub position: u32,
    /// A state was there before.
    existed: bool,
}

/// The state as it stands in the file.
#[derive(Debug, Serialize, Deserialize)]
struct Written {
    format: u32,
    /// When the check began; of one that went on, the first time.
    started: String,
    saved: String,
    /// It was not done.
    stopped: bool,
    #[serde(default)]
    snapshots: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sample: Option<String>,
    #[serde(default)]
    position: u32,
    /// What the file of the inodes hashes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    inodes: Option<String>,
}

impl State {
    /// Begins a check, or goes on with one; with the inodes that it found sound.
    pub fn begin(asked: &Verifier<'_>, monitor: &dyn Monitor) -> Result<(Self, InodeSet)> {
        let repository = asked.repository;
        let written = read(repository);
        let mut state = Self {
            started: Timestamp::now(),
            resumed: None,
            snapshots: asked.snapshots.clone(),
            sample: asked.sample,
            position: written.as_ref().map_or(0, |written| written.position),
            existed: written.is_some(),
        };
        if !asked.resume {
            return Ok((state, InodeSet::default()));
        }
        let stopped = written.filter(|written| written.stopped);
        let Some((written, inodes, started)) = stopped.and_then(|written| {
            let inodes = read_inodes(repository, &written)?;
            let started = parse_rfc3339(&written.started)?;
            Some((written, inodes, started))
        }) else {
            monitor.event(&Event::Notice(Notice::NothingToResume));
            return Ok((state, InodeSet::default()));
        };
        monitor.event(&Event::Notice(Notice::Resumed(started)));
        state.started = started;
        state.resumed = Some(started);
        state.sample = written.sample.and_then(|sample| sample.parse().ok());
        if state.snapshots.is_empty() {
            let there = |name: &SnapshotName| repository.has_snapshot(name).unwrap_or(false);
            let names = written.snapshots.iter().filter_map(|name| name.parse().ok());
            state.snapshots = names.filter(there).collect();
        }
        Ok((state, inodes))
    }

    /// Writes down how far the check is. One that is done leaves nothing but the place of the next sample.
    pub fn save(&self, repository: &Repository, verified: &InodeSet, done: bool, next: u32) -> Result<()> {
        if done && self.sample.is_none() && !self.existed {
            return Ok(());
        }
        let inodes = if done { None } else { Some(write_inodes(repository, verified)?) };
        let written = Written {
            format: 1,
            started: self.started.to_string(),
            saved: Timestamp::now().to_string(),
            stopped: !done,
            snapshots: self.snapshots.iter().map(ToString::to_string).collect(),
            sample: self.sample.map(|sample| sample.to_string()),
            position: if self.sample.is_some() { next } else { self.position },
            inodes: inodes.map(|digest| digest.to_string()),
        };
        let text = toml::to_string(&written).map_err(std::io::Error::other);
        let text = text.map_err(|error| Error::io("write", repository.control_path(STATE), error))?;
        repository.write_own(STATE, text.as_bytes())?;
        if done { repository.remove_own(INODES) } else { Ok(()) }
    }
}

/// Reads the state; one that cannot be read is none.
fn read(repository: &Repository) -> Option<Written> {
    let bytes = repository.read_own(STATE, 1 << 20).ok()??;
    let written: Written = toml::from_str(std::str::from_utf8(&bytes).ok()?).ok()?;
    (written.format == 1).then_some(written)
}

fn read_inodes(repository: &Repository, written: &Written) -> Option<InodeSet> {
    let bytes = repository.read_own(INODES, INODES_LIMIT).ok()??;
    let digest: ContentHash = written.inodes.as_ref()?.parse().ok()?;
    if ContentHash::of(&bytes) != digest {
        return None;
    }
    InodeSet::from_bytes(&bytes, device(repository)?)
}

fn write_inodes(repository: &Repository, verified: &InodeSet) -> Result<ContentHash> {
    let bytes = device(repository).map(|device| verified.to_bytes(device)).unwrap_or_default();
    repository.write_own(INODES, &bytes)?;
    Ok(ContentHash::of(&bytes))
}

/// Hard links keep a repository on one device; its number is good within one boot only, and not written down.
fn device(repository: &Repository) -> Option<u64> {
    repository.root.stat().ok().map(|stat| stat.id.device)
}
