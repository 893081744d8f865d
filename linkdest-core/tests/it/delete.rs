//! Deleting snapshots: all or nothing, nothing else touched, whatever the tree is like.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use linkdest_core::{ErrorKind, Repository, SnapshotName};
use linkdest_testkit::{Inventory, NOBODY, as_user, is_root, skip};

use crate::support::{Pair, beyond_portable, inode, path};

fn repository(pair: &Pair) -> Repository {
    Repository::open(&pair.repository).unwrap()
}

fn names(pair: &Pair) -> Vec<SnapshotName> {
    repository(pair).snapshots().unwrap().iter().map(|snapshot| snapshot.name().clone()).collect()
}

/// What is in a directory of the repository's own.
fn control(pair: &Pair, name: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(pair.repository.join(".linkdest").join(name)) else { return Vec::new() };
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn latest(pair: &Pair) -> String {
    fs::read_link(pair.repository.join("latest")).unwrap().into_os_string().into_string().unwrap()
}

#[test]
fn deleting_one_leaves_the_others_as_they_were() {
    let pair = Pair::new();
    pair.make_everything();
    let reports = [pair.snapshot(), pair.snapshot(), pair.snapshot()];
    let shared = fs::metadata(path(&reports[0])).unwrap();
    let before = Inventory::of(path(&reports[0]));
    let gone: Vec<_> = reports[1..].iter().map(|report| report.snapshot().unwrap().clone()).collect();
    let deleted = repository(&pair).delete(&[&gone[..], &gone[..]].concat()).unwrap();
    assert_eq!((deleted.snapshots(), deleted.problems().len()), (&gone[..], 0));
    before.assert_unchanged(&Inventory::of(path(&reports[0])));
    assert_eq!(shared.mode(), fs::metadata(path(&reports[0])).unwrap().mode());
    let left = reports[0].snapshot().unwrap().as_str();
    assert_eq!(control(&pair, "runs"), [format!("{left}.toml")]);
    assert_eq!(control(&pair, "manifests"), [format!("{left}.ldm")]);
    assert_eq!((control(&pair, "trash"), latest(&pair)), (vec![], left.to_owned()));
    // The next run links to what is left.
    assert_eq!(pair.snapshot().counts().files_copied, 0);
}

#[test]
fn one_that_may_not_go_keeps_all() {
    let pair = Pair::new();
    let names: Vec<_> = (0..3).map(|_| pair.snapshot().snapshot().unwrap().clone()).collect();
    let repository = repository(&pair);
    assert!(repository.pin(&names[1]).unwrap() && !repository.pin(&names[1]).unwrap());
    let absent: SnapshotName = "2000-01-01T000000Z".parse().unwrap();
    for (asked, kind) in [
        (vec![names[0].clone(), names[1].clone()], ErrorKind::Protected),
        (vec![names[0].clone(), absent.clone()], ErrorKind::NoSuchSnapshot),
    ] {
        assert_eq!(repository.check_delete(&asked).unwrap_err().kind(), kind);
        assert_eq!(repository.delete(&asked).unwrap_err().kind(), kind);
        assert_eq!(self::names(&pair), names);
    }
    assert!(repository.unpin(&names[1]).unwrap() && !repository.unpin(&names[1]).unwrap());
    assert_eq!(repository.delete(&names).unwrap_err().kind(), ErrorKind::Protected);
    assert_eq!(repository.pin(&absent).unwrap_err().kind(), ErrorKind::NoSuchSnapshot);
    let lock = fs::File::open(pair.repository.join(".linkdest/lock")).unwrap();
    lock.lock().unwrap();
    assert_eq!(repository.delete(&names[..1]).unwrap_err().kind(), ErrorKind::Locked);
    assert_eq!(repository.pin(&names[0]).unwrap_err().kind(), ErrorKind::Locked);
    assert_eq!(self::names(&pair), names);
}

#[test]
fn a_pin_goes_with_its_snapshot() {
    let pair = Pair::new();
    let first = pair.snapshot();
    pair.snapshot();
    repository(&pair).pin(first.snapshot().unwrap()).unwrap();
    assert_eq!(control(&pair, "pins"), [first.snapshot().unwrap().as_str()]);
    fs::remove_dir_all(path(&first)).unwrap();
    pair.snapshot();
    assert_eq!(control(&pair, "pins"), Vec::<String>::new());
}

#[test]
fn trees_may_be_deep_and_wide_and_forbidding() {
    let pair = Pair::new();
    // The portable backend has no paths that are longer than the system takes.
    let levels = if cfg!(linkdest_portable) { 1500 } else { 5000 };
    linkdest_testkit::deep(&pair.source.join("deep"), levels);
    linkdest_testkit::wide(&pair.source.join("wide"), 3000);
    fs::create_dir_all(pair.source.join("shut/inner/more")).unwrap();
    pair.write("shut/inner/f", "x");
    for name in ["shut/inner/more", "shut/inner", "shut"] {
        fs::set_permissions(pair.source.join(name), fs::Permissions::from_mode(0o000)).unwrap();
    }
    let outside = pair.dir.join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("precious"), "x").unwrap();
    symlink(&outside, pair.source.join("way-out")).unwrap();
    if !is_root() {
        return skip("only root reads what is shut");
    }
    let first = pair.snapshot();
    pair.snapshot();
    let deleted = repository(&pair).delete(&[first.snapshot().unwrap().clone()]).unwrap();
    assert_eq!(deleted.problems(), []);
    assert_eq!((control(&pair, "trash"), names(&pair).len()), (vec![], 1));
    assert!(outside.join("precious").exists());
}

