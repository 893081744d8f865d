//! How much of the contents a check reads: an inode once, a sample, and after a stop what is left.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use linkdest_core::{
    Cause, Collecting, ErrorKind, FindingKind, Notice, Repository, Sample, Silent, StopFlag, Verifier,
};

use crate::support::{Pair, path};
use crate::verify::{assert_sound, change_a_byte, told};

/// The sizes of all regular files below a directory, an inode once.
pub fn bytes_of_inodes(root: &Path) -> u64 {
    let mut sizes = BTreeMap::new();
    for entry in walkdir::WalkDir::new(root) {
        let metadata = entry.unwrap().path().symlink_metadata().unwrap();
        if metadata.is_file() {
            sizes.insert(metadata.ino(), metadata.len());
        }
    }
    sizes.values().sum()
}

/// The bytes of all inodes in published snapshots.
fn bytes_of_snapshots(pair: &Pair) -> u64 {
    let control = pair.dir.join("control");
    fs::rename(pair.repository.join(".linkdest"), &control).unwrap();
    let bytes = bytes_of_inodes(&pair.repository);
    fs::rename(control, pair.repository.join(".linkdest")).unwrap();
    bytes
}

#[test]
fn ten_snapshots_are_read_like_one() {
    let pair = Pair::new();
    for number in 0..40 {
        let dir = pair.source.join(format!("d{}", number % 7));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(format!("f{number}")), vec![number; 1000 + 37 * usize::from(number)]).unwrap();
    }
    for round in 0..10 {
        pair.write("changes", format!("round {round}"));
        pair.snapshot();
    }
    let report = assert_sound(&pair);
    assert_eq!(report.bytes_read(), bytes_of_snapshots(&pair));
    assert_eq!((report.snapshots().len(), report.files_read()), (10, 40 + 10));
    assert_eq!(report.entries(), 10 * (40 + 7 + 1));
}

#[test]
fn a_copied_repository_is_sound_and_read_once() {
    let pair = Pair::new();
    pair.write("a", "one");
    pair.write("b", "two");
    fs::hard_link(pair.source.join("a"), pair.source.join("a2")).unwrap();
    (0..3).for_each(|_| drop(pair.snapshot()));
    let copy = pair.dir.join("copy");
    let copied =
        std::process::Command::new("cp").args(["-a"]).arg(&pair.repository).arg(&copy).status().unwrap();
    assert!(copied.success());
    let pair = Pair { repository: copy, ..pair };
    assert_eq!(assert_sound(&pair).bytes_read(), 6);
}

#[test]
fn samples_follow_each_other_until_everything_was_read() {
    let pair = Pair::new();
    for number in 0..200 {
        pair.write(&format!("f{number}"), [7; 100]);
    }
    pair.snapshot();
    let repository = Repository::open(&pair.repository).unwrap();
    let sample = Sample::percent(25.0).unwrap();
    let read: Vec<u64> = (0..4)
        .map(|_| Verifier::new(&repository).sample(sample).run(&Silent).unwrap().bytes_read())
        .collect();
    assert_eq!(read.iter().sum::<u64>(), 200 * 100, "{read:?}");
    assert!(read.iter().all(|bytes| (20 * 100..80 * 100).contains(bytes)), "{read:?}");
}

/// Stops a check after so many bytes.
struct StopAfter(u64, StopFlag);

impl linkdest_core::Monitor for StopAfter {
    fn progress(&self, progress: &linkdest_core::Progress) {
        if progress.counts.bytes >= self.0 {
            self.1.stop();
        }
    }
}

#[test]
fn a_stopped_check_goes_on_where_it_was() {
    let pair = Pair::new();
    for number in 0..40_u8 {
        pair.write(&format!("f{number}"), vec![number; 16 << 20]);
    }
    let before = pair.snapshot();
    change_a_byte(&path(&before).join("f0"));
    let all = bytes_of_inodes(path(&before));
    let repository = Repository::open(&pair.repository).unwrap();
    let stop = StopFlag::default();
    // More than the first file has, so that this one need not be read again.
    let monitor = StopAfter(17 << 20, stop.clone());
    let one = std::num::NonZeroUsize::MIN;
    match Verifier::new(&repository).threads(one).stop(stop).run(&monitor) {
        Err(error) => assert_eq!(error.kind(), ErrorKind::Interrupted),
        Ok(_) => return linkdest_testkit::skip("640 MiB were read before anybody could say stop"),
    }
    let monitor = Collecting::default();
    let report = Verifier::new(&repository).resume(true).run(&monitor).unwrap();
    assert!(matches!(monitor.notices()[..], [Notice::Resumed(_)]));
    assert!(report.is_resumed());
    assert_eq!(told(&report), [(FindingKind::Content, Some(Cause::Tampering), "f0".into())]);
    assert!(report.bytes_read() < all, "{} of {all}", report.bytes_read());
    assert!(!pair.repository.join(".linkdest/verify.inodes").exists());

    let monitor = Collecting::default();
    let report = Verifier::new(&repository).resume(true).run(&monitor).unwrap();
    assert_eq!(monitor.notices(), [Notice::NothingToResume]);
    assert_eq!((report.is_resumed(), report.bytes_read()), (false, all));
}
