//! Adopted snapshots are read and deleted like any, and their records lead nowhere else.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use linkdest_core::{ErrorKind, KeepRules, RelPath, Repository, Silent, SnapshotName, Snapshotter};
use linkdest_testkit::{Comparison, Inventory, NOBODY, TestDir, as_user, is_root, skip};

use crate::adopt::{adopt, assert_sound, listed, make, trees};
use crate::support::{Pair, inode, set_mtime};

#[test]
fn reading_an_adopted_snapshot_is_like_reading_any() {
    let pair = Pair::new();
    make(&pair.repository, &["daily.1/point/home/a", "daily.0/point/home/a", "daily.0/point/home/b"]);
    set_mtime(pair.repository.join("daily.1"), 1_700_000_000, 0);
    adopt(&pair.repository);
    let repository = Repository::open(&pair.repository).unwrap();
    let [older, newer] = &repository.snapshots().unwrap()[..] else { panic!() };
    assert!(older.is_adopted() && older.record().unwrap().tree().unwrap().as_bytes() == b"daily.1");
    let named = |path: PathBuf| repository.resolve(path.to_str().unwrap()).unwrap().name().clone();
    assert_eq!(named(pair.repository.join("daily.1/")), *older.name());
    assert_eq!(repository.resolve("latest").unwrap().name(), newer.name());
    for text in [
        format!("{}/point/home/b", pair.repository.join("daily.0").display()),
        format!("{}:point/home/b", pair.repository.join("daily.0").display()),
        format!("{}:/point/home/b", newer.name()),
    ] {
        let (snapshot, path) = repository.resolve_path(&text).unwrap();
        assert_eq!((snapshot.name(), path.as_bytes()), (newer.name(), &b"point/home/b"[..]), "{text}");
    }
    let changes: Vec<_> = repository.diff(older.name(), newer.name()).unwrap().map(Result::unwrap).collect();
    assert!(changes.iter().any(|change| change.path().as_bytes() == b"point/home/b"));
    assert!(repository.find("b").unwrap()[0].snapshots().eq([newer.name()]));
    assert_eq!(repository.versions(&RelPath::new("point/home/b").unwrap()).unwrap().len(), 1);
    assert!(repository.usage(&[]).unwrap().snapshots()[1].new_bytes() > 0);
    let back = pair.dir.join("back");
    repository.restore(newer.name(), &RelPath::root(), &back).run(&Silent).unwrap();
    Comparison::new().assert_same(newer.path(), &back);
    fs::remove_file(pair.repository.join(format!(".linkdest/manifests/{}.ldm", newer.name()))).unwrap();
    let report = linkdest_core::Reindexer::new(&repository).run(&Silent).unwrap();
    assert_eq!(report.snapshots()[0].snapshot(), newer.name());
    assert!(repository.ls(newer.name(), &RelPath::new("point").unwrap()).unwrap().next().is_some());
    assert_sound(&pair.repository);
}

#[test]
fn deleting_an_adopted_snapshot_removes_its_tree_and_nothing_else() {
    let dir = TestDir::new();
    let base = "backintime/h/u/1/20261121-132200-123";
    make(dir.path(), &[&format!("{base}/backup/home/f"), &format!("{base}/info"), "daily.0/f", "daily.1/f"]);
    set_mtime(dir.join("daily.1"), 1_700_000_000, 0);
    fs::hard_link(dir.join("daily.1/f"), dir.join("daily.0/g")).unwrap();
    adopt(dir.path());
    let repository = Repository::open(dir.path()).unwrap();
    let name_of = |tree: &str| {
        let snapshots = repository.snapshots().unwrap();
        snapshots.into_iter().find(|one| one.path() == dir.join(tree)).unwrap().name().clone()
    };
    let (deep, first, last) = (name_of(&format!("{base}/backup")), name_of("daily.1"), name_of("daily.0"));
    let kept = Inventory::of(&dir.join("daily.0"));
    assert!(repository.pin(&first).unwrap());
    assert_eq!(repository.delete(std::slice::from_ref(&first)).unwrap_err().kind(), ErrorKind::Protected);
    assert!(repository.unpin(&first).unwrap());
    repository.delete(&[deep.clone(), first.clone()]).unwrap();
    assert!(!dir.join("daily.1").exists() && !dir.join(base).join("backup").exists());
    assert!(dir.join(base).join("info").exists());
    kept.assert_unchanged(&Inventory::of(&dir.join("daily.0")));
    assert_eq!(trees(dir.path()), [PathBuf::from("daily.0")]);
    for gone in [&deep, &first] {
        assert!(!dir.join(format!(".linkdest/runs/{gone}.toml")).exists());
        assert!(!dir.join(format!(".linkdest/manifests/{gone}.ldm")).exists());
    }
    assert_eq!(repository.delete(&[last]).unwrap_err().kind(), ErrorKind::Protected);
    // One that was removed by hand is forgotten.
    make(dir.path(), &["daily.1/f"]);
    adopt(dir.path());
    fs::remove_dir_all(dir.join("daily.1")).unwrap();
    assert_eq!(trees(dir.path()), [PathBuf::from("daily.0")]);
    assert_eq!(adopt(dir.path()).known(), 1);
    assert_eq!(fs::read_dir(dir.join(".linkdest/runs")).unwrap().count(), 1);
}

