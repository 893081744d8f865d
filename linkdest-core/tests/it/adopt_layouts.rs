//! What is recognised as a snapshot of another tool, under which name, and what is not.

use std::fs;
use std::path::{Path, PathBuf};

use linkdest_core::{Adopter, ErrorKind, Repository, Silent, SnapshotName, Tool};
use linkdest_testkit::{Inventory, TestDir};

use crate::adopt::{adopt, assert_sound, listed, make};
use crate::support::set_mtime;

#[test]
fn the_layouts_of_other_tools_are_recognised() {
    let dir = TestDir::new();
    let in_utc = |name: &str| name.parse::<SnapshotName>().unwrap();
    for (files, tool, expected, passed_over) in [
        (
            vec![
                "backup.marker",
                "2026-11-21-132200Z/f",
                "2026-11-22-132200Z/f",
                "2026-11-23-132200Z/f",
                "backup.inprogress",
            ],
            Tool::RsyncTimeBackup,
            vec![("2026-11-21T132200Z", "2026-11-21-132200Z"), ("2026-11-22T132200Z", "2026-11-22-132200Z")],
            vec!["2026-11-23-132200Z"],
        ),
        (
            vec![
                "backintime/laptop/me/1/20261121-132200Z-123/backup/home/me/f",
                "backintime/laptop/me/1/20261121-132200Z-123/info",
                "backintime/laptop/me/1/20261121-132200Z-124/backup/home/me/f",
                "backintime/laptop/me/1/20261121-132200Z-124/info",
                "backintime/laptop/me/1/20261122-132200Z-123/backup/home/me/f",
                "backintime/laptop/me/1/new_snapshot/backup/f",
                "backintime/laptop/me/1/last_snapshot/f",
            ],
            Tool::BackInTime,
            vec![
                ("2026-11-21T132200Z", "backintime/laptop/me/1/20261121-132200Z-123/backup"),
                ("2026-11-21T132200Z-02", "backintime/laptop/me/1/20261121-132200Z-124/backup"),
            ],
            vec!["backintime/laptop/me/1/20261122-132200Z-123"],
        ),
        (
            vec![
                "timeshift/snapshots/2026-11-22_13-22-00Z/localhost/etc/f",
                "timeshift/snapshots/2026-11-22_13-22-00Z/info.json",
                "timeshift/snapshots/2026-11-23_13-22-00Z/localhost/etc/f",
                "timeshift/snapshots-daily/2026-11-22_13-22-00Z/x",
            ],
            Tool::Timeshift,
            vec![("2026-11-22T132200Z", "timeshift/snapshots/2026-11-22_13-22-00Z/localhost")],
            vec!["timeshift/snapshots/2026-11-23_13-22-00Z"],
        ),
    ] {
        let repository = dir.join(tool.as_str());
        make(&repository, &files);
        let before = Inventory::of(&repository);
        let planned = Adopter::new(&repository).dry_run(true).run(&Silent).unwrap();
        before.assert_unchanged(&Inventory::of(&repository));
        let report = adopt(&repository);
        assert_eq!(report.adoptions(), planned.adoptions());
        assert!(report.adoptions().iter().all(|one| one.tool() == tool));
        let told: Vec<_> =
            report.adoptions().iter().map(|one| (one.snapshot().clone(), one.tree().to_string())).collect();
        let expected: Vec<_> =
            expected.iter().map(|(name, tree)| (in_utc(name), (*tree).to_owned())).collect();
        assert_eq!(told, expected, "{tool:?}");
        let over: Vec<_> = report.passed_over().iter().map(|one| one.path().to_string()).collect();
        assert_eq!(over, passed_over, "{tool:?}");
        assert_sound(&repository);
    }
}

#[test]
fn names_are_those_of_the_local_clock_and_of_one_second_told_apart() {
    let dir = TestDir::new();
    make(dir.path(), &["daily.0/f", "daily.1/f", "weekly.0/f", "monthly.0/f", "other.1/f"]);
    for (name, seconds) in
        [("monthly.0", 1_000_000), ("weekly.0", 2_000_000), ("daily.1", 3_000_000), ("daily.0", 3_000_000)]
    {
        set_mtime(dir.join(name), seconds + 700_000_000, 7);
    }
    adopt(dir.path());
    let expected = [
        ("1992-03-19T101320Z", "monthly.0"),
        ("1992-03-31T000000Z", "weekly.0"),
        ("1992-04-11T134640Z", "daily.1"),
        ("1992-04-11T134640Z-02", "daily.0"),
    ];
    assert_eq!(listed(dir.path()), expected.map(|(name, tree)| (name.to_owned(), PathBuf::from(tree))));
    assert_eq!(fs::read_link(dir.join("latest")).unwrap(), Path::new("daily.0"));
}

#[test]
fn what_cannot_be_adopted_says_why_and_stays() {
    let dir = TestDir::new();
    let error = |path: &Path| Adopter::new(path).run(&Silent).unwrap_err();
    assert_eq!(error(&dir.join("missing")).kind(), ErrorKind::NotARepository);
    make(dir.path(), &["photos/f", "backup.2/f", "lib.so.6/f"]);
    fs::create_dir(dir.join("2024-06-01")).unwrap();
    std::os::unix::fs::symlink("photos", dir.join("2024-06-02")).unwrap();
    let refused = error(dir.path());
    assert_eq!(refused.kind(), ErrorKind::NotARepository);
    assert!(refused.to_string().contains("2024-06-01 is empty"), "{refused}");
    assert!(!dir.join(".linkdest").exists());
    assert_eq!(Repository::init(dir.path()).unwrap_err().kind(), ErrorKind::NotEmpty);
    // Where `latest` could not be moved, the next snapshot would fail.
    make(dir.path(), &["2024-06-03/f", "latest/f"]);
    assert!(error(dir.path()).to_string().contains("move it away"));
    fs::remove_dir_all(dir.join("latest")).unwrap();
    adopt(dir.path());
    let lock = fs::File::create(dir.join(".linkdest/lock")).unwrap();
    lock.lock().unwrap();
    assert_eq!(error(dir.path()).kind(), ErrorKind::Locked);
}
