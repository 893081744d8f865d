//! Restoring onto what is there, onto other file systems, and while somebody plays with the target.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use linkdest_core::{Overwrite, ProblemKind, RelPath, Repository, RestoreReport, Silent, Status};
use linkdest_testkit::{Comparison, FileSystem, Inventory, LoopMount, skip};

use crate::support::{Pair, beyond_portable, set_mtime};

fn restore(pair: &Pair, target: &Path) -> RestoreReport {
    let repository = Repository::open(&pair.repository).unwrap();
    let snapshot = repository.resolve("latest").unwrap();
    repository.restore(snapshot.name(), &RelPath::root(), target).delete(true).run(&Silent).unwrap()
}

fn mount(file_system: FileSystem) -> Option<LoopMount> {
    LoopMount::new(file_system).map_err(skip).ok()
}

/// So many entries, ten files of up to 5,000 bytes in each directory.
fn many_entries(pair: &Pair, entries: usize) {
    for directory in 0..entries / 11 {
        let name = format!("{:02}/{directory}", directory % 50);
        fs::create_dir_all(pair.source.join(&name)).unwrap();
        for file in 0..10 {
            pair.write(&format!("{name}/{file}"), vec![b'x'; 50 + (directory * 7 + file * 499) % 5000]);
        }
    }
}

/// Changes some of a restored tree: contents, sizes, modes, names gone and new. Returns the bytes of content that must
/// be written to mend it.
fn change(target: &Path, entries: usize) -> u64 {
    let mut bytes = 0;
    for directory in (0..entries / 11).step_by(40) {
        let path = target.join(format!("{:02}/{directory}", directory % 50));
        let size = |name: &str| fs::metadata(path.join(name)).unwrap().len();
        bytes += size("0") + size("1") + size("2");
        fs::write(path.join("0"), "spoilt").unwrap();
        fs::remove_file(path.join("1")).unwrap();
        set_mtime(path.join("2"), 1_000_000_000, 5);
        fs::set_permissions(path.join("3"), fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(path.join("extra"), "extra").unwrap();
    }
    bytes
}

/// What this process has read and written by now (proc(5): rchar, wchar).
fn read_and_written() -> (u64, u64) {
    let text = fs::read_to_string("/proc/self/io").unwrap();
    let figure = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().parse();
    (figure("rchar:").unwrap(), figure("wchar:").unwrap())
}

#[test]
#[ignore = "a part of another test, in a process of its own"]
fn restoring_child() {
    let Some(dir) = std::env::var_os("LINKDEST_RESTORE") else { return };
    let dir = PathBuf::from(dir);
    let repository = Repository::open(dir.join("repository")).unwrap();
    let snapshot = repository.resolve("latest").unwrap();
    let before = read_and_written();
    let restorer = repository.restore(snapshot.name(), &RelPath::root(), dir.join("back")).delete(true);
    let report = restorer.run(&Silent).unwrap();
    let after = read_and_written();
    assert_eq!(report.problems(), []);
    let (read, written) = (after.0 - before.0, after.1 - before.1);
    println!("copied={} read={read} written={written}", report.counts().bytes_copied);
}

/// The sum of the sizes, less what is small beside it.
fn next_to_all(pair: &Pair) -> u64 {
    let repository = Repository::open(&pair.repository).unwrap();
    let snapshots = repository.snapshots().unwrap();
    snapshots[0].record().unwrap().counts().bytes / 10 * 9
}

/// Over a slightly changed tree, of `LINKDEST_RESTORE_ENTRIES` entries (3,000 unless set).
#[test]
fn over_a_slightly_changed_tree_only_the_differences_are_read_and_written() {
    let entries = std::env::var("LINKDEST_RESTORE_ENTRIES").map_or(3000, |text| text.parse().unwrap());
    let pair = Pair::new();
    many_entries(&pair, entries);
    pair.snapshot();
    let back = pair.dir.join("back");
    restore(&pair, &back);
    Comparison::new().assert_same(&pair.source, &back);
    let must = change(&back, entries);
    let unchanged = fs::metadata(back.join("01/1/0")).unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "restore_targets::restoring_child", "--ignored", "--nocapture"]);
    let output = command.env("LINKDEST_RESTORE", pair.dir.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}");
    let figure = |name: &str| -> u64 {
        let rest = said.split(name).nth(1).unwrap();
        rest.split_whitespace().next().unwrap().parse().unwrap()
    };
    assert_eq!((figure("copied="), figure("written=")), (must, must), "{said}");
    let manifest =
        fs::read_dir(pair.repository.join(".linkdest/manifests")).unwrap().next().unwrap().unwrap();
    // The differences, and the manifest, whose blocks each thread reads as it needs them.
    let most = 3 * manifest.metadata().unwrap().len() + must + (32 << 10);
    assert!(figure("read=") <= most && most < next_to_all(&pair), "{said}, not {most}");
    Comparison::new().assert_same(&pair.source, &back);
    let now = fs::metadata(back.join("01/1/0")).unwrap();
    assert_eq!((now.ino(), now.ctime_nsec()), (unchanged.ino(), unchanged.ctime_nsec()));
    let next = restore(&pair, &back);
    assert_eq!((next.counts().unchanged, next.counts().bytes_copied), (next.counts().entries, 0));
}

