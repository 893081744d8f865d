//! Checking snapshots: what is found, what it is taken for, and what follows.

use std::fs;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use linkdest_core::{
    Cause, Checksum, Collecting, ErrorKind, FindingKind, Notice, Quick, Repository, Sighting, Silent,
    SnapshotReport, Strict, Verifier, VerifyReport,
};

use crate::support::{Pair, inode, path, set_mtime};

pub fn verify(pair: &Pair) -> VerifyReport {
    let repository = Repository::open(&pair.repository).unwrap();
    Verifier::new(&repository).run(&Silent).unwrap()
}

pub fn assert_sound(pair: &Pair) -> VerifyReport {
    let report = verify(pair);
    let findings: Vec<String> = report.findings().iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{findings:#?}");
    assert!(report.problems().is_empty(), "{:?}", report.problems());
    report
}

/// Each finding as kind, cause, and the path.
pub fn told(report: &VerifyReport) -> Vec<(FindingKind, Option<Cause>, String)> {
    let mut told: Vec<_> = report
        .findings()
        .iter()
        .map(|finding| (finding.kind(), finding.cause(), finding.place().path.to_string()))
        .collect();
    told.sort();
    told
}

fn snapshots(pair: &Pair) -> Vec<PathBuf> {
    let all = Repository::open(&pair.repository).unwrap().snapshots().unwrap();
    all.iter().map(|snapshot| snapshot.path().to_owned()).collect()
}

/// Changes one byte and puts the modification time back.
pub fn change_a_byte(file: &Path) {
    // The kernel stamps with a clock that is up to a tick behind: this is to be after the run, not in its last tick.
    std::thread::sleep(std::time::Duration::from_millis(20));
    let metadata = fs::metadata(file).unwrap();
    let mode = metadata.permissions();
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    let opened = fs::File::options().read(true).write(true).open(file).unwrap();
    let mut byte = [0];
    opened.read_exact_at(&mut byte, 2).unwrap();
    opened.write_all_at(&[byte[0] ^ 1], 2).unwrap();
    fs::set_permissions(file, mode).unwrap();
    set_mtime(file, metadata.mtime(), u32::try_from(metadata.mtime_nsec()).unwrap());
}

#[test]
fn every_kind_of_entry_is_sound_over_a_history() {
    let pair = Pair::new();
    pair.make_everything();
    for step in 0..5 {
        linkdest_testkit::random_edits(&pair.source, 500 + step, 40);
        pair.snapshot();
    }
    let report = assert_sound(&pair);
    assert_eq!(report.snapshots().len(), 5);
    let entries: usize =
        snapshots(&pair).iter().map(|path| walkdir::WalkDir::new(path).into_iter().count() - 1).sum();
    assert_eq!(report.entries(), entries as u64);
}

#[test]
fn a_changed_byte_is_found_and_every_snapshot_named_that_shares_it() {
    let pair = Pair::new();
    pair.write("f", "content");
    pair.write("g", "sound");
    fs::create_dir(pair.source.join("d")).unwrap();
    fs::hard_link(pair.source.join("f"), pair.source.join("d/other")).unwrap();
    let reports: Vec<SnapshotReport> = (0..3).map(|_| pair.snapshot()).collect();
    change_a_byte(&path(&reports[1]).join("f"));
    let report = verify(&pair);
    assert_eq!(told(&report), [(FindingKind::Content, Some(Cause::Tampering), "d/other".into())]);
    let finding = &report.findings()[0];
    let mut names: Vec<Sighting> = finding.shared().to_vec();
    names.push(finding.place().clone());
    names.sort();
    let mut expected = Vec::new();
    for report in &reports {
        for path in ["d/other", "f"] {
            let snapshot = report.snapshot().unwrap().to_string();
            expected.push(Sighting { snapshot, path: linkdest_core::RelPath::new(path).unwrap() });
        }
    }
    assert_eq!(names, expected);
    assert!(report.is_noted());
    let noted = Repository::open(&pair.repository).unwrap().damages().unwrap();
    assert_eq!(noted.len(), 3, "one for each snapshot: {noted:?}");
    assert!(noted.iter().all(|damage| damage.inode() == inode(path(&reports[0]).join("f"))));
}

#[test]
fn after_a_check_every_policy_takes_damaged_files_from_the_source() {
    for policy in ["quick", "strict", "checksum"] {
        for verified in [true, false] {
            let pair = Pair::new();
            pair.write("f", "content");
            let before = pair.snapshot();
            change_a_byte(&path(&before).join("f"));
            if verified {
                assert_eq!(verify(&pair).findings().len(), 1);
            }
            let snapshotter = pair.snapshotter();
            let snapshotter = match policy {
                "quick" => snapshotter.policy(Quick::default()),
                "strict" => snapshotter.policy(Strict::default()),
                _ => snapshotter.policy(Checksum::default()),
            };
            let after = snapshotter.run(&Silent).unwrap();
            let content = fs::read_to_string(path(&after).join("f")).unwrap();
            let whole = verified || policy == "checksum";
            assert_eq!(content == "content", whole, "{policy} {verified}");
            if whole {
                let later = pair.snapshot();
                assert_eq!(inode(path(&after).join("f")), inode(path(&later).join("f")));
                let report = verify(&pair);
                assert_eq!((report.findings().len(), report.findings()[0].shared().len()), (1, 0));
            }
        }
    }
}

#[test]
fn everything_that_differs_is_found_and_named() {
    let pair = Pair::new();
    for name in
        ["bytes", "longer", "shorter", "mode", "mtime", "gone", "kind", "split", "alone", "alone2", "xattr"]
    {
        pair.write(name, format!("content of {name}"));
    }
    fs::hard_link(pair.source.join("split"), pair.source.join("split2")).unwrap();
    fs::create_dir_all(pair.source.join("dir/below")).unwrap();
    fs::create_dir(pair.source.join("touched")).unwrap();
    symlink("a", pair.source.join("link")).unwrap();
    let report = pair.snapshot();
    assert_sound(&pair);
    let tree = path(&report);
    let at = |name: &str| tree.join(name);
    let mtime =
        |name: &str| filetime::FileTime::from_last_modification_time(&at(name).symlink_metadata().unwrap());
    let root = mtime("");
    change_a_byte(&at("bytes"));
    fs::write(at("longer"), "content of longer, and more").unwrap();
    fs::write(at("shorter"), "").unwrap();
    fs::set_permissions(at("mode"), fs::Permissions::from_mode(0o640)).unwrap();
    set_mtime(at("mtime"), 5, 0);
    fs::remove_file(at("gone")).unwrap();
    fs::remove_file(at("kind")).unwrap();
    fs::create_dir(at("kind")).unwrap();
    let split = mtime("split");
    fs::remove_file(at("split2")).unwrap();
    fs::copy(at("split"), at("split2")).unwrap();
    filetime::set_file_mtime(at("split2"), split).unwrap();
    fs::remove_file(at("alone2")).unwrap();
    fs::hard_link(at("alone"), at("alone2")).unwrap();
    rustix::fs::setxattr(at("xattr"), "user.added", b"x", rustix::fs::XattrFlags::empty()).unwrap();
    fs::remove_dir_all(at("dir")).unwrap();
    fs::write(at("added"), "").unwrap();
    set_mtime(at("touched"), 5, 0);
    fs::remove_file(at("link")).unwrap();
    symlink("b", at("link")).unwrap();
    set_mtime(at("link"), 5, 0);
    filetime::set_file_mtime(tree, root).unwrap();

    use FindingKind::{Attributes, Content, Extra, Links, Missing, Type};
    let (written, lost) = (Some(Cause::Tampering), Some(Cause::Loss));
    let mut expected = vec![
        (Content, written, "bytes"),
        (Content, written, "longer"),
        (Content, written, "shorter"),
        (Attributes, written, "mode"),
        (Attributes, written, "mtime"),
        (Missing, lost, "gone"),
        (Type, written, "kind"),
        (Links, written, "split2"),
        (Links, written, "alone2"),
        (Content, written, "alone2"),
        (Attributes, written, "xattr"),
        (Missing, lost, "dir"),
        (Extra, written, "added"),
        (Attributes, written, "touched"),
        (Content, written, "link"),
    ]
    .into_iter()
    .map(|(kind, cause, path)| (kind, cause, path.to_owned()))
    .collect::<Vec<_>>();
    expected.sort();
    assert_eq!(told(&verify(&pair)), expected);
}

#[test]
fn an_ordinary_users_snapshots_are_sound() {
    let pair = Pair::new();
    pair.make_everything();
    pair.snapshot();
    let repository = Repository::open(&pair.repository).unwrap();
    let name = repository.snapshots().unwrap()[0].name().to_string();
    // As if an ordinary user had made it: everything is that user's.
    let chown =
        std::process::Command::new("chown").args(["-R", "-h", "65534:65534"]).arg(&pair.repository).status();
    if !chown.unwrap().success() {
        return linkdest_testkit::skip("only root can give files away");
    }
    let owners = |finding: &&linkdest_core::Finding| finding.message().contains("owner");
    let report = Verifier::new(&repository).snapshot(name.parse().unwrap()).run(&Silent).unwrap();
    assert_eq!(report.findings().iter().filter(owners).count(), 0);
}

#[test]
fn attributes_that_the_manifest_alone_has_are_no_difference() {
    let pair = Pair::new();
    pair.write("f", "content");
    pair.snapshot();
    fs::set_permissions(pair.source.join("f"), fs::Permissions::from_mode(0o600)).unwrap();
    let report = pair.snapshotter().record_attributes(true).run(&Silent).unwrap();
    assert_eq!(report.counts().recorded_only, 1);
    assert_sound(&pair);
}

#[test]
fn a_snapshot_without_a_manifest_is_said_and_not_failed() {
    let pair = Pair::new();
    pair.write("f", "content");
    let first = pair.snapshot();
    pair.snapshot();
    let name = first.snapshot().unwrap();
    fs::remove_file(pair.repository.join(format!(".linkdest/manifests/{name}.ldm"))).unwrap();
    let repository = Repository::open(&pair.repository).unwrap();
    let monitor = Collecting::default();
    let report = Verifier::new(&repository).run(&monitor).unwrap();
    assert_eq!((report.finding_count(), report.snapshots().len()), (0, 1));
    assert_eq!(report.without_manifest(), std::slice::from_ref(name));
    assert_eq!(monitor.notices(), [Notice::NoManifest(name.to_string())]);
    assert!(monitor.notices()[0].to_string().contains("reindex"));
}

#[test]
fn a_check_writes_nothing_unless_it_finds_something() {
    let pair = Pair::new();
    pair.write("f", "content");
    let report = pair.snapshot();
    let inventory = || linkdest_testkit::Inventory::of(&pair.repository);
    let before = inventory();
    assert_sound(&pair);
    before.assert_unchanged(&inventory());
    change_a_byte(&path(&report).join("f"));
    let lock = fs::File::create(pair.repository.join(".linkdest/lock")).unwrap();
    lock.lock().unwrap();
    let report = verify(&pair);
    assert_eq!((report.findings().len(), report.is_noted()), (1, false));
    assert_eq!(report.problems().len(), 1);
    drop(lock);
    assert!(verify(&pair).is_noted());
}

#[test]
fn an_unknown_snapshot_is_an_error() {
    let pair = Pair::new();
    pair.snapshot();
    let repository = Repository::open(&pair.repository).unwrap();
    let name = "2001-01-01T000000Z".parse().unwrap();
    let error = Verifier::new(&repository).snapshot(name).run(&Silent).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSuchSnapshot);
}