#[test]
fn a_killed_removal_is_finished_by_the_next_command() {
    let pair = Pair::new();
    pair.write("f", "x");
    let reports = [pair.snapshot(), pair.snapshot(), pair.snapshot()];
    let trash = pair.repository.join(".linkdest/trash");
    fs::create_dir_all(&trash).unwrap();
    // Killed right after the rename: records and `latest` still tell of it.
    fs::rename(path(&reports[2]), trash.join("killed")).unwrap();
    let f = inode(path(&reports[0]).join("f"));
    let fourth = pair.snapshot();
    assert_eq!(inode(path(&fourth).join("f")), f);
    assert_eq!((control(&pair, "trash"), control(&pair, "runs").len()), (vec![], 3));
    assert_eq!(latest(&pair), fourth.snapshot().unwrap().as_str());
    // Killed in the middle of the removal, finished by `delete`.
    fs::create_dir_all(trash.join("half/of/it")).unwrap();
    repository(&pair).delete(&[reports[0].snapshot().unwrap().clone()]).unwrap();
    assert_eq!(control(&pair, "trash"), Vec::<String>::new());
}

#[test]
fn what_cannot_be_removed_is_told_and_the_rest_goes() {
    if !is_root() {
        return skip("only root can make a file immutable");
    }
    let pair = Pair::new();
    fs::create_dir(pair.source.join("d")).unwrap();
    pair.write("d/f", "x");
    let first = pair.snapshot();
    pair.write("d/f", "changed");
    pair.snapshot();
    let name = first.snapshot().unwrap().clone();
    let set = |flag: &str, path: &Path| {
        let set = Command::new("chattr").arg(flag).arg(path).output();
        set.is_ok_and(|output| output.status.success())
    };
    if !set("+i", &path(&first).join("d/f")) {
        return skip("this file system has no immutable files");
    }
    let deleted = repository(&pair).delete(std::slice::from_ref(&name)).unwrap();
    let left = pair.repository.join(".linkdest/trash").join(&control(&pair, "trash")[0]);
    assert!(set("-i", &left.join("d/f")));
    assert_eq!((deleted.snapshots(), deleted.problems().len()), (&[name][..], 1));
    assert_eq!(deleted.problems()[0].errno(), Some(1), "{:?}", deleted.problems());
    pair.snapshot();
    assert_eq!(control(&pair, "trash"), Vec::<String>::new());
}

