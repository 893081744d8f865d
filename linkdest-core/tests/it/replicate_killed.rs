//! Replicating that was stopped goes on where it was.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

use linkdest_core::{
    Collecting, ErrorKind, Event, Monitor, ProblemKind, Repository, Silent, Status, StopFlag,
};
use linkdest_testkit::random_edits;

use crate::adopt::assert_sound;
use crate::replicate::{assert_same_repositories, names, replicate, replicator, second};
use crate::support::Pair;
use crate::verify::change_a_byte;

/// Stops the run after so many entries.
struct StopAfter {
    left: AtomicU64,
    flag: StopFlag,
}

impl Monitor for StopAfter {
    fn event(&self, event: &Event) {
        if matches!(event, Event::Entry { .. }) && self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.flag.stop();
        }
    }

    fn wants_entries(&self) -> bool {
        true
    }
}

fn stopped_after(pair: &Pair, entries: u64) {
    let flag = StopFlag::default();
    let monitor = StopAfter { left: AtomicU64::new(entries), flag: flag.clone() };
    let error = replicator(pair).stop(flag).run(&monitor).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
}

/// 300 files in one snapshot.
fn many() -> Pair {
    let pair = Pair::new();
    for number in 0..300 {
        fs::create_dir_all(pair.source.join(format!("d{}", number % 30))).unwrap();
        pair.write(&format!("d{}/f{number}", number % 30), format!("content {number}"));
    }
    pair.snapshot();
    pair
}

#[test]
fn what_was_sent_is_not_sent_again() {
    let pair = many();
    for entries in [100, 40, 200] {
        stopped_after(&pair, entries);
    }
    let report = replicate(&pair);
    // The third run went further than the first, by what that had and 60 entries or so.
    assert!(report.counts().files_copied < 200, "{:?}", report.counts());
    assert_eq!(report.counts().files_copied + report.counts().files_linked, 300);
    assert_same_repositories(&pair);
    assert_sound(&second(&pair));
    assert_eq!(fs::read_dir(second(&pair).join(".linkdest/staging")).unwrap().count(), 0);
}

#[test]
fn what_was_written_before_a_restart_is_believed_by_its_hash() {
    let pair = many();
    stopped_after(&pair, 200);
    let staging = second(&pair).join(".linkdest/staging");
    let left = fs::read_dir(&staging).unwrap().next().unwrap().unwrap().path();
    let record = fs::read_to_string(left.join("run.toml")).unwrap();
    let lines =
        record.lines().map(|line| if line.starts_with("boot_id") { "boot_id = 'another'" } else { line });
    fs::write(left.join("run.toml"), lines.collect::<Vec<_>>().join("\n")).unwrap();
    // Content that did not reach the disk.
    change_a_byte(&left.join("tree/d0/f0"));
    let report = replicate(&pair);
    assert!(report.counts().files_copied < 200, "{:?}", report.counts());
    assert_same_repositories(&pair);
    assert_sound(&second(&pair));
}

#[test]
fn damage_that_a_stopped_run_found_is_found_again() {
    let pair = many();
    change_a_byte(&pair.repository.join(names(&pair.repository)[0].as_str()).join("d0/f0"));
    stopped_after(&pair, 250);
    let monitor = Collecting::default();
    let report = replicator(&pair).run(&monitor).unwrap();
    assert_eq!(report.status(), Status::Problems);
    let kinds: Vec<_> = monitor.problems().iter().map(linkdest_core::Problem::kind).collect();
    assert_eq!(kinds, [ProblemKind::Damaged]);
}

#[test]
fn stopped_in_the_middle_of_a_history_it_ends_equal() {
    let pair = Pair::new();
    pair.make_everything();
    for step in 0..4 {
        pair.snapshotter().run(&Silent).unwrap();
        random_edits(&pair.source, step, 30);
    }
    let all = Collecting::default();
    let entries = replicator(&pair).run(&all).map(|_| all.entries().len() as u64).unwrap();
    linkdest_testkit::remove_tree(&second(&pair)).unwrap();
    for part in 1..8 {
        stopped_after(&pair, entries * part / 20);
        // What is published is whole.
        if Repository::open(second(&pair)).is_ok_and(|target| !target.snapshots().unwrap().is_empty()) {
            assert_sound(&second(&pair));
        }
    }
    replicate(&pair);
    assert_same_repositories(&pair);
    assert_sound(&second(&pair));
}

#[test]
fn what_snapshots_left_there_stays_for_them() {
    let pair = many();
    Repository::init(second(&pair)).unwrap();
    let flag = StopFlag::default();
    let monitor = StopAfter { left: AtomicU64::new(100), flag: flag.clone() };
    let snapshotter = linkdest_core::Snapshotter::new(&pair.source, second(&pair));
    snapshotter.stop(flag).run(&monitor).unwrap_err();
    replicate(&pair);
    assert_eq!(fs::read_dir(second(&pair).join(".linkdest/staging")).unwrap().count(), 1);
    assert_sound(&second(&pair));
}
