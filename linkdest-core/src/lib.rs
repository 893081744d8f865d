//! Incremental backups as plain directories: every unchanged file is a hard link to the previous snapshot, every
//! changed one a new copy.
//!
//! A *snapshot* is a directory that looks exactly as its *source* did: contents, owners, modes, nanosecond times,
//! extended attributes, ACLs, hard links, holes, devices. Look into it, copy out of it, delete it with any tool. A
//! *repository* is the directory that holds the snapshots. Unchanged entries cost a hard link each, so that a daily
//! snapshot of a large tree takes seconds and the space of what changed.
//!
//! ```
//! # let dir = tempfile::tempdir()?;
//! # let (home, repo) = (dir.path().join("me"), dir.path().join("laptop"));
//! # std::fs::create_dir(&home)?;
//! # std::fs::write(home.join("notes"), "hello")?;
//! use linkdest_core::{Quick, Repository, Silent, Snapshotter};
//!
//! let snapshotter = Snapshotter::new(&home, &repo).init(true).policy(Quick::default());
//! let report = snapshotter.run(&Silent)?;
//! assert_eq!(report.counts().files_copied, 1);
//!
//! // The next day nothing changed: the file is the same inode in both snapshots.
//! let report = snapshotter.run(&Silent)?;
//! assert_eq!((report.counts().files_copied, report.counts().files_linked), (0, 1));
//! assert_eq!(Repository::open(&repo)?.snapshots()?.len(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it promises
//!
//! - A directory with the name of a snapshot is a complete snapshot: it grows elsewhere, is flushed, and gets its name
//!   in one step.
//! - Nothing is ever written to an inode that a published snapshot holds.
//! - What could not be saved is said: a [`Problem`] with path, operation and cause, in the report and the run record.
//! - No path below source or repository is followed: one name at a time, under an open directory, never through a
//!   symlink.
//!
//! # What it is not
//!
//! It does not encrypt, compress or split files into blocks, and it needs a file system with hard links. Tools that
//! keep chunks do the first; this one keeps directories.
//!
//! # Which policy
//!
//! [`Quick`] reads what size, times and the manifest leave open, and is right for nearly everybody. [`Strict`] also reads a
//! file whose change time moved with an attribute that explains it: take it where somebody may hide a change behind a
//! `chmod`. [`Checksum`] reads everything, in the source and in the repository: take it now and then, or where a disk is not
//! trusted. A policy of one's own is one pure function, [`ChangePolicy::content`]: it sees two [`Metadata`] and a
//! [`Comparison`], and says unchanged, changed, or that bytes must be compared. `examples/custom_policy.rs` has one;
//! `examples/progress.rs` and `examples/custom_monitor.rs` have monitors.
//!
//! # Layout
//!
//! [`Snapshotter`] takes snapshots and returns a [`SnapshotReport`]; [`Repository`] makes, opens and lists; a
//! [`ChangePolicy`] decides what is unchanged; a [`Monitor`] watches; a [`StopFlag`] stops. [`Restorer`] brings back,
//! [`Verifier`] checks, [`Replicator`] copies to a second repository, [`Reporter`] tells how one is doing. Everything that
//! ends a run is an [`Error`] with a kind.
//!
//! # Versions
//!
//! Semantic versioning: what is public here changes only with the first number that is not 0; enums and structs that may
//! grow are `#[non_exhaustive]`. The oldest Rust that builds it is `rust-version` in `Cargo.toml`; a newer one is a minor
//! version. There are no features. What is on disk is read by all later versions.

#![forbid(unsafe_code)]

mod abroad;
mod adopt;
mod counts;
mod crew;
mod descent;
mod entry;
mod error;
pub mod filter;
mod finding;
mod hashing;
mod history;
mod inodes;
mod manifest;
mod monitor;
mod os;
mod path;
mod placing;
mod policy;
mod profile;
mod reading;
mod reindex;
mod replicate;
mod report;
mod repository;
mod restore;
mod retention;
mod rule_files;
mod sftp;
mod size;
mod snapshot;
mod source;
mod step;
mod verify;

pub use abroad::RemoteRepository;
pub use adopt::{AdoptReport, Adopter, Adoption, PassedOver, Tool};
pub use counts::Counts;
pub use entry::{FileId, Kind, Metadata, Timestamp};
pub use error::{Error, ErrorKind, Problem, ProblemKind, Result};
pub use finding::{Cause, Finding, FindingKind, Sighting};
pub use history::{Aspects, Change, ChangeKind, Diff, Item, Items, SnapshotUsage, Usage, Version};
#[doc(hidden)]
pub use manifest::workbench as manifest_workbench;
pub use manifest::{
    BlockCache, ContentHash, Directory, EncodedXattrs, Entry, EntryFlags, FileSystemId, Found, Header,
    InvalidContentHash, Locator, Manifest, ManifestError, Origin, Place, RecordedXattrs, Subtree, Totals,
    Walk, XattrIter, XattrValue,
};
pub use monitor::{Action, Collecting, Event, Monitor, Notice, Progress, Reason, Silent, StopFlag};
#[cfg(linkdest_calls)]
pub use os::calls;
use os::native;
pub use path::{Escaped, RelPath};
pub use policy::{ChangePolicy, Checksum, Comparison, Quick, Strict, Verdict};
pub use profile::{
    HookFailure, InvalidProfile, Profile, ProfileCheck, ProfileFault, ProfileReport, ProfileRun, Schedule,
    ScheduleFile, Severity, When,
};
pub use reindex::{ReindexReport, Reindexed, Reindexer};
pub use replicate::{Replica, ReplicaState, ReplicateReport, Replicator};
pub use report::{Fate, Forecast, GrownDirectory, Growth, Pace, Report, Reporter, Trouble};
pub use repository::{
    Capabilities, Damage, Decision, Deleted, ExpungeReport, ExpungedEntry, Expunging, ForgetPlan, Group,
    InvalidRunRecord, InvalidSnapshotName, Removal, Repository, RunRecord, Snapshot, SnapshotName,
    SourceName, Status,
};
pub use restore::{Overwrite, RestoreCounts, RestoreReport, Restorer};
pub use retention::{Age, Candidate, InvalidAge, KeepReason, KeepRules};
pub use rule_files::LocalRuleFiles;
pub use sftp::Ssh;
#[doc(hidden)]
pub use sftp::read_replies as sftp_read_replies;
pub use size::{InvalidSize, parse_size};
pub use snapshot::{Filtering, Selected, SnapshotReport, Snapshotter};
pub use step::{Fact, Outcome, Step};
pub use verify::{InvalidSample, RemoteVerifier, Sample, Verifier, VerifyReport};
