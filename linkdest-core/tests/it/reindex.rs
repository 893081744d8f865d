//! Making manifests anew: of snapshots of linkdest's own, and of trees that rsync made.

use std::fs;
use std::process::Command;

use linkdest_core::{
    BlockCache, ErrorKind, Manifest, Origin, ReindexReport, Reindexer, Repository, Silent, SnapshotName,
    Verifier,
};

use crate::support::{Pair, beyond_portable, inode, path};
use crate::verify_reading::bytes_of_inodes;

fn reindex(pair: &Pair) -> ReindexReport {
    let repository = Repository::open(&pair.repository).unwrap();
    let report = Reindexer::new(&repository).run(&Silent).unwrap();
    assert!(report.problems().is_empty(), "{:?}", report.problems());
    report
}

fn remove_manifests(pair: &Pair) {
    fs::remove_dir_all(pair.repository.join(".linkdest/manifests")).unwrap();
}

fn assert_sound(pair: &Pair) {
    let repository = Repository::open(&pair.repository).unwrap();
    let report = Verifier::new(&repository).run(&Silent).unwrap();
    assert_eq!((report.findings(), report.without_manifest()), (&[][..], &[][..]));
}

fn origin_of(manifest: &Manifest, path: &str) -> String {
    let found = manifest.find(path.as_bytes(), &mut BlockCache::default()).unwrap().unwrap();
    match found.entry().origin {
        Origin::Fresh => "fresh".into(),
        Origin::Group => "group".into(),
        Origin::Same { reference } => format!("same {reference}"),
        Origin::Elsewhere { reference, path } => format!("{reference} {}", String::from_utf8_lossy(path)),
    }
}

#[test]
fn without_its_manifests_a_repository_is_linked_to_as_before() {
    let pair = Pair::new();
    pair.make_everything();
    for step in 0..3 {
        linkdest_testkit::random_edits(&pair.source, 900 + step, 30);
        pair.snapshot();
    }
    let last = pair.snapshot();
    remove_manifests(&pair);
    let report = reindex(&pair);
    assert_eq!(report.snapshots().len(), 4);
    assert!(report.snapshots().iter().all(|snapshot| snapshot.reason() == "missing"));
    assert_eq!(report.snapshots()[3].totals().entries, last.counts().entries);
    assert_eq!(report.snapshots()[3].totals().bytes, last.counts().bytes);
    assert_sound(&pair);
    let next = pair.snapshot();
    assert_eq!(
        (next.counts().files_copied, next.counts().files_cloned, next.counts().other_created),
        (0, 0, 0)
    );
    assert_sound(&pair);
}

#[test]
fn a_renamed_file_is_still_found_by_its_content() {
    let pair = Pair::new();
    pair.write("a", "some content");
    let before = pair.snapshot();
    remove_manifests(&pair);
    reindex(&pair);
    fs::rename(pair.source.join("a"), pair.source.join("b")).unwrap();
    let after = pair.snapshot();
    assert_eq!(inode(path(&before).join("a")), inode(path(&after).join("b")));
}

#[test]
fn a_silent_change_is_found_after_a_reindex_as_well() {
    let pair = Pair::new();
    pair.write("f", "content");
    pair.snapshot();
    remove_manifests(&pair);
    reindex(&pair);
    let file = pair.source.join("f");
    let mtime = filetime::FileTime::from_last_modification_time(&file.metadata().unwrap());
    pair.write("f", "CONTENT");
    filetime::set_file_mtime(&file, mtime).unwrap();
    assert_eq!(fs::read_to_string(path(&pair.snapshot()).join("f")).unwrap(), "CONTENT");
}

