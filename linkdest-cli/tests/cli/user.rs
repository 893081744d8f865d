//! An ordinary user's snapshots: other people's files, files that cannot be read, a root that cannot be written.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;
use std::process::{Command, Output};

use linkdest_testkit::{Comparison, NOBODY, TestDir, as_user, is_root, skip};

use crate::place::{copy_program, json_lines, text};

/// A directory of the user's own with a copy of the program that the user can reach.
struct Desk {
    dir: TestDir,
}

impl Desk {
    fn new() -> Option<Self> {
        if !is_root() {
            skip("only root can make other people's files and then be somebody else");
            return None;
        }
        let desk = Self { dir: TestDir::new().owned_by(NOBODY) };
        copy_program(&desk.dir.join("linkdest"));
        fs::create_dir(desk.dir.join("S")).unwrap();
        Some(desk)
    }

    fn file(&self, name: &str, owner: u32, mode: u32) {
        let path = self.dir.join("S").join(name);
        fs::write(&path, name).unwrap();
        chown(&path, Some(owner), Some(owner)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn linkdest(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(self.dir.join("linkdest"));
        command.current_dir(self.dir.path()).args(arguments);
        as_user(NOBODY, &command).output().unwrap()
    }

    fn latest(&self) -> std::path::PathBuf {
        self.dir.join("R").join(fs::read_link(self.dir.join("R/latest")).unwrap())
    }

    fn judge(&self) {
        Comparison::new()
            .owners(false)
            .root_attributes(true)
            .assert_same(&self.dir.join("S"), &self.latest());
    }
}

fn inode(path: &Path) -> u64 {
    fs::symlink_metadata(path).unwrap().ino()
}

#[test]
fn readable_foreign_files_are_linked_the_second_time_and_no_problem() {
    let Some(desk) = Desk::new() else { return };
    for (name, owner, mode) in [
        ("own", NOBODY, 0o600),
        ("root's", 0, 0o644),
        ("setuid", 0, 0o4755),
        ("setgid", 1234, 0o2755),
        ("read-only", 0, 0o444),
    ] {
        desk.file(name, owner, mode);
    }
    let first = desk.linkdest(&["snapshot", "--init", "S", "R"]);
    assert_eq!(first.status.code(), Some(0), "{}", text(&first.stderr));
    assert!(text(&first.stderr).contains("in the manifest alone"), "{}", text(&first.stderr));
    desk.judge();
    let before = desk.latest();
    let second = desk.linkdest(&["snapshot", "S", "R", "--json"]);
    assert_eq!(second.status.code(), Some(0), "{}", text(&second.stderr));
    let summary = json_lines(&second.stdout).pop().unwrap();
    assert_eq!((&summary["files_linked"], &summary["files_copied"]), (&5.into(), &0.into()));
    desk.judge();
    for name in ["own", "root's", "setuid", "setgid", "read-only"] {
        assert_eq!(inode(&before.join(name)), inode(&desk.latest().join(name)), "{name}");
    }
}

#[test]
fn every_unreadable_entry_is_named_and_the_rest_is_published() {
    let Some(desk) = Desk::new() else { return };
    desk.file("mine", NOBODY, 0o600);
    desk.file("secret", 0, 0o600);
    let source = desk.dir.join("S");
    for (name, mode) in [("closed", 0o700), ("listable", 0o744), ("searchable", 0o711)] {
        fs::create_dir(source.join(name)).unwrap();
        fs::write(source.join(name).join("inside"), "x").unwrap();
        fs::set_permissions(source.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    for _ in 0..2 {
        let output = desk.linkdest(&["snapshot", "--init", "S", "R", "--json"]);
        assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
        let lines = json_lines(&output.stdout);
        let mut named: Vec<_> = lines
            .iter()
            .filter(|line| line["message_type"] == "problem")
            .map(|line| {
                (line["path"].as_str().unwrap().to_owned(), line["kind"].clone(), line["errno"].clone())
            })
            .collect();
        named.sort_by(|a, b| a.0.cmp(&b.0));
        let expected = ["closed", "listable/inside", "searchable", "secret"]
            .map(|path| (path.to_owned(), "unreadable".into(), 13.into()));
        assert_eq!(named, expected);
        assert_eq!(lines.last().unwrap()["status"], "problems");
        let latest = desk.latest();
        assert_eq!(fs::read(latest.join("mine")).unwrap(), b"mine");
        assert_eq!(fs::read_dir(latest.join("closed")).map(Iterator::count).unwrap(), 0);
        assert!(!latest.join("secret").exists());
        for (name, mode) in [("closed", 0o700), ("listable", 0o744), ("searchable", 0o711)] {
            assert_eq!(fs::metadata(latest.join(name)).unwrap().mode() & 0o7777, mode);
        }
    }
}

#[test]
fn directories_that_their_owner_may_not_write_or_enter_are_saved_and_linked_from() {
    let Some(desk) = Desk::new() else { return };
    let source = desk.dir.join("S");
    desk.file("f", NOBODY, 0o400);
    for (name, mode) in [("r-x", 0o555), ("r--", 0o444), ("--x", 0o111), ("-wx", 0o333)] {
        let dir = source.join(name);
        fs::create_dir(&dir).unwrap();
        fs::write(dir.join("f"), "x").unwrap();
        fs::set_permissions(dir.join("f"), fs::Permissions::from_mode(0o444)).unwrap();
        for path in [&dir, &dir.join("f")] {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        fs::set_permissions(&dir, fs::Permissions::from_mode(mode)).unwrap();
    }
    chown(&source, Some(NOBODY), Some(NOBODY)).unwrap();
    fs::set_permissions(&source, fs::Permissions::from_mode(0o555)).unwrap();
    for _ in 0..3 {
        let output = desk.linkdest(&["snapshot", "--init", "S", "R", "-q"]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{said}");
        // What cannot be listed, or looked at, cannot be saved; the directories themselves can.
        let named: Vec<&str> =
            ["r--/f", "--x", "-wx"].into_iter().filter(|name| said.contains(&format!("{name}: "))).collect();
        assert_eq!((named.len(), said.lines().count()), (3, 3), "{said}");
        let latest = desk.latest();
        assert_eq!(fs::metadata(&latest).unwrap().mode() & 0o7777, 0o555);
        assert_eq!(fs::metadata(latest.join("r-x")).unwrap().mode() & 0o7777, 0o555);
        assert_eq!(fs::read(latest.join("r-x/f")).unwrap(), b"x");
    }
    let summary = desk.linkdest(&["snapshot", "S", "R", "--json"]);
    let summary = json_lines(&summary.stdout).pop().unwrap();
    assert_eq!((&summary["files_linked"], &summary["files_copied"]), (&2.into(), &0.into()));
}

#[test]
fn a_killed_run_of_a_user_leaves_nothing_that_the_user_cannot_remove() {
    let Some(desk) = Desk::new() else { return };
    let source = desk.dir.join("S");
    fs::create_dir(source.join("d")).unwrap();
    fs::write(source.join("d/f"), "x").unwrap();
    for path in [source.clone(), source.join("d")] {
        chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o555)).unwrap();
    }
    assert_eq!(desk.linkdest(&["snapshot", "--init", "S", "R"]).status.code(), Some(0));
    // As a kill leaves it: stamped directories in staging.
    let latest = desk.latest();
    let name = latest.file_name().unwrap().to_owned();
    let staging = desk.dir.join("R/.linkdest/staging").join(&name);
    fs::create_dir(&staging).unwrap();
    fs::rename(&latest, staging.join("tree")).unwrap();
    let run = desk.dir.join("R/.linkdest/runs").join(format!("{}.toml", name.to_str().unwrap()));
    fs::rename(run, staging.join("run.toml")).unwrap();
    chown(&staging, Some(NOBODY), Some(NOBODY)).unwrap();
    let output = desk.linkdest(&["snapshot", "S", "R", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(json_lines(&output.stdout).pop().unwrap()["files_linked"], 1);
    assert!(!staging.exists());
}

/// The record of an entry in the newest snapshot's manifest.
fn recorded<T>(desk: &Desk, path: &str, of: impl Fn(&linkdest_core::Entry<'_>) -> T) -> T {
    let repository = linkdest_core::Repository::open(desk.dir.join("R")).unwrap();
    let newest = repository.snapshots().unwrap().pop().unwrap();
    let manifest = repository.manifest(newest.name()).unwrap().unwrap();
    manifest.check().unwrap();
    let found = manifest.find(path.as_bytes(), &mut linkdest_core::BlockCache::default()).unwrap().unwrap();
    of(&found.entry())
}

#[test]
fn what_cannot_be_read_is_carried_forward_and_said_in_every_run() {
    let Some(desk) = Desk::new() else { return };
    for directory in ["S/locked", "S/locked/inner", "S/unlisted"] {
        fs::create_dir(desk.dir.join(directory)).unwrap();
        chown(desk.dir.join(directory), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    for name in ["plain", "secret", "locked/inner/a", "locked/inner/b", "unlisted/c"] {
        desk.file(name, NOBODY, 0o644);
    }
    assert!(desk.linkdest(&["snapshot", "--init", "S", "R"]).status.success());
    let first = desk.latest();
    let lock = |name: &str, mode| {
        fs::set_permissions(desk.dir.join("S").join(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    for (name, mode) in [("secret", 0), ("locked", 0), ("unlisted", 0o100)] {
        lock(name, mode);
    }
    for _ in 0..2 {
        let output = desk.linkdest(&["snapshot", "--json", "S", "R"]);
        assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
        let mut told: Vec<String> = json_lines(&output.stdout)
            .iter()
            .filter(|line| line["message_type"] == "problem")
            .map(|line| format!("{} {}", line["path"].as_str().unwrap(), line["kind"].as_str().unwrap()))
            .collect();
        told.sort();
        assert_eq!(told, ["locked carried_forward", "secret carried_forward", "unlisted carried_forward"]);
        for name in ["secret", "locked/inner/a", "locked/inner/b", "unlisted/c"] {
            assert_eq!(inode(&first.join(name)), inode(&desk.latest().join(name)), "{name}");
            let carried = linkdest_core::EntryFlags::CARRIED_FORWARD;
            assert!(recorded(&desk, name, |entry| entry.flags.contains(carried)), "{name}");
            assert!(recorded(&desk, name, |entry| entry.content.is_some()), "{name}");
        }
    }
    for (name, mode) in [("secret", 0o644), ("locked", 0o755), ("unlisted", 0o755)] {
        lock(name, mode);
    }
    desk.file("locked/inner/a", NOBODY, 0o644);
    assert!(desk.linkdest(&["snapshot", "S", "R"]).status.success());
    desk.judge();
    assert!(recorded(&desk, "locked/inner/b", |entry| entry.flags.bits() & 4 == 0));
}

#[test]
fn what_only_root_can_keep_is_kept_by_the_first_run_of_root() {
    let Some(desk) = Desk::new() else { return };
    desk.file("f", NOBODY, 0o644);
    let set = ["-n", "trusted.a", "-v", "1", "S/f"];
    let set = Command::new("setfattr").args(set).current_dir(desk.dir.path()).status();
    if !set.is_ok_and(|status| status.success()) {
        return skip("needs setfattr and a file system with trusted attributes");
    }
    std::thread::sleep(std::time::Duration::from_millis(2100));
    assert!(desk.linkdest(&["snapshot", "--init", "S", "R"]).status.success());
    let mut root = Command::new(desk.dir.join("linkdest"));
    let root = root.current_dir(desk.dir.path()).args(["snapshot", "S", "R"]).output().unwrap();
    assert!(root.status.success(), "{}", text(&root.stderr));
    linkdest_testkit::assert_same(&desk.dir.join("S"), &desk.latest());
}

#[test]
fn hard_links_are_carried_forward_together() {
    let Some(desk) = Desk::new() else { return };
    let at = |name: &str| desk.dir.join("S").join(name);
    fs::create_dir(at("locked")).unwrap();
    chown(at("locked"), Some(NOBODY), Some(NOBODY)).unwrap();
    for name in ["locked/a", "c"] {
        desk.file(name, NOBODY, 0o644);
    }
    fs::hard_link(at("locked/a"), at("locked/b")).unwrap();
    // A name outside of the source: the group is never complete.
    fs::hard_link(at("c"), at("d")).unwrap();
    fs::hard_link(at("c"), desk.dir.join("outside")).unwrap();
    assert!(desk.linkdest(&["snapshot", "--init", "S", "R"]).status.success());
    let first = desk.latest();
    fs::write(at("c"), "changed, and locked then").unwrap();
    for name in ["locked", "c"] {
        fs::set_permissions(at(name), fs::Permissions::from_mode(0o0)).unwrap();
    }
    let output = desk.linkdest(&["snapshot", "--json", "S", "R"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let lines = json_lines(&output.stdout);
    let problems = lines.iter().filter(|line| line["message_type"] == "problem");
    let kinds: Vec<_> = problems.map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["carried_forward"; 2], "{}", text(&output.stdout));
    for name in ["locked/a", "locked/b", "c", "d"] {
        assert_eq!(inode(&first.join(name)), inode(&desk.latest().join(name)), "{name}");
    }
}

#[test]
fn owners_that_a_user_may_not_set_are_in_the_manifest() {
    let Some(desk) = Desk::new() else { return };
    desk.file("f", 1234, 0o644);
    std::thread::sleep(std::time::Duration::from_millis(2100));
    assert!(desk.linkdest(&["snapshot", "--init", "S", "R"]).status.success());
    let (first, owner) = (desk.latest(), |entry: &linkdest_core::Entry<'_>| entry.metadata.uid);
    assert_eq!(recorded(&desk, "f", owner), 1234);
    chown(desk.dir.join("S/f"), Some(4321), Some(1234)).unwrap();
    assert!(desk.linkdest(&["snapshot", "S", "R"]).status.success());
    assert_eq!(recorded(&desk, "f", owner), 4321);
    assert_eq!(
        inode(&first.join("f")),
        inode(&desk.latest().join("f")),
        "what cannot be stored makes no copy"
    );
}

#[test]
fn what_could_not_be_saved_is_not_removed_by_a_restore() {
    let Some(desk) = Desk::new() else { return };
    desk.file("secret", 0, 0o600);
    chown(desk.dir.join("S"), Some(NOBODY), Some(NOBODY)).unwrap();
    let closed = desk.dir.join("S/closed");
    fs::create_dir(&closed).unwrap();
    chown(&closed, Some(NOBODY), Some(NOBODY)).unwrap();
    fs::write(closed.join("inside"), "x").unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    assert_eq!(desk.linkdest(&["snapshot", "--init", "S", "R"]).status.code(), Some(3));
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    desk.file("extra", NOBODY, 0o600);
    for dry_run in [&["--dry-run"][..], &[]] {
        let arguments = [&["restore", "R", "latest", "S", "--delete", "--json"], dry_run].concat();
        let output = desk.linkdest(&arguments);
        assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
        let summary = json_lines(&output.stdout).pop().unwrap();
        assert_eq!((&summary["deleted"], &summary["problems"]), (&1.into(), &2.into()));
    }
    assert!(closed.join("inside").exists() && desk.dir.join("S/secret").exists());
    assert!(!desk.dir.join("S/extra").exists());
}

#[test]
fn a_file_of_the_target_that_cannot_be_read_is_written_anew_where_contents_are_compared() {
    let Some(desk) = Desk::new() else { return };
    chown(desk.dir.join("S"), Some(NOBODY), Some(NOBODY)).unwrap();
    desk.file("f", NOBODY, 0o600);
    assert_eq!(desk.linkdest(&["snapshot", "--init", "S", "R"]).status.code(), Some(0));
    let file = desk.dir.join("S/f");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    let output = desk.linkdest(&["restore", "R", "latest", "S", "--checksum"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
}
