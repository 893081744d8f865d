//! Millions of entries from a source that is made up, so that the memory of a run can be looked at.
//!
//! `LINKDEST_SCALE="ENTRIES NAMES [GROUPS [new]]" cargo test --release -p linkdest-core --lib -- --ignored --nocapture
//! snapshot::scale::peak` takes ENTRIES empty files, NAMES to an inode, twice into a directory for temporary files
//! (`TMPDIR`), keeping GROUPS of hard links in memory, and prints the most memory in KiB that the process had by the
//! end of each. With `new` the first time there are none.

use std::collections::HashSet;
use std::ffi::{CStr, CString};
use std::io;
use std::path::Path;
use std::process::Command;

use super::engine::{Plan, Walked, walk};
use super::filtering::Filtering;
use super::groups::HARD_LINKS;
use super::references::Reference;
use crate::entry::{FileId, Kind, Metadata, Timestamp};
use crate::error::ProblemKind;
use crate::manifest::{FileSystemId, Header, Manifest, ManifestWriter};
use crate::monitor::{Silent, StopFlag};
use crate::os::{Dir, File, Listing, XattrBuffer, c_name, effective_ids};
use crate::policy::Quick;
use crate::policy::attributes::Reach;
use crate::source::{KnownXattrs, Opened, RuleFile, Source, SourceFile};

/// Files in a directory.
const FILES: u64 = 100;
const THEN: Timestamp = Timestamp { seconds: 1_600_000_000, nanos: 0 };

/// A tree of directories with a hundred files each. The further names of an inode come after the first ones of all.
#[derive(Default)]
struct Made {
    directories: u64,
    names: u64,
    /// Hard-link groups kept in memory.
    groups: usize,
    /// The further names are those of other inodes, which got the number when the first one had gone.
    reused: bool,
    /// Of each directory only the first half can be listed.
    torn: bool,
}

/// The root, or a directory by its number.
type Place = Option<u64>;

struct Empty(Metadata);

fn metadata(kind: Kind, inode: u64, nlink: u64) -> Metadata {
    let mode = if kind == Kind::Directory { 0o755 } else { 0o644 };
    let (uid, gid) = effective_ids();
    let id = FileId { device: 77, inode };
    Metadata { kind, mode, uid, gid, nlink, id, ctime: Some(THEN), ..Metadata::file(0, THEN) }
}

impl Made {
    fn directory(&self, place: Place) -> Opened<Place> {
        let inode = place.map_or(1, |number| 2 + number);
        Opened { dir: place, metadata: metadata(Kind::Directory, inode, 2), unlistable: None }
    }

    /// Files come after all directories.
    fn file(&self, place: Place, name: &CStr) -> Metadata {
        let number: u64 = name.to_str().unwrap().parse().unwrap();
        let different = self.directories / self.names;
        let inode = 2 + self.directories + place.unwrap() % different * FILES + number;
        let is_later = place.unwrap() >= different;
        let born = Timestamp { seconds: THEN.seconds + i64::from(self.reused && is_later), ..THEN };
        Metadata { btime: Some(born), ..metadata(Kind::File, inode, self.names) }
    }
}

impl Source for Made {
    type Dir = Place;
    type File = Empty;

    fn open_root(&self) -> io::Result<Opened<Place>> {
        Ok(self.directory(None))
    }

    fn open_dir(&self, _: &Place, name: &CStr) -> io::Result<Opened<Place>> {
        Ok(self.directory(name.to_str().unwrap().strip_prefix('d').map(|number| number.parse().unwrap())))
    }

    fn reopen_parent(&self, _: &Place, _: FileId) -> io::Result<Place> {
        Ok(None)
    }

    fn reopen(&self, parent: &Place, name: &CStr, _: FileId) -> io::Result<Place> {
        self.open_dir(parent, name).map(|opened| opened.dir)
    }

    fn file_system(&self, _: &Place) -> io::Result<FileSystemId> {
        Ok(FileSystemId { kind: "made up".to_owned(), id: "1".to_owned() })
    }

