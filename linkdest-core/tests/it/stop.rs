//! Stopping a run, and what is told while it goes on.

use std::sync::atomic::{AtomicU64, Ordering};

use linkdest_core::{Collecting, ErrorKind, Event, Monitor, Progress, Repository, Silent, StopFlag};
use linkdest_testkit::Comparison;

use crate::support::{Pair, path};

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

#[test]
fn a_stopped_run_publishes_nothing_and_its_work_is_not_lost() {
    let pair = Pair::new();
    for number in 0..300 {
        std::fs::create_dir(pair.source.join(format!("d{number}"))).unwrap();
        pair.write(&format!("d{number}/f"), "hello");
    }
    for after in [1, 50, 400] {
        let flag = StopFlag::default();
        let monitor = StopAfter { left: AtomicU64::new(after), flag: flag.clone() };
        let error = pair.snapshotter().stop(flag).run(&monitor).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Interrupted);
        assert_eq!(Repository::open(&pair.repository).unwrap().snapshots().unwrap().len(), 0);
    }
    let report = pair.snapshot();
    assert!(report.counts().files_linked > 100, "{:?}", report.counts());
    Comparison::new().assert_same(&pair.source, path(&report));
}

#[test]
fn once_publishing_has_begun_the_run_completes() {
    struct Late(StopFlag);
    impl Monitor for Late {
        fn event(&self, event: &Event) {
            if *event == Event::Publishing {
                self.0.stop();
            }
        }
    }
    let pair = Pair::new();
    let flag = StopFlag::default();
    pair.snapshotter().stop(flag.clone()).run(&Late(flag)).unwrap();
    assert_eq!(Repository::open(&pair.repository).unwrap().snapshots().unwrap().len(), 1);
}

#[test]
fn progress_is_told_on_the_calling_thread_at_least_once() {
    struct Where(std::sync::Mutex<Vec<std::thread::ThreadId>>);
    impl Monitor for Where {
        fn progress(&self, progress: &Progress) {
            assert!(progress.counts.entries <= 1);
            self.0.lock().unwrap().push(std::thread::current().id());
        }
    }
    let pair = Pair::new();
    pair.write("f", "x");
    let monitor = Where(std::sync::Mutex::default());
    pair.snapshotter().run(&monitor).unwrap();
    let threads = monitor.0.into_inner().unwrap();
    assert!(!threads.is_empty() && threads.iter().all(|thread| *thread == std::thread::current().id()));
}

#[test]
fn a_huge_file_does_not_delay_the_stop() {
    let pair = Pair::new();
    let file = std::fs::File::create(pair.source.join("large")).unwrap();
    for offset in 0..64 {
        std::os::unix::fs::FileExt::write_all_at(&file, &[1; 1 << 20], offset << 20).unwrap();
    }
    struct Now(StopFlag);
    impl Monitor for Now {
        fn event(&self, event: &Event) {
            if matches!(event, Event::Started { .. }) {
                self.0.stop();
            }
        }
    }
    let flag = StopFlag::default();
    let error = pair.snapshotter().stop(flag.clone()).run(&Now(flag)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
}

#[test]
fn the_snapshotter_can_run_again_and_silence_is_fine() {
    let pair = Pair::new();
    let snapshotter = pair.snapshotter();
    for _ in 0..3 {
        snapshotter.run(&Silent).unwrap();
    }
    let monitor = Collecting::default();
    snapshotter.run(&monitor).unwrap();
    assert!(monitor.progress_calls() >= 1);
    assert_eq!(Repository::open(&pair.repository).unwrap().snapshots().unwrap().len(), 4);
}

/// Over many large snapshots these take their time, and nobody could end them from a library.
#[test]
fn questions_can_be_stopped() {
    let pair = Pair::new();
    pair.write("f", "hello");
    let first = pair.snapshot();
    pair.write("g", "hello");
    let second = pair.snapshot();
    let repository = Repository::open(&pair.repository).unwrap();
    let (first, second) = (first.snapshot().unwrap(), second.snapshot().unwrap());
    let stop = StopFlag::default();
    let mut changes = repository.diff_with(first, second, &stop).unwrap();
    assert!(changes.next().unwrap().is_ok());
    assert_eq!(repository.find_with("*", &stop).unwrap().len(), 2);
    assert_eq!(repository.usage_with(&[], &stop).unwrap().snapshots().len(), 2);
    stop.stop();
    assert_eq!(changes.next().unwrap().unwrap_err().kind(), ErrorKind::Interrupted);
    assert!(changes.next().is_none());
    std::fs::remove_file(pair.repository.join(format!(".linkdest/manifests/{first}.ldm"))).unwrap();
    for error in [
        repository.diff_with(second, second, &stop).map(drop).unwrap_err(),
        repository.find_with("*", &stop).map(drop).unwrap_err(),
        repository.usage_with(&[], &stop).map(drop).unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.to_string()), (ErrorKind::Interrupted, "stopped".to_owned()));
    }
}
