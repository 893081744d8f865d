//! The walk of a check on a server: each directory of a manifest beside its listing.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::time::{Duration, Instant};

use super::{RemoteVerifier, VerifyReport};
use crate::abroad::{RemoteFile, ServerDir, metadata_of};
use crate::counts::Counts;
use crate::entry::{Kind, Metadata};
use crate::error::{Error, ErrorKind, Problem, ProblemKind, Result};
use crate::finding::{Cause, Finding, FindingKind, Sighting};
use crate::hashing::{Hashed, hash};
use crate::manifest::{Entry, EntryFlags, Manifest, Origin};
use crate::monitor::{Event, Monitor, Notice, Progress};
use crate::path::RelPath;
use crate::repository::{Damage, Snapshot, SnapshotName, manifest_error};
use crate::sftp::{Asked, Attributes};

/// So many findings and problems are kept for the report.
const KEPT: usize = 1000;
const PROGRESS_EVERY: Duration = Duration::from_millis(100);
/// SFTP tells whole seconds, in nanoseconds.
const SECOND: u32 = 1_000_000_000;
/// Records of these tell of other attributes than the inode has.
const APART: EntryFlags =
    EntryFlags::RECORDED_ONLY.union(EntryFlags::CARRIED_FORWARD).union(EntryFlags::NOT_STORED);

/// A check under way.
pub(super) struct Checking<'c> {
    asked: &'c RemoteVerifier<'c>,
    monitor: &'c dyn Monitor,
    report: VerifyReport,
    damages: Vec<Damage>,
    /// What was found damaged, or could not be read, in each snapshot that was checked.
    bad: BTreeMap<SnapshotName, HashMap<RelPath, Bad>>,
    buffer: Vec<u8>,
    told: Instant,
}

/// What is known of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bad {
    /// Its bytes are not those that were saved.
    Damaged,
    /// Nobody read what is there, or below it.
    Unread,
}

/// A symlink that was asked for.
struct Link {
    path: RelPath,
    /// Its path on the server.
    link: Vec<u8>,
    /// Where it should lead.
    target: Vec<u8>,
    asked: Asked<Vec<u8>>,
}

/// One snapshot under check.
struct One<'o> {
    name: &'o SnapshotName,
    tree: ServerDir,
    references: Vec<Option<SnapshotName>>,
    bad: HashMap<RelPath, Bad>,
}

impl One<'_> {
    fn unread(&mut self, path: &RelPath) {
        self.bad.insert(path.clone(), Bad::Unread);
    }
}

/// What is known of a path: by itself, or because of what it lies in.
fn known(bad: &HashMap<RelPath, Bad>, path: &RelPath) -> Option<Bad> {
    let mut at = path.clone();
    while !bad.is_empty() {
        if let Some(known) = bad.get(&at) {
            return Some(*known);
        }
        if at.as_bytes().is_empty() {
            break;
        }
        at = at.split().0;
    }
    None
}

impl<'c> Checking<'c> {
    pub fn new(asked: &'c RemoteVerifier<'c>, monitor: &'c dyn Monitor) -> Self {
        let report = VerifyReport {
            snapshots: Vec::new(),
            without_manifest: Vec::new(),
            entries: 0,
            expunged: 0,
            files_read: 0,
            bytes_read: 0,
            findings: Vec::new(),
            finding_count: 0,
            problems: Vec::new(),
            problem_count: 0,
            resumed: false,
            noted: true,
            duration: Duration::ZERO,
        };
        let (damages, bad) = (Vec::new(), BTreeMap::new());
        Self { asked, monitor, report, damages, bad, buffer: Vec::new(), told: Instant::now() }
    }

    pub fn snapshot(&mut self, snapshot: &Snapshot) -> Result<()> {
        let (repository, name) = (self.asked.repository, snapshot.name());
        let manifest = match repository.manifest(name) {
            Err(error) if error.kind() == ErrorKind::DamagedManifest => {
                self.damaged_manifest(name, &error);
                return Ok(());
            }
            manifest => manifest?,
        };
        let Some(manifest) = manifest else {
            self.monitor.event(&Event::Notice(Notice::NoManifest(name.to_string())));
            self.report.without_manifest.push(name.clone());
            return Ok(());
        };
        self.report.snapshots.push(name.clone());
        let references = manifest.header().references.iter().map(|one| one.parse().ok()).collect();
        let tree = repository.tree_of(snapshot);
        let mut one = One { name, tree, references, bad: HashMap::new() };
        match self.walk(&mut one, &manifest) {
            Err(error) if error.kind() == ErrorKind::DamagedManifest => self.damaged_manifest(name, &error),
            walked => walked?,
        }
        self.bad.insert(name.clone(), one.bad);
        Ok(())
    }

