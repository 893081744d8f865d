//! What is known of a run.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::adopted::AdoptedTree;
use super::name::SnapshotName;
use super::written::Written;
use crate::counts::Counts;
use crate::entry::Timestamp;
use crate::error::Problem;
use crate::path::RelPath;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Status {
    /// Everything was saved as asked.
    Complete,
    /// The snapshot was published, and some entries or attributes could not be saved as asked.
    Problems,
}

impl Status {
    /// The word for the status in JSON and run records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Problems => "problems",
        }
    }
}

/// How many problems a record keeps; all of them are counted.
pub(crate) const PROBLEMS_KEPT: usize = 1000;
/// How many bytes of their paths it keeps at most, give or take one: paths have no limit, records do.
pub(crate) const PROBLEM_PATHS_KEPT: usize = 2 << 20;

/// What is known of one run.
///
/// Written as TOML to `.linkdest/runs/NAME.toml`, and without an end to `.linkdest/staging/NAME/run.toml` while the
/// run goes on. Unknown keys are passed over, so that older versions read newer records.
///
/// ```
/// use linkdest_core::RunRecord;
/// let text = r#"
///     format = 1
///     snapshot = "2026-11-22T132200Z"
///     sequence = 7
///     source = "/home/me"
///     host = "laptop"
///     policy = "quick"
///     started = "2026-11-22T13:22:00.5Z"
///     boot_id = ""
///     synced = true
/// "#;
/// let record = RunRecord::parse(text).unwrap();
/// assert_eq!((record.sequence(), record.ended()), (7, None));
/// assert!(RunRecord::parse("format = 2").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRecord {
    pub(crate) snapshot: SnapshotName,
    pub(crate) sequence: u64,
    pub(crate) source: PathBuf,
    pub(crate) host: String,
    pub(crate) policy: String,
    pub(crate) started: Timestamp,
    pub(crate) ended: Option<Timestamp>,
    pub(crate) status: Option<Status>,
    pub(crate) boot_id: String,
    pub(crate) synced: bool,
    /// The mode that the root of the tree gets once it is published, where it could not have it before.
    pub(crate) root_mode: Option<u32>,
    /// The digest of the manifest, as hexadecimal digits.
    pub(crate) manifest: Option<String>,
    /// Of a snapshot that another tool made: where its tree is.
    pub(crate) adopted: Option<AdoptedTree>,
    /// Of a replica: the id of the repository that the snapshot was made in.
    pub(crate) replica_of: Option<String>,
    pub(crate) counts: Counts,
    pub(crate) problems: Vec<Problem>,
    /// Why the snapshot may not be what it should be.
    pub(crate) suspect: Vec<String>,
    /// Of a replica: so many entries could not be brought, or not with their content.
    pub(crate) lacks: u64,
}

/// A text is not a run record.
#[derive(Debug, thiserror::Error)]
#[error("not a run record: {0}")]
pub struct InvalidRunRecord(pub(super) String);

impl RunRecord {
    /// Reads a record from its text.
    ///
    /// # Errors
    /// Text that is not TOML, lacks a key, or is of a format that is not known here.
    pub fn parse(text: &str) -> Result<Self, InvalidRunRecord> {
        let written: Written =
            toml::from_str(text).map_err(|error| InvalidRunRecord(error.message().to_owned()))?;
        written.read()
    }

    /// Writes the record as text that [`parse`](Self::parse) reads back.
    #[must_use]
    pub fn to_toml(&self) -> String {
        toml::to_string(&Written::from(self)).unwrap_or_default()
    }

    /// The name of the snapshot.
    #[must_use]
    pub fn snapshot(&self) -> &SnapshotName {
        &self.snapshot
    }

    /// The run's number in this repository, counted from 1; the newest snapshot has the highest. An adopted snapshot has
    /// that of the run that it comes after, 0 before the first; the names of those with one number tell their order.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The absolute path of the source.
    #[must_use]
    pub fn source(&self) -> &Path {
        &self.source
    }

