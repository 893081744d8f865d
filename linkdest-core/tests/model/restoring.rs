//! Restores, into targets that are new, old, or prepared by somebody with bad intentions.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;

use linkdest_core::{Overwrite, ProblemKind, RelPath, Status};
use linkdest_testkit::remove_tree;

use super::choices::Choices;
use super::interruption::Interruption;
use super::naive::{Kind, View, below, differences, is_at_or_below, joined, regroup};
use super::observe::{Observed, at, observe};
use super::world::{World, assert_same};

impl World {
    /// Restores a path of a snapshot and compares.
    pub fn restore(&mut self, choices: &mut Choices<'_>, disturbed: Interruption) {
        let Some(name) = choices.one_of(&self.names()) else { return };
        let known = self.known.iter().find(|known| known.name == name).unwrap();
        let (view, whole, gone) = (known.observed.view.clone(), known.whole, known.expunged.clone());
        let paths: Vec<_> = view.keys().cloned().collect();
        let path = if choices.one_in(3) { choices.one_of(&paths).unwrap() } else { Vec::new() };
        let wanted = below(&view, &path);
        let is_directory = wanted[&b""[..]].kind == Kind::Directory;
        // A target that is a symlink would be the operator's own way to somewhere else.
        let is_there = self.target.symlink_metadata().is_ok_and(|target| target.is_dir());
        let fresh = !is_directory || !is_there || choices.one_in(2);
        if fresh && self.target.symlink_metadata().is_ok() {
            remove_tree(&self.target).unwrap();
        }
        if is_directory && choices.one_in(3) {
            self.plant(choices, &wanted);
        }
        // What could not be saved is nothing extra.
        let (delete, always) = (choices.one_in(2) && whole, choices.one_in(3));
        let text = path.escape_ascii().to_string();
        self.say(format!(
            "restore {name}:{text}, fresh {fresh}, delete {delete}, always {always}, {disturbed:?}"
        ));
        self.figures.restores += 1;
        let expunged: Vec<_> = gone
            .iter()
            .filter(|gone| is_at_or_below(gone, &path))
            .map(|gone| relative(gone, &path))
            .collect();
        let below = RelPath::new(path).unwrap();
        let repository = self.open();
        let overwrite = if always { Overwrite::Always } else { Overwrite::IfChanged };
        let restorer = || repository.restore(&name, &below, &self.target).overwrite(overwrite).checksum(true);
        let result =
            disturbed.around(|stop, monitor| restorer().delete(delete).stop(stop.clone()).run(monitor));
        self.canary.check();
        let report = match result {
            Ok(report) if disturbed == Interruption::Nothing || report.status() == Status::Complete => report,
            Err(error) if disturbed == Interruption::Nothing => panic!("a restore failed: {error}"),
            _ => {
                self.figures.interrupted += 1;
                restorer().delete(delete).run(&linkdest_core::Silent).unwrap()
            }
        };
        let in_the_way: Vec<_> = report.problems().iter().map(|problem| problem.path().as_bytes()).collect();
        assert!(
            report.problems().iter().all(|one| one.kind() == ProblemKind::InTheWay),
            "{:?}",
            report.problems()
        );
        assert!(in_the_way.is_empty() || !delete, "{:?}", report.problems());
        let mut found = observe(&self.target);
        found.view.retain(|path, _| {
            wanted.contains_key(path) || !expunged.iter().any(|gone| is_at_or_below(path, gone))
        });
        regroup(&mut found.view);
        let in_the_way: Vec<_> = in_the_way
            .iter()
            .filter(|place| is_at_or_below(place, below.as_bytes()))
            .map(|place| relative(place, below.as_bytes()))
            .collect();
        self.judge(&wanted, &found, delete, &in_the_way);
        self.check();
    }

    fn judge(&self, wanted: &View, found: &Observed, delete: bool, in_the_way: &[Vec<u8>]) {
        let mut restored = found.view.clone();
        if !delete {
            restored.retain(|path, _| wanted.contains_key(path));
            regroup(&mut restored);
        }
        if in_the_way.is_empty() {
            assert_same(wanted, &restored, "the target");
        }
        for (path, difference) in differences(wanted, &restored) {
            let named = in_the_way.iter().any(|place| is_at_or_below(&path, place));
            assert!(named || path_is_grouped(wanted, &path), "not named: {difference}");
        }
        let saved: BTreeSet<_> = self.known.iter().flat_map(|known| known.observed.inodes.values()).collect();
        let shared: Vec<_> = wanted
            .keys()
            .filter_map(|path| found.inodes.get(path))
            .filter(|inode| saved.contains(inode))
            .collect();
        assert!(shared.is_empty(), "the target shares inodes with the repository: {shared:?}");
    }

    /// Puts something that leads to the canary where entries will be restored to.
    fn plant(&mut self, choices: &mut Choices<'_>, wanted: &View) {
        std::fs::create_dir_all(&self.target).unwrap();
        let paths: Vec<_> = wanted.keys().filter(|path| !path.is_empty()).cloned().collect();
        for _ in 0..1 + choices.below(3) {
            let path = choices.one_of(&paths).unwrap_or_else(|| joined(b"", b"a"));
            let place = at(&self.target, &path);
            // Only where no directory of the way is missing, or something else already.
            if !place.parent().unwrap().symlink_metadata().is_ok_and(|above| above.is_dir()) {
                continue;
            }
            if place.symlink_metadata().is_ok() {
                remove_tree(&place).unwrap();
            }
            let canary = &self.canary.root;
            match choices.below(5) {
                0 => symlink(canary, &place).unwrap(),
                1 => symlink(canary.join("file"), &place).unwrap(),
                2 => std::fs::hard_link(canary.join("linked"), &place).unwrap(),
                3 => {
                    std::fs::create_dir(&place).unwrap();
                    symlink(canary.join("inner"), place.join("a")).unwrap();
                }
                _ => {
                    let fifo = rustix::fs::FileType::Fifo;
                    let mode = rustix::fs::Mode::from_raw_mode(0o600);
                    rustix::fs::mknodat(rustix::fs::CWD, &place, fifo, mode, 0).unwrap();
                }
            }
            self.say(format!("planted at {}", path.escape_ascii()));
        }
    }

    /// Puts things into the repository that are not its own.
    pub fn plant_in_repository(&mut self, choices: &mut Choices<'_>) {
        let control = self.repository.join(".linkdest");
        let canary = self.canary.root.clone();
        let what = choices.below(5);
        let place = match what {
            0 => control.join("staging/2020-01-01T000000Z"),
            1 => control.join("trash/2020-01-01T000000Z.x"),
            2 => self.repository.join("2020-01-01T000000Z"),
            3 => control.join("staging/2020-01-02T000000Z/tree"),
            _ => control.join("trash/2020-01-02T000000Z.y/inner"),
        };
        let above = place.parent().unwrap();
        if control.join("staging").is_dir()
            && control.join("trash").is_dir()
            && place.symlink_metadata().is_err()
        {
            std::fs::create_dir_all(above).unwrap();
            symlink(canary, &place).unwrap();
            self.say(format!("planted in the repository: {what}"));
        }
    }
}

/// A path as the restored tree has it.
fn relative(path: &[u8], root: &[u8]) -> Vec<u8> {
    let rest = &path[root.len()..];
    rest.strip_prefix(b"/").unwrap_or(rest).to_vec()
}

/// Of a group one name may be in the way, which makes another one its first.
fn path_is_grouped(wanted: &View, path: &[u8]) -> bool {
    wanted.get(path).is_some_and(|seen| seen.group.is_some())
}
