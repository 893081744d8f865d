//! What is in snapshots, which versions there are, and what space they take.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

use linkdest_core::{ErrorKind, Item, RelPath, Repository, SnapshotName, Timestamp};
use linkdest_testkit::{FileSystem, LoopMount, random_edits, remove_tree};

use crate::support::{Pair, path};

fn rel(path: &str) -> RelPath {
    RelPath::new(path).unwrap()
}

fn items(repository: &Repository, name: &SnapshotName) -> Vec<Item> {
    repository.ls(name, &RelPath::root()).unwrap().recursive().map(Result::unwrap).collect()
}

fn drop_manifest(pair: &Pair, name: &SnapshotName) {
    std::fs::remove_file(pair.repository.join(format!(".linkdest/manifests/{name}.ldm"))).unwrap();
}

#[test]
fn a_list_is_what_is_there_with_and_without_a_manifest() {
    let pair = Pair::new();
    pair.make_everything();
    let report = pair.snapshot();
    let name = report.snapshot().unwrap();
    let repository = Repository::open(&pair.repository).unwrap();
    let recorded = items(&repository, name);
    let paths: Vec<_> = recorded.iter().map(|item| item.path().as_bytes().to_vec()).collect();
    assert_eq!(recorded.len() as u64, report.counts().entries);
    drop_manifest(&pair, name);
    let on_disk = items(&repository, name);
    assert!(on_disk.iter().map(|item| item.path().as_bytes()).eq(paths.iter().map(Vec::as_slice)));
    for (a, b) in recorded.iter().zip(&on_disk) {
        let (x, y) = (a.metadata(), b.metadata());
        assert_eq!(
            (x.kind, x.mode, x.uid, x.gid, x.mtime),
            (y.kind, y.mode, y.uid, y.gid, y.mtime),
            "{}",
            a.path()
        );
        assert_eq!(a.target(), b.target(), "{}", a.path());
        assert!(x.kind == linkdest_core::Kind::Directory || x.size == y.size, "{}", a.path());
    }
}

#[test]
fn a_list_begins_where_it_is_told() {
    let pair = Pair::new();
    std::fs::create_dir_all(pair.source.join("d/e")).unwrap();
    pair.write("d/file", "text");
    pair.write("d/e/inner", "text");
    pair.write("d.txt", "text");
    let report = pair.snapshot();
    let name = report.snapshot().unwrap();
    let repository = Repository::open(&pair.repository).unwrap();
    for manifest in [true, false] {
        if !manifest {
            drop_manifest(&pair, name);
        }
        let told = |path: &str, recursive: bool| -> Vec<String> {
            let items = repository.ls(name, &rel(path)).unwrap();
            let items = if recursive { items.recursive() } else { items };
            items.map(|item| item.unwrap().path().to_string()).collect()
        };
        assert_eq!(told("", false), ["d", "d.txt"]);
        assert_eq!(told("", true), ["d", "d/e", "d/e/inner", "d/file", "d.txt"]);
        assert_eq!(told("d", false), ["d/e", "d/file"]);
        assert_eq!(told("d/file", true), ["d/file"]);
        for missing in ["nothing", "d/file/below", "d/nothing"] {
            assert_eq!(
                repository.ls(name, &rel(missing)).unwrap_err().kind(),
                ErrorKind::NoSuchPath,
                "{missing}"
            );
        }
    }
}

#[test]
fn a_symlink_in_a_path_is_not_followed() {
    let pair = Pair::new();
    std::os::unix::fs::symlink("/", pair.source.join("away")).unwrap();
    let report = pair.snapshot();
    let name = report.snapshot().unwrap();
    let repository = Repository::open(&pair.repository).unwrap();
    for _ in 0..2 {
        assert_eq!(repository.ls(name, &rel("away")).unwrap().count(), 1);
        assert_eq!(repository.ls(name, &rel("away/etc")).unwrap_err().kind(), ErrorKind::NoSuchPath);
        let _ = std::fs::remove_file(pair.repository.join(format!(".linkdest/manifests/{name}.ldm")));
    }
}

