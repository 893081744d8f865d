//! What changed between two snapshots.

use std::collections::{BTreeSet, HashMap};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

use linkdest_core::{Aspects, Change, ChangeKind, ErrorKind, Kind, RelPath, Repository, SnapshotName};
use linkdest_testkit::{Privileges, random_edits};

use crate::support::{Pair, set_mtime};

fn diff(pair: &Pair, before: &SnapshotName, after: &SnapshotName) -> Vec<Change> {
    Repository::open(&pair.repository).unwrap().diff(before, after).unwrap().map(Result::unwrap).collect()
}

/// Takes a snapshot, edits the source and takes another; tells what changed, the root's time aside.
fn after_edit(pair: &Pair, edit: impl FnOnce(&Path)) -> Vec<String> {
    let before = pair.snapshot().snapshot().unwrap().clone();
    edit(&pair.source);
    let after = pair.snapshot().snapshot().unwrap().clone();
    let changes = diff(pair, &before, &after);
    changes.iter().filter(|change| !change.path().as_bytes().is_empty()).map(line).collect()
}

fn line(change: &Change) -> String {
    let from = change.from().map(|from| format!(" from {from}")).unwrap_or_default();
    let aspects: Vec<_> = change.aspects().words().collect();
    format!("{} {}{from} [{}]", change.kind().as_str(), change.path(), aspects.join(" "))
}

#[test]
fn nothing_changed() {
    let pair = Pair::new();
    pair.make_everything();
    assert_eq!(after_edit(&pair, |_| {}), [""; 0]);
}

#[test]
fn each_kind_of_change() {
    let pair = Pair::new();
    for name in ["content", "mode", "time", "gone", "becomes a directory", "renamed", "renamed and rewritten"]
    {
        pair.write(name, name);
    }
    std::os::unix::fs::symlink("a", pair.source.join("link")).unwrap();
    std::fs::create_dir(pair.source.join("becomes a file")).unwrap();
    pair.write("becomes a file/inner", "inner");
    let changes = after_edit(&pair, |source| {
        let at = |name: &str| source.join(name);
        std::fs::write(at("content"), "other").unwrap();
        set_permissions(&at("mode"), 0o600);
        set_mtime(at("time"), 5, 5);
        std::fs::remove_file(at("gone")).unwrap();
        std::fs::remove_file(at("becomes a directory")).unwrap();
        std::fs::create_dir(at("becomes a directory")).unwrap();
        std::fs::remove_dir_all(at("becomes a file")).unwrap();
        std::fs::write(at("becomes a file"), "").unwrap();
        std::fs::rename(at("renamed"), at("new name")).unwrap();
        std::fs::rename(at("renamed and rewritten"), at("rewritten")).unwrap();
        std::fs::write(at("rewritten"), "other").unwrap();
        std::fs::remove_file(at("link")).unwrap();
        std::os::unix::fs::symlink("b", at("link")).unwrap();
        std::fs::write(at("new"), "new").unwrap();
    });
    let expected = [
        "type becomes a directory []",
        "type becomes a file []",
        "removed becomes a file/inner []",
        "content content [content time]",
        "removed gone []",
        "content link [content time]",
        "attributes mode [mode]",
        "added new []",
        "renamed new name from renamed []",
        "renamed rewritten from renamed and rewritten [content time]",
        "attributes time [time]",
    ];
    assert_eq!(changes, expected);
}