#[test]
fn forgetting_takes_adopted_snapshots_for_those_of_one_source() {
    let dir = TestDir::new();
    make(dir.path(), &["2024-06-01/f", "2024-06-02/f", "2024-06-03/f"]);
    adopt(dir.path());
    let repository = Repository::open(dir.path()).unwrap();
    let plan = repository.plan_forget(&KeepRules::default().last(1)).unwrap();
    assert_eq!(repository.forget(&plan).unwrap().snapshots().len(), 2);
    assert_eq!(trees(dir.path()), [PathBuf::from("2024-06-03")]);
}

#[test]
fn a_tree_that_is_no_longer_the_one_that_was_adopted_is_left_alone() {
    let dir = TestDir::new();
    make(dir.path(), &["daily.0/f", "daily.1/f"]);
    set_mtime(dir.join("daily.0"), 1_700_000_000, 0);
    set_mtime(dir.join("daily.1"), 1_600_000_000, 0);
    adopt(dir.path());
    let names = listed(dir.path());
    // The old tool rotates once more.
    fs::rename(dir.join("daily.1"), dir.join("daily.2")).unwrap();
    fs::rename(dir.join("daily.0"), dir.join("daily.1")).unwrap();
    make(dir.path(), &["daily.0/f"]);
    assert_eq!(trees(dir.path()), [] as [PathBuf; 0]);
    let repository = Repository::open(dir.path()).unwrap();
    let name: SnapshotName = names[0].0.parse().unwrap();
    assert_eq!(repository.delete(&[name]).unwrap_err().kind(), ErrorKind::NoSuchSnapshot);
    assert!(dir.join("daily.1").exists());
    assert_eq!(adopt(dir.path()).adoptions().len(), 3);
    assert_eq!(trees(dir.path()), ["daily.2", "daily.1", "daily.0"].map(PathBuf::from));
    assert_sound(dir.path());
}

#[test]
fn a_tree_of_the_same_time_that_was_rotated_into_the_place_of_another_is_not_that_one() {
    let dir = TestDir::new();
    make(dir.path(), &["backup.0/new", "backup.1/old", "backup.2/oldest"]);
    // `rsync -a` gives each root the time of the source's.
    (0..3).for_each(|number| set_mtime(dir.join(format!("backup.{number}")), 1_600_000_000, 0));
    adopt(dir.path());
    let names = listed(dir.path());
    fs::remove_dir_all(dir.join("backup.2")).unwrap();
    for number in [1, 0] {
        let to = dir.join(format!("backup.{}", number + 1));
        fs::rename(dir.join(format!("backup.{number}")), to).unwrap();
    }
    make(dir.path(), &["backup.0/newest"]);
    set_mtime(dir.join("backup.0"), 1_600_000_000, 0);
    assert_eq!(trees(dir.path()), [] as [PathBuf; 0]);
    let oldest: SnapshotName = names[0].0.parse().unwrap();
    let repository = Repository::open(dir.path()).unwrap();
    assert_eq!(repository.delete(&[oldest]).unwrap_err().kind(), ErrorKind::NoSuchSnapshot);
    assert!(dir.join("backup.2/old").exists() && dir.join("backup.1/new").exists());
    assert_eq!(adopt(dir.path()).adoptions().len(), 3);
    assert_sound(dir.path());
}

#[test]
fn a_copy_of_the_repository_has_the_adopted_snapshots_too() {
    let dir = TestDir::new();
    let (here, there) = (dir.join("here"), dir.join("there"));
    make(&here, &["daily.0/f", "daily.1/f"]);
    set_mtime(here.join("daily.1"), 1_600_000_000, 7);
    adopt(&here);
    match Command::new("cp").arg("-a").arg(&here).arg(&there).status() {
        Ok(status) => assert!(status.success()),
        Err(_) => return skip("cp is not installed"),
    }
    assert_eq!(listed(&there), listed(&here));
}

