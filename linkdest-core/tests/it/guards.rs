//! What nobody is there to notice at night: each guard with the disaster that it prevents.

use std::fs;
use std::path::Path;

use linkdest_core::filter::FilterBuilder;
use linkdest_core::{
    Collecting, ErrorKind, KeepRules, LocalRuleFiles, Notice, Repository, Silent, SnapshotReport, Status,
};
use linkdest_testkit::{Comparison, FileSystem, Inventory, LoopMount, skip};

use crate::support::{Pair, inode, path};

fn repository(pair: &Pair) -> Repository {
    Repository::open(&pair.repository).unwrap()
}

fn staged(pair: &Pair) -> usize {
    fs::read_dir(pair.repository.join(".linkdest/staging")).unwrap().count()
}

/// Makes so many files of different content in a directory of the source.
fn fill(pair: &Pair, directory: &str, count: usize) {
    fs::create_dir_all(pair.source.join(directory)).unwrap();
    for number in 0..count {
        pair.write(&format!("{directory}/{number}"), format!("{directory} {number}"));
    }
}

fn empty(directory: &Path) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.unwrap();
    }
}

/// What `forget --keep-last 1` would leave.
fn kept(pair: &Pair) -> Vec<String> {
    let plan = repository(pair).plan_forget(&KeepRules::default().last(1)).unwrap();
    let kept = plan.groups()[0].decisions().iter().filter(|one| one.is_kept());
    kept.map(|one| one.snapshot().name().to_string()).collect()
}

fn name(report: &SnapshotReport) -> String {
    report.snapshot().unwrap().to_string()
}

/// Notices that old snapshots hold programs that others may run.
fn is_warned(pair: &Pair) -> bool {
    let (_, monitor) = pair.watched();
    monitor.notices().contains(&Notice::ProgramsReachable)
}

#[test]
fn setuid_programs_in_an_open_repository_are_warned_of() {
    let pair = Pair::new();
    let flags = rustix::fs::statvfs(pair.dir.path()).unwrap().f_flag;
    if !linkdest_testkit::is_root() || flags.contains(rustix::fs::StatVfsMountFlags::NOSUID) {
        return skip("needs root, and a file system that is not mounted nosuid");
    }
    let set_mode = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    };
    pair.write("program", "#!/bin/sh");
    pair.snapshot();
    set_mode(&pair.repository, 0o755);
    assert!(!is_warned(&pair), "there is no such program");
    set_mode(&pair.source.join("program"), 0o4755);
    assert!(is_warned(&pair));
    // Also where it was linked, and not where nobody may enter.
    assert!(is_warned(&pair));
    set_mode(&pair.repository, 0o700);
    assert!(!is_warned(&pair));
    set_mode(&pair.repository, 0o755);
    set_mode(pair.dir.path(), 0o750);
    assert!(!is_warned(&pair));
}

#[test]
fn a_source_that_is_empty_all_of_a_sudden_is_refused() {
    let pair = Pair::new();
    // The very first one may be empty.
    pair.snapshot();
    pair.write("f", "x");
    let good = pair.snapshot();
    empty(&pair.source);
    for dry in [false, true] {
        let error = pair.snapshotter().dry_run(dry).run(&Silent).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SourceEmpty);
        let told = error.to_string();
        assert!(told.contains(&name(&good)) && told.contains("--allow-empty"), "{told}");
        assert_eq!((repository(&pair).snapshots().unwrap().len(), staged(&pair)), (2, 0));
    }
    // Another source of the same repository has nothing to do with it.
    let other = Pair { repository: pair.repository.clone(), ..Pair::new() };
    assert_eq!(other.snapshot().counts().entries, 0);
    let report = pair.snapshotter().allow_empty(true).run(&Silent).unwrap();
    assert_eq!((report.status(), report.is_suspect()), (Status::Complete, false));
    // Once allowed, it is no surprise any more.
    pair.snapshot();
}