#[test]
fn what_a_run_record_tells_and_which_snapshots_share_is_kept() {
    let pair = Pair::new();
    pair.write("same", "1");
    pair.write("old", "2");
    pair.snapshot();
    fs::rename(pair.source.join("old"), pair.source.join("new")).unwrap();
    pair.write("fresh", "3");
    fs::hard_link(pair.source.join("fresh"), pair.source.join("fresh2")).unwrap();
    let second = pair.snapshot();
    let repository = Repository::open(&pair.repository).unwrap();
    let name = second.snapshot().unwrap();
    let before = repository.manifest(name).unwrap().unwrap();
    fs::remove_file(pair.repository.join(format!(".linkdest/manifests/{name}.ldm"))).unwrap();
    assert_eq!(reindex(&pair).snapshots().len(), 1);
    let after = repository.manifest(name).unwrap().unwrap();
    assert_eq!(after.header().sequence, before.header().sequence);
    assert_eq!(
        (&after.header().source, &after.header().host),
        (&before.header().source, &before.header().host)
    );
    assert_eq!(
        (after.header().started, &after.header().policy),
        (before.header().started, &before.header().policy)
    );
    assert_eq!(after.header().generation, 1);
    // What was flagged when it was saved a tree does not tell.
    let figures = |manifest: &Manifest| {
        let totals = manifest.totals();
        (totals.entries, totals.directories, totals.files, totals.bytes)
    };
    assert_eq!((figures(&after), after.totals().flagged), (figures(&before), 0));
    let group = [origin_of(&after, "fresh"), origin_of(&after, "fresh2")];
    assert_eq!((origin_of(&after, "same"), origin_of(&after, "new")), ("same 0".into(), "0 old".into()));
    assert!(group.contains(&"fresh".into()) && group.contains(&"group".into()), "{group:?}");
    let find = |manifest: &Manifest, path: &str| {
        let found = manifest.find(path.as_bytes(), &mut BlockCache::default()).unwrap().unwrap();
        let entry = found.entry();
        (
            entry.content,
            entry.metadata.nlink,
            entry.metadata.mode,
            entry.metadata.mtime,
            entry.repository_inode,
        )
    };
    for path in ["same", "new", "fresh", "fresh2"] {
        assert_eq!(find(&after, path), find(&before, path), "{path}");
    }
}

#[test]
fn thirty_snapshots_that_rsync_made_are_indexed_reading_each_inode_once() {
    let pair = Pair::new();
    for number in 0..60_u8 {
        fs::create_dir_all(pair.source.join(format!("d{}", number % 5))).unwrap();
        pair.write(&format!("d{}/f{number}", number % 5), vec![number; 500]);
    }
    Repository::init(&pair.repository).unwrap();
    let mut previous: Option<String> = None;
    for day in 1..=30_u8 {
        pair.write(&format!("d{}/f{day}", day % 5), vec![day; 700 + usize::from(day)]);
        let name = format!("2024-06-{day:02}T020000Z");
        let mut rsync = Command::new("rsync");
        rsync.arg("-aH");
        if let Some(previous) = &previous {
            rsync.arg(format!("--link-dest=../{previous}"));
        }
        let made = rsync.arg(format!("{}/", pair.source.display())).arg(pair.repository.join(&name)).status();
        match made {
            Ok(status) => assert!(status.success()),
            Err(_) => return linkdest_testkit::skip("rsync is not installed"),
        }
        previous = Some(name);
    }
    let report = reindex(&pair);
    assert_eq!(report.snapshots().len(), 30);
    // Nothing else in the repository is as large as these bytes are exact.
    let control = pair.dir.join("control");
    fs::rename(pair.repository.join(".linkdest"), &control).unwrap();
    assert_eq!(report.bytes_read(), bytes_of_inodes(&pair.repository));
    fs::rename(&control, pair.repository.join(".linkdest")).unwrap();
    // The first day's change came before the first snapshot.
    assert_eq!(report.files_read(), 60 + 29);
    assert_sound(&pair);
    let next = pair.snapshot();
    assert_eq!((next.counts().files_copied, next.counts().files_linked), (0, 60));
}

