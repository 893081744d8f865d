//! What is known of a run: one small TOML file for each snapshot, also while it is being made.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use super::adopted::{AdoptedTree, WrittenTree};
use super::name::SnapshotName;
use crate::counts::Counts;
use crate::entry::Timestamp;
use crate::error::{Problem, ProblemKind};
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
    pub(crate) counts: Counts,
    pub(crate) problems: Vec<Problem>,
    /// Why the snapshot may not be what it should be.
    pub(crate) suspect: Vec<String>,
}

/// A text is not a run record.
#[derive(Debug, thiserror::Error)]
#[error("not a run record: {0}")]
pub struct InvalidRunRecord(String);

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

/// The record as it stands in the file.
#[derive(Serialize, Deserialize)]
struct Written {
    format: u32,
    snapshot: String,
    sequence: u64,
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_b64: Option<String>,
    host: String,
    policy: String,
    started: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    boot_id: String,
    synced: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    root_mode: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    manifest: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    suspect: Vec<String>,
    #[serde(flatten)]
    adopted: WrittenTree,
    #[serde(default)]
    counts: Counts,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    problems: Vec<WrittenProblem>,
}

#[derive(Serialize, Deserialize)]
struct WrittenProblem {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_b64: Option<String>,
    kind: String,
    operation: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    errno: Option<i32>,
    message: String,
}

impl From<&RunRecord> for Written {
    fn from(record: &RunRecord) -> Self {
        let (source, source_b64) = text_of(record.source.as_os_str().as_bytes());
        Self {
            format: 1,
            snapshot: record.snapshot.to_string(),
            sequence: record.sequence,
            source,
            source_b64,
            host: record.host.clone(),
            policy: record.policy.clone(),
            started: record.started.to_string(),
            ended: record.ended.map(|ended| ended.to_string()),
            status: record.status,
            boot_id: record.boot_id.clone(),
            synced: record.synced,
            root_mode: record.root_mode,
            manifest: record.manifest.clone(),
            suspect: record.suspect.clone(),
            adopted: WrittenTree::of(record.adopted.as_ref()),
            counts: record.counts,
            problems: record.problems.iter().map(WrittenProblem::from).collect(),
        }
    }
}

impl Written {
    fn read(self) -> Result<RunRecord, InvalidRunRecord> {
        let invalid = |what: &str| InvalidRunRecord(what.to_owned());
        if self.format != 1 {
            return Err(invalid("its format is not 1: it was written by a newer linkdest"));
        }
        // Kinds that only a newer version knows are passed over; the counts have them all.
        let known = |problem: &WrittenProblem| ProblemKind::from_word(&problem.kind).is_some();
        let problems =
            self.problems.into_iter().filter(known).map(WrittenProblem::read).collect::<Option<_>>();
        Ok(RunRecord {
            snapshot: self.snapshot.parse().map_err(|_| invalid("its name is not the name of a snapshot"))?,
            sequence: self.sequence,
            source: bytes_of(self.source, self.source_b64)
                .map(|bytes| PathBuf::from(OsString::from_vec(bytes)))
                .ok_or_else(|| invalid("source_b64"))?,
            host: self.host,
            policy: self.policy,
            started: parse_rfc3339(&self.started).ok_or_else(|| invalid("started is not a time"))?,
            ended: match self.ended {
                Some(ended) => Some(parse_rfc3339(&ended).ok_or_else(|| invalid("ended is not a time"))?),
                None => None,
            },
            status: self.status,
            boot_id: self.boot_id,
            synced: self.synced,
            root_mode: self.root_mode.filter(|mode| *mode <= 0o7777),
            manifest: self.manifest,
            suspect: self.suspect,
            adopted: self.adopted.read().map_err(invalid)?,
            counts: self.counts,
            problems: problems.ok_or_else(|| invalid("a problem's path or kind"))?,
        })
    }
}

impl From<&Problem> for WrittenProblem {
    fn from(problem: &Problem) -> Self {
        let (path, path_b64) = text_of(problem.path().as_bytes());
        Self {
            path,
            path_b64,
            kind: problem.kind().as_str().to_owned(),
            operation: problem.operation().to_owned(),
            errno: problem.errno(),
            message: problem.message().to_owned(),
        }
    }
}

impl WrittenProblem {
    fn read(self) -> Option<Problem> {
        let path = RelPath::new(bytes_of(self.path, self.path_b64)?)?;
        let kind = ProblemKind::from_word(&self.kind)?;
        Some(Problem::new(path, kind, self.operation, self.message).with_errno(self.errno))
    }
}

/// Bytes as text, and as base64 where the text loses something.
pub(super) fn text_of(bytes: &[u8]) -> (String, Option<String>) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), None),
        Err(_) => (String::from_utf8_lossy(bytes).into_owned(), Some(BASE64.encode(bytes))),
    }
}

pub(super) fn bytes_of(text: String, base64: Option<String>) -> Option<Vec<u8>> {
    match base64 {
        Some(base64) => BASE64.decode(base64).ok(),
        None => Some(text.into_bytes()),
    }
}

pub(crate) fn parse_rfc3339(text: &str) -> Option<Timestamp> {
    let time: jiff::Timestamp = text.parse().ok()?;
    let nanos = time.as_nanosecond();
    let second = 1_000_000_000;
    let seconds = i64::try_from(nanos.div_euclid(second)).ok()?;
    Some(Timestamp { seconds, nanos: u32::try_from(nanos.rem_euclid(second)).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn times_come_back(seconds in -62_135_596_800_i64..253_402_207_200, nanos in 0_u32..1_000_000_000) {
            let time = Timestamp { seconds, nanos };
            prop_assert_eq!(parse_rfc3339(&time.to_string()), Some(time));
        }
    }
}