    fn list(&self, dir: &Place, listing: &mut Listing) -> io::Result<()> {
        match dir {
            None => (0..self.directories)
                .try_for_each(|number| listing.push(&c_name(&format!("d{number}"))?, Some(Kind::Directory))),
            Some(_) => {
                let listed = if self.torn { FILES / 2 } else { FILES };
                let mut names = 0..listed;
                names.try_for_each(|number| listing.push(&c_name(&number.to_string())?, Some(Kind::File)))?;
                if self.torn { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
            }
        }
    }

    fn stat(&self, dir: &Place, names: &[&CStr], answer: &mut dyn FnMut(usize, io::Result<Metadata>)) {
        names.iter().enumerate().for_each(|(index, name)| answer(index, Ok(self.file(*dir, name))));
    }

    fn contents(
        &self,
        dir: &Place,
        wanted: &[(&CStr, &Metadata)],
        answer: &mut dyn FnMut(usize, io::Result<(Empty, Metadata)>),
    ) {
        for (index, (name, _)) in wanted.iter().enumerate() {
            let metadata = self.file(*dir, name);
            answer(index, Ok((Empty(metadata), metadata)));
        }
    }

    fn rule_file(&self, _: &Place, _: &CStr) -> io::Result<RuleFile> {
        Ok(RuleFile::Absent)
    }

    fn target(&self, _: &Place, _: &CStr) -> io::Result<CString> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn xattrs(&self, _: &Place, _: Option<&CStr>, _: &Reach, _: &mut XattrBuffer) -> io::Result<KnownXattrs> {
        Ok(KnownXattrs::default())
    }
}

impl SourceFile for Empty {
    fn stat(&self) -> io::Result<Metadata> {
        Ok(self.0)
    }

    fn xattrs(&self, _: &Reach, _: &mut XattrBuffer) -> io::Result<KnownXattrs> {
        Ok(KnownXattrs::default())
    }

    fn local(&self) -> Option<&File> {
        None
    }

    fn read_at(&self, _: &mut [u8], _: u64) -> io::Result<usize> {
        Ok(0)
    }
}

/// Takes the tree into a directory of this name, with a manifest beside it.
fn take(source: &Made, room: &Path, name: &str, references: &[Reference]) -> Walked {
    let open = |path: &Path| Dir::open_operator_path(path).unwrap();
    let staged = room.join(name);
    std::fs::create_dir(&staged).unwrap();
    let manifest = open(room).create_file(&c_name(&format!("{name}.ldm")).unwrap()).unwrap();
    let header = Header {
        snapshot: name.to_owned(),
        sequence: 1,
        source: b"/".to_vec(),
        host: String::new(),
        started: Timestamp::now(),
        policy: "quick".to_owned(),
        rules: String::new(),
        version: String::new(),
        references: Vec::new(),
        generation: 0,
    };
    walk(Plan {
        source,
        source_path: room,
        filtering: &Filtering::new(),
        select_only: false,
        staged: Some(open(&staged)),
        scratch: Some(open(room)),
        part_lists: None,
        device: open(room).stat().unwrap().id.device,
        references,
        damaged: &HashSet::new(),
        manifest: Some(ManifestWriter::create(manifest, open(room), &header).unwrap()),
        started: Timestamp::now(),
        record_attributes: false,
        shift: None,
        trust_shift: false,
        policy: &Quick::default(),
        space: super::space::Space::new(None),
        write_out: None,
        reach: Reach::unknown(effective_ids()),
        one_file_system: false,
        own: Vec::new(),
        repository: room,
        threads: 2,
        descriptors: 1000,
        hard_links: source.groups,
        monitor: &Silent,
        stop: &StopFlag::default(),
    })
    .unwrap()
}

/// What was taken as `first`, to link to.
fn reference(room: &Path) -> Reference {
    Reference {
        root: Dir::open_operator_path(&room.join("first")).unwrap(),
        snapshot: None,
        at: None,
        label: "first".to_owned(),
        started: Some(Timestamp::now()),
        unproven: false,
        manifest: Some(Manifest::open(File::open_operator_path(&room.join("first.ldm")).unwrap()).unwrap()),
        same_user: true,
        same_source: true,
        previous: None,
    }
}

/// The most memory that this process has had, in KiB.
fn peak_so_far() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}