#[test]
fn onto_xfs_and_btrfs_everything_comes_back() {
    for file_system in [FileSystem::Xfs, FileSystem::Btrfs] {
        let Some(mount) = mount(file_system) else { continue };
        let pair = Pair::new();
        pair.make_everything();
        pair.snapshot();
        let back = mount.join("back");
        let report = restore(&pair, &back);
        // XFS holds no symlink target of more than 1,024 bytes.
        let longer = if file_system == FileSystem::Xfs { vec!["symlinks/longer"] } else { vec![] };
        let longer: Vec<_> =
            longer.into_iter().filter(|name| fs::symlink_metadata(pair.source.join(name)).is_ok()).collect();
        let refused: Vec<_> = report.problems().iter().map(|one| one.path().to_string()).collect();
        assert_eq!(refused, longer, "{:?}", report.problems());
        let judge = longer.iter().fold(Comparison::new(), |judge, path| judge.skip_path(path));
        judge.assert_same(&pair.source, &back);
        assert_eq!(restore(&pair, &back).counts().bytes_copied, 0);
        linkdest_testkit::random_edits(&back, 77, 40);
        restore(&pair, &back);
        judge.assert_same(&pair.source, &back);
    }
}

#[test]
fn what_fat_cannot_hold_is_told_and_the_rest_comes_back() {
    let Some(mount) = mount(FileSystem::Exfat) else { return };
    let pair = Pair::new();
    fs::create_dir_all(pair.source.join("d/e")).unwrap();
    pair.write("d/e/file", "content");
    pair.write("large", vec![7; 300_000]);
    pair.write("secret", "s");
    fs::set_permissions(pair.source.join("secret"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::hard_link(pair.source.join("large"), pair.source.join("large too")).unwrap();
    symlink("large", pair.source.join("link")).unwrap();
    pair.write("what?", "a name that FAT does not take");
    pair.snapshot();
    let back = mount.join("back");
    let report = restore(&pair, &back);
    assert_eq!(report.status(), Status::Problems);
    let mut told: Vec<_> = report.problems().iter().map(|one| (one.path().to_string(), one.kind())).collect();
    told.sort();
    told.dedup();
    let expected = ["large too", "link", "what?"].map(|name| (name.to_owned(), ProblemKind::NotStored));
    assert_eq!(told, expected, "{:?}", report.problems());
    for name in ["d/e/file", "large", "large too", "secret"] {
        assert_eq!(fs::read(back.join(name)).unwrap(), fs::read(pair.source.join(name)).unwrap(), "{name}");
    }
    // What is there is not written again.
    let again = restore(&pair, &back);
    assert_eq!(again.counts().bytes_copied, 0, "{:?}", again.counts());
}

#[test]
fn a_group_larger_than_the_target_allows_becomes_two() {
    let (Some(roomy), Some(narrow)) = (mount(FileSystem::Xfs), mount(FileSystem::Ext4)) else { return };
    let pair = Pair::both_on(roomy.path());
    let names = 65_010;
    pair.write("0", "shared");
    for number in 1..names {
        fs::hard_link(pair.source.join("0"), pair.source.join(number.to_string())).unwrap();
    }
    pair.snapshot();
    let back = narrow.join("back");
    let report = restore(&pair, &back);
    assert_eq!((report.problems(), report.counts().files_copied), (&[][..], 2));
    let mut links: std::collections::BTreeMap<u64, u64> = Default::default();
    for number in 0..names {
        let stat = fs::metadata(back.join(number.to_string())).unwrap();
        assert_eq!(stat.size(), 6);
        *links.entry(stat.ino()).or_default() += 1;
    }
    let mut links: Vec<_> = links.into_values().collect();
    links.sort_unstable();
    assert_eq!(links, [10, 65_000]);
}

#[test]
fn directories_that_become_symlinks_meanwhile_lead_nowhere() {
    if beyond_portable("no race-free names") {
        return;
    }
    let pair = Pair::new();
    for directory in 0..40 {
        fs::create_dir_all(pair.source.join(format!("{directory}/sub"))).unwrap();
        for file in 0..10 {
            pair.write(&format!("{directory}/{file}"), "saved");
            pair.write(&format!("{directory}/sub/{file}"), "saved");
        }
    }
    pair.snapshot();
    let (back, canary) = (pair.dir.join("back"), pair.dir.join("canary"));
    restore(&pair, &back);
    fs::create_dir_all(canary.join("sub")).unwrap();
    for file in 0..10 {
        fs::write(canary.join(file.to_string()), "canary").unwrap();
        fs::write(canary.join(format!("sub/{file}")), "canary").unwrap();
    }
    let before = Inventory::of(&canary);
    let done = AtomicBool::new(false);
    let mut swaps = 0;
    std::thread::scope(|scope| {
        let swapper = scope.spawn(|| {
            let mut swaps = 0_u32;
            while !done.load(Ordering::Relaxed) {
                for directory in 0..40 {
                    let (name, aside) = (back.join(directory.to_string()), back.join("aside"));
                    if fs::rename(&name, &aside).is_ok() {
                        if symlink(&canary, &name).is_ok() {
                            swaps += 1;
                            std::thread::yield_now();
                            let _ = fs::remove_file(&name);
                        }
                        let _ = fs::rename(&aside, &name);
                    }
                }
            }
            swaps
        });
        for round in 0..60 {
            let repository = Repository::open(&pair.repository).unwrap();
            let snapshot = repository.resolve("latest").unwrap();
            let restorer = repository.restore(snapshot.name(), &RelPath::root(), &back);
            // A directory that was moved away is a problem; nothing else may come of it.
            restorer.overwrite(Overwrite::Always).delete(round % 2 == 0).run(&Silent).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        swaps = swapper.join().unwrap();
    });
    assert!(swaps > 100, "only {swaps} swaps");
    before.assert_unchanged(&Inventory::of(&canary));
}
