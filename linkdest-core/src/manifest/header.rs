//! What a manifest says of its snapshot as a whole.

use super::bytes::{Cursor, put, put_bytes, put_time};
use crate::entry::Timestamp;

/// A manifest has no more references and no more file systems than this.
pub(super) const LIST_LIMIT: usize = 1 << 16;

/// A file system that the source has entries on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileSystemId {
    /// The type of the file system: `ext4`.
    pub kind: String,
    /// Its UUID or other identity that survives a reboot, as text.
    pub id: String,
}

/// What is known of a run before it walks the source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Header {
    /// The name of the snapshot.
    pub snapshot: String,
    /// The run's number in the repository.
    pub sequence: u64,
    /// The path of the source.
    pub source: Vec<u8>,
    /// The host that the source is on.
    pub host: String,
    /// When the run started.
    pub started: Timestamp,
    /// The change detection policy.
    pub policy: String,
    /// What stands for the filter rules of the run.
    pub rules: String,
    /// The version of linkdest that wrote the manifest.
    pub version: String,
    /// The names of the references, in order.
    pub references: Vec<String>,
    /// How often the manifest of this snapshot was written anew.
    pub generation: u32,
}

/// The figures of a whole snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// All entries but the root.
    pub entries: u64,
    /// The directories among them.
    pub directories: u64,
    /// The regular files among them.
    pub files: u64,
    /// The sizes of the regular files, each inode once.
    pub bytes: u64,
    /// The entries with a flag.
    pub flagged: u64,
}

impl Header {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_bytes(out, self.snapshot.as_bytes());
        put(out, self.sequence);
        put_bytes(out, &self.source);
        put_bytes(out, self.host.as_bytes());
        put_time(out, self.started);
        put_bytes(out, self.policy.as_bytes());
        put_bytes(out, self.rules.as_bytes());
        put_bytes(out, self.version.as_bytes());
        put(out, self.references.len() as u64);
        for reference in &self.references {
            put_bytes(out, reference.as_bytes());
        }
        put(out, u64::from(self.generation));
    }

    pub(super) fn decode(cursor: &mut Cursor<'_>) -> Option<Self> {
        Some(Self {
            snapshot: cursor.text()?,
            sequence: cursor.number()?,
            source: cursor.bytes()?.to_vec(),
            host: cursor.text()?,
            started: cursor.time()?,
            policy: cursor.text()?,
            rules: cursor.text()?,
            version: cursor.text()?,
            references: {
                let count: usize = cursor.small().filter(|count| *count <= LIST_LIMIT)?;
                (0..count).map(|_| cursor.text()).collect::<Option<_>>()?
            },
            generation: cursor.small()?,
        })
    }
}

impl Totals {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        for figure in [self.entries, self.directories, self.files, self.bytes, self.flagged] {
            put(out, figure);
        }
    }

    pub(super) fn decode(cursor: &mut Cursor<'_>) -> Option<Self> {
        Some(Self {
            entries: cursor.number()?,
            directories: cursor.number()?,
            files: cursor.number()?,
            bytes: cursor.number()?,
            flagged: cursor.number()?,
        })
    }
}

impl FileSystemId {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_bytes(out, self.kind.as_bytes());
        put_bytes(out, self.id.as_bytes());
    }

    pub(super) fn decode(cursor: &mut Cursor<'_>) -> Option<Self> {
        Some(Self { kind: cursor.text()?, id: cursor.text()? })
    }
}