/// Each version as its size and the numbers of its snapshots.
fn told(versions: &[linkdest_core::Version], names: &[SnapshotName]) -> Vec<(String, u64, Vec<usize>)> {
    let number = |name: &SnapshotName| names.iter().position(|other| other == name).unwrap();
    let one = |version: &linkdest_core::Version| {
        (version.path().to_string(), version.size(), version.snapshots().map(number).collect())
    };
    versions.iter().map(one).collect()
}

#[test]
fn versions_and_where_they_are() {
    let pair = Pair::new();
    let mut names = Vec::new();
    let put = |name: &str, text: &str| {
        pair.write(name, text);
        crate::support::set_mtime(pair.source.join(name), 1000 + i64::try_from(text.len()).unwrap(), 0);
    };
    std::fs::create_dir(pair.source.join("d")).unwrap();
    for (step, text) in ["a", "a", "bb", "a", "", "a"].into_iter().enumerate() {
        if text.is_empty() {
            std::fs::remove_file(pair.source.join("d/file.txt")).unwrap();
        } else {
            put("d/file.txt", text);
        }
        if step == 3 {
            put("other.txt", "other");
        }
        names.push(pair.snapshot().snapshot().unwrap().clone());
    }
    let repository = Repository::open(&pair.repository).unwrap();
    let file = "d/file.txt".to_owned();
    let one = |size, snapshots: &[usize]| (file.clone(), size, snapshots.to_vec());
    let versions = repository.versions(&rel("d/file.txt")).unwrap();
    assert_eq!(told(&versions, &names), [one(1, &[0, 1]), one(2, &[2]), one(1, &[3]), one(1, &[5])]);
    assert_eq!(versions[1].mtime(), Timestamp { seconds: 1002, nanos: 0 });
    assert!(versions[1].content().is_some());
    assert!(repository.versions(&rel("nothing")).unwrap().is_empty());

    let other = ("other.txt".to_owned(), 5, vec![3, 4, 5]);
    for (pattern, with_other) in
        [("*.txt", true), ("**.txt", true), ("d/*.txt", false), ("/d/**", false), ("f*t", false)]
    {
        let found = repository.find(pattern).unwrap();
        let mut expected = vec![one(1, &[0, 1, 3, 5]), one(2, &[2])];
        expected.extend(with_other.then(|| other.clone()));
        assert_eq!(told(&found, &names), expected, "{pattern}");
    }
    for nothing in ["/file.txt", "d/*.txt/", "[", "! *", "+ *"] {
        assert!(repository.find(nothing).unwrap().is_empty(), "{nothing}");
    }
    assert_eq!(repository.find("").unwrap_err().kind(), ErrorKind::InvalidOption);
    let directories = repository.find("d/").unwrap();
    assert!(directories.iter().all(|version| version.path().as_bytes() == b"d"));

    // Without a manifest the inode tells.
    drop_manifest(&pair, &names[1]);
    let versions = repository.versions(&rel("d/file.txt")).unwrap();
    assert_eq!(told(&versions, &names)[0], one(1, &[0, 1]));
    assert_eq!(told(&repository.find("/d/f*").unwrap(), &names).len(), 2);
}

/// What du(1) says that the snapshots take. The directory that they are in may shrink too, and is none of them.
fn du(repository: &Path) -> u64 {
    let output = Command::new("du").args(["-s", "--block-size=1"]).arg(repository).output().unwrap();
    assert!(output.status.success());
    let all: u64 =
        String::from_utf8(output.stdout).unwrap().split_whitespace().next().unwrap().parse().unwrap();
    all - std::fs::metadata(repository).unwrap().blocks() * 512
}

/// The same by hand, for snapshots some of which may be gone.
fn allocated(trees: &[&Path]) -> u64 {
    let mut inodes = BTreeMap::new();
    for entry in trees.iter().flat_map(walkdir::WalkDir::new) {
        let metadata = entry.unwrap().metadata().unwrap();
        inodes.insert(metadata.ino(), metadata.blocks() * 512);
    }
    inodes.values().sum()
}

