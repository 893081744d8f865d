//! What both backends promise.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests stop where an assumption fails, and make their trees by path"
)]

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use super::{Dir, Listing, XattrBuffer, XattrPlace, errno};
use crate::entry::{Kind, Timestamp};

/// A directory with one of each kind in it, opened.
fn scene() -> (tempfile::TempDir, Dir) {
    let temporary = tempfile::tempdir().unwrap();
    fs::create_dir(temporary.path().join("dir")).unwrap();
    fs::write(temporary.path().join("dir/inside"), "inside").unwrap();
    fs::write(temporary.path().join("file"), "content").unwrap();
    symlink("file", temporary.path().join("to file")).unwrap();
    symlink("dir", temporary.path().join("to dir")).unwrap();
    let dir = Dir::open_operator_path(temporary.path()).unwrap();
    (temporary, dir)
}

fn names(dir: &Dir) -> Vec<(String, Option<Kind>)> {
    let mut listing = Listing::default();
    dir.list(&mut listing).unwrap();
    listing.sort();
    let told = |entry: &super::Listed| (listing.name(*entry).to_str().unwrap().to_owned(), entry.kind);
    listing.entries().iter().map(told).collect()
}

#[test]
fn names_are_listed_with_their_kinds() {
    let (_temporary, dir) = scene();
    let kinds = [
        ("dir", Kind::Directory),
        ("file", Kind::File),
        ("to dir", Kind::Symlink),
        ("to file", Kind::Symlink),
    ];
    let expected: Vec<_> = kinds.into_iter().map(|(name, kind)| (name.to_owned(), Some(kind))).collect();
    assert_eq!(names(&dir), expected);
}