/// Every truncation and every flipped bit of the manifest of a small snapshot.
fn spoilt(bytes: &[u8]) -> Vec<Vec<u8>> {
    let cut = (0..bytes.len()).step_by(7).map(|length| bytes[..length].to_vec());
    let flipped = (0..bytes.len() * 8).step_by(5).map(|bit| {
        let mut bytes = bytes.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    });
    cut.chain(flipped).collect()
}

#[test]
fn every_damaged_manifest_is_found_and_stops_nothing() {
    let pair = Pair::new();
    pair.write("f", "content");
    let first = pair.snapshot();
    let second = pair.snapshot();
    let repository = Repository::open(&pair.repository).unwrap();
    let name = second.snapshot().unwrap();
    let file = pair.repository.join(format!(".linkdest/manifests/{name}.ldm"));
    let sound = fs::read(&file).unwrap();
    for bytes in spoilt(&sound) {
        fs::write(&file, &bytes).unwrap();
        let report = Verifier::new(&repository).run(&Silent).unwrap();
        let expected = format!(".linkdest/manifests/{name}.ldm");
        assert_eq!(told(&report), [(FindingKind::Manifest, None, expected)]);
        assert_eq!(report.snapshots(), [first.snapshot().unwrap().clone(), name.clone()]);
    }
    for bytes in [&sound[..0], &sound[..sound.len() / 2], &sound[1..]] {
        fs::write(&file, bytes).unwrap();
        assert_eq!(repository.snapshots().unwrap().len(), 2);
        let run = pair.snapshotter().run(&Silent).unwrap();
        assert_eq!((run.counts().files_linked, run.counts().problems), (1, 1));
        assert!(run.problems()[0].to_string().contains(&format!("{name}.ldm")), "{:?}", run.problems());
        let tree = path(&run).to_owned();
        drop(run);
        fs::remove_dir_all(tree).unwrap();
    }
}

/// It was never forgotten: the number of the inode was given to a sound file, which was copied for nothing.
#[test]
fn damage_is_remembered_while_a_snapshot_may_share_it_and_no_longer() {
    let pair = Pair::new();
    pair.write("f", "content");
    let (first, second) = (pair.snapshot(), pair.snapshot());
    change_a_byte(&path(&first).join("f"));
    let third = pair.snapshotter().policy(Checksum::default()).run(&Silent).unwrap();
    let damages = || Repository::open(&pair.repository).unwrap().damages().unwrap();
    let noted = damages();
    assert_eq!((noted.len(), Some(noted[0].snapshot())), (1, second.snapshot()));
    for gone in [&second, &third, &first] {
        pair.snapshot();
        assert_eq!(damages(), noted);
        fs::remove_dir_all(path(gone)).unwrap();
    }
    let last = pair.snapshot();
    assert_eq!(damages(), []);
    assert_eq!(fs::read_to_string(path(&last).join("f")).unwrap(), "content");
}
