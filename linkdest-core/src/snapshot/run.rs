//! One run, from the checks to the report.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::description::{damages, finish_record, header, new_record};
use super::engine::{Plan, Walked, walk};
use super::found::{Found, Known, absolute, open_source, refuse_same};
use super::limits;
use super::points::names_of;
use super::references::{Collected, Reference, check_references, collect};
use super::shift::find_shift;
use super::space::{self, Space};
use super::writing_out;
use super::{SnapshotReport, Snapshotter};
use crate::entry::{FileId, Timestamp};
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::manifest::{Entry, ManifestWriter};
use crate::monitor::{Event, Monitor, Notice};
use crate::os::{Dir, LACKS, effective_ids, host_name, ready};
use crate::policy::attributes::Reach;
use crate::repository::part_lists::PartLists;
use crate::repository::staging::Leftover;
use crate::repository::{Lock, Repository, SnapshotName, Staging, parent_of};
use crate::sftp::Address;
use crate::source::{LocalSource, SftpSource, Source};

/// Runs what was asked for.
pub(super) fn run(asked: &Snapshotter, monitor: &dyn Monitor) -> Result<SnapshotReport> {
    let begun = Instant::now();
    asked.guards.check()?;
    check_system(monitor)?;
    let taken =
        if Address::is_one(&asked.source) { run_far(asked, monitor) } else { run_here(asked, monitor) };
    let mut report = taken?;
    report.duration = begun.elapsed();
    Ok(report)
}

/// Takes a source on this machine.
fn run_here(asked: &Snapshotter, monitor: &dyn Monitor) -> Result<SnapshotReport> {
    if asked.keep_owners.is_some() || asked.keep_modes.is_some() {
        let message = "whether owners and modes are kept can be said of sources on a server alone";
        return Err(Error::option(message));
    }
    let (root, metadata) = open_source(&asked.source)?;
    refuse_same(&asked.source, &metadata, &asked.repository)?;
    let path = absolute(&asked.source);
    let known = Known { id: metadata.id, place: path.clone(), path, host: host_name() };
    let again = || open_source(&asked.source).map(|(root, _)| LocalSource::new(root));
    run_on(asked, monitor, Found { source: LocalSource::new(root), again: &again, known })
}