#[test]
fn a_root_that_its_owner_may_not_write_can_be_moved_away() {
    if !is_root() {
        return skip("only root can be somebody else");
    }
    let pair = Pair::new();
    for directory in [pair.dir.path(), &pair.source] {
        std::os::unix::fs::chown(directory, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    fs::set_permissions(&pair.source, fs::Permissions::from_mode(0o500)).unwrap();
    // This test again, as that user, in that directory.
    let program = pair.dir.join("test");
    assert!(
        Command::new("cp").arg(std::env::current_exe().unwrap()).arg(&program).status().unwrap().success()
    );
    let mut command = Command::new(program);
    command.args(["--exact", "delete::as_the_owner", "--ignored"]).env("LINKDEST_OWNED", pair.dir.path());
    let output = as_user(NOBODY, &command).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(names(&pair).len(), 1);
}

#[test]
#[ignore = "a part of another test, as another user"]
fn as_the_owner() {
    use linkdest_core::{Silent, Snapshotter};
    let Some(dir) = std::env::var_os("LINKDEST_OWNED") else { return };
    let (source, repo) = (Path::new(&dir).join("source"), Path::new(&dir).join("repository"));
    let first = Snapshotter::new(&source, &repo).init(true).run(&Silent).unwrap();
    Snapshotter::new(&source, &repo).run(&Silent).unwrap();
    assert_eq!(fs::metadata(path(&first)).unwrap().mode() & 0o777, 0o500);
    let deleted = Repository::open(&repo).unwrap().delete(&[first.snapshot().unwrap().clone()]).unwrap();
    assert_eq!(deleted.problems(), []);
}

/// Mounts a directory of the same file system on another; `false` if this user may not.
fn bind(from: &Path, to: &Path) -> bool {
    Command::new("mount").arg("--bind").args([from, to]).status().is_ok_and(|status| status.success())
}

/// Mounts another file system.
fn mount_another(_: &Path, to: &Path) -> bool {
    let mut command = Command::new("mount");
    command.args(["-t", "tmpfs", "none"]).arg(to).status().is_ok_and(|status| status.success())
}

#[test]
fn what_is_mounted_in_a_snapshot_is_not_emptied() {
    if beyond_portable("no mount numbers") {
        return;
    }
    deleting_spares_what_is_mounted(bind);
}

#[test]
fn another_file_system_mounted_in_a_snapshot_is_not_emptied() {
    deleting_spares_what_is_mounted(mount_another);
}

fn deleting_spares_what_is_mounted(mount: fn(&Path, &Path) -> bool) {
    let pair = Pair::new();
    fs::create_dir(pair.source.join("mounted")).unwrap();
    pair.write("mounted/file", "saved");
    let gone = pair.snapshot();
    pair.snapshot();
    let precious = pair.dir.join("precious");
    fs::create_dir(&precious).unwrap();
    let place = path(&gone).join("mounted");
    if !mount(&precious, &place) {
        return skip("mounting needs root");
    }
    fs::create_dir(place.join("deep")).unwrap();
    fs::write(place.join("deep/file"), "alive").unwrap();
    fs::set_permissions(&place, fs::Permissions::from_mode(0o555)).unwrap();
    let deleted = repository(&pair).delete(&[gone.snapshot().unwrap().clone()]).unwrap();
    let trash = control(&pair, "trash");
    let mounted = pair.repository.join(".linkdest/trash").join(&trash[0]).join("mounted");
    let kept = fs::read_to_string(mounted.join("deep/file"));
    let mode = fs::metadata(&mounted).map(|found| found.mode() & 0o777);
    Command::new("umount").arg(&mounted).status().unwrap();
    assert_eq!(deleted.problems().len(), 1, "{deleted:?}");
    assert_eq!(kept.unwrap(), "alive");
    assert_eq!(mode.unwrap(), 0o555);
    // Once it is no longer there the next one finishes.
    pair.snapshot();
    assert_eq!(control(&pair, "trash"), [""; 0]);
}

#[test]
fn the_name_of_one_that_is_gone_is_not_the_beginning_of_another() {
    let pair = Pair::new();
    pair.snapshot();
    let repository = repository(&pair);
    for name in ["2024-06-01T120000Z-02", "2024-06-01T130000Z"] {
        fs::create_dir(pair.repository.join(name)).unwrap();
    }
    assert_eq!(repository.resolve("2024-06-01T120000").unwrap().name().as_str(), "2024-06-01T120000Z-02");
    let error = repository.resolve("2024-06-01T120000Z").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSuchSnapshot);
}
