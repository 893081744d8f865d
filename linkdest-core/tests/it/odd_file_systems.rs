//! File systems of other systems, and some that are not what they seem: NTFS and FUSE.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::PathBuf;

use linkdest_core::{
    Adopter, Collecting, ErrorKind, Manifest, Notice, ProblemKind, Reindexer, RelPath, Replicator,
    Repository, Silent, Status,
};
use linkdest_testkit::{Comparison, FileSystem, HomeTree, Inventory, LoopMount, skip};

use crate::support::{Pair, inode, path};
use crate::verify::{assert_sound, change_a_byte, verify};

fn mount(file_system: FileSystem) -> Option<LoopMount> {
    LoopMount::with(file_system, 256 << 20, &[]).map_err(skip).ok()
}

fn set_mode(path: PathBuf, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// What somebody does in a day.
fn a_day(pair: &Pair, day: u32) {
    let name = |what: &str| pair.source.join(format!("{what}-{day}"));
    fs::write(name("letter"), format!("written on day {day}")).unwrap();
    set_mode(name("letter"), 0o600 + (day % 8) * 0o11);
    std::os::unix::fs::chown(name("letter"), Some(1000 + day), Some(100)).unwrap();
    let diary = fs::read(pair.source.join("diary")).unwrap_or_default();
    pair.write("diary", [diary, format!("day {day}\n").into_bytes()].concat());
    match day % 3 {
        0 => fs::hard_link(name("letter"), name("copy")).unwrap(),
        1 => symlink("diary", name("link")).unwrap(),
        _ => fs::rename(name("letter"), name("moved")).unwrap(),
    }
    if day > 5 {
        let _ = fs::remove_file(pair.source.join(format!("letter-{}", day - 5)));
    }
}

#[test]
fn ntfs_keeps_links_over_thirty_days_and_the_manifest_keeps_what_it_cannot_hold() {
    let Some(mount) = mount(FileSystem::Ntfs) else { return };
    let pair = Pair::with_repository_on(mount.path());
    let tree = HomeTree { entries: 300, directories: 40, bytes: 2 << 20, seed: 9 };
    tree.make(&pair.source.join("home")).unwrap();
    pair.write("kept", "from the first day on");
    fs::hard_link(pair.source.join("kept"), pair.source.join("kept too")).unwrap();
    let mut snapshots = Vec::new();
    for day in 0..30 {
        a_day(&pair, day);
        let (report, monitor) = pair.watched();
        assert_eq!(report.status(), Status::Complete, "{:?}", report.problems());
        // The diary, the letter, and nothing that was there before.
        assert!(day == 0 || report.counts().files_copied <= 2, "{day}: {:?}", report.counts());
        let said = |notice: &Notice| matches!(notice, Notice::OutOfReach { what: "owners", .. });
        assert!(monitor.notices().iter().any(said), "{:?}", monitor.notices());
        snapshots.push(path(&report).to_owned());
    }
    let capabilities = *Repository::open(&pair.repository).unwrap().capabilities();
    assert!(capabilities.hard_links && capabilities.inode_numbers && !capabilities.owners);
    assert!(!capabilities.modes && capabilities.time_granularity == 100, "{capabilities:?}");
    let kept: Vec<_> = snapshots.iter().map(|one| fs::metadata(one.join("kept")).unwrap()).collect();
    assert!(kept.iter().all(|stat| (stat.ino(), stat.nlink()) == (kept[0].ino(), 60)), "{kept:?}");
    assert_sound(&pair);
    let back = pair.dir.join("back");
    let repository = Repository::open(&pair.repository).unwrap();
    let latest = repository.resolve("latest").unwrap();
    let report = repository.restore(latest.name(), &RelPath::root(), &back).run(&Silent).unwrap();
    assert_eq!(report.problems(), []);
    // Owners, modes and the nanoseconds of times are those of the source.
    Comparison::new().assert_same(&pair.source, &back);
}

#[test]
fn names_that_are_one_in_the_repository_are_a_problem_that_names_both() {
    let Some(mount) = mount(FileSystem::CaselessNtfs) else { return };
    let pair = Pair::with_repository_on(mount.path());
    for name in ["README", "readme"] {
        pair.write(name, name);
    }
    for name in ["Notes", "notes"] {
        fs::create_dir(pair.source.join(name)).unwrap();
        pair.write(&format!("{name}/inside"), name);
    }
    pair.write("other", "no other name is like this one");
    for _ in 0..2 {
        let (report, _) = pair.watched();
        let said: Vec<_> = report.problems().iter().map(|one| (one.kind(), one.to_string())).collect();
        assert_eq!(said.len(), 2, "{said:?}");
        for (first, second) in [("README", "readme"), ("Notes", "notes")] {
            // Directories are entered by several threads: either of two may come first.
            let is_directory = first == "Notes";
            let names = |(kind, text): &(ProblemKind, String)| {
                let tells = |one: &str, other: &str| text.starts_with(one) && text.contains(other);
                *kind == ProblemKind::Collision
                    && (tells(second, first) || (is_directory && tells(first, second)))
            };
            assert!(said.iter().any(names), "{said:?}");
        }
        let snapshot = path(&report);
        assert_eq!(fs::read(snapshot.join("readme")).unwrap(), b"README");
        let left_out = if said.iter().any(|(_, text)| text.starts_with("Notes")) { "Notes" } else { "notes" };
        let saved = fs::read_to_string(snapshot.join("notes/inside")).unwrap();
        assert!(saved.eq_ignore_ascii_case("notes") && saved != left_out, "{saved}");
        assert_eq!(fs::read(snapshot.join("other")).unwrap(), fs::read(pair.source.join("other")).unwrap());
    }
    assert!(Repository::open(&pair.repository).unwrap().capabilities().case_folding);
}

#[test]
fn what_was_saved_of_one_name_is_not_taken_for_another_that_is_the_same_there() {
    let Some(mount) = mount(FileSystem::CaselessNtfs) else { return };
    let pair = Pair::with_repository_on(mount.path());
    for (name, content) in [("Report", "first"), ("report", "other")] {
        pair.write(name, content);
        crate::support::set_mtime(pair.source.join(name), 1_600_000_000, 0);
    }
    // The change times lie before the run that makes the reference, as those of old files do.
    std::thread::sleep(std::time::Duration::from_millis(2100));
    let (first, _) = pair.watched();
    assert_eq!(fs::read(path(&first).join("report")).unwrap(), b"first");
    fs::remove_file(pair.source.join("Report")).unwrap();
    let (second, _) = pair.watched();
    assert_eq!(second.problems(), []);
    assert_eq!(fs::read(path(&second).join("report")).unwrap(), b"other");
    assert_eq!(fs::read(path(&first).join("report")).unwrap(), b"first");
}

#[test]
fn inode_numbers_that_differ_from_name_to_name_prove_nothing() {
    let Some(mount) = mount(FileSystem::NumbersByPath) else { return };
    let pair = Pair::with_repository_on(mount.path());
    pair.write("a", "shared by two names");
    pair.write("alone", "a file by itself");
    fs::hard_link(pair.source.join("a"), pair.source.join("b")).unwrap();
    let first = pair.snapshot();
    assert_ne!(inode(path(&first).join("a")), inode(path(&first).join("b")), "the numbers are honest here");
    let second = pair.snapshot();
    // Still links: below they are the same inode.
    let below = |report, name: &str| {
        inode(mount.below().join(path(report).strip_prefix(mount.path()).unwrap()).join(name))
    };
    assert_eq!(below(&first, "a"), below(&second, "b"));
    assert_eq!(below(&first, "alone"), below(&second, "alone"));
    let repository = Repository::open(&pair.repository).unwrap();
    assert!(!repository.capabilities().inode_numbers);
    for report in [&first, &second] {
        let name = report.snapshot().unwrap();
        let manifest: Manifest = repository.manifest(name).unwrap().unwrap();
        for directory in manifest.walk() {
            assert!(directory.unwrap().entries().all(|entry| entry.repository_inode == 0));
        }
    }
    assert_sound(&pair);
    // Each name is read, and each that shares the damage is told by itself.
    let before = Inventory::of(&pair.source);
    change_a_byte(&mount.below().join(path(&first).strip_prefix(mount.path()).unwrap()).join("a"));
    let told: Vec<_> = verify(&pair).findings().iter().map(|one| one.place().path.to_string()).collect();
    assert_eq!(told, ["a", "b", "a", "b"], "each name in each snapshot");
    let third = pair.snapshotter().run(&Silent).unwrap();
    assert_eq!(fs::read(path(&third).join("a")).unwrap(), fs::read(pair.source.join("a")).unwrap());
    before.assert_unchanged(&Inventory::of(&pair.source));
}

#[test]
fn what_follows_inode_numbers_is_refused_where_they_prove_nothing() {
    let Some(mount) = mount(FileSystem::NumbersByPath) else { return };
    let pair = Pair::with_repository_on(mount.path());
    pair.write("a", "content");
    let report = pair.snapshot();
    let repository = Repository::open(&pair.repository).unwrap();
    let refused = [
        Reindexer::new(&repository).run(&Silent).map(drop),
        Replicator::new(&pair.repository, mount.join("replica")).init(true).run(&Silent).map(drop),
    ];
    for refused in refused {
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.io_error().unwrap().to_string().contains("inode number"), "{error:?}");
    }
    // Another tool's snapshots.
    let old = mount.join("old");
    fs::create_dir_all(old.join("2024-01-01")).unwrap();
    fs::write(old.join("2024-01-01/file"), "x").unwrap();
    let adopted = Adopter::new(&old).run(&Collecting::default());
    assert!(adopted.is_err(), "{adopted:?}");
    assert!(path(&report).join("a").exists());
}

