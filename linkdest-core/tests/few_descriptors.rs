//! Trees that are wide or deep beyond any number of descriptors, with 256 of them.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests stop where an assumption fails")]

use linkdest_core::{Silent, Snapshotter, Status, Strict};
use linkdest_testkit::{Comparison, TestDir, deep, wide};

/// How deep a tree can be: the portable backend has no paths that are longer than the system takes.
const LEVELS: usize = if cfg!(linkdest_portable) { 1_500 } else { 5_000 };

/// One test, because the limit is the whole process's.
#[test]
fn wide_and_deep_trees_need_no_more_than_256_descriptors() {
    let mut limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    limit.current = Some(256);
    rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).unwrap();
    let dir = TestDir::new();
    let source = dir.join("source");
    std::fs::create_dir(&source).unwrap();
    for (name, tree) in [("wide", 100_000_usize), ("deep", LEVELS)] {
        let root = source.join(name);
        std::fs::create_dir(&root).unwrap();
        if name == "wide" { wide(&root, tree) } else { deep(&root, tree) }
    }
    // A comb: at each of many levels one more directory waits for its turn.
    let comb = source.join("comb");
    std::fs::create_dir(&comb).unwrap();
    let mut tooth = comb;
    for _ in 0..200 {
        std::fs::create_dir(tooth.join("a")).unwrap();
        std::fs::write(tooth.join("a/f"), "x").unwrap();
        tooth.push("d");
        std::fs::create_dir(&tooth).unwrap();
    }
    let snapshotter = Snapshotter::new(&source, dir.join("repository")).init(true).sync(false);
    let started = std::time::Instant::now();
    for linked in [false, true] {
        let report = snapshotter.run(&Silent).unwrap();
        assert_eq!(report.status(), Status::Complete, "{:?}", report.problems());
        assert_eq!(report.counts().files_copied == 0, linked);
        Comparison::new().assert_same(&source, report.path().unwrap());
    }
    moved_files_that_must_be_read(&dir);
    eprintln!("two runs and comparisons took {:?}", started.elapsed());
}

/// Files that come from many directories into one, and wait to be read there.
fn moved_files_that_must_be_read(dir: &TestDir) {
    let (source, repository) = (dir.join("moved"), dir.join("repository-of-moved"));
    std::fs::create_dir_all(source.join("all")).unwrap();
    let place = |number: usize| source.join(format!("d{number}"));
    for number in 0..400 {
        std::fs::create_dir(place(number)).unwrap();
        std::fs::write(place(number).join("f"), format!("content of {number}")).unwrap();
    }
    let snapshotter = Snapshotter::new(&source, repository).init(true).policy(Strict::default());
    snapshotter.run(&Silent).unwrap();
    for number in 0..400 {
        std::fs::rename(place(number).join("f"), source.join(format!("all/{number}"))).unwrap();
    }
    let report = snapshotter.run(&Silent).unwrap();
    assert_eq!((report.status(), report.counts().files_copied), (Status::Complete, 0));
    Comparison::new().assert_same(&source, report.path().unwrap());
}
