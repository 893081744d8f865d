//! What happens when a kernel call fails.

use std::path::Path;

use linkdest_core::calls::{Call, trace};
use linkdest_core::{
    Error, ErrorKind, Event, Monitor, ProblemKind, Repository, Silent, SnapshotReport, Snapshotter, Status,
    Verifier,
};
use linkdest_testkit::{Comparison, Inventory};

use crate::{Tree, all_calls, calls_on, tree};

/// Every call of an unchanged and of a first run fails once, with several errors: either nothing is published and
/// the error says so, or what is published is right and what is missing is named. The next run repairs everything.
#[test]
fn every_single_failing_call_is_an_error_or_a_named_problem() {
    const EIO: i32 = 5;
    const ENOSPC: i32 = 28;
    const EACCES: i32 = 13;
    let tree = tree();
    let (report, made) = tree.run(None);
    let first = report.unwrap();
    let kept = Inventory::of(first.path().unwrap());
    let (mut failed, mut with_problems) = (0, 0);
    for errno in [EIO, ENOSPC, EACCES] {
        for (call, count) in all_calls(&made) {
            // The first, the last and some in the middle of each kind.
            let mut points = vec![1, count / 3, count / 2, count];
            points.retain(|point| *point > 0);
            points.dedup();
            for point in points {
                std::fs::write(
                    tree.source.join("directory/regular-one"),
                    format!("{errno} {call:?} {point}"),
                )
                .unwrap();
                let (result, _) = tree.run(Some((call, point, errno)));
                let told = judge(&tree, &result, &format!("{call:?} {point} errno {errno}"));
                failed += usize::from(told == Told::Error);
                with_problems += usize::from(told == Told::Problem);
                kept.assert_unchanged(&Inventory::of(first.path().unwrap()));
                let (next, _) = tree.run(None);
                let next = next.unwrap();
                assert_eq!(next.status(), Status::Complete, "after {call:?} {point}: {:?}", next.problems());
                Comparison::new().assert_same(&tree.source, next.path().unwrap());
                remove_all_but(&tree.dir.join("repository"), first.path().unwrap());
            }
        }
    }
    assert!(failed > 50 && with_problems > 5, "{failed} errors, {with_problems} runs with problems");
}

#[derive(PartialEq)]
enum Told {
    Nothing,
    Error,
    Problem,
}

fn judge(tree: &Tree, result: &Result<SnapshotReport, Error>, what: &str) -> Told {
    match result {
        Err(error) => {
            let published =
                Repository::open(tree.dir.join("repository")).map(|found| found.snapshots().unwrap());
            assert!(
                published.is_err() || published.unwrap().len() <= 1,
                "{what}: an error, and yet published"
            );
            assert_ne!(error.kind(), ErrorKind::Interrupted, "{what}");
            assert!(error.io_error().is_some() || !error.to_string().is_empty(), "{what}");
            Told::Error
        }
        Ok(report) => {
            let repository = Repository::open(tree.dir.join("repository")).unwrap();
            let verified =
                Verifier::new(&repository).snapshot(report.snapshot().unwrap().clone()).run(&Silent);
            assert_eq!(verified.unwrap().findings(), [], "{what}: the manifest tells something else");
            let differences = Comparison::new().run(&tree.source, report.path().unwrap());
            if report.status() == Status::Complete {
                assert!(differences.is_empty(), "{what}: {}", linkdest_testkit::describe(&differences));
                return Told::Nothing;
            }
            for difference in &differences {
                let named =
                    |problem: &linkdest_core::Problem| difference.path.starts_with(problem.path().as_bytes());
                assert!(report.problems().iter().any(named), "{what}: {difference} is not named");
            }
            Told::Problem
        }
    }
}

/// Keeps the repository small; a snapshot may be removed with any tool.
fn remove_all_but(repository: &Path, kept: &Path) {
    for entry in std::fs::read_dir(repository).unwrap() {
        let path = entry.unwrap().path();
        if path != kept && path.is_dir() && !path.is_symlink() && !path.ends_with(".linkdest") {
            linkdest_testkit::remove_tree(&path).unwrap();
        }
    }
}

