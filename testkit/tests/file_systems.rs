//! Trees on other file systems.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;

use linkdest_testkit::{Comparison, FileSystem, LoopMount, Privileges, TestDir, compare, every_kind, skip};

/// Makes the same tree here and there and compares the two but for what is known to be refused.
fn keeps_everything_but(file_system: FileSystem, refused: &[&str]) {
    let mount = match LoopMount::new(file_system) {
        Ok(mount) => mount,
        Err(reason) => return skip(reason),
    };
    let directory = TestDir::new();
    let [here, there] = [directory.join("tree"), mount.join("tree")];
    assert_eq!(every_kind(&here, Privileges::Root), []);
    let refusals = every_kind(&there, Privileges::Root);
    let paths: Vec<_> = refusals.iter().map(|refusal| String::from_utf8_lossy(&refusal.path)).collect();
    assert_eq!(paths, refused, "{refusals:?}");
    let comparison = refused.iter().fold(Comparison::new(), |comparison, path| comparison.skip_path(path));
    comparison.assert_same(&here, &there);
    comparison.assert_same(&there, &here);
    let mount_point = mount.path().to_owned();
    assert!(is_mounted(&mount_point));
    drop(mount);
    assert!(!is_mounted(&mount_point));
    assert!(!mount_point.exists());
}

fn is_mounted(path: &std::path::Path) -> bool {
    fs::read_to_string("/proc/self/mounts").unwrap().contains(&format!(" {} ", path.display()))
}

#[test]
fn ext4() {
    keeps_everything_but(FileSystem::Ext4, &[]);
}

#[test]
fn xfs() {
    keeps_everything_but(FileSystem::Xfs, &["symlinks/longer"]);
}

#[test]
fn btrfs() {
    keeps_everything_but(FileSystem::Btrfs, &[]);
}

#[test]
fn exfat_refuses_and_says_so() {
    let mount = match LoopMount::with(FileSystem::Exfat, 64 << 20, &[]) {
        Ok(mount) => mount,
        Err(reason) => return skip(reason),
    };
    let refusals = every_kind(&mount.join("tree"), Privileges::Root);
    let refused = |path: &str| refusals.iter().any(|refusal| refusal.path == path.as_bytes());
    for path in ["symlinks/file", "special/fifo", "links/file-2", "owners/file", "xattrs/plain"] {
        assert!(refused(path), "{path} is not in {refusals:#?}");
    }
    assert!(!refusals[0].to_string().is_empty());
    assert_eq!(compare(&mount.join("tree"), &mount.join("tree")), []);
}

#[test]
fn small_ext4_with_options() {
    let mount = match LoopMount::with(FileSystem::Ext4, 8 << 20, &["-O", "^has_journal", "-N", "64"]) {
        Ok(mount) => mount,
        Err(reason) => return skip(reason),
    };
    let made = (0..100).take_while(|number| fs::write(mount.join(number.to_string()), "").is_ok()).count();
    assert!(made < 64, "it has few inodes, yet {made} files fit");
}

#[test]
fn tmpfs() {
    let mount = match LoopMount::with(FileSystem::Tmpfs, 64 << 20, &[]) {
        Ok(mount) => mount,
        Err(reason) => return skip(reason),
    };
    // Kernels before 6.6 keep no `user.*` attributes there.
    let refusals = every_kind(&mount.join("tree"), Privileges::Root);
    assert!(refusals.iter().all(|refusal| refusal.feature.starts_with("xattr user.")), "{refusals:?}");
}
