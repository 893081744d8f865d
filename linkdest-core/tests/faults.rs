//! Every kind of kernel call fails with every error that matters, at its first, middle and last use, in snapshots,
//! restores, deletions, expunging, verifying and reindexing: each ends with an error, or names what is missing, or did it
//! all the same; older snapshots are untouched, and the next run makes everything right.
//!
//! Built with `RUSTFLAGS="--cfg linkdest_calls"`. Some of the faults are tried, or with `LINKDEST_FAULT_STEP=1` each of
//! them: more than a thousand.

#![cfg(linkdest_calls)]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests stop where an assumption fails"
)]

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use linkdest_core::calls::{Call, trace};
use linkdest_core::{
    Error, Problem, Reindexer, RelPath, Repository, Silent, SnapshotName, Snapshotter, Status, Verifier,
};
use linkdest_testkit::{Comparison, Inventory, TestDir, remove_tree};

/// EIO, ENOSPC, EDQUOT, EMLINK, EACCES, EPERM, ENOMEM, EINTR, ENOSYS.
const ERRORS: [i32; 9] = [5, 28, 122, 31, 13, 1, 12, 4, 38];

/// Calls whose refusal is an answer where the file system is tried out: it cannot do that, and everything else is saved.
const ANSWERS: [Call; 8] = [
    Call::SetOwner,
    Call::SetMode,
    Call::SetXattr,
    Call::GetXattr,
    Call::ListXattr,
    Call::Symlink,
    Call::ReadLink,
    Call::Clone,
];
/// EACCES, EPERM, ENOSYS.
const REFUSALS: [i32; 3] = [13, 1, 38];

struct Scene {
    dir: TestDir,
    source: PathBuf,
    first: PathBuf,
    kept: Inventory,
}

/// What one operation came to: the problems that it named, or its error.
type Told = Result<Vec<Problem>, Error>;

impl Scene {
    fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() { TestDir::new_in(memory) } else { TestDir::new() };
        let source = dir.join("source");
        std::fs::create_dir_all(source.join("d/inner")).unwrap();
        for name in ["a", "d/b", "d/inner/c"] {
            std::fs::write(source.join(name), name.repeat(3000)).unwrap();
        }
        std::fs::hard_link(source.join("a"), source.join("d/inner/again")).unwrap();
        std::os::unix::fs::symlink("a", source.join("d/symlink")).unwrap();
        let scene = Self { source, first: PathBuf::new(), kept: Inventory::of(dir.path()), dir };
        scene.take().unwrap();
        let first = scene.repository().join(scene.open().snapshots().unwrap()[0].name().as_str());
        Self { kept: Inventory::of(&first), first, ..scene }
    }

    fn repository(&self) -> PathBuf {
        self.dir.join("repository")
    }

    fn open(&self) -> Repository {
        Repository::open(self.repository()).unwrap()
    }

    fn snapshotter(&self) -> Snapshotter {
        let one = NonZeroUsize::new(1).unwrap();
        Snapshotter::new(&self.source, self.repository()).init(true).threads(one)
    }

    fn take(&self) -> Told {
        self.snapshotter().run(&Silent).map(|report| report.problems().to_vec())
    }

    fn others(&self) -> Vec<SnapshotName> {
        let all = self.open().snapshots().unwrap();
        let names = all.iter().map(|snapshot| snapshot.name().clone());
        names.filter(|name| !self.first.ends_with(name.as_str())).collect()
    }

    /// The first snapshot and one more, with nothing left over, and an empty place to restore to.
    fn prepare(&self) {
        self.open().delete(&self.others()).unwrap();
        std::fs::write(self.source.join("d/b"), format!("{:?}", std::time::Instant::now())).unwrap();
        self.take().unwrap();
        let target = self.dir.join("target");
        if target.exists() {
            remove_tree(&target).unwrap();
        }
    }

    /// What must hold whatever went wrong, and the next run.
    fn check(&self, what: &str) {
        let differences = self.kept.differences(&Inventory::of(&self.first));
        assert!(differences.is_empty(), "{what}: {}", linkdest_testkit::describe(&differences));
        let report = self.snapshotter().run(&Silent).unwrap();
        assert_eq!(report.status(), Status::Complete, "{what}: {:?}", report.problems());
        Comparison::new().assert_same(&self.source, report.path().unwrap());
    }
}

fn step() -> usize {
    std::env::var("LINKDEST_FAULT_STEP").map_or(11, |step| step.parse().unwrap())
}