#[test]
fn a_link_limit_anywhere_makes_a_fresh_inode_and_no_problem() {
    const EMLINK: i32 = 31;
    let tree = tree();
    std::fs::hard_link(tree.source.join("directory/regular-one"), tree.source.join("directory/inner/again"))
        .unwrap();
    tree.run(None).0.unwrap();
    let links = all_calls(&tree.run(None).1)[&Call::Link];
    // The first link is the probe: without it the repository is of no use any more.
    let error = tree.run(Some((Call::Link, 1, EMLINK))).0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoHardLinks);
    for point in 2..=links {
        let (report, _) = tree.run(Some((Call::Link, point, EMLINK)));
        let report = report.unwrap();
        assert_eq!(report.status(), Status::Complete, "link {point}: {:?}", report.problems());
        assert!(report.counts().relinked_limit > 0, "link {point}");
        Comparison::new().assert_same(&tree.source, report.path().unwrap());
    }
}

#[test]
fn a_refused_link_is_a_copy_and_no_problem() {
    for errno in [1, 18, 13, 95] {
        let tree = tree();
        tree.run(None).0.unwrap();
        for point in 2..=4 {
            let (report, _) = tree.run(Some((Call::Link, point, errno)));
            let report = report.unwrap();
            assert_eq!(report.status(), Status::Complete, "{:?}", report.problems());
            Comparison::new().assert_same(&tree.source, report.path().unwrap());
        }
    }
}

/// A file system that folds case says of the second name that it exists.
#[test]
fn a_name_that_is_taken_already_is_a_collision_and_the_rest_is_saved() {
    const EEXIST: i32 = 17;
    let tree = tree();
    tree.run(None).0.unwrap();
    for (call, name) in [(Call::Create, "regular-one"), (Call::MakeDir, "inner"), (Call::Symlink, "symlink")]
    {
        // Two equal first runs into an existing repository: one to find the call, one to make it fail.
        let mut nth = None;
        let mut run = |fail| {
            remove_all_but(&tree.dir.join("repository"), Path::new(""));
            let (report, made) = tree.run(fail);
            let mut of_kind = made.iter().filter(|one| one.call == call);
            nth = of_kind.position(|one| one.name == name.as_bytes()).map(|index| (call, index + 1, EEXIST));
            (report.unwrap(), nth)
        };
        let (_, nth) = run(None);
        let (report, _) = run(nth);
        let problems: Vec<_> = report.problems().iter().map(|p| (p.path().to_string(), p.kind())).collect();
        assert_eq!(problems, [(format!("directory/{name}"), ProblemKind::Collision)], "{call:?}");
        Comparison::new()
            .skip_path(format!("directory/{name}"))
            .assert_same(&tree.source, report.path().unwrap());
    }
}

/// The kernel reports a failed write-back once and then takes the pages for clean.
#[test]
fn nothing_is_linked_to_a_tree_whose_flush_failed() {
    const EIO: i32 = 5;
    for call in [Call::SyncFs, Call::Sync] {
        let tree = tree();
        tree.run(None).0.unwrap();
        std::fs::write(tree.source.join("directory/new"), "new").unwrap();
        std::thread::sleep(std::time::Duration::from_millis(2100));
        let error = tree.run(Some((call, 1, EIO))).0.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        let (report, _) = tree.run(None);
        assert_eq!(report.unwrap().counts().files_copied, 1, "{call:?}");
    }
}

/// Takes its time over each entry.
struct Slow;

impl Monitor for Slow {
    fn event(&self, event: &Event) {
        if matches!(event, Event::Entry { .. }) {
            std::thread::sleep(std::time::Duration::from_millis(300));
        }
    }

    fn wants_entries(&self) -> bool {
        true
    }
}