/// Takes a source on a server.
fn run_far(asked: &Snapshotter, monitor: &dyn Monitor) -> Result<SnapshotReport> {
    let address = Address::parse(&asked.source)?;
    let kept = (asked.keep_owners, asked.keep_modes);
    let connected = SftpSource::connect(&address, &asked.ssh, kept, asked.one_file_system, &asked.stop);
    let (source, remarks) = connected?;
    for remark in remarks {
        monitor.event(&Event::Notice(Notice::SourceOdd(remark)));
    }
    let (path, place) = (address.canonical(), source.place());
    let known = Known { id: FileId::default(), path, place, host: address.host };
    // The connection stays: it would end with the server, not with a disk that is unmounted.
    let again = || Ok(source.clone());
    let taken = run_on(asked, monitor, Found { source: source.clone(), again: &again, known });
    taken.map_err(|error| {
        // Ctrl-C reaches an ssh that may ask at the terminal as well, and may end it before it is heard here.
        let may_be_stopped = error.kind() == ErrorKind::Connection && asked.ssh.is_interactive();
        if may_be_stopped {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        if may_be_stopped && asked.stop.is_stopped() { Error::interrupted() } else { error }
    })
}

fn run_on<S: Source>(
    asked: &Snapshotter,
    monitor: &dyn Monitor,
    found: Found<'_, S>,
) -> Result<SnapshotReport> {
    let Found { source, again, known } = found;
    let link_dest = check_references(asked, known.id)?;
    match &open_repository(asked)? {
        Some(repository) if asked.dry_run => plan_only(asked, monitor, repository, &source, &known),
        Some(repository) => {
            drop(source);
            take(asked, monitor, repository, again, &known)
        }
        None => plan_first(asked, monitor, &source, &known, &link_dest),
    }
}

/// Opens the repository, or makes it if that is asked for; `None` if a dry run would.
fn open_repository(asked: &Snapshotter) -> Result<Option<Repository>> {
    let path = &asked.repository;
    if let Some(id) = &asked.guards.repository_id {
        // One that would be made now has another id.
        let repository = Repository::open(path)?;
        return repository.check_id(id).map(|()| Some(repository));
    }
    match (asked.init, asked.dry_run) {
        (false, _) => Repository::open(path).map(Some),
        (true, true) => Repository::open_if_initialised(path),
        (true, false) => Repository::open_or_init(path).map(Some),
    }
}

/// Checks that what every run needs of the system is there, and tells what this build cannot do on it.
pub(crate) fn check_system(monitor: &dyn Monitor) -> Result<()> {
    ready().map_err(|(operation, place, error)| Error::io(operation, place, error))?;
    LACKS.iter().for_each(|lack| monitor.event(&Event::Notice(Notice::SystemLacks(lack))));
    Ok(())
}

/// Takes a snapshot, under the lock.
fn take<S: Source>(
    asked: &Snapshotter,
    monitor: &dyn Monitor,
    repository: &Repository,
    open: &dyn Fn() -> Result<S>,
    known: &Known,
) -> Result<SnapshotReport> {
    let lock: Lock = repository.lock(asked.lock_wait, &asked.stop)?;
    let source = open()?;
    repository.check_latest()?;
    repository.repair()?;
    let started = Timestamp::now();
    let mut leftovers = repository.leftovers()?;
    let names = || names_of(&source);
    let find = |leftovers: &[Leftover]| {
        collect(repository, &known.origin(&names), started, leftovers, &asked.link_dest)
    };
    let mut collected = find(&leftovers)?;
    asked.guards.refuse_empty_root(asked, &source, &collected.references)?;
    let staging = match repository.stage(started) {
        // What a killed run left may be what fills the disk.
        Err(error) if error.kind() == ErrorKind::NoSpace && !leftovers.is_empty() => {
            collected = find(&[])?;
            repository.remove_leftovers(std::mem::take(&mut leftovers))?;
            repository.stage(started)?
        }
        staging => staging?,
    };
    let taken = take_staged(asked, monitor, repository, (&source, known), started, collected, staging);
    match taken {
        Ok((name, mut walked)) => {
            if let Err(error) = repository.remove_leftovers(leftovers) {
                walked.add_problem(Problem::housekeeping(&error), monitor);
            }
            drop(lock);
            // What a killed deletion left.
            if let Err(error) = repository.empty_trash(asked.threads, false, &asked.stop) {
                walked.add_problem(Problem::housekeeping(&error), monitor);
            }
            let path = repository.path().join(name.as_str());
            Ok(report_of(Some(name), Some(path), walked))
        }
        Err(error) => {
            // A full disk is not kept full; after any other end the next run links to what is there.
            if error.kind() == ErrorKind::NoSpace {
                drop(leftovers);
                let _ = repository.leftovers().and_then(|all| repository.remove_leftovers(all));
                let _ = repository.empty_trash(asked.threads, false, &asked.stop);
            }
            Err(error)
        }
    }
}

/// Fills the staging directory and publishes it.
fn take_staged<S: Source>(
    asked: &Snapshotter,
    monitor: &dyn Monitor,
    repository: &Repository,
    (source, known): (&S, &Known),
    started: Timestamp,
    Collected { mut references, damaged }: Collected,
    staging: Staging,
) -> Result<(SnapshotName, Walked)> {
    let place = repository.control_path(Path::new("staging").join(staging.name().as_str()));
    let from = (known.path.as_path(), known.host.as_str());
    let header = header(asked, &staging, started, from, &references, repository.next_sequence()?);
    let mut record = new_record(asked, repository, &staging, started, from)?;
    staging.write_record(&record, &place)?;
    let (tree, probed) = staging.make_tree(&place)?;
    if let Some(error) = probed.link_error {
        let operation = "keep hard links any more: link";
        return Err(Error::io_as(ErrorKind::NoHardLinks, operation, repository.path(), error));
    }
    tell_start(monitor, Some(staging.name().as_str()), &references);
    let scratch = staging.reopen().map_err(|error| Error::io("open", &place, error))?;
    let reach = probed.capabilities.reach(probed.born);
    let manifest = staging.begin_manifest(&header, &place)?;
    let damaged_before = repository.damaged_inodes()?;
    if !reach.inodes && !damaged_before.is_empty() {
        // Which of the references' files those are, their numbers do not tell.
        references.iter_mut().for_each(|reference| reference.unproven = true);
    }
    // Without them versions are compared byte by byte.
    let part_lists = if reach.reflink { repository.part_lists().ok() } else { None };
    let walk = Walk { asked, monitor, known, references: &references, damaged: damaged_before, started };
    let walked = walk.into(repository, source, reach, Some(Staged { tree, scratch, part_lists, manifest }));
    let mut walked = walked.inspect_err(|error| {
        if error.operation() == writing_out::FLUSH {
            // Nothing may be linked to what was not written.
            let _ = staging.forget();
        }
    })?;
    if walked.relinked.needs_correction() {
        let correct = |entry: &mut Entry<'_>| walked.relinked.correct(entry);
        walked.manifest = Some(staging.correct_manifest(&header, &place, &correct)?);
    }
    for error in &damaged {
        walked.add_problem(Problem::unusable_manifest(error), monitor);
    }
    monitor.event(&Event::Publishing);
    finish_record(&mut record, &walked);
    let name = staging.name().clone();
    let untidy = repository.publish(staging.seal(record, walked.root.mtime, probed.capabilities.symlinks))?;
    untidy.into_iter().for_each(|problem| walked.add_problem(problem, monitor));
    if let Err(error) = repository.add_damages(&damages(&walked, &references)) {
        walked.add_problem(Problem::housekeeping(&error), monitor);
    }
    Ok((name, walked))
}

/// Plans a snapshot into an existing repository. Takes no lock: it only reads.
fn plan_only<S: Source>(
    asked: &Snapshotter,
    monitor: &dyn Monitor,
    repository: &Repository,
    source: &S,
    known: &Known,
) -> Result<SnapshotReport> {
    repository.check_latest()?;
    let leftovers = repository.leftovers()?;
    let started = Timestamp::now();
    let names = || names_of(source);
    let origin = known.origin(&names);
    let Collected { references, .. } = collect(repository, &origin, started, &leftovers, &asked.link_dest)?;
    asked.guards.refuse_empty_root(asked, source, &references)?;
    tell_start(monitor, None, &references);
    let mut reach = repository.capabilities().reach(effective_ids());
    // What `init` found out as root does not hold for everybody.
    let root = effective_ids().0 == 0;
    reach.owner &= root;
    reach.trusted_xattrs &= root;
    reach.security_xattrs &= root;
    let damaged = repository.damaged_inodes()?;
    let walk = Walk { asked, monitor, known, references: &references, damaged, started };
    let walked = walk.into(repository, source, reach, None)?;
    space::warn(&repository.root, asked.guards.reserve, walked.counts.bytes_copied, monitor);
    Ok(report_of(None, None, walked))
}

/// Plans the first snapshot into a repository that `--init` would make.
fn plan_first<S: Source>(
    asked: &Snapshotter,
    monitor: &dyn Monitor,
    source: &S,
    known: &Known,
    references: &[Reference],
) -> Result<SnapshotReport> {
    Repository::check_init(&asked.repository)?;
    tell_start(monitor, None, references);
    let parent = Dir::open_operator_path(&parent_of(&asked.repository));
    let device = parent.as_ref().ok().and_then(|parent| parent.stat().ok()).map(|stat| stat.id.device);
    let (damaged, started) = (HashSet::new(), Timestamp::now());
    let walk = Walk { asked, monitor, known, references, damaged, started };
    let place =
        Destination { repository: &asked.repository, device: device.unwrap_or_default(), own: Vec::new() };
    let walked = walk.run(place, source, Reach::unknown(effective_ids()), None)?;
    if let Ok(parent) = &parent {
        space::warn(parent, asked.guards.reserve, walked.counts.bytes_copied, monitor);
    }
    Ok(report_of(None, None, walked))
}

/// A walk that is about to begin.
struct Walk<'w> {
    asked: &'w Snapshotter,
    monitor: &'w dyn Monitor,
    known: &'w Known,
    references: &'w [Reference],
    damaged: HashSet<u64>,
    started: Timestamp,
}