/// Makes each call of an operation fail, one at a time, and has the result judged.
fn fail_each(operation: &str, act: impl Fn(&Scene) -> Told, judge: impl Fn(&Scene, &Told, &str)) -> usize {
    let scene = Scene::new();
    scene.prepare();
    trace::start(None);
    act(&scene).unwrap();
    let mut counts: BTreeMap<Call, usize> = BTreeMap::new();
    for made in trace::finish() {
        *counts.entry(made.call).or_default() += 1;
    }
    let mut faults = Vec::new();
    for (call, count) in counts {
        let mut points = vec![1, count.div_ceil(2), count];
        points.dedup();
        for point in points {
            faults.extend(ERRORS.map(|errno| (call, point, errno)));
        }
    }
    // What a target refuses to hold is counted and told in one notice.
    let is_told_at_once =
        |call: &Call| operation == "restore" && matches!(call, Call::SetTimes | Call::RemoveXattr);
    faults.retain(|(call, _, errno)| {
        !((ANSWERS.contains(call) || is_told_at_once(call)) && REFUSALS.contains(errno))
    });
    let mut tried = 0;
    for (call, point, errno) in faults.into_iter().step_by(step()) {
        let what = format!("{operation}: {call:?} {point} fails with {errno}");
        scene.prepare();
        trace::start(Some((call, point, errno)));
        let told = act(&scene);
        trace::finish();
        if let Err(error) = &told {
            assert!(!error.to_string().is_empty(), "{what}");
        }
        judge(&scene, &told, &what);
        scene.check(&what);
        tried += 1;
    }
    println!("{operation}: {tried} faults");
    tried
}

/// Whatever two trees differ in is named by a problem.
fn assert_named(left: &Path, right: &Path, problems: &[Problem], what: &str) {
    // A restore whose marker cannot be removed leaves it to the next one.
    let is_marker = |path: &[u8]| path.starts_with(b".linkdest-");
    // At the link limit a group becomes two.
    let groups = !what.ends_with("fails with 31");
    for difference in Comparison::new().hard_links(groups).run(left, right) {
        if is_marker(&difference.path) {
            continue;
        }
        // What is told of one name of an inode is told of all.
        let path = Path::new(std::ffi::OsStr::from_bytes(&difference.path));
        let inode = |path: &Path| std::fs::symlink_metadata(right.join(path)).ok().map(|stat| stat.ino());
        let named = |problem: &Problem| {
            let about = problem.path();
            difference.path.starts_with(about.as_bytes())
                || inode(path).is_some_and(|number| inode(about.as_path()) == Some(number))
        };
        assert!(problems.iter().any(named), "{what}: {difference} is not named: {problems:?}");
    }
}

#[test]
fn no_failing_call_loses_anything_or_is_kept_quiet() {
    let judge_snapshot = |scene: &Scene, told: &Told, what: &str| {
        let new = scene.others();
        let Ok(problems) = told else { return assert_eq!(new.len(), 1, "{what}: published") };
        let newest = scene.repository().join(new.last().unwrap().as_str());
        assert_named(&scene.source, &newest, problems, what);
    };
    let mut tried = fail_each("snapshot", Scene::take, judge_snapshot);

    let restore = |scene: &Scene| {
        let (repository, name) = (Repository::open(scene.repository())?, newest(scene)?.remove(0));
        let restorer = repository.restore(&name, &RelPath::root(), scene.dir.join("target"));
        let one = NonZeroUsize::new(1).unwrap();
        restorer.threads(one).run(&Silent).map(|report| report.problems().to_vec())
    };
    tried += fail_each("restore", restore, |scene, told, what| {
        if let Ok(problems) = told {
            assert_named(&scene.source, &scene.dir.join("target"), problems, what);
        }
    });

    let delete = |scene: &Scene| {
        let deleted = Repository::open(scene.repository())?.delete(&newest(scene)?)?;
        Ok(deleted.problems().to_vec())
    };
    tried += fail_each("delete", delete, |scene, told, what| {
        assert!(told.is_err() || scene.others().is_empty(), "{what}: it is still there");
    });

    let expunge = |scene: &Scene| {
        let only = linkdest_core::Expunging::default().snapshot(newest(scene)?.remove(0));
        let repository = Repository::open(scene.repository())?;
        let report = repository.expunge_with(&RelPath::new("d/inner").unwrap(), &only)?;
        Ok(report.problems().to_vec())
    };
    tried += fail_each("expunge", expunge, |scene, told, what| {
        let place = scene.repository().join(scene.others()[0].as_str()).join("d/inner");
        assert!(told.is_err() || !place.exists(), "{what}: it is still there");
    });

    let verify = |scene: &Scene| {
        let repository = Repository::open(scene.repository())?;
        Verifier::new(&repository).run(&Silent).map(|report| report.problems().to_vec())
    };
    tried += fail_each("verify", verify, |_, _, _| {});

    let reindex = |scene: &Scene| {
        let repository = Repository::open(scene.repository())?;
        Reindexer::new(&repository).all(true).run(&Silent).map(|report| report.problems().to_vec())
    };
    tried += fail_each("reindex", reindex, |scene, _, what| {
        let found = Verifier::new(&scene.open()).run(&Silent).unwrap();
        assert_eq!(found.findings(), [], "{what}");
    });
    println!("{tried} faults");
    assert!(step() > 1 || tried >= 1000, "{tried} faults");
}

/// The newest snapshot, found with calls that may fail.
fn newest(scene: &Scene) -> Result<Vec<SnapshotName>, Error> {
    let all = Repository::open(scene.repository())?.snapshots()?;
    let names = all.iter().map(|snapshot| snapshot.name().clone());
    let found: Vec<_> = names.filter(|name| !scene.first.ends_with(name.as_str())).collect();
    assert_eq!(found.len(), 1, "a snapshot is not listed");
    Ok(found)
}