#[test]
fn rules_that_leave_nothing_are_refused_as_well() {
    let pair = Pair::new();
    pair.write("f", "x");
    pair.snapshot();
    let nothing = || FilterBuilder::new().exclude("*").build(&LocalRuleFiles).unwrap();
    for dry in [false, true] {
        let error = pair.snapshotter().filter(nothing()).dry_run(dry).run(&Silent).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SourceEmpty);
    }
    assert_eq!(repository(&pair).snapshots().unwrap().len(), 1);
    let report = pair.snapshotter().filter(nothing()).allow_empty(true).run(&Silent).unwrap();
    assert_eq!(report.counts().entries, 0);
}

#[test]
fn a_disk_that_is_not_mounted_is_not_saved_as_empty() {
    let mount = match LoopMount::new(FileSystem::Tmpfs) {
        Ok(mount) => mount,
        Err(unavailable) => return skip(unavailable),
    };
    let pair = Pair { source: mount.path().to_owned(), ..Pair::new() };
    pair.write("f", "x");
    let good = pair.snapshot();
    let point = mount.path().to_owned();
    drop(mount);
    fs::create_dir_all(&point).unwrap();
    assert_eq!(pair.snapshotter().run(&Silent).unwrap_err().kind(), ErrorKind::SourceEmpty);
    fs::remove_dir(&point).unwrap();
    assert_eq!(kept(&pair), [name(&good)]);
}

#[test]
fn another_disk_in_its_place_is_suspect_until_somebody_accepts_it() {
    let (Ok(right), Ok(wrong)) = (LoopMount::new(FileSystem::Ext4), LoopMount::new(FileSystem::Ext4)) else {
        return skip("needs ext4 on loop devices");
    };
    let pair = Pair::new();
    fs::remove_dir(&pair.source).unwrap();
    let mount = |on: &LoopMount| {
        let _ = fs::remove_file(&pair.source);
        std::os::unix::fs::symlink(on.path(), &pair.source).unwrap();
    };
    mount(&right);
    pair.write("f", "x");
    let good = pair.snapshot();
    assert!(!pair.snapshot().is_suspect());
    mount(&wrong);
    pair.write("g", "y");
    // Also one night later it is not taken for good.
    for _ in 0..2 {
        let report = pair.snapshotter().run(&Silent).unwrap();
        assert_eq!(report.status(), Status::Complete);
        assert_eq!(report.suspect().len(), 1, "{:?}", report.suspect());
        assert!(report.suspect()[0].contains("another file system"), "{:?}", report.suspect());
        Comparison::new().assert_same(wrong.path(), path(&report));
    }
    let all = repository(&pair).snapshots().unwrap();
    let suspect: Vec<_> = all.iter().map(linkdest_core::Snapshot::is_suspect).collect();
    assert_eq!(suspect, [false, false, true, true]);
    // The newest one of the right disk is not forgotten for it; nothing but the wrong disk would be left.
    assert_eq!(
        kept(&pair),
        [all[1].name().to_string(), all[2].name().to_string(), all[3].name().to_string()]
    );
    assert_ne!(name(&good), all[1].name().to_string());
    assert!(repository(&pair).accept(all[3].name()).unwrap());
    assert!(!pair.snapshot().is_suspect());
}

#[test]
fn a_new_subvolume_each_night_is_the_same_disk() {
    let mount = match LoopMount::new(FileSystem::Btrfs) {
        Ok(mount) => mount,
        Err(unavailable) => return skip(unavailable),
    };
    let btrfs = |arguments: &[&str]| {
        let run = std::process::Command::new("btrfs").arg("subvolume").args(arguments).output();
        run.is_ok_and(|output| output.status.success())
    };
    let at = |name: &str| mount.join(name).to_str().unwrap().to_owned();
    if !btrfs(&["create", &at("data")]) {
        return skip("there is no `btrfs`");
    }
    fs::write(mount.join("data/f"), "x").unwrap();
    let pair = Pair::new();
    fs::remove_dir(&pair.source).unwrap();
    for night in ["first", "second"] {
        assert!(btrfs(&["snapshot", "-r", &at("data"), &at(night)]));
        let _ = fs::remove_file(&pair.source);
        std::os::unix::fs::symlink(mount.join(night), &pair.source).unwrap();
        let report = pair.snapshot();
        assert!(!report.is_suspect(), "{:?}", report.suspect());
    }
}