/// Where the snapshot grows.
struct Staged {
    tree: Dir,
    scratch: Dir,
    part_lists: Option<PartLists>,
    manifest: ManifestWriter,
}

/// Where the repository is, or is going to be.
struct Destination<'d> {
    repository: &'d Path,
    device: u64,
    own: Vec<FileId>,
}

impl Walk<'_> {
    /// Walks for an existing repository.
    fn into<S: Source>(
        self,
        repository: &Repository,
        source: &S,
        reach: Reach,
        staged: Option<Staged>,
    ) -> Result<Walked> {
        let own = repository.own_inodes()?;
        let device = own.first().map_or(0, |id| id.device);
        let monitor = self.monitor;
        let walked =
            self.run(Destination { repository: repository.path(), device, own }, source, reach, staged)?;
        if walked.setuid && reach.owner && repository.lets_programs_run() {
            monitor.event(&Event::Notice(Notice::ProgramsReachable));
        }
        Ok(walked)
    }

    fn run<S: Source>(
        self,
        place: Destination<'_>,
        source: &S,
        reach: Reach,
        staged: Option<Staged>,
    ) -> Result<Walked> {
        let Self { asked, monitor, known, references, damaged, started } = self;
        let shift = find_shift(source, references.first());
        if let Some(seconds) = shift {
            monitor.event(&Event::Notice(Notice::TimesShifted { seconds }));
        }
        let (staged, scratch, part_lists, manifest) = match staged {
            Some(Staged { tree, scratch, part_lists, manifest }) => {
                (Some(tree), Some(scratch), part_lists, Some(manifest))
            }
            None => (None, None, None, None),
        };
        let mut walked = walk(Plan {
            source,
            source_path: &known.place,
            filtering: &asked.filtering,
            select_only: false,
            staged,
            scratch,
            part_lists,
            manifest,
            started,
            device: place.device,
            references,
            damaged: &damaged,
            policy: &*asked.policy,
            record_attributes: asked.record_attributes,
            shift,
            trust_shift: asked.trust_shift,
            reach: source.limit(reach),
            one_file_system: asked.one_file_system,
            own: place.own,
            repository: place.repository,
            space: Space::new(asked.guards.reserve),
            write_out: asked.write_out.filter(|_| asked.sync),
            threads: limits::threads(asked, source.threads()),
            descriptors: limits::descriptors(asked),
            hard_links: asked.hard_links,
            monitor,
            stop: &asked.stop,
        })?;
        if let Some(remark) = source.remark() {
            monitor.event(&Event::Notice(Notice::SourceOdd(remark)));
        }
        walked.suspect = asked.guards.judge(asked, source, references, &walked)?;
        Ok(walked)
    }
}

fn tell_start(monitor: &dyn Monitor, snapshot: Option<&str>, references: &[Reference]) {
    monitor.event(&Event::Started {
        snapshot: snapshot.map(str::to_owned),
        reference: references.first().map(|reference| reference.label.clone()),
    });
}

fn report_of(snapshot: Option<SnapshotName>, path: Option<PathBuf>, walked: Walked) -> SnapshotReport {
    SnapshotReport {
        snapshot,
        path,
        counts: walked.counts,
        problems: walked.problems,
        suspect: walked.suspect,
        duration: std::time::Duration::ZERO,
    }
}