    fn walk(&mut self, one: &mut One<'_>, manifest: &Manifest) -> Result<()> {
        let damaged = |error| manifest_error(self.asked.repository.manifest_path(one.name), error);
        for directory in manifest.walk() {
            let directory = directory.map_err(damaged)?;
            if self.asked.stop.is_stopped() {
                return Err(Error::stopped("stopped; what was found so far was told"));
            }
            let path = directory.path();
            let dir = ServerDir(below(&one.tree, path));
            let mut listed: BTreeMap<Vec<u8>, Attributes> = match self.asked.repository.list_dir(&dir) {
                Ok(listed) => listed.into_iter().collect(),
                Err(error) => {
                    self.problem(one, path, "list", error)?;
                    continue;
                }
            };
            let mut links = Vec::new();
            for entry in directory.entries() {
                let told = listed.remove(entry.name);
                if entry.is_expunged() {
                    self.report.expunged += 1;
                    if told.is_none() {
                        continue;
                    }
                }
                self.entry(one, &dir, path, &entry, told.as_ref(), &mut links)?;
            }
            for link in links {
                self.link(one, link)?;
            }
            for name in listed.into_keys() {
                self.finding(one, &path.child(&name), FindingKind::Extra, None, "it was not recorded");
            }
        }
        Ok(())
    }

    fn entry(
        &mut self,
        one: &mut One<'_>,
        dir: &ServerDir,
        directory: &RelPath,
        entry: &Entry<'_>,
        told: Option<&Attributes>,
        links: &mut Vec<Link>,
    ) -> Result<()> {
        let path = directory.child(entry.name);
        self.report.entries += 1;
        self.progress();
        let record = &entry.metadata;
        let Some(told) = told else {
            one.unread(&path);
            self.finding(one, &path, FindingKind::Missing, Some(Cause::Loss), "it is gone");
            return Ok(());
        };
        let Some(found) = metadata_of(told) else {
            return self.problem(one, &path, "stat", io::ErrorKind::Unsupported.into());
        };
        if found.kind != record.kind {
            one.unread(&path);
            let message = format!("it is a {}, and was a {}", found.kind, record.kind);
            self.finding(one, &path, FindingKind::Type, Some(Cause::Tampering), &message);
            return Ok(());
        }
        if record.kind == Kind::File && found.size != record.size {
            one.bad.insert(path.clone(), Bad::Damaged);
            let message = format!("it has {} bytes, and had {}", found.size, record.size);
            self.finding(one, &path, FindingKind::Content, Some(Cause::Tampering), &message);
            self.damages.push(Damage::new(one.name.clone(), path, 0));
            return Ok(());
        }
        let step = self.asked.repository.capabilities().time_granularity.max(SECOND);
        let is_apart = entry.flags.bits() & APART.bits() != 0;
        if !is_apart && !found.mtime.same_tick(record.mtime, step) {
            let message = "its modification time is another one";
            self.finding(one, &path, FindingKind::Attributes, Some(Cause::Tampering), message);
        }
        let name = c_name(entry.name);
        match record.kind {
            Kind::Symlink => {
                let link = dir.child(&name);
                let asked = self.asked.repository.client.read_link(&link);
                links.push(Link { path, link, target: entry.target.to_vec(), asked });
            }
            Kind::File if self.asked.content => self.content(one, dir.child(&name), path, entry, &found)?,
            _ => {}
        }
        Ok(())
    }

    fn link(&mut self, one: &mut One<'_>, Link { path, link, target, asked }: Link) -> Result<()> {
        let client = &self.asked.repository.client;
        let mut asked = Some(asked);
        let read = client.persistently(|| asked.take().unwrap_or_else(|| client.read_link(&link)).wait());
        match read {
            Ok(found) if found == target => {}
            Ok(_) => {
                let message = "it leads somewhere else";
                self.finding(one, &path, FindingKind::Content, Some(Cause::Tampering), message);
            }
            Err(error) => self.problem(one, &path, "read link", error)?,
        }
        Ok(())
    }

    /// Reads a file, unless the records say that it is one that was read.
    fn content(
        &mut self,
        one: &mut One<'_>,
        file: Vec<u8>,
        path: RelPath,
        entry: &Entry<'_>,
        found: &Metadata,
    ) -> Result<()> {
        let Some(wanted) = entry.content else { return Ok(()) };
        if let Some((name, other)) = one.origin(entry, &path)
            && let Some(bad) = self.bad.get(&name)
        {
            match known(bad, &other) {
                None => return Ok(()),
                Some(Bad::Unread) => {}
                Some(Bad::Damaged) => {
                    let message =
                        format!("it is the file {name}/{other}, whose bytes are not those that were saved");
                    self.damaged(one, path, &message);
                    return Ok(());
                }
            }
        }
        let opened = RemoteFile::open(&self.asked.repository.client, file);
        let read = opened.and_then(|(file, _)| hash(&file, found, &mut self.buffer, &self.asked.stop));
        match read {
            Ok(Hashed::As(hash)) if hash == wanted => {}
            Ok(_) => self.damaged(one, path, "its bytes are not those that were saved"),
            Err(_) if self.asked.stop.is_stopped() => {
                return Err(Error::stopped("stopped; what was found so far was told"));
            }
            Err(error) => return self.problem(one, &path, "read", error),
        }
        self.report.files_read += 1;
        self.report.bytes_read += found.size;
        Ok(())
    }

