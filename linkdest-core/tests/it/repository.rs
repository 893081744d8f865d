//! Making, opening, locking and repairing repositories.

use std::fs::{create_dir, write};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use linkdest_core::{ErrorKind, Repository, Silent, Snapshotter, Status};
use linkdest_testkit::{Comparison, FileSystem, Inventory, LoopMount, is_root, skip};

use crate::support::{Pair, path};

#[test]
fn only_empty_directories_become_repositories() {
    let dir = linkdest_testkit::TestDir::new();
    for (name, inside, good) in [
        ("empty", &[][..], true),
        ("fresh-disk", &["lost+found", "System Volume Information", "$RECYCLE.BIN", ".Trash-0"], true),
        ("photos", &["a.jpg"], false),
        ("snapshot-like", &["2026-11-22T132200Z"], false),
    ] {
        let path = dir.join(name);
        create_dir(&path).unwrap();
        inside.iter().for_each(|name| create_dir(path.join(name)).unwrap());
        let before = Inventory::of(&path);
        match Repository::init(&path) {
            Ok(_) => assert!(good, "{name}"),
            Err(error) => {
                assert!(!good && error.kind() == ErrorKind::NotEmpty, "{name}: {error}");
                before.assert_unchanged(&Inventory::of(&path));
                assert_eq!(before.len(), Inventory::of(&path).len());
            }
        }
    }
    assert_eq!(Repository::init(dir.join("empty")).unwrap_err().kind(), ErrorKind::NotEmpty);
    let absent = Repository::init(dir.join("absent")).unwrap();
    assert_eq!(std::fs::metadata(absent.path()).unwrap().mode() & 0o777, 0o700);
    assert_eq!(Repository::init(dir.join("no/parent")).unwrap_err().kind(), ErrorKind::Io);
    assert_eq!(absent.id().len(), 32);
}

#[test]
fn a_file_system_without_hard_links_is_refused_and_left_as_it_was() {
    let mount = match LoopMount::new(FileSystem::Exfat) {
        Ok(mount) => mount,
        Err(unavailable) => return skip(unavailable),
    };
    for path in [mount.path().to_owned(), mount.join("repository")] {
        let error = Repository::init(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoHardLinks, "{error}");
        assert!(error.to_string().contains("hard links"), "{error}");
        assert_eq!(std::fs::read_dir(mount.path()).unwrap().count(), 0);
    }
}

#[test]
fn what_the_file_system_can_do_is_found_out() {
    for (file_system, reflinks) in [
        (FileSystem::Ext4, false),
        (FileSystem::Xfs, true),
        (FileSystem::Btrfs, true),
        (FileSystem::Tmpfs, false),
    ] {
        match LoopMount::new(file_system) {
            Ok(mount) => {
                let repository = Repository::init(mount.join("r")).unwrap();
                let found = repository.capabilities();
                // The portable backend knows no call for it.
                let reflinks = reflinks && !cfg!(linkdest_portable);
                assert_eq!(found.reflinks, reflinks, "{file_system:?}");
                assert!(
                    found.hard_links && found.symlinks && found.modes && found.acls && !found.case_folding
                );
                assert_eq!((found.owners, found.time_granularity), (true, 1));
            }
            Err(unavailable) => skip(unavailable),
        }
    }
}

#[test]
fn foreign_things_in_the_repository_are_neither_listed_nor_linked_to_nor_touched() {
    let pair = Pair::new();
    pair.write("f", "x");
    let first = pair.snapshot();
    let foreign = [".hidden", "lost+found", "2026-11-22", "2030-01-01T000000Z-100"];
    for name in foreign {
        create_dir(pair.repository.join(name)).unwrap();
    }
    write(pair.repository.join("2031-01-01T000000Z"), "a file with the name of a snapshot").unwrap();
    symlink(path(&first), pair.repository.join("2032-01-01T000000Z")).unwrap();
    let second = pair.snapshot();
    assert_eq!(second.counts().files_linked, 1);
    let names: Vec<_> = Repository::open(&pair.repository)
        .unwrap()
        .snapshots()
        .unwrap()
        .iter()
        .map(|s| s.name().clone())
        .collect();
    assert_eq!(names, [first.snapshot().unwrap().clone(), second.snapshot().unwrap().clone()]);
    assert!(foreign.iter().all(|name| pair.repository.join(name).exists()));
}

#[test]
fn runs_within_one_second_get_suffixes_and_the_order_is_kept() {
    let pair = Pair::new();
    let reports: Vec<_> = (0..4).map(|_| pair.snapshot()).collect();
    let repository = Repository::open(&pair.repository).unwrap();
    let listed: Vec<_> = repository.snapshots().unwrap().iter().map(|s| s.name().clone()).collect();
    let made: Vec<_> = reports.iter().map(|report| report.snapshot().unwrap().clone()).collect();
    assert_eq!(listed, made);
    assert!(made.iter().any(|name| name.as_str().contains("Z-")), "{made:?}");
    let latest = std::fs::read_link(pair.repository.join("latest")).unwrap();
    assert_eq!(latest.to_str(), made.last().map(linkdest_core::SnapshotName::as_str));
}

