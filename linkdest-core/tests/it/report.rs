//! What a report says of a repository.

use std::path::Path;

use linkdest_core::{
    GrownDirectory, KeepRules, Report, Reporter, Repository, Silent, SnapshotName, Snapshotter, Timestamp,
};

use crate::support::Pair;

fn repository(pair: &Pair) -> Repository {
    Repository::open(&pair.repository).unwrap()
}

fn report(pair: &Pair) -> Report {
    Reporter::new(&repository(pair)).run().unwrap()
}

/// All directories of the first source that are told, with bytes and files.
fn grown(report: &Report) -> Vec<(String, u64, u64)> {
    fn flat(directory: &GrownDirectory, into: &mut Vec<(String, u64, u64)>) {
        into.push((directory.path().to_string(), directory.bytes(), directory.files()));
        directory.children().iter().for_each(|child| flat(child, into));
    }
    let mut all = Vec::new();
    flat(report.growth()[0].root(), &mut all);
    all
}

fn told(directories: &[(&str, u64, u64)]) -> Vec<(String, u64, u64)> {
    directories.iter().map(|(path, bytes, files)| ((*path).to_owned(), *bytes, *files)).collect()
}

#[test]
fn what_is_new_is_told_by_directory() {
    let pair = Pair::new();
    for directory in ["a/deep", "b"] {
        std::fs::create_dir_all(pair.source.join(directory)).unwrap();
    }
    pair.write("a/old", vec![1; 1000]);
    let first = pair.snapshot().snapshot().unwrap().clone();
    // The only snapshot is all there is to tell.
    let alone = report(&pair);
    assert_eq!(grown(&alone), told(&[(".", 1000, 1), ("a", 1000, 1)]));
    assert_eq!(alone.growth()[0].since(), None);

    pair.write("a/deep/new", vec![2; 5000]);
    std::fs::hard_link(pair.source.join("a/deep/new"), pair.source.join("a/deep/other name")).unwrap();
    pair.write("b/changes", vec![3; 300]);
    pair.snapshot();
    // Renamed: nothing is new.
    std::fs::rename(pair.source.join("a/old"), pair.source.join("b/old")).unwrap();
    pair.write("b/changes", vec![4; 400]);
    pair.snapshot();
    let all = report(&pair);
    // Two names of one inode are one new file.
    let expected = [(".", 5700, 3), ("a", 5000, 1), ("a/deep", 5000, 1), ("b", 700, 2)];
    assert_eq!(grown(&all), told(&expected));
    let growth = &all.growth()[0];
    assert_eq!((growth.since(), growth.snapshots()), (Some(&first), 2));
    assert_eq!(growth.source().path(), Some(pair.source.as_path()));
    assert_eq!(all.snapshots().len(), 3);
}

#[test]
fn what_a_snapshot_brought_that_is_gone_is_new_in_the_next() {
    let pair = Pair::new();
    pair.write("first", "1");
    pair.snapshot();
    pair.write("second", vec![2; 2000]);
    let gone = pair.snapshot();
    pair.snapshot();
    pair.snapshot();
    assert_eq!(grown(&report(&pair)), told(&[(".", 2000, 1)]));
    repository(&pair).delete(&[gone.snapshot().unwrap().clone()]).unwrap();
    assert_eq!(grown(&report(&pair)), told(&[(".", 2000, 1)]));
}

#[test]
fn a_manifest_that_is_missing_or_damaged_is_said() {
    let pair = Pair::new();
    let mut names: Vec<SnapshotName> = Vec::new();
    for number in 0..4 {
        pair.write(&format!("file {number}"), vec![1; 100]);
        names.push(pair.snapshot().snapshot().unwrap().clone());
    }
    let manifest = |name: &SnapshotName| pair.repository.join(format!(".linkdest/manifests/{name}.ldm"));
    std::fs::remove_file(manifest(&names[1])).unwrap();
    let mut bytes = std::fs::read(manifest(&names[2])).unwrap();
    bytes.truncate(40);
    std::fs::remove_file(manifest(&names[2])).unwrap();
    std::fs::write(manifest(&names[2]), bytes).unwrap();
    let report = report(&pair);
    assert_eq!(report.growth()[0].untold(), &names[1..3]);
    assert_eq!(report.growth()[0].snapshots(), 1);
    assert!(report.to_html().contains("2 snapshots have no sound manifest"));
}

#[test]
fn sources_are_told_apart() {
    let pair = Pair::new();
    let other = pair.dir.join("other & more");
    std::fs::create_dir(&other).unwrap();
    let snapshot =
        |source: &Path| Snapshotter::new(source, &pair.repository).init(true).run(&Silent).unwrap();
    snapshot(&pair.source);
    snapshot(&other);
    std::fs::write(other.join("x"), vec![1; 700]).unwrap();
    pair.write("y", vec![1; 300]);
    snapshot(&pair.source);
    snapshot(&other);
    let report = report(&pair);
    let mut sizes: Vec<_> = report.growth().iter().map(|growth| growth.root().bytes()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [300, 700]);
    assert_eq!(report.newest().len(), 2);
    assert!(report.to_html().contains("other &amp; more"));
}

#[test]
fn the_forecast_is_what_the_rules_do() {
    let pair = Pair::new();
    for number in 0..3 {
        pair.write(&format!("file {number}"), vec![1; 4000]);
        pair.snapshot();
    }
    let repository = repository(&pair);
    let rules = KeepRules::default().last(2);
    let report = Reporter::new(&repository).keep(rules.clone()).run().unwrap();
    let forecast = report.forecast().unwrap();
    let plan = repository.plan_forget(&rules).unwrap();
    assert!(forecast.goes_now().eq(&plan.removed()));
    assert_eq!(forecast.freed_bytes(), repository.freed_by(&plan.removed()).unwrap());
    assert_eq!(forecast.left_after(0), Some(2));
    for (fate, decision) in forecast.fates().iter().zip(plan.groups()[0].decisions()) {
        assert_eq!((fate.snapshot(), fate.reasons()), (decision.snapshot().name(), decision.reasons()));
    }
    assert!(Reporter::new(&repository).run().unwrap().forecast().is_none());
}

#[test]
fn the_pace_is_that_of_the_last_runs() {
    let pair = Pair::new();
    pair.write("first", vec![1; 1 << 20]);
    pair.snapshot();
    assert_eq!(report(&pair).pace(), None);
    pair.write("second", vec![1; 5000]);
    pair.snapshot();
    let repository = repository(&pair);
    let pace = Reporter::new(&repository).run().unwrap().pace();
    // Both runs may be of the same second.
    if let Some(pace) = pace {
        assert_eq!(pace.runs(), 1);
        assert!(pace.bytes_per_day() >= 5000 * 86_400 / 60, "{pace:?}");
    }
    // A year later nothing is saved any more, and nothing grows.
    let now = Timestamp { seconds: Timestamp::now().seconds + 31_536_000, nanos: 0 };
    let later = Reporter::new(&repository).now(now).run().unwrap();
    assert_eq!((later.pace(), later.full()), (None, None));
}

#[test]
fn a_report_can_be_stopped() {
    let pair = Pair::new();
    pair.snapshot();
    let stop = linkdest_core::StopFlag::default();
    stop.stop();
    let error = Reporter::new(&repository(&pair)).stop(stop).run().unwrap_err();
    assert_eq!(error.kind(), linkdest_core::ErrorKind::Interrupted);
}
