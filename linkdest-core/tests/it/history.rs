//! Random histories: after every step the snapshot is the source, and all earlier ones are what they were.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use linkdest_core::{Silent, Status};
use linkdest_testkit::{Comparison, Inventory, Privileges, random_edits, rsync_differences};

use crate::support::{Pair, path};

fn history(seed: u64, steps: u64, threads: usize, descriptors: usize) {
    let pair = Pair::new();
    pair.make_everything();
    let mut earlier: Vec<(PathBuf, Inventory)> = Vec::new();
    for step in 0..steps {
        let edits = random_edits(&pair.source, seed * 1000 + step, 40);
        let report = pair
            .snapshotter()
            .threads(NonZeroUsize::new(threads).unwrap())
            .descriptors(NonZeroUsize::new(descriptors).unwrap())
            .run(&Silent)
            .unwrap();
        assert_eq!(report.status(), Status::Complete, "{:?}", report.problems());
        let differences = Comparison::new().run(&pair.source, path(&report));
        assert!(
            differences.is_empty(),
            "seed {seed} step {step}: {}\nafter {edits:#?}",
            linkdest_testkit::describe(&differences)
        );
        for (path, inventory) in &earlier {
            inventory.assert_unchanged(&Inventory::of(path));
        }
        earlier.push((path(&report).to_owned(), Inventory::of(path(&report))));
    }
}

#[test]
fn snapshots_equal_the_source_and_never_change_again() {
    for (seed, threads, descriptors) in [(1, 1, 1000), (2, 2, 1000), (3, 4, 16), (4, 8, 40), (5, 2, 16)] {
        history(seed, 5, threads, descriptors);
    }
}

#[test]
fn rsync_finds_no_difference_either() {
    let pair = Pair::new();
    // rsync fails below paths that are longer than PATH_MAX, and reads holes.
    let plain = |entry: &linkdest_testkit::Entry| {
        !entry.path.starts_with(b"long")
            && !matches!(entry.kind, linkdest_testkit::EntryKind::Sparse(size, _) if size > 1 << 30)
    };
    let entries: Vec<_> =
        linkdest_testkit::every_kind_entries(Privileges::current()).into_iter().filter(plain).collect();
    pair.make(&entries);
    for seed in 0..3 {
        random_edits(&pair.source, 77 + seed, 40);
        let report = pair.snapshot();
        match rsync_differences(&pair.source, path(&report)) {
            Some(differences) => assert_eq!(differences, ""),
            None => return linkdest_testkit::skip("rsync is not installed"),
        }
    }
}

#[test]
fn few_descriptors_and_many_threads_lose_no_directory() {
    let pair = Pair::new();
    for chain in 0..30 {
        let mut dir = pair.source.join(chain.to_string());
        for _ in 0..30 {
            std::fs::create_dir_all(dir.join("s1/s2")).unwrap();
            std::fs::write(dir.join("s1/s2/g"), "x").unwrap();
            dir.push("d");
        }
    }
    let mut expected = None;
    for round in 0..12 {
        let threads = NonZeroUsize::new([2, 4, 16][round % 3]).unwrap();
        let few = NonZeroUsize::new(16).unwrap();
        let report = pair.snapshotter().threads(threads).descriptors(few).sync(false).run(&Silent).unwrap();
        assert_eq!(report.status(), Status::Complete, "{:?}", report.problems());
        assert_eq!(*expected.get_or_insert(report.counts().entries), report.counts().entries);
    }
}