#[test]
fn a_clock_that_went_backwards_confuses_neither_order_nor_links() {
    let pair = Pair::new();
    pair.write("f", "old");
    let future = pair.snapshot();
    // As if that run had been made while the clock was ten years ahead.
    let (name, ahead) = (future.snapshot().unwrap().to_string(), "2036-01-01T000000Z");
    std::fs::rename(path(&future), pair.repository.join(ahead)).unwrap();
    let runs = pair.repository.join(".linkdest/runs");
    let record = std::fs::read_to_string(runs.join(format!("{name}.toml"))).unwrap();
    std::fs::remove_file(runs.join(format!("{name}.toml"))).unwrap();
    write(runs.join(format!("{ahead}.toml")), record.replace(&name, ahead)).unwrap();
    pair.write("f", "new content");
    let second = pair.snapshot();
    let third = pair.snapshot();
    assert_eq!((second.counts().files_copied, third.counts().files_linked), (1, 1));
    let repository = Repository::open(&pair.repository).unwrap();
    let newest = repository.snapshots().unwrap().pop().unwrap();
    assert_eq!(Some(newest.name()), third.snapshot());
    assert_eq!(
        std::fs::read_link(pair.repository.join("latest")).unwrap().to_str(),
        Some(newest.name().as_str())
    );
}

#[test]
fn only_one_run_at_a_time() {
    let pair = Pair::new();
    pair.snapshot();
    let lock = std::fs::File::open(pair.repository.join(".linkdest/lock")).unwrap();
    lock.lock().unwrap();
    let before = Inventory::of(&pair.repository);
    let error = pair.snapshotter().run(&Silent).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    before.assert_unchanged(&Inventory::of(&pair.repository));
    // Reading takes no lock.
    assert_eq!(Repository::open(&pair.repository).unwrap().snapshots().unwrap().len(), 1);
    let waiting = std::time::Duration::from_secs(30);
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| pair.snapshotter().lock_wait(waiting).run(&Silent).unwrap());
        std::thread::sleep(std::time::Duration::from_millis(300));
        assert!(!waiter.is_finished());
        lock.unlock().unwrap();
        assert_eq!(waiter.join().unwrap().status(), Status::Complete);
    });
}

#[test]
fn what_a_killed_run_left_is_linked_to_and_then_removed() {
    let pair = Pair::new();
    pair.write("f", "hello");
    pair.write("g", "hello");
    let first = pair.snapshot();
    // As a kill before publishing leaves it: a tree in staging, and nothing visible.
    let name = first.snapshot().unwrap();
    let staging = pair.repository.join(".linkdest/staging").join(name.as_str());
    create_dir(&staging).unwrap();
    std::fs::rename(path(&first), staging.join("tree")).unwrap();
    let runs = pair.repository.join(".linkdest/runs");
    std::fs::rename(runs.join(format!("{name}.toml")), staging.join("run.toml")).unwrap();
    std::fs::remove_file(staging.join("tree/g")).unwrap();
    write(staging.join("tree/g"), "half").unwrap();
    let second = pair.snapshot();
    assert_eq!((second.counts().files_linked, second.counts().files_copied), (1, 1));
    Comparison::new().assert_same(&pair.source, path(&second));
    assert_eq!(std::fs::read_dir(pair.repository.join(".linkdest/staging")).unwrap().count(), 0);
}

#[test]
fn a_kill_between_two_steps_of_publishing_is_repaired_by_the_next_run() {
    let pair = Pair::new();
    pair.write("f", "hello");
    let first = pair.snapshot();
    let latest = pair.repository.join("latest");
    // Published, but `latest` was not moved.
    std::fs::remove_file(&latest).unwrap();
    symlink("2000-01-01T000000Z", &latest).unwrap();
    // A record whose tree was never renamed into place.
    let runs = pair.repository.join(".linkdest/runs");
    let record = std::fs::read_to_string(runs.join(format!("{}.toml", first.snapshot().unwrap()))).unwrap();
    let lost = runs.join("2035-01-01T000000Z.toml");
    write(&lost, record.replace(first.snapshot().unwrap().as_str(), "2035-01-01T000000Z")).unwrap();
    let second = pair.snapshot();
    assert!(!lost.exists());
    assert_eq!(std::fs::read_link(&latest).unwrap().to_str(), second.snapshot().map(|name| name.as_str()));
    // A snapshot removed by hand takes its record with it.
    std::fs::remove_dir_all(path(&first)).unwrap();
    pair.snapshot();
    assert_eq!(Repository::open(&pair.repository).unwrap().runs().unwrap().len(), 2);
}

