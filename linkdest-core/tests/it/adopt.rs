//! Adopting what other tools made: rsnapshot and an rsync script really run, the others by their layout.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use linkdest_core::{
    AdoptReport, Adopter, Collecting, Event, RelPath, Repository, Silent, SnapshotName, SnapshotReport,
    Snapshotter, Tool, Verifier,
};
use linkdest_testkit::{Comparison, Inventory, TestDir, skip};

use crate::support::{Pair, inode, path, set_mtime};

pub fn adopt(repository: &Path) -> AdoptReport {
    let report = Adopter::new(repository).run(&Silent).unwrap();
    assert!(report.problems().is_empty(), "{:?}", report.problems());
    report
}

pub fn assert_sound(repository: &Path) {
    let repository = Repository::open(repository).unwrap();
    let report = Verifier::new(&repository).run(&Silent).unwrap();
    assert_eq!((report.findings(), report.without_manifest()), (&[][..], &[][..]));
    assert_eq!(report.snapshots().len(), repository.snapshots().unwrap().len());
}

/// The names of all snapshots with their trees, the oldest first.
pub fn listed(repository: &Path) -> Vec<(String, PathBuf)> {
    let snapshots = Repository::open(repository).unwrap().snapshots().unwrap();
    let one = |snapshot: &linkdest_core::Snapshot| {
        (snapshot.name().to_string(), snapshot.path().strip_prefix(repository).unwrap().to_owned())
    };
    snapshots.iter().map(one).collect()
}

pub fn trees(repository: &Path) -> Vec<PathBuf> {
    listed(repository).into_iter().map(|(_, tree)| tree).collect()
}

fn inventories(repository: &Path, trees: &[&str]) -> Vec<Inventory> {
    trees.iter().map(|tree| Inventory::of(&repository.join(tree))).collect()
}

fn assert_unchanged(before: &[Inventory], repository: &Path, trees: &[&str]) {
    for (before, after) in before.iter().zip(inventories(repository, trees)) {
        before.assert_unchanged(&after);
    }
}

/// The hash of a file as the manifest of a snapshot has it.
fn hash_in(repository: &Path, snapshot: &SnapshotName, path: &str) -> Option<linkdest_core::ContentHash> {
    let repository = Repository::open(repository).unwrap();
    let items = repository.ls(snapshot, &RelPath::new(path).unwrap()).unwrap();
    let items: Vec<_> = items.map(Result::unwrap).collect();
    items[0].content()
}

fn populate(pair: &Pair) {
    for number in 0..40_u16 {
        fs::create_dir_all(pair.source.join(format!("d{}/deep", number % 5))).unwrap();
        pair.write(&format!("d{}/deep/f{number}", number % 5), vec![b'x'; usize::from(number) * 100 + 1]);
        set_mtime(pair.source.join(format!("d{}/deep/f{number}", number % 5)), 1_600_000_000, 5);
    }
    std::os::unix::fs::symlink("d0", pair.source.join("link")).unwrap();
    // rsync leaves a time that differs by less than a second.
    set_mtime(pair.source.join("link"), 1_600_000_000, 5);
}

/// Takes a snapshot of which only the file `changed` is new; every other file is linked to that in `old`.
fn assert_linked(pair: &Pair, old: &Path) -> SnapshotReport {
    pair.write("changed", "since");
    let report = pair.snapshotter().init(false).run(&Silent).unwrap();
    assert_eq!(report.problems(), []);
    let counts = report.counts();
    assert_eq!((counts.files_copied, counts.files_linked, counts.other_created), (1, 40, 0));
    for number in 0..40 {
        let file = format!("d{}/deep/f{number}", number % 5);
        assert_eq!(inode(path(&report).join(&file)), inode(old.join(&file)), "{file}");
    }
    Comparison::new().assert_same(&pair.source, path(&report));
    // The hashes that were read when it was adopted are those of the new one.
    assert!(hash_in(&pair.repository, report.snapshot().unwrap(), "d0/deep/f0").is_some());
    report
}

/// Runs rsnapshot; `false` if it is not installed.
fn rsnapshot(pair: &Pair) -> bool {
    let config = pair.dir.join("rsnapshot.conf");
    let lines = [
        "config_version\t1.2".to_owned(),
        format!("snapshot_root\t{}/", pair.repository.display()),
        "cmd_rsync\t/usr/bin/rsync".to_owned(),
        format!("lockfile\t{}", pair.dir.join("rsnapshot.pid").display()),
        "link_dest\t1".to_owned(),
        "retain\talpha\t6".to_owned(),
        format!("backup\t{}/\tlocalhost/", pair.source.display()),
        String::new(),
    ];
    fs::write(&config, lines.join("\n")).unwrap();
    match Command::new("rsnapshot").arg("-c").arg(&config).arg("alpha").output() {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            true
        }
        Err(_) => {
            skip("rsnapshot is not installed");
            false
        }
    }
}

