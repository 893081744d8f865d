//! Content on its way: holes, large files, files that change while they are read.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::sync::atomic::{AtomicBool, Ordering};

use linkdest_core::{Checksum, ProblemKind, Silent, Status};
use linkdest_testkit::{Comparison, FileSystem, LoopMount, skip};

use crate::support::{Pair, path, set_mtime};

#[test]
fn a_hole_of_four_tebibytes_takes_no_time_and_no_space() {
    let mount = match LoopMount::new(FileSystem::Xfs) {
        Ok(mount) => mount,
        Err(unavailable) => return skip(unavailable),
    };
    let source_mount = match LoopMount::new(FileSystem::Xfs) {
        Ok(mount) => mount,
        Err(unavailable) => return skip(unavailable),
    };
    let mut pair = Pair::both_on(source_mount.path());
    pair.repository = mount.join("repository");
    let mut file = File::create(pair.source.join("sparse")).unwrap();
    file.set_len(4 << 40).unwrap();
    file.seek(SeekFrom::Start(1 << 40)).unwrap();
    file.write_all(&[1; 4096]).unwrap();
    drop(file);
    let report = pair.snapshot();
    assert_eq!(report.counts().bytes_copied, 4096);
    let saved = std::fs::metadata(path(&report).join("sparse")).unwrap();
    assert!((saved.size(), saved.blocks()) <= (4 << 40, 512), "{saved:?}");
    // Compared byte by byte, the holes are passed over as well.
    let again = pair.snapshotter().policy(Checksum::default()).run(&Silent).unwrap();
    assert_eq!(again.counts().files_linked, 1);
}

#[test]
fn holes_that_were_filled_and_data_that_became_a_hole_are_found() {
    let pair = Pair::new();
    let file = File::create(pair.source.join("f")).unwrap();
    file.set_len(8 << 20).unwrap();
    file.write_all_at(&[1; 4096], 1 << 20).unwrap();
    set_mtime(pair.source.join("f"), 1000, 0);
    pair.snapshot();
    file.write_all_at(&[0; 4096], 4 << 20).unwrap();
    set_mtime(pair.source.join("f"), 1000, 0);
    assert_eq!(pair.snapshot().counts().files_linked, 1, "zeros written or not are the same bytes");
    file.write_all_at(&[2; 1], 5 << 20).unwrap();
    set_mtime(pair.source.join("f"), 1000, 0);
    let report = pair.snapshot();
    assert_eq!(report.counts().files_copied, 1);
    Comparison::new().assert_same(&pair.source, path(&report));
}

#[test]
fn sizes_around_the_steps_of_copying_arrive_whole() {
    let pair = Pair::new();
    for size in
        [0, 1, 511, 512, 4095, 4096, 65535, 65536, 65537, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 9 << 20]
    {
        let bytes: Vec<u8> = (0..size).map(|at: u32| at.to_le_bytes()[1] ^ at.to_le_bytes()[0]).collect();
        pair.write(&format!("f{size}"), bytes);
    }
    Comparison::new().assert_same(&pair.source, path(&pair.snapshot()));
}

#[test]
fn a_file_that_keeps_changing_is_kept_with_a_problem_and_taken_again() {
    let pair = Pair::new();
    pair.write("log", vec![b'x'; 24 << 20]);
    let stop = AtomicBool::new(false);
    let report = std::thread::scope(|scope| {
        scope.spawn(|| {
            let file = File::options().append(true).open(pair.source.join("log")).unwrap();
            while !stop.load(Ordering::Relaxed) {
                (&file).write_all(b"more\n").unwrap();
            }
        });
        let report = pair.snapshotter().run(&Silent);
        stop.store(true, Ordering::Relaxed);
        report.unwrap()
    });
    assert_eq!(report.status(), Status::Problems);
    let problems: Vec<_> = report.problems().iter().map(|p| (p.path().to_string(), p.kind())).collect();
    assert_eq!(problems, [("log".to_owned(), ProblemKind::Changed)]);
    assert!(path(&report).join("log").exists());
    // Quiet again: the torn copy is not carried on.
    let quiet = pair.snapshot();
    assert_eq!(quiet.counts().files_copied, 1);
    Comparison::new().assert_same(&pair.source, path(&quiet));
}