#[test]
fn a_root_that_its_owner_may_not_write_is_published() {
    let pair = Pair::new();
    pair.write("f", "hello");
    for mode in [0o555, 0o500, 0o1555] {
        std::fs::set_permissions(&pair.source, std::fs::Permissions::from_mode(mode)).unwrap();
        let report = pair.snapshot();
        Comparison::new().assert_same(&pair.source, path(&report));
        // As a kill right after the rename leaves it.
        std::fs::set_permissions(path(&report), std::fs::Permissions::from_mode(0o700)).unwrap();
        let next = pair.snapshot();
        Comparison::new().assert_same(&pair.source, path(&next));
        assert_eq!(std::fs::metadata(path(&report)).unwrap().mode() & 0o7777, mode, "repaired");
    }
    std::fs::set_permissions(&pair.source, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn damaged_records_are_named_and_snapshots_stay_readable() {
    let pair = Pair::new();
    pair.write("f", "hello");
    let first = pair.snapshot();
    let record = pair.repository.join(format!(".linkdest/runs/{}.toml", first.snapshot().unwrap()));
    write(&record, "format = 1\nsnapshot = 7").unwrap();
    let repository = Repository::open(&pair.repository).unwrap();
    let error = repository.runs().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DamagedRecord);
    assert!(error.to_string().contains(record.to_str().unwrap()), "{error}");
    assert_eq!(repository.snapshots().unwrap().len(), 1);
    let second = pair.snapshot();
    assert_eq!(second.counts().files_linked, 1);
    write(pair.repository.join(".linkdest/repository.toml"), "format = ").unwrap();
    assert_eq!(Repository::open(&pair.repository).unwrap_err().kind(), ErrorKind::DamagedRecord);
}

#[test]
fn bad_sources_are_refused_before_anything_is_written() {
    let pair = Pair::new();
    write(pair.dir.join("file"), "x").unwrap();
    for (source, kind) in [
        (pair.dir.join("missing"), ErrorKind::SourceUnreadable),
        (pair.dir.join("file"), ErrorKind::SourceNotADirectory),
    ] {
        let error = Snapshotter::new(&source, &pair.repository).init(true).run(&Silent).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(error.path(), Some(source.as_path()));
        assert!(!pair.repository.exists());
    }
    pair.snapshot();
    for source in [pair.repository.clone(), pair.repository.join(".linkdest"), pair.dir.join("repository/.")]
    {
        let error = Snapshotter::new(&source, &pair.repository).run(&Silent).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SourceIsRepository, "{error}");
    }
    if !is_root() {
        std::fs::set_permissions(&pair.source, std::fs::Permissions::from_mode(0o000)).unwrap();
        let error = pair.snapshotter().run(&Silent).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SourceUnreadable);
    }
}

#[test]
fn something_in_the_place_of_latest_is_refused_before_the_run() {
    let pair = Pair::new();
    pair.snapshot();
    std::fs::remove_file(pair.repository.join("latest")).unwrap();
    create_dir(pair.repository.join("latest")).unwrap();
    let error = pair.snapshotter().run(&Silent).unwrap_err();
    assert!(error.to_string().contains("latest"), "{error}");
    assert_eq!(Repository::open(&pair.repository).unwrap().snapshots().unwrap().len(), 1);
}

#[test]
fn runs_tell_what_was_published_and_what_was_left() {
    let pair = Pair::new();
    pair.write("f", "content");
    let report = pair.snapshot();
    let record = pair.repository.join(format!(".linkdest/runs/{}.toml", report.snapshot().unwrap()));
    let staging = pair.repository.join(".linkdest/staging/2020-01-01T000000Z");
    std::fs::create_dir_all(&staging).unwrap();
    let text = std::fs::read_to_string(record).unwrap();
    let text = text.replace(report.snapshot().unwrap().as_str(), "2020-01-01T000000Z");
    let lines: Vec<_> =
        text.lines().filter(|line| !line.starts_with("status") && !line.starts_with("ended")).collect();
    std::fs::write(staging.join("run.toml"), lines.join("\n").replace("sequence = 1", "sequence = 2"))
        .unwrap();
    let runs = Repository::open(&pair.repository).unwrap().runs().unwrap();
    assert_eq!(runs.len(), 2);
    assert_eq!(runs[0].snapshot(), report.snapshot().unwrap());
    assert!(runs[0].ended().unwrap() >= runs[0].started());
    assert_eq!((runs[1].status(), runs[1].ended()), (None, None));
    assert_eq!(runs[0].counts().files_copied, 1);
}