#[test]
fn only_what_is_missing_or_damaged_is_made_unless_asked() {
    let pair = Pair::new();
    pair.write("f", "content");
    let names: Vec<SnapshotName> = (0..3).map(|_| pair.snapshot().snapshot().unwrap().clone()).collect();
    let file = |index: usize| pair.repository.join(format!(".linkdest/manifests/{}.ldm", names[index]));
    fs::remove_file(file(0)).unwrap();
    let mut bytes = fs::read(file(1)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(file(1), bytes).unwrap();
    let repository = Repository::open(&pair.repository).unwrap();
    let told = |report: &ReindexReport| -> Vec<(SnapshotName, &'static str)> {
        report.snapshots().iter().map(|one| (one.snapshot().clone(), one.reason())).collect()
    };
    let expected = vec![(names[0].clone(), "missing"), (names[1].clone(), "damaged")];
    let inventory = || linkdest_testkit::Inventory::of(&pair.repository);
    let before = inventory();
    assert_eq!(told(&Reindexer::new(&repository).dry_run(true).run(&Silent).unwrap()), expected);
    before.assert_unchanged(&inventory());
    assert_eq!(told(&Reindexer::new(&repository).run(&Silent).unwrap()), expected);
    assert_eq!(told(&Reindexer::new(&repository).run(&Silent).unwrap()), []);
    let named = Reindexer::new(&repository).snapshot(names[2].clone()).run(&Silent).unwrap();
    assert_eq!(told(&named), [(names[2].clone(), "asked for")]);
    assert_eq!(repository.manifest(&names[2]).unwrap().unwrap().header().generation, 1);
    assert_eq!(Reindexer::new(&repository).all(true).run(&Silent).unwrap().snapshots().len(), 3);
    assert_sound(&pair);
}

#[test]
fn hashes_of_sound_manifests_are_believed_only_if_asked() {
    let pair = Pair::new();
    pair.write("f", "content");
    let first = pair.snapshot();
    pair.snapshot();
    let repository = Repository::open(&pair.repository).unwrap();
    for (trust, bytes) in [(true, 0), (false, 7)] {
        let report = Reindexer::new(&repository)
            .snapshot(first.snapshot().unwrap().clone())
            .trust(trust)
            .run(&Silent)
            .unwrap();
        assert_eq!((report.bytes_read(), report.snapshots().len()), (bytes, 1));
        assert_sound(&pair);
    }
}

#[test]
fn a_locked_repository_is_left_alone() {
    let pair = Pair::new();
    pair.snapshot();
    let lock = fs::File::create(pair.repository.join(".linkdest/lock")).unwrap();
    lock.lock().unwrap();
    let repository = Repository::open(&pair.repository).unwrap();
    let error = Reindexer::new(&repository).run(&Silent).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
}

/// What an operator had mounted in a snapshot was written down as a part of it.
#[test]
fn what_is_mounted_in_a_snapshot_is_no_part_of_it() {
    if beyond_portable("no mount numbers") {
        return;
    }
    what_is_mounted_is_no_part(&|other, place| mount(&["mount", "--bind", other, place]));
}

#[test]
fn another_file_system_mounted_in_a_snapshot_is_no_part_of_it() {
    what_is_mounted_is_no_part(&|_, place| mount(&["mount", "-t", "tmpfs", "none", place]));
}

fn mount(words: &[&str]) -> bool {
    Command::new(words[0]).args(&words[1..]).status().unwrap().success()
}

fn what_is_mounted_is_no_part(mount_on: &dyn Fn(&str, &str) -> bool) {
    let pair = Pair::new();
    fs::create_dir_all(pair.source.join("d/mounted")).unwrap();
    pair.write("d/mounted/saved", "hello");
    let report = pair.snapshot();
    let (other, place) = (pair.dir.join("other"), path(&report).join("d/mounted"));
    fs::create_dir(&other).unwrap();
    if !mount_on(other.to_str().unwrap(), place.to_str().unwrap()) {
        return linkdest_testkit::skip("mounting needs root");
    }
    fs::write(place.join("foreign"), "foreign").unwrap();
    remove_manifests(&pair);
    let repository = Repository::open(&pair.repository).unwrap();
    let indexed = Reindexer::new(&repository).run(&Silent);
    assert!(mount(&["umount", place.to_str().unwrap()]));
    let indexed = indexed.unwrap();
    assert_eq!((indexed.snapshots().len(), indexed.problem_count()), (0, 1), "{:?}", indexed.problems());
    let message = indexed.problems()[0].to_string();
    assert!(message.contains("d/mounted") && message.contains("unmount it"), "{message}");
    assert_eq!(reindex(&pair).snapshots()[0].totals().files, 1);
    assert_sound(&pair);
}