#[test]
fn names_that_are_one_in_the_target_do_not_replace_each_other() {
    let Some(mount) = mount(FileSystem::CaselessNtfs) else { return };
    let pair = Pair::new();
    // Of different sizes, so that what stands there is not taken for the other.
    let text = |name: &str| if name == name.to_lowercase() { format!("{name} too") } else { name.to_owned() };
    for name in ["README", "readme"] {
        pair.write(name, text(name));
    }
    for name in ["Notes", "notes"] {
        fs::create_dir(pair.source.join(name)).unwrap();
        pair.write(&format!("{name}/inside"), text(name));
    }
    pair.snapshot();
    let back = mount.join("back");
    let repository = Repository::open(&pair.repository).unwrap();
    let latest = repository.resolve("latest").unwrap();
    // Into a new directory, and over what is there then.
    for round in 0..2 {
        let report = repository.restore(latest.name(), &RelPath::root(), &back).run(&Silent).unwrap();
        let told: Vec<_> = report.problems().iter().map(|one| one.kind()).collect();
        assert_eq!(told, [ProblemKind::Collision; 2], "{round}: {:?}", report.problems());
        let content = |name: &str| {
            let text = fs::read_to_string(back.join(name)).unwrap();
            text.split(' ').next().unwrap().to_owned()
        };
        let first = (content("readme"), content("notes/inside"));
        assert!(["README", "readme"].contains(&&*first.0) && ["Notes", "notes"].contains(&&*first.1));
        // Each problem names the one that is there.
        let said =
            |name: &str| report.problems().iter().any(|one| one.to_string().contains(&format!("{name:?}")));
        assert!(said(&first.0) && said(&first.1), "{first:?} {:?}", report.problems());
    }
}