#[test]
fn what_was_copied_is_written_out_while_more_is_copied_and_an_error_is_final() {
    let tree = tree();
    let run = |each, sync, fail| {
        let _ = std::fs::remove_dir_all(tree.dir.join("repository"));
        let to = tree.dir.join("repository");
        let snapshotter = Snapshotter::new(&tree.source, to).init(true).sync(sync).write_out(each);
        trace::start(fail);
        let result = snapshotter.run(&Slow);
        let flushes = trace::finish().iter().filter(|made| made.call == Call::SyncFs).count();
        (result.map(|report| report.status()).map_err(|error| (error.kind(), error.operation())), flushes)
    };
    let complete = Ok(Status::Complete);
    assert_eq!(run(None, true, None), (complete, 1));
    assert_eq!(run(Some(1 << 30), true, None), (complete, 1));
    assert_eq!(run(Some(1), false, None), (complete, 0));
    let (result, flushes) = run(Some(1), true, None);
    assert!(result == complete && flushes >= 2, "{result:?}, {flushes} flushes");
    // The first of them fails; what was copied until then is nothing to link to.
    assert_eq!(run(Some(1), true, Some((Call::SyncFs, 1, 5))), (Err((ErrorKind::Io, "flush")), 1));
    let (report, _) = tree.run(None);
    assert_eq!(report.unwrap().counts().files_copied, 2);
}

#[test]
fn a_root_that_cannot_be_listed_publishes_nothing() {
    let tree = tree();
    tree.run(None).0.unwrap();
    let (_, made) = tree.run(None);
    let lists = all_calls(&made)[&Call::List];
    let told: Vec<_> = (1..=lists)
        .filter_map(|nth| tree.run(Some((Call::List, nth, 5))).0.err())
        .filter(|error| error.kind() == ErrorKind::SourceUnreadable)
        .collect();
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn latest_never_points_at_nothing_while_the_newest_snapshots_are_deleted() {
    const EIO: i32 = 5;
    let tree = tree();
    let path = tree.dir.join("repository");
    for point in 1.. {
        let names: Vec<_> = (0..3).map(|_| tree.run(None).0.unwrap().snapshot().unwrap().clone()).collect();
        let repository = Repository::open(&path).unwrap();
        trace::start(Some((Call::Rename, point, EIO)));
        let result = repository.delete(&names[1..]);
        let made = trace::finish();
        let latest = std::fs::read_link(path.join("latest")).unwrap();
        assert!(path.join(&latest).is_dir(), "rename {point}: {} is gone", latest.display());
        let renamed: Vec<_> = made.iter().filter(|one| one.call == Call::Rename).collect();
        assert_eq!(renamed[0].name, b"latest", "{renamed:?}");
        if renamed.len() < point {
            result.unwrap();
            assert_eq!(latest.to_str(), Some(names[0].as_str()));
            assert_eq!(point, 4, "`latest` and two snapshots are renamed");
            return;
        }
        remove_all_but(&path, &path.join(names[0].as_str()));
    }
}

/// A snapshot was published without any modes, and called complete: the kernel had refused, once, to tell what had
/// become of the probe file, and that was taken for what the file system can do.
#[test]
fn a_look_that_fails_while_the_file_system_is_tried_out_is_no_answer() {
    const EACCES: i32 = 13;
    let tree = tree();
    tree.run(None).0.unwrap();
    let stats = all_calls(&tree.run(None).1)[&Call::Stat];
    for point in 1..=stats {
        let Ok(report) = tree.run(Some((Call::Stat, point, EACCES))).0 else { continue };
        if report.status() == Status::Complete {
            Comparison::new().assert_same(&tree.source, report.path().unwrap());
        }
    }
}

/// `verify` took a directory for something that an attacker had put there: it was made in staging, could not be opened,
/// was named as a problem, and was published all the same, empty and without a record.
#[test]
fn a_directory_that_is_not_saved_leaves_no_empty_one_behind() {
    const EACCES: i32 = 13;
    let tree = tree();
    let first = tree.run(None).0.unwrap();
    let mut lost = 0;
    for nth in 1.. {
        remove_all_but(&tree.dir.join("repository"), first.path().unwrap());
        trace::start_failing_on(Call::Open, b"inner", nth, EACCES);
        let result = Snapshotter::new(&tree.source, tree.dir.join("repository")).run(&Silent);
        let opens = calls_on(&trace::finish(), "inner").remove(&Call::Open);
        judge(&tree, &result, &format!("open {nth}"));
        if opens < Some(nth) {
            break;
        }
        lost += usize::from(!result.unwrap().path().unwrap().join("directory/inner").exists());
    }
    assert!(lost > 0, "{lost} runs could not open it");
}