#[test]
#[ignore = "needs a process of its own: others start it"]
fn peak() {
    let text = std::env::var("LINKDEST_SCALE").expect("LINKDEST_SCALE says how many entries and names");
    let mut asked = text.trim_end_matches(" new").split(' ').map(|number| number.parse::<u64>().unwrap());
    let (entries, names) = (asked.next().unwrap(), asked.next().unwrap());
    let groups = asked.next().map_or(HARD_LINKS, |groups| usize::try_from(groups).unwrap());
    let is_new = text.ends_with(" new");
    let source = Made { directories: entries / FILES, names, groups, ..Made::default() };
    let dir = tempfile::tempdir().unwrap();
    let before = if is_new { Made::default() } else { Made { ..source } };
    let first = take(&before, dir.path(), "first", &[]);
    let files = source.directories * FILES;
    assert_eq!(first.counts.files_copied, before.directories * FILES / names);
    println!("peak {} after a full run of {} entries", peak_so_far(), before.directories * FILES);
    let reference = reference(dir.path());
    let second = take(&source, dir.path(), "second", &[reference]);
    let copied = if is_new { files / names } else { 0 };
    assert_eq!((second.counts.files_copied, second.counts.files_linked), (copied, files - copied));
    println!("peak {} after the next one", peak_so_far());
}

/// The last peak of a process of its own, in MiB.
fn peak_of(entries: u64, names: u64, groups: usize, first: &str) -> u64 {
    let mut itself = Command::new(std::env::current_exe().unwrap());
    itself.args(["--exact", "snapshot::scale::peak", "--ignored", "--nocapture"]);
    let output = itself.env("LINKDEST_SCALE", format!("{entries} {names} {groups}{first}")).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    let last = text.lines().filter_map(|line| line.strip_prefix("peak ")).next_back().unwrap();
    last.split(' ').next().unwrap().parse::<u64>().unwrap() >> 10
}

#[test]
fn memory_is_that_of_caches_and_not_of_the_tree() {
    let peak = peak_of(150_000, 1, 0, "");
    assert!(peak < 40, "{peak} MiB for 150,000 entries");
}

#[test]
fn memory_is_not_that_of_hard_links_set_aside() {
    let (aside, kept) = (peak_of(80_000, 2, 100, ""), peak_of(80_000, 2, usize::MAX, ""));
    assert!(aside + 12 < kept, "{aside} MiB for 40,000 groups, {kept} MiB if all are kept in memory");
}

/// In the second run of a repository each new name waited until all names of its inode were met, and kept all that was
/// to be written down of its directory.
#[test]
fn memory_is_not_that_of_new_hard_links_that_wait_for_each_other() {
    let (some, all) = (peak_of(120_000, 2, 100, " new"), peak_of(120_000, 2, usize::MAX, " new"));
    assert!(some + 12 < all, "{some} MiB where 100 names may wait, {all} MiB where all do");
}

/// Names that were listed before a listing failed were carried forward and then taken for a collision.
#[test]
fn a_listing_that_breaks_off_is_carried_forward_from_there_on() {
    let source = Made { directories: 4, names: 1, ..Made::default() };
    let dir = tempfile::tempdir().unwrap();
    take(&source, dir.path(), "first", &[]);
    let source = Made { torn: true, ..source };
    let walked = take(&source, dir.path(), "second", &[reference(dir.path())]);
    let kinds: Vec<_> = walked.problems.iter().map(|problem| (problem.kind(), problem.operation())).collect();
    assert_eq!(kinds, [(ProblemKind::CarriedForward, "list"); 4]);
    assert!(walked.problems[0].message().contains("50 entries"), "{:?}", walked.problems);
    assert_eq!((walked.counts.files_linked, walked.counts.carried_forward), (400, 200));
    assert_eq!(dir.path().join("second/d3").read_dir().unwrap().count(), 100);
    // Without an earlier version what was listed is saved.
    let walked = take(&source, dir.path(), "alone", &[]);
    assert_eq!((walked.counts.files_copied, walked.counts.problems), (200, 4));
    assert!(walked.problems.iter().all(|problem| problem.kind() == ProblemKind::Unreadable));
}

#[test]
fn an_inode_number_that_is_given_out_again_joins_no_group() {
    for groups in [0, HARD_LINKS] {
        let source = Made { directories: 6, names: 2, groups, reused: true, ..Made::default() };
        let dir = tempfile::tempdir().unwrap();
        let walked = take(&source, dir.path(), "first", &[]);
        assert_eq!((walked.counts.files_copied, walked.counts.files_linked), (600, 0));
        let source = Made { reused: false, ..source };
        let walked = take(&source, dir.path(), "second", &[]);
        assert_eq!((walked.counts.files_copied, walked.counts.files_linked), (300, 300));
    }
}
