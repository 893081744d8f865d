//! Restoring after a restore that was killed: its names in the making go, and nothing else.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use linkdest_core::{
    Event, Monitor, Overwrite, RelPath, Repository, RestoreReport, Restorer, Silent, SnapshotName, Status,
};
use linkdest_testkit::{Comparison, Inventory};

use crate::support::{Pair, set_mtime};

const MARKER: &str = ".linkdest-0123456789ab-restore";

/// A restored snapshot, and a target that a killed restore left behind.
struct Killed {
    pair: Pair,
    repository: Repository,
    name: SnapshotName,
    back: PathBuf,
}

impl Killed {
    fn new() -> Self {
        let pair = Pair::new();
        fs::create_dir_all(pair.source.join("d/below")).unwrap();
        pair.write("a", "hello");
        pair.write("d/b", "bytes");
        pair.write("d/below/c", "more");
        Self::of(pair)
    }

    fn of(pair: Pair) -> Self {
        let report = pair.snapshotter().run(&Silent).unwrap();
        let repository = Repository::open(&pair.repository).unwrap();
        let (name, back) = (report.snapshot().unwrap().clone(), pair.dir.join("back"));
        let killed = Self { pair, repository, name, back };
        complete(&killed.restorer());
        killed
    }

    fn restorer(&self) -> Restorer<'_> {
        self.repository.restore(&self.name, &RelPath::root(), &self.back)
    }

    fn leave(&self, names: &[&str]) {
        names.iter().for_each(|name| fs::write(self.back.join(name), "").unwrap());
    }

    fn has(&self, name: &str) -> bool {
        self.back.join(name).symlink_metadata().is_ok()
    }

    fn assert_restored(&self) {
        Comparison::new().assert_same(&self.pair.source, &self.back);
    }
}

fn complete(restorer: &Restorer<'_>) -> RestoreReport {
    let report = restorer.run(&Silent).unwrap();
    assert_eq!(report.status(), Status::Complete, "{:?}", report.problems());
    report
}

fn markers(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(".linkdest-") && name.ends_with("-restore")).collect()
}

#[test]
fn names_in_the_making_are_removed_wherever_they_are() {
    let killed = Killed::new();
    killed.leave(&[MARKER, ".linkdest-0123456789ab-0", "d/.linkdest-0123456789ab-1f"]);
    fs::write(killed.pair.dir.join("outside"), "outside").unwrap();
    symlink("../../../outside", killed.back.join("d/below/.linkdest-0123456789ab-2")).unwrap();
    let report = complete(&killed.restorer());
    assert_eq!(report.counts().deleted, 0);
    killed.assert_restored();
    assert_eq!(fs::read(killed.pair.dir.join("outside")).unwrap(), b"outside");
}

#[test]
fn what_only_looks_like_them_stays() {
    let killed = Killed::new();
    let others = [
        ".linkdest-0123456789ac-0",
        "d/.linkdest-0123456789ac-0",
        ".linkdest-0123456789AB-restore",
        "d/.linkdest-ffffffffffff-restore",
        "d/.linkdest-ffffffffffff-0",
        "linkdest-0123456789ab-0",
    ];
    killed.leave(&others);
    killed.leave(&[MARKER]);
    // No marker is a directory, or has something in it; nor was any name in the making a directory.
    for directory in ["d/.linkdest-0123456789ab-probe", ".linkdest-aaaaaaaaaaaa-restore"] {
        fs::create_dir(killed.back.join(directory)).unwrap();
    }
    fs::write(killed.back.join(".linkdest-bbbbbbbbbbbb-restore"), "mine").unwrap();
    symlink("a", killed.back.join(".linkdest-cccccccccccc-restore")).unwrap();
    killed.leave(&["d/.linkdest-aaaaaaaaaaaa-0", "d/.linkdest-bbbbbbbbbbbb-0", "d/.linkdest-cccccccccccc-0"]);
    let before =
        fs::read_dir(&killed.back).unwrap().count() + fs::read_dir(killed.back.join("d")).unwrap().count();
    complete(&killed.restorer());
    let after =
        fs::read_dir(&killed.back).unwrap().count() + fs::read_dir(killed.back.join("d")).unwrap().count();
    assert_eq!((after, killed.has(MARKER)), (before - 1, false));
}

