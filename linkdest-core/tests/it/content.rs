//! Content on its way: holes, large files, files that change while they are read.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::sync::atomic::{AtomicBool, Ordering};

use linkdest_core::{Checksum, ProblemKind, Repository, Silent, Status, Verifier};
use linkdest_testkit::{Comparison, FileSystem, LoopMount, skip};

use crate::support::{Pair, beyond_portable, path, set_mtime};

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

/// The free bytes of a file system, once everything is on disk.
fn free(mount: &LoopMount) -> u64 {
    let directory = File::open(mount.path()).unwrap();
    rustix::fs::syncfs(&directory).unwrap();
    let found = rustix::fs::fstatvfs(&directory).unwrap();
    found.f_bfree * found.f_frsize
}

#[test]
fn a_large_changed_file_costs_the_blocks_that_changed() {
    if beyond_portable("no shared blocks") {
        return;
    }
    const SIZE: u64 = 64 << 20;
    for file_system in [FileSystem::Xfs, FileSystem::Btrfs] {
        let mount = match LoopMount::new(file_system) {
            Ok(mount) => mount,
            Err(unavailable) => return skip(unavailable),
        };
        let mut pair = Pair::new();
        pair.repository = mount.join("repository");
        let image = pair.source.join("image");
        let file = File::create(&image).unwrap();
        for block in 0..SIZE >> 16 {
            file.write_all_at(&[(block % 200) as u8; 1 << 16], block << 16).unwrap();
        }
        let first = pair.snapshot();
        assert_eq!(first.counts().bytes_copied, SIZE);
        for (round, blocks) in [(1, 16), (2, 3)] {
            for block in 0..blocks {
                file.write_all_at(&[200 + round; 1 << 16], (block * 23) << 16).unwrap();
            }
            let (before, changed) = (free(&mount), blocks << 16);
            let report = pair.snapshot();
            let counts = report.counts();
            assert_eq!((counts.files_cloned, counts.bytes_copied), (1, changed), "{file_system:?}");
            let stored = before - free(&mount);
            assert!(stored < changed + (1 << 20), "{stored} bytes on {file_system:?}");
            Comparison::new().assert_same(&pair.source, path(&report));
        }
        // What the first snapshot holds is what it held.
        let kept = std::fs::read(path(&first).join("image")).unwrap();
        let is_old =
            |(number, chunk): (usize, &[u8])| chunk.iter().all(|byte| usize::from(*byte) == number % 200);
        assert!(kept.chunks(1 << 16).enumerate().all(is_old));
    }
}

#[test]
fn a_large_file_that_is_patched_keeps_its_holes_its_end_and_its_bytes() {
    if beyond_portable("no shared blocks") {
        return;
    }
    for file_system in [FileSystem::Xfs, FileSystem::Btrfs] {
        let mount = match LoopMount::new(file_system) {
            Ok(mount) => mount,
            Err(unavailable) => return skip(unavailable),
        };
        let mut pair = Pair::new();
        pair.repository = mount.join("repository");
        let image = pair.source.join("image");
        std::fs::write(&image, vec![7; 24 << 20]).unwrap();
        pair.snapshot();
        let changes: &[&dyn Fn(&File)] = &[
            &|file| file.set_len((20 << 20) + 123).unwrap(),
            &|file| file.write_all_at(&[9; 3 << 20], (20 << 20) - 5).unwrap(),
            &|file| file.set_len(40 << 20).unwrap(),
            // A file with a hole where the earlier version has data, and data where it has a hole.
            &|file| {
                file.set_len(0).unwrap();
                file.set_len(40 << 20).unwrap();
                file.write_all_at(&[7; 5000], (9 << 20) + 77).unwrap();
                file.write_all_at(&[8; 1 << 20], 35 << 20).unwrap();
            },
            &|file| file.write_all_at(&[1; 1], 0).unwrap(),
            // Without holes two threads take parts of 16 MiB.
            &|file| file.write_all_at(&vec![5; (70 << 20) + 9], 0).unwrap(),
            &|file| {
                for at in [(16 << 20) - 1, 16 << 20, (48 << 20) - 1, (70 << 20) + 8] {
                    file.write_all_at(&[6], at).unwrap();
                }
            },
            &|file| file.set_len((1 << 20) - 1).unwrap(),
        ];
        for change in changes {
            change(&File::options().write(true).open(&image).unwrap());
            let report = pair.snapshot();
            assert_eq!(report.status(), Status::Complete);
            Comparison::new().assert_same(&pair.source, path(&report));
            let (ours, theirs) =
                (std::fs::metadata(&image).unwrap(), std::fs::metadata(path(&report).join("image")).unwrap());
            assert!(theirs.blocks() <= ours.blocks() + 256, "{} of {}", theirs.blocks(), ours.blocks());
        }
        let repository = Repository::open(&pair.repository).unwrap();
        let verified = Verifier::new(&repository).run(&Silent).unwrap();
        assert_eq!((verified.findings(), verified.files_read() > 0), (&[][..], true), "{file_system:?}");
    }
}