fn usage_is_what_deleting_frees(pair: &Pair) {
    for name in ["twice a", "small"] {
        pair.write(name, name.repeat(3000));
    }
    std::fs::hard_link(pair.source.join("twice a"), pair.source.join("twice b")).unwrap();
    std::fs::create_dir(pair.source.join("wide")).unwrap();
    for number in 0..300 {
        pair.write(&format!("wide/{number}"), vec![7; number * 10]);
    }
    std::os::unix::fs::symlink("x".repeat(200), pair.source.join("long symlink")).unwrap();
    let mut names: Vec<SnapshotName> = Vec::new();
    for step in 0..6 {
        names.push(pair.snapshot().snapshot().unwrap().clone());
        random_edits(&pair.source, 4200 + step, 30);
    }
    let repository = Repository::open(&pair.repository).unwrap();
    let trees: Vec<_> = names.iter().map(|name| pair.repository.join(name.as_str())).collect();
    let usage = repository.usage(&[]).unwrap();
    assert_eq!(usage.snapshots().len(), names.len());
    let all: Vec<&Path> = trees.iter().map(|tree| tree.as_path()).collect();
    assert_eq!(usage.freed_bytes(), allocated(&all));
    for (index, one) in usage.snapshots().iter().enumerate() {
        assert_eq!(one.name(), &names[index]);
        assert_eq!(one.new_bytes(), allocated(&all[..=index]) - allocated(&all[..index]), "{index}");
        let others: Vec<_> =
            all.iter().enumerate().filter(|(i, _)| *i != index).map(|(_, tree)| *tree).collect();
        assert_eq!(one.freed_bytes(), allocated(&all) - allocated(&others), "{index}");
        let record = repository.resolve(names[index].as_str()).unwrap();
        assert_eq!(one.bytes(), record.record().unwrap().counts().bytes);
    }
    for set in [&[1, 2][..], &[0, 4], &[3, 5], &[3]] {
        let set: Vec<_> = set.iter().map(|index| names[*index].clone()).collect();
        let set: Vec<_> =
            set.into_iter().filter(|name| pair.repository.join(name.as_str()).exists()).collect();
        if set.is_empty() {
            continue;
        }
        let freed = repository.usage(&set).unwrap().freed_bytes();
        let before = du(&pair.repository);
        set.iter().for_each(|name| remove_tree(&pair.repository.join(name.as_str())).unwrap());
        assert_eq!(freed, before - du(&pair.repository), "{set:?}");
    }
}

#[test]
fn usage_is_what_deleting_frees_here() {
    usage_is_what_deleting_frees(&Pair::new());
}

#[test]
fn usage_is_what_deleting_frees_on_other_file_systems() {
    for kind in [FileSystem::Ext4, FileSystem::Xfs, FileSystem::Tmpfs] {
        match LoopMount::new(kind) {
            Ok(mount) => usage_is_what_deleting_frees(&Pair::both_on(mount.path())),
            Err(unavailable) => linkdest_testkit::skip(unavailable),
        }
    }
}

#[test]
fn names_outside_of_the_snapshots_keep_a_file() {
    let pair = Pair::new();
    pair.write("a", vec![7; 100_000]);
    let report = pair.snapshot();
    let repository = Repository::open(&pair.repository).unwrap();
    let freed = || repository.usage(&[report.snapshot().unwrap().clone()]).unwrap().freed_bytes();
    assert!(freed() >= 100_000);
    std::fs::hard_link(path(&report).join("a"), pair.repository.join("kept")).unwrap();
    assert!(freed() < 100_000);
}

#[test]
fn a_deep_and_a_wide_tree_are_walked() {
    let pair = Pair::new();
    linkdest_testkit::deep(&pair.source.join("deep"), 1500);
    let report = pair.snapshot();
    let repository = Repository::open(&pair.repository).unwrap();
    let name = report.snapshot().unwrap();
    assert!(repository.usage(std::slice::from_ref(name)).unwrap().freed_bytes() >= 1500 * 4096);
    assert_eq!(items(&repository, name).len() as u64, report.counts().entries);
}