#[test]
fn a_record_leads_nowhere_but_to_an_adopted_tree() {
    let dir = TestDir::new();
    let (repo, outside) = (dir.join("repo"), dir.join("outside"));
    make(&repo, &["daily.0/f", "daily.1/f"]);
    make(&outside, &["daily.1/f"]);
    set_mtime(repo.join("daily.1"), 1_600_000_000, 0);
    adopt(&repo);
    let name = listed(&repo)[0].0.clone();
    let record = repo.join(format!(".linkdest/runs/{name}.toml"));
    let good = fs::read_to_string(&record).unwrap();
    std::os::unix::fs::symlink(&outside, repo.join("away")).unwrap();
    std::os::unix::fs::symlink("daily.1", repo.join("alias")).unwrap();
    let inode_line = |path: PathBuf| format!("tree_inode = {}", inode(path));
    for (tree, target) in [
        ("../outside/daily.1", outside.join("daily.1")),
        ("away/daily.1", outside.join("daily.1")),
        ("alias", repo.join("daily.1")),
        (".linkdest/manifests", repo.join(".linkdest/manifests")),
        ("daily.1/f", repo.join("daily.1/f")),
    ] {
        let text = good.replace("\"daily.1\"", &format!("{tree:?}"));
        let text = text.replace(&inode_line(repo.join("daily.1")), &inode_line(target.clone()));
        assert!(text != good);
        fs::write(&record, text).unwrap();
        assert_eq!(trees(&repo), [PathBuf::from("daily.0")], "{tree}");
        let repository = Repository::open(&repo).unwrap();
        let parsed: SnapshotName = name.parse().unwrap();
        assert!(repository.ls(&parsed, &RelPath::root()).is_err(), "{tree}");
        assert!(repository.delete(&[parsed]).is_err());
        assert!(target.exists(), "{tree}");
        fs::write(&record, &good).unwrap();
    }
}

#[test]
fn a_tree_out_of_reach_keeps_nobody_from_a_backup() {
    if !is_root() {
        return skip("only root can be somebody else");
    }
    let dir = TestDir::new();
    let (repo, source) = (dir.join("repository"), dir.join("source"));
    let tree = "backintime/h/u/1/20240601-120000-123";
    make(&repo, &[&format!("{tree}/backup/f"), &format!("{tree}/info")]);
    make(&source, &["f"]);
    adopt(&repo);
    let name = listed(&repo)[0].0.clone();
    let chown = Command::new("chown").args(["-R", &format!("{NOBODY}:{NOBODY}")]).arg(dir.path()).status();
    assert!(chown.unwrap().success());
    std::os::unix::fs::chown(repo.join("backintime"), Some(0), None).unwrap();
    fs::set_permissions(repo.join("backintime"), fs::Permissions::from_mode(0o700)).unwrap();
    // This test again, as that user, in that directory.
    let program = dir.join("test");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let mut command = Command::new(program);
    command.args(["--exact", "adopted::as_the_owner", "--ignored"]).env("LINKDEST_OWNED", dir.path());
    let output = as_user(NOBODY, &command).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(listed(&repo).len() == 2 && listed(&repo)[0].0 == name);
    // A path that no name can have leads nowhere.
    let record = repo.join(format!(".linkdest/runs/{name}.toml"));
    let text = fs::read_to_string(&record).unwrap().replace("backintime", &"x".repeat(300));
    fs::write(&record, text).unwrap();
    assert_eq!(listed(&repo).len(), 1);
}

#[test]
#[ignore = "a part of another test, as another user"]
fn as_the_owner() {
    let Some(dir) = std::env::var_os("LINKDEST_OWNED") else { return };
    let dir = Path::new(&dir);
    let report = Snapshotter::new(dir.join("source"), dir.join("repository")).run(&Silent).unwrap();
    assert_eq!((report.counts().files_copied, report.problems().len()), (1, 1), "{:?}", report.problems());
}

#[test]
fn a_directory_that_cannot_be_adopted_for_its_latest_stays_as_it_is() {
    let dir = TestDir::new();
    make(dir.path(), &["2024-06-01/f", "latest/f"]);
    let before = Inventory::of(dir.path());
    for dry in [true, false] {
        let error = linkdest_core::Adopter::new(dir.path()).dry_run(dry).run(&Silent).unwrap_err();
        assert!(error.to_string().contains("latest"), "{error}");
    }
    before.assert_unchanged(&Inventory::of(dir.path()));
}

#[test]
fn a_date_after_bytes_that_are_no_text_is_found() {
    use std::os::unix::ffi::OsStrExt as _;
    let dir = TestDir::new();
    let tree = std::ffi::OsStr::from_bytes(b"sauvegard\xe9-2024-06-01");
    if fs::create_dir(dir.join(tree)).is_err() {
        return skip("the file system takes no such name");
    }
    fs::write(dir.join(tree).join("f"), "content").unwrap();
    assert_eq!(adopt(dir.path()).adoptions()[0].tree().as_path(), Path::new(tree));
    assert_eq!(trees(dir.path()), [PathBuf::from(tree)]);
    assert_sound(dir.path());
}
