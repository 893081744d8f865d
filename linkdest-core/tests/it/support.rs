//! A source and a repository side by side.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use linkdest_core::{Collecting, Silent, SnapshotReport, Snapshotter, Status};
use linkdest_testkit::{Entry, Privileges, TestDir, every_kind_entries};

/// A directory with an empty source and room for a repository.
pub struct Pair {
    pub dir: TestDir,
    pub source: PathBuf,
    pub repository: PathBuf,
}

impl Pair {
    pub fn new() -> Self {
        Self::of(TestDir::new())
    }

    /// A source here, and the repository on another file system.
    pub fn with_repository_on(mount: &Path) -> Self {
        Self { repository: mount.join("repository"), ..Self::new() }
    }

    /// Both on another file system.
    pub fn both_on(mount: &Path) -> Self {
        Self::of(TestDir::new_in(mount))
    }

    fn of(dir: TestDir) -> Self {
        let (source, repository) = (dir.join("source"), dir.join("repository"));
        std::fs::create_dir(&source).unwrap();
        Self { dir, source, repository }
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.source.join(name), content).unwrap();
    }

    /// Makes entries in the source; the file system must take all of them.
    pub fn make(&self, entries: &[Entry]) {
        let refused = linkdest_testkit::build(&self.source, entries);
        assert!(refused.is_empty(), "{refused:?}");
    }

    /// Fills the source with every kind of entry that the file system takes.
    pub fn make_everything(&self) {
        let mut entries = every_kind_entries(Privileges::current());
        if cfg!(linkdest_portable) {
            // It has no paths that are longer than the system takes.
            entries.retain(|entry| entry.path.len() < LONGEST_PORTABLE);
        }
        // XFS refuses one long symlink; nothing else may be missing.
        let refused = linkdest_testkit::build(&self.source, &entries);
        assert!(refused.len() <= 1, "{refused:?}");
    }

    pub fn snapshotter(&self) -> Snapshotter {
        Snapshotter::new(&self.source, &self.repository).init(true)
    }

    /// Takes a snapshot in which everything must have been saved as asked.
    pub fn snapshot(&self) -> SnapshotReport {
        let report = self.snapshotter().run(&Silent).unwrap();
        assert_eq!(report.status(), Status::Complete, "{:?}", report.problems());
        report
    }

    /// Takes a snapshot and what was told meanwhile.
    pub fn watched(&self) -> (SnapshotReport, Collecting) {
        let monitor = Collecting::default();
        let report = self.snapshotter().run(&monitor).unwrap();
        (report, monitor)
    }
}

/// Paths below a source, in bytes, that with that of the repository before them are no longer than a system takes.
const LONGEST_PORTABLE: usize = 3000;

/// Says whether a test asks more than the portable backend can do, and that it is skipped then. `docs/platform.md` lists
/// these tests; a test of the documentation compares.
pub fn beyond_portable(lack: &str) -> bool {
    if cfg!(linkdest_portable) {
        linkdest_testkit::skip_beyond(format_args!("the portable backend has {lack}"));
    }
    cfg!(linkdest_portable)
}

/// The path of a published snapshot.
pub fn path(report: &SnapshotReport) -> &Path {
    report.path().unwrap()
}

pub fn inode(path: impl AsRef<Path>) -> u64 {
    std::fs::symlink_metadata(path).unwrap().ino()
}

pub fn set_mtime(path: impl AsRef<Path>, seconds: i64, nanos: u32) {
    filetime::set_symlink_file_times(
        path,
        filetime::FileTime::from_unix_time(seconds, 0),
        filetime::FileTime::from_unix_time(seconds, nanos),
    )
    .unwrap();
}