fn set_permissions(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_renamed_directory_is_a_line_for_each_entry() {
    let pair = Pair::new();
    std::fs::create_dir_all(pair.source.join("a/b")).unwrap();
    pair.write("a/b/file", "text");
    let changes = after_edit(&pair, |source| std::fs::rename(source.join("a"), source.join("z")).unwrap());
    let expected = ["renamed z from a []", "renamed z/b from a/b []", "renamed z/b/file from a/b/file []"];
    assert_eq!(changes, expected);
}

#[test]
fn a_copy_in_place_of_the_original_is_a_rename_if_it_is_the_only_one() {
    let pair = Pair::new();
    for name in ["only", "first", "second", "empty"] {
        pair.write(name, if name == "only" { "one" } else { "two" }.repeat(usize::from(name != "empty")));
        set_mtime(pair.source.join(name), 5, 5);
    }
    let changes = after_edit(&pair, |source| {
        for (from, to) in [("only", "z1"), ("first", "z2"), ("second", "z3"), ("empty", "z4")] {
            std::fs::copy(source.join(from), source.join(to)).unwrap();
            set_mtime(source.join(to), 7, 7);
            std::fs::remove_file(source.join(from)).unwrap();
        }
    });
    let expected = [
        "removed empty []",
        "removed first []",
        "removed second []",
        "renamed z1 from only [time]",
        "added z2 []",
        "added z3 []",
        "added z4 []",
    ];
    assert_eq!(changes, expected);
}

#[test]
fn links_count_where_both_snapshots_have_the_names() {
    let pair = Pair::new();
    for name in ["apart", "apart too", "other", "together"] {
        pair.write(name, "text");
        set_mtime(pair.source.join(name), 5, 5);
    }
    std::fs::hard_link(pair.source.join("together"), pair.source.join("together too")).unwrap();
    let changes = after_edit(&pair, |source| {
        std::fs::remove_file(source.join("apart too")).unwrap();
        std::fs::hard_link(source.join("apart"), source.join("apart too")).unwrap();
        std::fs::remove_file(source.join("together too")).unwrap();
        std::fs::write(source.join("together too"), "text").unwrap();
        set_mtime(source.join("together too"), 5, 5);
        std::fs::hard_link(source.join("other"), source.join("other too")).unwrap();
    });
    let expected = ["attributes apart too [links]", "added other too []", "attributes together too [links]"];
    assert_eq!(changes, expected);
}

#[test]
fn links_to_names_in_directories_that_stay_as_they_were_count() {
    let pair = Pair::new();
    let changes = {
        std::fs::create_dir(pair.source.join("left")).unwrap();
        std::fs::create_dir(pair.source.join("right")).unwrap();
        for (left, right) in [("left/p", "right/q"), ("left/r", "right/s")] {
            pair.write(left, "the same");
            set_mtime(pair.source.join(left), 5, 5);
            std::fs::hard_link(pair.source.join(left), pair.source.join(right)).unwrap();
        }
        after_edit(&pair, |source| {
            let at = |name: &str| source.join(name);
            for (left, right) in [("left/r", "right/q"), ("left/p", "right/s")] {
                std::fs::remove_file(at(right)).unwrap();
                std::fs::hard_link(at(left), at(right)).unwrap();
            }
            set_mtime(at("right"), 5, 5);
        })
    };
    let expected = ["attributes right [time]", "attributes right/q [links]", "attributes right/s [links]"];
    assert_eq!(changes, expected);
}

#[test]
fn changes_in_many_directories_come_in_the_order_of_their_paths() {
    let pair = Pair::new();
    let directories: Vec<String> =
        (0..400).map(|number| format!("{:02}/{number:03}/deep", number % 20)).collect();
    for directory in &directories {
        std::fs::create_dir_all(pair.source.join(directory)).unwrap();
        (0..5).for_each(|file| pair.write(&format!("{directory}/{file}"), "before"));
    }
    let changes = after_edit(&pair, |source| {
        for (number, directory) in directories.iter().enumerate().filter(|(number, _)| number % 3 > 0) {
            std::fs::write(source.join(directory).join((number % 5).to_string()), "after").unwrap();
        }
    });
    let changed = directories.iter().enumerate().filter(|(number, _)| number % 3 > 0);
    let mut expected: Vec<_> =
        changed.map(|(number, path)| format!("content {path}/{} [content time]", number % 5)).collect();
    expected.sort();
    assert_eq!(changes, expected);
}

#[test]
fn a_snapshot_without_a_manifest_cannot_be_compared() {
    let pair = Pair::new();
    let (before, after) = (pair.snapshot(), pair.snapshot());
    let (before, after) = (before.snapshot().unwrap(), after.snapshot().unwrap());
    std::fs::remove_file(pair.repository.join(format!(".linkdest/manifests/{before}.ldm"))).unwrap();
    let repository = Repository::open(&pair.repository).unwrap();
    for (a, b) in [(before, after), (after, before)] {
        let error = repository.diff(a, b).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MissingManifest);
        assert!(error.to_string().contains("reindex"), "{error}");
    }
}