#[test]
fn a_mass_change_is_suspect_and_no_reason_to_forget() {
    let pair = Pair::new();
    fill(&pair, "letters", 1500);
    fill(&pair, "notes", 400);
    let good = pair.snapshot();
    // What ransomware does, or a script gone wrong.
    fill(&pair, "letters.encrypted", 1500);
    fs::remove_dir_all(pair.source.join("letters")).unwrap();
    let plan = pair.snapshotter().dry_run(true).run(&Silent).unwrap();
    let bad = pair.snapshotter().run(&Silent).unwrap();
    for report in [&plan, &bad] {
        assert_eq!(report.status(), Status::Complete);
        assert!(report.suspect()[0].contains("1501 of the 1902 entries"), "{:?}", report.suspect());
    }
    Comparison::new().assert_same(&pair.source, path(&bad));
    // It is a reference all the same, and what comes after it is no better.
    let next = pair.snapshotter().run(&Silent).unwrap();
    assert_eq!(next.counts().files_copied, 0);
    assert_eq!(inode(path(&next).join("notes/7")), inode(path(&bad).join("notes/7")));
    assert_eq!(next.suspect(), bad.suspect());
    assert_eq!(kept(&pair), [name(&good), name(&bad), name(&next)]);
    let names = [good.snapshot().unwrap().clone()];
    assert_eq!(repository(&pair).delete(&names).unwrap_err().kind(), ErrorKind::Protected);
    // The record is what another program reads; accepting it changes nothing else in it.
    let record = pair.repository.join(format!(".linkdest/runs/{}.toml", name(&next)));
    let before = fs::read_to_string(&record).unwrap();
    assert!(repository(&pair).accept(next.snapshot().unwrap()).unwrap());
    let after = fs::read_to_string(&record).unwrap();
    let line = |line: &&str| !line.starts_with("suspect = ");
    assert_eq!(after.lines().collect::<Vec<_>>(), before.lines().filter(line).collect::<Vec<_>>());
    assert_eq!(kept(&pair), [name(&next)]);
    assert!(!pair.snapshot().is_suspect());
}

#[test]
fn the_space_that_a_suspect_one_takes_is_no_reason_either() {
    let mount = match LoopMount::with(FileSystem::Ext4, 64 << 20, &[]) {
        Ok(mount) => mount,
        Err(unavailable) => return skip(unavailable),
    };
    let pair = Pair::with_repository_on(mount.path());
    fill(&pair, "d", 1200);
    pair.write("large", vec![1; 8 << 20]);
    let oldest = pair.snapshot();
    pair.write("large", "small");
    pair.snapshot();
    fs::remove_dir_all(pair.source.join("d")).unwrap();
    let suspect = pair.snapshotter().run(&Silent).unwrap();
    assert!(suspect.is_suspect());
    let target = repository(&pair).available().unwrap() + (4 << 20);
    let refused = repository(&pair).plan_free_space(target, None).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NoSpace);
    repository(&pair).accept(suspect.snapshot().unwrap()).unwrap();
    let plan = repository(&pair).plan_free_space(target, None).unwrap();
    assert_eq!(plan.removed(), [oldest.snapshot().unwrap().clone()]);
    assert_eq!(repository(&pair).forget(&plan).unwrap().snapshots().len(), 1);
}

#[test]
fn changed_contents_are_a_mass_change_and_the_share_can_be_set() {
    let pair = Pair::new();
    fill(&pair, "d", 2500);
    pair.snapshot();
    for number in 0..1200 {
        pair.write(&format!("d/{number}"), "the same for all of them");
    }
    let dry = |percent| pair.snapshotter().mass_change(percent).dry_run(true).run(&Silent).unwrap();
    for (percent, suspect) in [(Some(50), false), (Some(47), true), (None, false), (Some(100), false)] {
        assert_eq!(dry(percent).is_suspect(), suspect, "{percent:?}");
    }
    let error = pair.snapshotter().mass_change(Some(101)).run(&Silent).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidOption);
    assert!(!pair.snapshot().is_suspect());
}

