//! Which snapshot is meant by what a person types.

use linkdest_core::{ErrorKind, Repository};
use linkdest_testkit::TestDir;

const NAMES: [&str; 5] = [
    "2026-11-18T120000Z",
    "2026-11-19T120000Z",
    "2026-11-20T120000Z",
    "2026-11-20T120000Z-02",
    "2026-11-20T130000Z",
];

/// A repository whose name has a colon, with snapshots that nothing is recorded of.
fn repository(dir: &TestDir) -> Repository {
    let path = dir.join("a:b");
    let repository = Repository::init(&path).unwrap();
    for name in NAMES {
        std::fs::create_dir(path.join(name)).unwrap();
    }
    std::fs::create_dir(path.join("lost+found")).unwrap();
    repository
}

#[test]
fn names_paths_beginnings_and_numbers_are_found() {
    let dir = TestDir::new();
    let repository = repository(&dir);
    std::os::unix::fs::symlink("a:b", dir.join("other")).unwrap();
    let path = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    for (text, found) in [
        ("2026-11-20T120000Z".to_owned(), 2),
        ("2026-11-20T120000Z-02".to_owned(), 3),
        ("2026-11-20T120000Z-".to_owned(), 3),
        ("2026-11-20T13".to_owned(), 4),
        ("2026-11-19T".to_owned(), 1),
        ("latest".to_owned(), 4),
        ("latest~0".to_owned(), 4),
        ("latest~4".to_owned(), 0),
        ("2026-11-20".to_owned(), 4),
        (path("a:b/2026-11-19T120000Z"), 1),
        (path("a:b/2026-11-19T120000Z/"), 1),
        (path("a:b//./latest"), 4),
        (path("other/2026-11-18T120000Z"), 0),
    ] {
        assert_eq!(repository.resolve(&text).unwrap().name().as_str(), NAMES[found], "{text}");
        let (snapshot, below) = repository.resolve_path(&text).unwrap();
        assert_eq!((snapshot.name().as_str(), below.as_bytes()), (NAMES[found], &b""[..]), "{text}");
    }
}

#[test]
fn what_is_not_there_or_not_clear_is_told_with_what_is_there() {
    let dir = TestDir::new();
    let repository = repository(&dir);
    let path = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    for (text, told) in [
        ("latest~5".to_owned(), "there are 5, the newest first: 2026-11-20T130000Z, "),
        ("2026-11-20T12".to_owned(), "several snapshots: 2026-11-20T120000Z, 2026-11-20T120000Z-02"),
        ("2026-11-2".to_owned(), "no snapshot 2026-11-2;"),
        ("2026-11-21".to_owned(), "there are 5"),
        ("lost+found".to_owned(), "no snapshot lost+found"),
        (String::new(), "no snapshot ;"),
        ("a\nb".to_owned(), r"no snapshot a\x0ab"),
        (path("2026-11-20T120000Z"), "no snapshot"),
        (path("a:b"), "no snapshot"),
        (path("a:b/2026-11-19T120000Z/etc"), "no snapshot"),
    ] {
        let error = repository.resolve(&text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoSuchSnapshot, "{text}");
        assert!(error.to_string().contains(told), "{text}: {error}");
    }
    let empty = Repository::init(dir.join("empty")).unwrap();
    let error = empty.resolve("latest").unwrap_err();
    assert!(error.to_string().ends_with("no snapshot latest; there are no snapshots yet"), "{error}");
}

#[test]
fn a_path_may_follow() {
    let dir = TestDir::new();
    let repository = repository(&dir);
    let path = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    for (text, found, below) in [
        ("latest:".to_owned(), 4, ""),
        ("latest:/".to_owned(), 4, ""),
        ("latest:.".to_owned(), 4, ""),
        ("latest:a:b".to_owned(), 4, "a:b"),
        ("latest~1:/etc//./hosts/".to_owned(), 3, "etc/hosts"),
        ("2026-11-19:etc".to_owned(), 1, "etc"),
        (path("a:b/2026-11-19T120000Z:etc"), 1, "etc"),
        (path("a:b/2026-11-19T120000Z/etc"), 1, "etc"),
        (path("a:b/2026-11-19T120000Z/etc/x"), 1, "etc/x"),
    ] {
        let (snapshot, rest) = repository.resolve_path(&text).unwrap();
        assert_eq!((snapshot.name().as_str(), rest.as_bytes()), (NAMES[found], below.as_bytes()), "{text}");
    }
    for (text, kind) in [
        ("latest:../x", ErrorKind::NoSuchPath),
        ("latest:a/../../x", ErrorKind::NoSuchPath),
        ("nothing:x", ErrorKind::NoSuchSnapshot),
        ("/nowhere:x", ErrorKind::NoSuchSnapshot),
    ] {
        assert_eq!(repository.resolve_path(text).unwrap_err().kind(), kind, "{text}");
    }
}
