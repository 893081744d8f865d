//! Every kind of entry and attribute, on every file system at hand.

use linkdest_core::{Action, Status};
use linkdest_testkit::{Comparison, FileSystem, Inventory, LoopMount, skip};

use crate::support::{Pair, beyond_portable, path};

/// XFS holds no symlink target of more than 1,024 bytes.
fn beyond(file_system: FileSystem) -> Vec<&'static str> {
    if matches!(file_system, FileSystem::Xfs) { vec!["symlinks/longer"] } else { Vec::new() }
}

fn judge(left_out: &[&str]) -> Comparison {
    left_out.iter().fold(Comparison::new(), |comparison, path| comparison.skip_path(path))
}

/// Three runs over a tree of everything: new, unchanged, unchanged again. The first snapshot stays as it was.
fn three_runs(pair: &Pair, left_out: &[&str]) {
    pair.make_everything();
    let left_out: Vec<&str> = left_out
        .iter()
        .copied()
        .filter(|path| std::fs::symlink_metadata(pair.source.join(path)).is_ok())
        .collect();
    let (first, watched) = pair.watched();
    let problems: Vec<String> = watched.problems().iter().map(|problem| problem.path().to_string()).collect();
    assert_eq!(problems, left_out, "{:?}", watched.problems());
    judge(&left_out).assert_same(&pair.source, path(&first));
    let before = Inventory::of(path(&first));
    for _ in 0..2 {
        let (next, watched) = pair.watched();
        judge(&left_out).assert_same(&pair.source, path(&next));
        let made: Vec<_> = watched
            .entries()
            .into_iter()
            .filter(|(path, action, _)| {
                let is_dir =
                    pair.source.join(path.as_path()).symlink_metadata().is_ok_and(|stat| stat.is_dir());
                *action != Action::Link && !is_dir && path.as_bytes().len() < 4000
            })
            .collect();
        assert_eq!(made, Vec::new(), "everything must be linked the second time");
        assert_eq!((next.counts().files_copied, next.counts().files_cloned), (0, 0));
    }
    before.assert_unchanged(&Inventory::of(path(&first)));
}

#[test]
fn here() {
    three_runs(&Pair::new(), &[]);
}

#[test]
fn onto_other_file_systems() {
    for file_system in [FileSystem::Ext4, FileSystem::Xfs, FileSystem::Btrfs] {
        match LoopMount::new(file_system) {
            Ok(mount) => {
                three_runs(&Pair::with_repository_on(mount.path()), &beyond(file_system));
                // The source beside the repository: blocks are shared where the file system can.
                three_runs(&Pair::both_on(mount.path()), &[]);
            }
            Err(unavailable) => skip(unavailable),
        }
    }
}

#[test]
fn files_share_their_blocks_where_the_file_system_can() {
    if beyond_portable("no shared blocks") {
        return;
    }
    for file_system in [FileSystem::Xfs, FileSystem::Btrfs] {
        match LoopMount::new(file_system) {
            Ok(mount) => {
                let pair = Pair::both_on(mount.path());
                pair.write("large", vec![7; 3 << 20]);
                let report = pair.snapshot();
                assert_eq!((report.counts().files_cloned, report.counts().bytes_copied), (1, 0));
                Comparison::new().assert_same(&pair.source, path(&report));
            }
            Err(unavailable) => skip(unavailable),
        }
    }
}

#[test]
fn an_acl_on_xfs_survives_three_runs() {
    let mount = match LoopMount::new(FileSystem::Xfs) {
        Ok(mount) => mount,
        Err(unavailable) => return skip(unavailable),
    };
    let pair = Pair::with_repository_on(mount.path());
    let entries = [
        linkdest_testkit::Entry::file("f", "x").xattr("system.posix_acl_access", acl()),
        linkdest_testkit::Entry::directory("d").xattr("system.posix_acl_default", acl()),
    ];
    pair.make(&entries);
    for run in 0..3 {
        let report = pair.snapshot();
        Comparison::new().assert_same(&pair.source, path(&report));
        assert_eq!(report.counts().files_copied, u64::from(run == 0));
        assert_eq!(report.status(), Status::Complete);
    }
}

fn acl() -> Vec<u8> {
    use linkdest_testkit::AclEntry::{Mask, Other, Owner, OwningGroup, User};
    linkdest_testkit::acl(&[Owner(6), User(1234, 4), OwningGroup(4), Mask(4), Other(0)])
}

#[test]
fn a_default_acl_above_the_repository_is_not_inherited() {
    let pair = Pair::new();
    let above = pair.dir.join("above");
    let entry = linkdest_testkit::Entry::directory("above").xattr("system.posix_acl_default", acl());
    if !linkdest_testkit::build(pair.dir.path(), &[entry]).is_empty() {
        return skip("no ACLs here");
    }
    std::fs::set_permissions(&above, std::os::unix::fs::PermissionsExt::from_mode(0o2755)).unwrap();
    pair.write("f", "x");
    let pair = Pair { repository: above.join("repository"), ..pair };
    Comparison::new().assert_same(&pair.source, path(&pair.snapshot()));
}