#[test]
fn what_rsnapshot_made_is_linked_to_and_stays_as_it_was() {
    let pair = Pair::new();
    populate(&pair);
    for day in 0..3 {
        // rsync compares sizes and whole seconds.
        pair.write("daily", "x".repeat(day + 1));
        if !rsnapshot(&pair) {
            return;
        }
    }
    let names = ["alpha.0", "alpha.1", "alpha.2"];
    let before = inventories(&pair.repository, &names);
    let report = adopt(&pair.repository);
    assert!(report.adoptions().iter().all(|one| one.tool() == Tool::Rsnapshot) && report.is_new());
    // 40 files of all days and three versions of one, each inode once.
    assert_eq!(report.files_read(), 43);
    assert_eq!(trees(&pair.repository), ["alpha.2", "alpha.1", "alpha.0"].map(PathBuf::from));
    assert_unchanged(&before, &pair.repository, &names);
    assert_sound(&pair.repository);

    let below = pair.source.strip_prefix("/").unwrap();
    let old = pair.repository.join("alpha.0/localhost").join(below);
    fs::remove_file(pair.source.join("daily")).unwrap();
    let monitor = Collecting::default();
    pair.snapshotter().dry_run(true).run(&monitor).unwrap();
    let reference = monitor.events().into_iter().find_map(|event| match event {
        Event::Started { reference, .. } => reference,
        _ => None,
    });
    let newest = report.adoptions()[2].snapshot();
    assert_eq!(reference, Some(format!("{newest}:localhost/{}", below.display())));
    let taken = assert_linked(&pair, &old);
    assert_unchanged(&before, &pair.repository, &names);
    assert_sound(&pair.repository);
    assert_eq!(listed(&pair.repository)[3].0, taken.snapshot().unwrap().as_str());
    assert_eq!(
        fs::read_link(pair.repository.join("latest")).unwrap(),
        Path::new(taken.snapshot().unwrap().as_str())
    );
    // A file that was renamed since is found by its content, in a manifest whose paths begin elsewhere.
    fs::remove_file(pair.source.join("changed")).unwrap();
    fs::remove_dir_all(path(&taken)).unwrap();
    fs::rename(pair.source.join("d1/deep/f1"), pair.source.join("renamed")).unwrap();
    let moved = pair.snapshotter().run(&Silent).unwrap();
    assert_eq!((moved.counts().files_copied, moved.counts().files_linked), (0, 40));
    assert_eq!(inode(path(&moved).join("renamed")), inode(old.join("d1/deep/f1")));
}

#[test]
fn what_an_rsync_script_made_is_linked_to_and_stays_as_it_was() {
    for (slash, below) in [("/", ""), ("", "source")] {
        let pair = Pair::new();
        populate(&pair);
        fs::create_dir(&pair.repository).unwrap();
        let names = ["back-2024-03-30_02-00-00", "back-2024-03-31", "back-20240401-020000"];
        for (day, name) in names.iter().enumerate() {
            // rsync compares sizes and whole seconds.
            pair.write("daily", "x".repeat(day + 1));
            let mut rsync = Command::new("rsync");
            rsync.arg("-aH").arg("--link-dest=../current");
            let source = format!("{}{slash}", pair.source.display());
            match rsync.arg(source).arg(pair.repository.join(name)).output() {
                Ok(output) => assert!(output.status.success()),
                Err(_) => return skip("rsync is not installed"),
            }
            let _ = fs::remove_file(pair.repository.join("current"));
            std::os::unix::fs::symlink(name, pair.repository.join("current")).unwrap();
        }
        let before = inventories(&pair.repository, &names);
        let report = adopt(&pair.repository);
        assert_eq!((report.adoptions().len(), report.files_read()), (3, 43));
        assert_eq!(trees(&pair.repository), names.map(PathBuf::from));
        assert_sound(&pair.repository);
        fs::remove_file(pair.source.join("daily")).unwrap();
        assert_linked(&pair, &pair.repository.join(names[2]).join(below));
        assert_unchanged(&before, &pair.repository, &names);
        assert_sound(&pair.repository);
    }
}

/// A directory with what tools leave there, and the content of one file.
pub fn make(repository: &Path, files: &[&str]) {
    for file in files {
        let file = repository.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "content").unwrap();
    }
}