/// The paths that rsync would touch to make `before` what `after` is. Names come escaped: `\#ooo`.
fn by_rsync(before: &Path, after: &Path) -> Option<Vec<(String, Vec<u8>)>> {
    let mut command = Command::new("rsync");
    command.args(["-aHAXn", "--modify-window=-1", "--delete", "--checksum", "--out-format=%i|%n", "--"]);
    let output = match command.arg(after.join("")).arg(before.join("")).env("LC_ALL", "C").output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        output => output.unwrap(),
    };
    let errors = String::from_utf8_lossy(&output.stderr);
    // In a dry run it stumbles over what is below a file that would be a directory by then.
    let stumbled =
        |line: &str| line.contains("Not a directory (20)") || line.starts_with("rsync error: some files");
    let harmless =
        output.status.code() == Some(23) && errors.lines().filter(|line| !line.is_empty()).all(stumbled);
    assert!(output.status.success() || harmless, "{errors}");
    let lines = output.stdout.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    Some(lines.map(split).collect())
}

fn split(line: &[u8]) -> (String, Vec<u8>) {
    let bar = line.iter().position(|&byte| byte == b'|').unwrap();
    let mut path = Vec::new();
    let mut rest = &line[bar + 1..];
    while let [byte, tail @ ..] = rest {
        if let [b'\\', b'#', a, b, c, tail @ ..] = rest
            && [a, b, c].iter().all(|digit| digit.is_ascii_digit())
        {
            path.push((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'));
            rest = tail;
        } else {
            path.push(*byte);
            rest = tail;
        }
    }
    let path = path.strip_suffix(b"/").unwrap_or(&path).to_vec();
    let path = if path == b"." { Vec::new() } else { path };
    (String::from_utf8_lossy(&line[..bar]).into_owned(), path)
}

/// The inode of each path in a tree.
type Inodes = HashMap<Vec<u8>, u64>;

fn inodes(tree: &Path) -> Inodes {
    let entries = walkdir::WalkDir::new(tree).into_iter().map(Result::unwrap);
    let relative =
        |entry: &walkdir::DirEntry| entry.path().strip_prefix(tree).unwrap().as_os_str().as_bytes().to_vec();
    entries.map(|entry| (relative(&entry), entry.metadata().unwrap().ino())).collect()
}

/// What both say must be the same paths. A rename is one that went and one that came.
///
/// Hard links are told differently. rsync tells an old name that gets a new first name, also if that is new itself; here
/// only names that both snapshots have count. And each leaves out one name of an inode, which need not be the same. So a
/// name that only one side tells, and only for its links, is fine if the other side tells another name of the inode.
/// That names were parted rsync does not tell at all, nor always what is below a directory in the place of a file.
fn assert_agrees(
    changes: &[Change],
    rsync: &[(String, Vec<u8>)],
    (before, after): (&Inodes, &Inodes),
    context: &str,
) {
    let bytes = |path: &RelPath| path.as_bytes().to_vec();
    let paths = |change: &Change| [Some(bytes(change.path())), change.from().map(bytes)];
    let ours: BTreeSet<Vec<u8>> = changes.iter().flat_map(paths).flatten().collect();
    let theirs: BTreeSet<Vec<u8>> = rsync.iter().map(|(_, path)| path.clone()).collect();
    let new_directories: Vec<_> = changes
        .iter()
        .filter(|change| change.kind() == ChangeKind::Type && change.after() == Some(Kind::Directory))
        .map(|change| [change.path().as_bytes(), b"/"].concat())
        .collect();
    let below_new = |path: &[u8]| new_directories.iter().any(|directory| path.starts_with(directory));
    for path in after.keys().filter(|path| below_new(path)) {
        assert!(ours.contains(path), "{context}: nobody tells {}", String::from_utf8_lossy(path));
    }
    let told = |paths: &BTreeSet<Vec<u8>>, path: &[u8]| {
        paths.iter().any(|other| after.get(other) == after.get(path))
    };
    let parted = |path: &[u8]| {
        let was_same =
            |(other, inode): &(&Vec<u8>, &u64)| before.get(path) == Some(inode) && after.contains_key(*other);
        before.iter().filter(was_same).any(|(other, _)| after.get(other) != after.get(path))
    };
    for change in changes.iter().filter(|change| !theirs.contains(change.path().as_bytes())) {
        let path = change.path().as_bytes();
        if below_new(path) && change.before().is_none_or(|_| change.from().is_some()) {
            continue;
        }
        let links = change.kind() == ChangeKind::Attributes && change.aspects() == Aspects::LINKS;
        assert!(links && (told(&theirs, path) || parted(path)), "{context}: only we tell {}", line(change));
    }
    for from in changes.iter().filter_map(Change::from) {
        assert!(theirs.contains(from.as_bytes()), "{context}: only we tell that {from} went");
    }
    for (item, path) in rsync.iter().filter(|(_, path)| !ours.contains(path)) {
        let links = item.starts_with('h') && item.get(2..).is_some_and(|rest| rest.trim().is_empty());
        assert!(
            links && told(&ours, path),
            "{context}: only rsync tells {item} {}",
            String::from_utf8_lossy(path)
        );
    }
}

/// How many histories are tried: `LINKDEST_HISTORIES`, or a few.
fn histories() -> u64 {
    std::env::var("LINKDEST_HISTORIES").map_or(20, |number| number.parse().unwrap())
}

fn make_what_rsync_can_read(pair: &Pair) {
    // rsync fails below paths that are longer than PATH_MAX, and reads holes.
    let plain = |entry: &linkdest_testkit::Entry| {
        !entry.path.starts_with(b"long")
            && !matches!(entry.kind, linkdest_testkit::EntryKind::Sparse(size, _) if size > 1 << 20)
    };
    let entries = linkdest_testkit::every_kind_entries(Privileges::current());
    pair.make(&entries.into_iter().filter(plain).collect::<Vec<_>>());
}

#[test]
fn rsync_tells_the_same_paths_on_random_histories() {
    let first: u64 = std::env::var("LINKDEST_HISTORY").map_or(0, |seed| seed.parse().unwrap());
    for seed in first..first + histories() {
        let pair = Pair::new();
        make_what_rsync_can_read(&pair);
        let mut names = vec![pair.snapshot().snapshot().unwrap().clone()];
        let mut edits = Vec::new();
        for step in 0..3 {
            edits.extend(random_edits(&pair.source, 500_000 + seed * 10 + step, 15));
            names.push(pair.snapshot().snapshot().unwrap().clone());
        }
        let repository = Repository::open(&pair.repository).unwrap();
        for name in &names {
            repository.manifest(name).unwrap().unwrap().check().unwrap_or_else(|error| {
                panic!("seed {seed}, {name}: {error}, after {edits:#?}");
            });
        }
        for (a, b) in [(0, 1), (1, 2), (2, 3), (0, 3), (3, 0)] {
            let tree = |index: usize| pair.repository.join(names[index].as_str());
            let Some(rsync) = by_rsync(&tree(a), &tree(b)) else {
                return linkdest_testkit::skip("rsync is not installed");
            };
            let context = format!("seed {seed}, {a} to {b}, after {edits:#?}");
            let both = (&inodes(&tree(a)), &inodes(&tree(b)));
            assert_agrees(&diff(&pair, &names[a], &names[b]), &rsync, both, &context);
        }
    }
}