    fn damaged(&mut self, one: &mut One<'_>, path: RelPath, message: &str) {
        self.finding(one, &path, FindingKind::Content, None, message);
        one.bad.insert(path.clone(), Bad::Damaged);
        self.damages.push(Damage::new(one.name.clone(), path, 0));
    }

    fn damaged_manifest(&mut self, name: &SnapshotName, error: &Error) {
        let path = RelPath::new(format!(".linkdest/manifests/{name}.ldm")).unwrap_or_default();
        let place = Sighting { snapshot: name.to_string(), path };
        let message = format!(
            "{error}; the snapshot itself can be read, `reindex` makes the manifest anew where it lies"
        );
        self.tell(Finding::new(FindingKind::Manifest, None, place, message));
    }

    fn finding(
        &mut self,
        one: &One<'_>,
        path: &RelPath,
        kind: FindingKind,
        cause: Option<Cause>,
        message: &str,
    ) {
        let place = Sighting { snapshot: one.name.to_string(), path: path.clone() };
        self.tell(Finding::new(kind, cause, place, message));
    }

    fn tell(&mut self, finding: Finding) {
        self.monitor.event(&Event::Finding(finding.clone()));
        self.report.finding_count += 1;
        if self.report.findings.len() < KEPT {
            self.report.findings.push(finding);
        }
    }

    /// Tells that an entry could not be checked, unless nothing more can be.
    fn problem(
        &mut self,
        one: &mut One<'_>,
        path: &RelPath,
        operation: &'static str,
        error: io::Error,
    ) -> Result<()> {
        if Error::within(&error).is_some() {
            return Err(Error::io(operation, self.asked.repository.address(), error));
        }
        one.unread(path);
        let whole = [one.name.as_str().as_bytes(), path.as_bytes()];
        let whole = RelPath::from_names(whole.into_iter().filter(|name| !name.is_empty()));
        let problem = Problem::io(whole, ProblemKind::Unreadable, operation, &error);
        self.monitor.event(&Event::Problem(problem.clone()));
        self.report.problem_count += 1;
        if self.report.problems.len() < KEPT {
            self.report.problems.push(problem);
        }
        Ok(())
    }

    fn progress(&mut self) {
        if self.told.elapsed() < PROGRESS_EVERY {
            return;
        }
        let counts = Counts {
            entries: self.report.entries,
            bytes: self.report.bytes_read,
            problems: self.report.problem_count,
            ..Counts::default()
        };
        self.monitor.progress(&Progress { counts, expected: None });
        self.told = Instant::now();
    }

    /// Writes down what is damaged, unless another run has the lock.
    pub fn finish(mut self, begun: Instant) -> Result<VerifyReport> {
        if !self.damages.is_empty() {
            let repository = self.asked.repository;
            let noted = repository
                .lock(Duration::ZERO, &self.asked.stop)
                .and_then(|_lock| repository.add_damages(&self.damages));
            match noted {
                Err(error) if error.kind() == ErrorKind::Locked => self.report.noted = false,
                noted => noted?,
            }
        }
        self.report.duration = begun.elapsed();
        Ok(self.report)
    }
}

impl One<'_> {
    /// The snapshot and the path that the records say an entry's inode came from.
    fn origin(&self, entry: &Entry<'_>, path: &RelPath) -> Option<(SnapshotName, RelPath)> {
        let (reference, path) = match entry.origin {
            Origin::Same { reference } => (reference, path.clone()),
            Origin::Elsewhere { reference, path } => (reference, RelPath::new(path)?),
            Origin::Fresh | Origin::Group => return None,
        };
        let name = self.references.get(usize::try_from(reference).ok()?)?.clone()?;
        Some((name, path))
    }
}

/// The path of a directory of a tree.
fn below(tree: &ServerDir, path: &RelPath) -> Vec<u8> {
    if path.as_bytes().is_empty() { tree.0.clone() } else { [&tree.0[..], b"/", path.as_bytes()].concat() }
}

fn c_name(name: &[u8]) -> std::ffi::CString {
    std::ffi::CString::new(name).unwrap_or_default()
}