    /// The machine that the source was on.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The policy that told what is unchanged; empty for an adopted snapshot.
    #[must_use]
    pub fn policy(&self) -> &str {
        &self.policy
    }

    /// When the run started.
    #[must_use]
    pub fn started(&self) -> Timestamp {
        self.started
    }

    /// When the run ended; `None` for one that did not.
    #[must_use]
    pub fn ended(&self) -> Option<Timestamp> {
        self.ended
    }

    /// How the run ended; `None` for one that did not.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        self.status
    }

    /// Whether another tool made the snapshot, and [`Adopter`](crate::Adopter) took it over.
    #[must_use]
    pub fn is_adopted(&self) -> bool {
        self.adopted.is_some()
    }

    /// The path below the repository where the tree of an adopted snapshot stays; `None` for snapshots of linkdest's own.
    #[must_use]
    pub fn tree(&self) -> Option<&RelPath> {
        self.adopted.as_ref().map(|adopted| &adopted.tree)
    }

    /// The id of the repository that the snapshot was made in, where [`Replicator`](crate::Replicator) brought it here.
    #[must_use]
    pub fn replica_of(&self) -> Option<&str> {
        self.replica_of.as_deref()
    }

    /// So many entries of a replica could not be brought, or arrived with other content than was saved.
    #[must_use]
    pub fn lacks(&self) -> u64 {
        self.lacks
    }

    /// The digest of the manifest that the run wrote: 64 hexadecimal digits.
    #[must_use]
    pub fn manifest(&self) -> Option<&str> {
        self.manifest.as_deref()
    }

    /// What the run did.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The first 1,000 problems; [`Counts::problems`] has the number of all.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Why the snapshot may not be what it should be; nothing if it is not suspect, or was accepted.
    #[must_use]
    pub fn suspect(&self) -> &[String] {
        &self.suspect
    }
}

#[cfg(test)]
mod tests {
    use crate::native::OsStringExt as _;
    use std::ffi::OsString;

    use super::*;
    use crate::error::ProblemKind;

    fn record() -> RunRecord {
        RunRecord {
            snapshot: "2026-11-22T132200Z".parse().unwrap(),
            sequence: 3,
            source: OsString::from_vec(b"/home/\xff".to_vec()).into(),
            host: "laptop".into(),
            policy: "quick".into(),
            started: Timestamp { seconds: 1_795_353_720, nanos: 123_456_789 },
            ended: Some(Timestamp { seconds: 1_795_353_721, nanos: 0 }),
            status: Some(Status::Problems),
            boot_id: "b".into(),
            synced: true,
            root_mode: Some(0o555),
            manifest: Some("ab".repeat(32)),
            adopted: None,
            replica_of: Some("0f".repeat(16)),
            counts: Counts { entries: 4, problems: 1, ..Counts::default() },
            problems: vec![
                Problem::new(
                    RelPath::new(b"a\xff\n".to_vec()).unwrap(),
                    ProblemKind::Changed,
                    "read",
                    "again",
                )
                .with_errno(Some(5)),
            ],
            suspect: vec!["too many are gone".into()],
            lacks: 3,
        }
    }

    #[test]
    fn records_come_back_as_written() {
        let record = record();
        assert_eq!(RunRecord::parse(&record.to_toml()).unwrap(), record);
    }

    #[test]
    fn bad_records_say_what_is_wrong() {
        let good = record().to_toml();
        for (from, to, said) in [
            ("format = 1", "format = 2", "newer"),
            ("2026-11-22T132200Z", "yesterday", "name"),
            ("sequence = 3", "", "sequence"),
            ("path_b64 = \"", "path_b64 = \"?", "problem"),
            ("started = \"", "started = \"x", "started"),
        ] {
            let error = RunRecord::parse(&good.replacen(from, to, 1)).unwrap_err();
            assert!(error.to_string().contains(said), "{error}");
        }
    }
}