#[test]
fn what_moved_or_only_got_new_inodes_is_no_mass_change() {
    let pair = Pair::new();
    fill(&pair, "old/below", 1500);
    pair.write("linked", "many names");
    for number in 0..1200 {
        fs::hard_link(pair.source.join("linked"), pair.source.join(format!("old/{number}"))).unwrap();
    }
    pair.snapshot();
    let report = pair.snapshotter().mass_change(Some(0)).run(&Silent).unwrap();
    assert!(!report.is_suspect(), "{:?}", report.suspect());
    fs::rename(pair.source.join("old"), pair.source.join("new")).unwrap();
    let report = pair.snapshot();
    assert!(!report.is_suspect(), "{:?}", report.suspect());
    // A restored source: other inodes, equal contents.
    let copy = pair.dir.join("copy");
    let copied = std::process::Command::new("cp").arg("-a").args([&pair.source, &copy]).status();
    assert!(copied.unwrap().success());
    fs::remove_dir_all(&pair.source).unwrap();
    fs::rename(&copy, &pair.source).unwrap();
    let report = pair.snapshot();
    assert!(!report.is_suspect(), "{:?}", report.suspect());
}

#[test]
fn another_repository_on_the_same_path_is_not_filled() {
    let pair = Pair::new();
    pair.write("f", "x");
    let wanted = Repository::init(pair.dir.join("wanted")).unwrap();
    let id = wanted.id().to_owned();
    let expected = || pair.snapshotter().repository_id(id.as_str());
    // The disk is not mounted: there is nothing, and it is not made.
    let before = Inventory::of(pair.dir.path());
    for dry in [false, true] {
        let error = expected().dry_run(dry).run(&Silent).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotARepository);
    }
    before.assert_unchanged(&Inventory::of(pair.dir.path()));
    // Another disk is mounted.
    Repository::init(&pair.repository).unwrap();
    let before = Inventory::of(pair.dir.path());
    for dry in [false, true] {
        let error = expected().dry_run(dry).run(&Silent).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongRepository);
        assert!(error.to_string().contains(&id), "{error}");
    }
    before.assert_unchanged(&Inventory::of(pair.dir.path()));
    fs::remove_dir_all(&pair.repository).unwrap();
    fs::rename(wanted.path(), &pair.repository).unwrap();
    assert_eq!(expected().run(&Silent).unwrap().counts().files_copied, 1);
}

#[test]
fn a_run_ends_before_the_disk_is_full() {
    let mount = match LoopMount::with(FileSystem::Ext4, 64 << 20, &[]) {
        Ok(mount) => mount,
        Err(unavailable) => return skip(unavailable),
    };
    let pair = Pair::with_repository_on(mount.path());
    pair.write("small", "x");
    pair.snapshot();
    let free = repository(&pair).available().unwrap();
    for number in 0..20 {
        pair.write(&format!("part-{number}"), vec![number; 1 << 20]);
    }
    let reserve = free - (10 << 20);
    let monitor = Collecting::default();
    pair.snapshotter().reserve(reserve).dry_run(true).run(&monitor).unwrap();
    let warned =
        |notice: &Notice| matches!(notice, Notice::TooLittleSpace { needed, .. } if *needed >= 20 << 20);
    assert_eq!(monitor.notices().iter().filter(|notice| warned(notice)).count(), 1);
    let error = pair.snapshotter().reserve(reserve).run(&Silent).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSpace);
    let told = error.io_error().unwrap().to_string();
    assert!(told.contains("missing") && told.contains("forget --free-space"), "{told}");
    assert_eq!((repository(&pair).snapshots().unwrap().len(), staged(&pair)), (1, 0));
    // One file that cannot fit is not even begun, and the others are there in no time without a reserve.
    pair.write("large", vec![1; 60 << 20]);
    assert_eq!(pair.snapshotter().reserve(0).run(&Silent).unwrap_err().kind(), ErrorKind::NoSpace);
    fs::remove_file(pair.source.join("large")).unwrap();
    let (report, monitor) = pair.watched();
    assert_eq!(report.counts().files_copied, 20);
    let others = |notice: &Notice| !matches!(notice, Notice::SystemLacks(_));
    assert!(!monitor.notices().iter().any(others), "{:?}", monitor.notices());
}