#[test]
fn what_the_snapshot_has_stays() {
    let pair = Pair::new();
    for name in [MARKER, ".linkdest-0123456789ab-0", ".linkdest-0123456789ac-0"] {
        pair.write(name, "");
    }
    let killed = Killed::of(pair);
    killed.leave(&[".linkdest-0123456789ac-restore", ".linkdest-0123456789ac-1"]);
    complete(&killed.restorer());
    killed.assert_restored();
}

#[test]
fn a_dry_run_removes_nothing_and_tells_of_nothing() {
    let killed = Killed::new();
    killed.leave(&[MARKER, ".linkdest-0123456789ab-0", "d/.linkdest-0123456789ab-1"]);
    let before = Inventory::of(killed.pair.dir.path());
    for delete in [false, true] {
        let report = complete(&killed.restorer().delete(delete).dry_run(true));
        assert_eq!(report.counts().deleted, 0);
    }
    before.assert_unchanged(&Inventory::of(killed.pair.dir.path()));
}

#[test]
fn extra_entries_are_deleted_beside_them() {
    let killed = Killed::new();
    killed.leave(&[MARKER, ".linkdest-0123456789ab-0", "d/.linkdest-0123456789ab-1", "d/extra", "extra"]);
    assert_eq!(complete(&killed.restorer().delete(true)).counts().deleted, 2);
    killed.assert_restored();
    // Without their marker they are extra entries like any other.
    killed.leave(&["d/.linkdest-0123456789ab-1"]);
    assert_eq!(complete(&killed.restorer().delete(true)).counts().deleted, 1);
    killed.assert_restored();
}

#[test]
fn a_restore_under_way_loses_nothing_to_another_one() {
    let killed = Killed::new();
    killed.leave(&[MARKER, "d/.linkdest-0123456789ab-1"]);
    let held = fs::File::open(killed.back.join(MARKER)).unwrap();
    held.lock().unwrap();
    complete(&killed.restorer());
    assert!(killed.has(MARKER) && killed.has("d/.linkdest-0123456789ab-1"));
    held.unlock().unwrap();
    complete(&killed.restorer());
    killed.assert_restored();
}

/// Looks for markers whenever an entry was placed.
struct Looking<'a>(&'a Path, Mutex<Vec<usize>>);

impl Monitor for Looking<'_> {
    fn wants_entries(&self) -> bool {
        true
    }

    fn event(&self, event: &Event) {
        if let Event::Entry { path, .. } = event
            && !path.as_bytes().is_empty()
        {
            self.1.lock().unwrap().push(markers(self.0).len());
        }
    }
}

#[test]
fn a_target_is_marked_while_something_is_made_in_it() {
    let killed = Killed::new();
    fs::write(killed.back.join("d/below/c"), "changed").unwrap();
    let looking = Looking(&killed.back, Mutex::default());
    killed.restorer().run(&looking).unwrap();
    assert_eq!(*looking.1.lock().unwrap(), [1]);
    killed.assert_restored();
    // Attributes alone need no name in the making.
    fs::set_permissions(killed.back.join("d/b"), fs::Permissions::from_mode(0o600)).unwrap();
    let looking = Looking(&killed.back, Mutex::default());
    killed.restorer().run(&looking).unwrap();
    assert_eq!(*looking.1.lock().unwrap(), [0]);
    killed.assert_restored();
}

#[test]
fn a_single_entry_needs_no_marker() {
    let killed = Killed::new();
    let dir = killed.pair.dir.join("single");
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join(MARKER), "").unwrap();
    let looking = Looking(&dir, Mutex::default());
    let path = RelPath::new("d/b").unwrap();
    killed.repository.restore(&killed.name, &path, dir.join("b")).run(&looking).unwrap();
    assert_eq!(*looking.1.lock().unwrap(), [1]);
    assert_eq!(
        (markers(&dir), fs::read(dir.join("b")).unwrap()),
        (vec![MARKER.to_owned()], b"bytes".to_vec())
    );
}

#[test]
fn a_root_that_is_to_stay_keeps_its_time() {
    let killed = Killed::new();
    fs::remove_file(killed.back.join("d/b")).unwrap();
    set_mtime(&killed.back, 1_000_000_000, 5);
    complete(&killed.restorer().overwrite(Overwrite::Never));
    let root = fs::metadata(&killed.back).unwrap();
    assert_eq!((root.mtime(), root.mtime_nsec()), (1_000_000_000, 5));
    assert!(killed.has("d/b") && markers(&killed.back).is_empty());
}