#[test]
fn back_in_time_and_timeshift_keep_whole_paths() {
    for base in
        ["backintime/h/u/1/20261121-132200-123/backup", "timeshift/snapshots/2026-11-22_13-22-00/localhost"]
    {
        let pair = Pair::new();
        populate(&pair);
        let old = pair.repository.join(base).join(pair.source.strip_prefix("/").unwrap());
        fs::create_dir_all(&old).unwrap();
        match Command::new("rsync").arg("-aH").arg(format!("{}/", pair.source.display())).arg(&old).status() {
            Ok(status) => assert!(status.success()),
            Err(_) => return skip("rsync is not installed"),
        }
        let beside = pair.repository.join(base).parent().unwrap().to_owned();
        fs::write(beside.join("info.json"), "{}").unwrap();
        fs::write(beside.join("info"), "snapshot_version=5\nsnapshot_machine=h\n").unwrap();
        adopt(&pair.repository);
        assert_linked(&pair, &old);
        assert_sound(&pair.repository);
    }
}

#[test]
fn adopted_snapshots_stand_where_their_date_puts_them() {
    let pair = Pair::new();
    let own = pair.snapshot();
    make(&pair.repository, &["2020-01-01/f", "2020-01-02/f", "2999-01-01_00-00-00/f", "2199-01-01/f"]);
    let before = inode(pair.repository.join("latest"));
    let report = adopt(&pair.repository);
    assert_eq!((report.is_new(), report.adoptions().len()), (false, 3));
    let order = ["2020-01-01", "2020-01-02", own.snapshot().unwrap().as_str(), "2199-01-01"];
    assert_eq!(trees(&pair.repository), order.map(PathBuf::from));
    assert!(before != inode(pair.repository.join("latest")));
    assert_eq!(fs::read_link(pair.repository.join("latest")).unwrap(), Path::new("2199-01-01"));
    let next = pair.snapshot();
    assert_eq!(trees(&pair.repository)[4], Path::new(next.snapshot().unwrap().as_str()));
    // One that is found later takes its place among the others.
    make(&pair.repository, &["2020-01-01_12-00-00/f"]);
    let again = adopt(&pair.repository);
    assert_eq!((again.adoptions().len(), again.known()), (1, 3));
    assert_eq!(trees(&pair.repository)[1], Path::new("2020-01-01_12-00-00"));
    assert_sound(&pair.repository);
}

#[test]
fn what_was_stopped_goes_on_and_what_is_done_is_not_done_again() {
    let dir = TestDir::new();
    for day in 1..=4 {
        make(dir.path(), &[&format!("2024-06-0{day}/f{day}")]);
        if day > 1 {
            fs::hard_link(dir.join("2024-06-01/f1"), dir.join(format!("2024-06-0{day}/f1"))).unwrap();
        }
    }
    assert_eq!(adopt(dir.path()).files_read(), 4);
    let control = |name: &str| dir.join(".linkdest").join(name);
    let manifests =
        || fs::read_dir(control("manifests")).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let all = listed(dir.path());
    // Killed after the records and two of the manifests were written; and before the last was adopted at all.
    let mut later = manifests();
    later.sort();
    later[2..].iter().for_each(|manifest| fs::remove_file(manifest).unwrap());
    fs::remove_file(control("runs").join(format!("{}.toml", all[3].0))).unwrap();
    let again = adopt(dir.path());
    // The inode that all share is known from the manifests that were there.
    assert_eq!((again.adoptions().len(), again.known(), again.files_read()), (1, 3, 2));
    assert_eq!(listed(dir.path()), all);
    assert_sound(dir.path());
    // Killed between a manifest and the figures in the record.
    let record = control("runs").join(format!("{}.toml", all[1].0));
    let text = fs::read_to_string(&record).unwrap();
    assert!(text.contains("entries = 2"));
    fs::write(&record, text.replace("entries = 2", "entries = 0")).unwrap();
    assert_eq!(adopt(dir.path()).adoptions(), []);
    // The manifest was made anew, at another time.
    let but_digest = |text: String| {
        text.lines().filter(|line| !line.starts_with("manifest = ")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(but_digest(fs::read_to_string(&record).unwrap()), but_digest(text));
    assert_sound(dir.path());
    let before = Inventory::of(&control("manifests"));
    let done = adopt(dir.path());
    assert_eq!((done.adoptions().len(), done.known(), done.bytes_read()), (0, 4, 0));
    before.assert_unchanged(&Inventory::of(&control("manifests")));
}

#[test]
fn a_snapshot_of_another_source_is_not_taken_for_a_backup_point() {
    let pair = Pair::new();
    populate(&pair);
    make(&pair.repository, &["2024-06-01/unrelated", "2024-06-01/d/x"]);
    adopt(&pair.repository);
    let report = Snapshotter::new(&pair.source, &pair.repository).run(&Silent).unwrap();
    assert_eq!((report.counts().files_copied, report.problems().len()), (40, 0));
}
