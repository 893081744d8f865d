//! A source that answers slowly, as over a network: threads must hide that.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::io;
use std::sync::{Mutex, PoisonError};
use std::thread::{ThreadId, current, sleep};
use std::time::Duration;

use super::engine::{Plan, walk};
use super::filtering::Filtering;
use super::groups::HARD_LINKS;
use crate::counts::Counts;
use crate::entry::{FileId, Metadata, Timestamp};
use crate::manifest::FileSystemId;
use crate::monitor::{Silent, StopFlag};
use crate::os::{Dir, File, Listing, XattrBuffer};
use crate::policy::Quick;
use crate::policy::attributes::Reach;
use crate::source::{KnownXattrs, LocalSource, Opened, RuleFile, Source, SourceFile};

const DELAY: Duration = Duration::from_millis(5);

/// Counts the calls of each thread, each of which takes a while.
#[derive(Default)]
struct Far {
    calls: Mutex<HashMap<ThreadId, usize>>,
}

impl Far {
    fn wait(&self) {
        *self.calls.lock().unwrap_or_else(PoisonError::into_inner).entry(current().id()).or_default() += 1;
        sleep(DELAY);
    }
}

struct Slow<'f> {
    tree: LocalSource,
    far: &'f Far,
}

struct SlowFile<'f> {
    file: File,
    far: &'f Far,
}

impl<'f> Source for Slow<'f> {
    type Dir = Dir;
    type File = SlowFile<'f>;

    fn open_root(&self) -> io::Result<Opened<Dir>> {
        self.far.wait();
        self.tree.open_root()
    }

    fn open_dir(&self, parent: &Dir, name: &CStr) -> io::Result<Opened<Dir>> {
        self.far.wait();
        self.tree.open_dir(parent, name)
    }

    fn reopen_parent(&self, child: &Dir, id: FileId) -> io::Result<Dir> {
        self.far.wait();
        self.tree.reopen_parent(child, id)
    }

    fn reopen(&self, parent: &Dir, name: &CStr, id: FileId) -> io::Result<Dir> {
        self.far.wait();
        self.tree.reopen(parent, name, id)
    }

    fn file_system(&self, dir: &Dir) -> io::Result<FileSystemId> {
        self.far.wait();
        self.tree.file_system(dir)
    }

    fn list(&self, dir: &Dir, listing: &mut Listing) -> io::Result<()> {
        self.far.wait();
        self.tree.list(dir, listing)
    }

    fn stat(&self, dir: &Dir, names: &[&CStr], answer: &mut dyn FnMut(usize, io::Result<Metadata>)) {
        names.iter().for_each(|_| self.far.wait());
        self.tree.stat(dir, names, answer);
    }

    fn contents(
        &self,
        dir: &Dir,
        wanted: &[(&CStr, &Metadata)],
        answer: &mut dyn FnMut(usize, io::Result<(SlowFile<'f>, Metadata)>),
    ) {
        self.tree.contents(dir, wanted, &mut |index, opened| {
            self.far.wait();
            answer(index, opened.map(|(file, metadata)| (SlowFile { file, far: self.far }, metadata)));
        });
    }

    fn rule_file(&self, dir: &Dir, name: &CStr) -> io::Result<RuleFile> {
        self.far.wait();
        self.tree.rule_file(dir, name)
    }

    fn target(&self, dir: &Dir, name: &CStr) -> io::Result<CString> {
        self.far.wait();
        self.tree.target(dir, name)
    }

    fn xattrs(
        &self,
        dir: &Dir,
        name: Option<&CStr>,
        reach: &Reach,
        buffer: &mut XattrBuffer,
    ) -> io::Result<KnownXattrs> {
        self.far.wait();
        self.tree.xattrs(dir, name, reach, buffer)
    }
}

impl SourceFile for SlowFile<'_> {
    fn stat(&self) -> io::Result<Metadata> {
        self.far.wait();
        self.file.stat()
    }

    fn xattrs(&self, reach: &Reach, buffer: &mut XattrBuffer) -> io::Result<KnownXattrs> {
        self.far.wait();
        SourceFile::xattrs(&self.file, reach, buffer)
    }

    fn local(&self) -> Option<&File> {
        None
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.far.wait();
        self.file.read_at(buffer, offset)
    }
}

/// Takes a tree with so many threads; returns the counts, all calls of the source, and those of its busiest thread.
fn take(source: &std::path::Path, staged: &std::path::Path, threads: usize) -> (Counts, usize, usize) {
    let far = Far::default();
    let open = |path| Dir::open_operator_path(path).unwrap();
    let slow = Slow { tree: LocalSource::new(open(source)), far: &far };
    let walked = walk(Plan {
        source: &slow,
        source_path: source,
        filtering: &Filtering::new(),
        select_only: false,
        staged: Some(open(staged)),
        scratch: None,
        part_lists: None,
        device: 0,
        references: &[],
        damaged: &std::collections::HashSet::new(),
        manifest: None,
        started: Timestamp::now(),
        record_attributes: false,
        shift: None,
        trust_shift: false,
        policy: &Quick::default(),
        space: super::space::Space::new(None),
        write_out: None,
        reach: Reach::unknown((u32::MAX, u32::MAX)),
        one_file_system: false,
        own: Vec::new(),
        repository: staged,
        threads,
        descriptors: 1000,
        hard_links: HARD_LINKS,
        monitor: &Silent,
        stop: &StopFlag::default(),
    });
    let calls = far.calls.into_inner().unwrap_or_else(PoisonError::into_inner);
    let busiest = calls.values().copied().max().unwrap_or_default();
    (walked.unwrap().counts, calls.values().sum(), busiest)
}

#[test]
#[expect(clippy::disallowed_methods, reason = "tests make their trees by path")]
fn sixteen_threads_hide_latency() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("source");
    for number in 0..60 {
        let inner = source.join(format!("{}/{number}", number % 3));
        std::fs::create_dir_all(&inner).unwrap();
        (0..4).for_each(|file| std::fs::write(inner.join(file.to_string()), "hello").unwrap());
    }
    let of = |threads: usize| {
        let staged = dir.path().join(threads.to_string());
        std::fs::create_dir(&staged).unwrap();
        take(&source, &staged, threads)
    };
    let (alone, together) = (of(1), of(16));
    assert_eq!(alone.0, together.0);
    assert_eq!(alone.0.files_copied, 240);
    // Reopening a directory costs a call now and then. The busiest thread is what the run waits for.
    assert!(together.2 * 10 <= alone.1, "{together:?} of {alone:?}");
}