/// A directory that nothing can be made in, not by root either.
struct Sealed<'a>(&'a Path);

impl<'a> Sealed<'a> {
    fn new(path: &'a Path) -> rustix::io::Result<Self> {
        set_immutable(path, true).map(|()| Self(path))
    }
}

impl Drop for Sealed<'_> {
    fn drop(&mut self) {
        set_immutable(self.0, false).unwrap();
    }
}

fn set_immutable(path: &Path, on: bool) -> rustix::io::Result<()> {
    let file = fs::File::open(path).unwrap();
    let mut flags = rustix::fs::ioctl_getflags(&file)?;
    flags.set(rustix::fs::IFlags::IMMUTABLE, on);
    rustix::fs::ioctl_setflags(&file, flags)
}

#[test]
fn a_root_that_cannot_be_marked_is_no_problem() {
    let killed = Killed::new();
    fs::write(killed.back.join("d/b"), "changed").unwrap();
    let sealed = match Sealed::new(&killed.back) {
        Ok(sealed) => sealed,
        Err(error) => {
            return linkdest_testkit::skip(format!("no directory can be made immutable here: {error}"));
        }
    };
    complete(&killed.restorer());
    drop(sealed);
    killed.assert_restored();
    // Nor is one whose marker cannot be removed.
    killed.leave(&[MARKER, "d/.linkdest-0123456789ab-1"]);
    let root = fs::metadata(&killed.pair.source).unwrap();
    set_mtime(&killed.back, root.mtime(), u32::try_from(root.mtime_nsec()).unwrap());
    let sealed = Sealed::new(&killed.back).unwrap();
    killed.restorer().run(&Silent).unwrap();
    drop(sealed);
    assert!(killed.has(MARKER) && !killed.has("d/.linkdest-0123456789ab-1"));
    complete(&killed.restorer());
    killed.assert_restored();
}

/// Looks at the markers beside a single entry while that is told.
struct Beside<'a> {
    dir: &'a Path,
    seen: Mutex<Vec<String>>,
}

impl Monitor for Beside<'_> {
    fn event(&self, event: &Event) {
        if matches!(event, Event::Entry { .. }) {
            self.seen.lock().unwrap().extend(ours(self.dir));
        }
    }

    fn wants_entries(&self) -> bool {
        true
    }
}

fn ours(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.starts_with(".linkdest-")).collect();
    names.sort();
    names
}

/// What a killed restore of one file had written so far stayed beside it for ever.
#[test]
fn what_was_left_beside_a_single_entry_goes_with_the_next_restore_there() {
    let killed = Killed::new();
    let (path, dir) = (RelPath::new("a").unwrap(), killed.back.join("d"));
    let single = killed.repository.restore(&killed.name, &path, dir.join("single"));
    let of_a_directory = [MARKER, ".linkdest-0123456789ab-0"];
    let left = [".linkdest-aaaaaaaaaaaa-entry", ".linkdest-aaaaaaaaaaaa-0", ".linkdest-bbbbbbbbbbbb-0"];
    for name in of_a_directory.iter().chain(&left) {
        fs::write(dir.join(name), "").unwrap();
    }
    let beside = Beside { dir: &dir, seen: Mutex::default() };
    let report = single.run(&beside).unwrap();
    assert_eq!(
        (report.status(), report.counts().files_copied + report.counts().files_cloned),
        (Status::Complete, 1)
    );
    let seen = beside.seen.into_inner().unwrap();
    assert!(seen.iter().any(|name| name.ends_with("-entry") && name != left[0]), "{seen:?}");
    // What lies below is not looked at: the marker of a directory stays for those who do.
    assert_eq!(ours(&dir), [of_a_directory[1], of_a_directory[0], left[2]]);
    // A restore of the directory tidies up after both.
    fs::write(dir.join(left[0]), "").unwrap();
    fs::write(dir.join(left[1]), "").unwrap();
    let below = RelPath::new("d").unwrap();
    complete(&killed.repository.restore(&killed.name, &below, &dir));
    assert_eq!(ours(&dir), [left[2]]);
}