#[test]
fn no_symlink_below_the_operators_path_is_followed() {
    let (_temporary, dir) = scene();
    assert!(dir.open_dir(c"to dir").is_err());
    assert!(dir.open_dir_search(c"to dir").is_err());
    assert!(errno::is_symlink(&dir.open_file(c"to file").unwrap_err()));
    assert!(errno::is_absent(&dir.open_dir_search(c"file").unwrap_err()));
    assert_eq!(dir.stat_at(c"to dir").unwrap().kind, Kind::Symlink);
    assert!(dir.create_file(c"to nowhere").is_ok());
    assert_eq!(dir.create_file(c"to file").unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert!(dir.open_or_create_file(c"to file").is_err());
    assert!(dir.set_mode_at(c"to file", 0o600).is_err());
    assert_eq!(dir.read_link(c"to dir").unwrap().as_c_str(), c"dir");
}

#[test]
fn directories_lead_to_each_other_and_are_known_by_their_inodes() {
    let (temporary, dir) = scene();
    let inner = dir.open_dir(c"dir").unwrap();
    assert_eq!(inner.stat().unwrap().id, dir.stat_at(c"dir").unwrap().id);
    assert_eq!(inner.open_parent_search().unwrap().stat().unwrap().id, dir.stat().unwrap().id);
    assert_eq!(dir.open_dir(c".").unwrap().stat().unwrap().id, dir.stat().unwrap().id);
    // The root is its own parent.
    let root = Dir::open_operator_path(Path::new("/")).unwrap();
    assert_eq!(root.open_parent_search().unwrap().stat().unwrap().id, root.stat().unwrap().id);
    // Another directory in its place is not taken for it.
    fs::rename(temporary.path().join("dir"), temporary.path().join("away")).unwrap();
    fs::create_dir(temporary.path().join("dir")).unwrap();
    fs::write(temporary.path().join("dir/planted"), "planted").unwrap();
    assert!(inner.stat_if_there(c"planted").is_err() || inner.stat_if_there(c"planted").unwrap().is_none());
    assert!(inner.open_file(c"planted").is_err());
    assert!(inner.create_file(c"new").is_err() || !temporary.path().join("dir/new").exists());
}

#[test]
fn a_directory_that_is_elsewhere_does_not_say_that_its_names_are_free_or_gone() {
    let (temporary, dir) = scene();
    let place = temporary.path().join("dir");
    fs::create_dir(place.join("below")).unwrap();
    let inner = dir.open_dir(c"dir").unwrap();
    fs::rename(&place, temporary.path().join("away")).unwrap();
    for in_its_place in ["nothing", "a file"] {
        let done = [
            inner.stat_if_there(c"inside").map(|found| assert!(found.is_some())),
            inner.set_mode_at(c"inside", 0o600),
            inner.link(c"inside", &inner, c"linked"),
            inner.rename(c"linked", &inner, c"renamed"),
            inner.unlink(c"renamed"),
            inner.remove_dir(c"below"),
            inner.make_dir(c"below"),
        ];
        for (number, done) in done.into_iter().enumerate() {
            let said = done.map_err(|error| (errno::is_absent(&error), error));
            assert!(!matches!(said, Err((true, _))), "{number}, {in_its_place}: {said:?}");
        }
        fs::write(&place, "a file in its place").unwrap();
    }
}

#[test]
fn what_is_made_is_narrow_and_replaces_nothing() {
    let (temporary, dir) = scene();
    let mode =
        |name: &str| fs::symlink_metadata(temporary.path().join(name)).unwrap().permissions().mode() & 0o777;
    dir.make_dir(c"made").unwrap();
    let file = dir.create_file(c"new").unwrap();
    dir.make_node(c"fifo", Kind::Fifo, 0).unwrap();
    assert_eq!((mode("made"), mode("new"), mode("fifo")), (0o700, 0o600, 0o600));
    file.write_all_at(b"abc", 2).unwrap();
    let mut buffer = [1; 10];
    assert_eq!((file.read_at(&mut buffer, 0).unwrap(), &buffer[..5]), (5, &b"\0\0abc"[..]));
    dir.link(c"new", &dir, c"linked").unwrap();
    assert_eq!(dir.stat_at(c"linked").unwrap().id, file.stat().unwrap().id);
    assert_eq!(dir.link(c"new", &dir, c"file").unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(dir.rename_new(c"new", &dir, c"file").unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(dir.make_dir(c"file").unwrap_err().kind(), ErrorKind::AlreadyExists);
    dir.rename(c"new", &dir, c"file").unwrap();
    assert_eq!(dir.stat_at(c"file").unwrap().id, file.stat().unwrap().id);
    let nameless = dir.create_nameless(c"nameless").unwrap();
    nameless.write_all_at(b"kept", 0).unwrap();
    assert_eq!(nameless.read_small(10).unwrap(), b"kept");
    assert_eq!(dir.stat_if_there(c"nameless").unwrap(), None);
    assert_eq!(names(&dir).len(), 7);
}

#[test]
fn times_are_set_to_the_nanosecond_on_everything() {
    let (_temporary, dir) = scene();
    let inner = dir.open_dir(c"dir").unwrap();
    let file = dir.open_file(c"file").unwrap();
    for (seconds, nanos) in [(1_600_000_000, 123_456_789), (0, 0), (-1, 999_999_999), (4_000_000_000, 1)] {
        let time = Timestamp { seconds, nanos };
        inner.set_mtime(time).unwrap();
        file.set_mtime(time).unwrap();
        dir.set_mtime_at(c"to file", time).unwrap();
        for name in [c"dir", c"file", c"to file"] {
            assert_eq!(dir.stat_at(name).unwrap().mtime, time, "{name:?}");
        }
    }
}

#[test]
fn a_lock_is_held_by_one() {
    let (_temporary, dir) = scene();
    let (one, other) = (dir.open_file(c"file").unwrap(), dir.open_file(c"file").unwrap());
    assert!(one.try_lock().unwrap());
    assert!(!other.try_lock().unwrap());
    one.unlock().unwrap();
    assert!(other.try_lock().unwrap());
}

#[test]
fn attributes_are_those_of_the_entry_itself() {
    let (temporary, dir) = scene();
    let mut buffer = XattrBuffer::default();
    let file = dir.open_file(c"file").unwrap();
    let inner = dir.open_dir_search(c"dir").unwrap();
    let places = [XattrPlace::File(&file), XattrPlace::Dir(&inner), XattrPlace::At(&dir, c"file")];
    if buffer.set(places[0], c"user.test", b"x").is_err() {
        return eprintln!("no extended attributes in {}", temporary.path().display());
    }
    for place in places {
        buffer.set(place, c"user.test", b"value").unwrap();
        assert_eq!(buffer.get(place, c"user.test").unwrap(), Some(&b"value"[..]));
        assert!(buffer.list(place).unwrap().windows(10).any(|name| name == b"user.test\0"));
    }
    // Of a symlink, not of what it leads to.
    let link = XattrPlace::At(&dir, c"to file");
    assert!(!buffer.list(link).unwrap().windows(10).any(|name| name == b"user.test\0"));
    buffer.remove(places[0], c"user.test").unwrap();
    assert_eq!(buffer.get(places[2], c"user.test").unwrap(), None);
}

#[test]
fn holes_are_told() {
    let (_temporary, dir) = scene();
    let file = dir.create_file(c"sparse").unwrap();
    file.set_len(4 << 20).unwrap();
    file.write_all_at(&[1; 4096], 2 << 20).unwrap();
    let stat = file.stat().unwrap();
    if stat.allocated < stat.size {
        assert_eq!(file.next_data(0).unwrap(), Some(2 << 20));
        assert_eq!(file.next_hole(2 << 20).unwrap(), (2 << 20) + 4096);
        assert_eq!(file.next_data(3 << 20).unwrap(), None);
    }
}
