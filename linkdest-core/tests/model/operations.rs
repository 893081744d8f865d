//! What is done with the repository, and what must come of it.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use linkdest_core::filter::FilterBuilder;
use linkdest_core::{
    Checksum, ErrorKind, Expunging, Filtering, KeepRules, Quick, Reindexer, RelPath, Removal, SnapshotName,
    SnapshotReport, Snapshotter, Status, Strict, Verifier,
};
use linkdest_testkit::remove_tree;

use super::choices::Choices;
use super::interruption::Interruption;
use super::naive::{Kind, Seen, differences, is_at_or_below};
use super::observe::observe;
use super::world::{Known, World, assert_same};

/// Which entries a snapshot is of: in rsync's words, and in ours.
#[derive(Clone, Copy)]
pub struct Rules {
    pub name: &'static str,
    make: fn(FilterBuilder) -> FilterBuilder,
    pub takes_part: fn(&[u8], bool) -> bool,
}

pub const RULES: &[Rules] = &[
    Rules { name: "all", make: |all| all, takes_part: |_, _| true },
    Rules { name: "- *.x", make: |all| all.exclude("*.x"), takes_part: |path, _| !path.ends_with(b".x") },
    Rules { name: "- /a/", make: |all| all.rule("- /a/"), takes_part: |path, dir| !(path == b"a" && dir) },
    Rules {
        name: "only *.x",
        make: |all| all.include("*/").include("*.x").exclude("*"),
        takes_part: |path, dir| dir || path.ends_with(b".x"),
    },
    Rules {
        name: "- c/b",
        make: |all| all.rule("- c/b"),
        takes_part: |path, _| !(path == b"c/b" || path.ends_with(b"/c/b")),
    },
];

impl World {
    /// Takes a snapshot in some way and judges it.
    pub fn snapshot(&mut self, choices: &mut Choices<'_>, disturbed: Interruption) {
        let rules = if choices.one_in(3) { choices.one_of(RULES).unwrap() } else { RULES[0] };
        let mut snapshotter = Snapshotter::new(&self.source.root, &self.repository);
        snapshotter = snapshotter.init(true).allow_empty(true).sync(choices.one_in(4)).reserve(0);
        let policy = choices.below(6);
        snapshotter = match policy {
            4 => snapshotter.policy(Strict::default()),
            5 => snapshotter.policy(Checksum::default()),
            _ => snapshotter.policy(Quick::default()),
        };
        let filter = (rules.make)(FilterBuilder::new()).build_without_files().unwrap();
        snapshotter = snapshotter.filter(Filtering::from(filter));
        let threads = [1, 1, 1, 2, 3][choices.below(5)];
        snapshotter = snapshotter.threads(NonZeroUsize::new(threads).unwrap());
        if choices.one_in(5) {
            snapshotter = snapshotter.descriptors(NonZeroUsize::new(16).unwrap());
        }
        let link_dest = choices.one_of(&self.names()).filter(|_| choices.one_in(6) && self.times_tell());
        if let Some(reference) = &link_dest {
            snapshotter = snapshotter.link_dest(self.tree(reference));
        }
        let dry = choices.one_in(12);
        self.say(format!(
            "snapshot: {}, policy {policy}, {threads} threads, dry {dry}, link-dest {link_dest:?}, {disturbed:?}",
            rules.name
        ));
        let result =
            disturbed.around(|stop, monitor| snapshotter.dry_run(dry).stop(stop.clone()).run(monitor));
        match result {
            Ok(_) if dry => self.check(),
            Ok(report) => self.published(&report, rules, disturbed),
            Err(error) => {
                assert_ne!(disturbed, Interruption::Nothing, "a snapshot failed: {error} {error:?}");
                self.figures.interrupted += 1;
                self.not_published(rules, disturbed);
            }
        }
    }

    /// Whether the newest snapshot knows all that has other bytes behind the size and time of an earlier version: a
    /// `--link-dest` directory alone knows of no change times.
    fn times_tell(&self) -> bool {
        let tree = &self.source.tree;
        let mut disguised = tree.names.iter().filter(|(_, inode)| tree.inodes[**inode].disguised);
        let newest = self.known.last();
        disguised.all(|(path, _)| {
            newest.is_some_and(|newest| newest.whole && newest.observed.view.contains_key(path))
        })
    }

    fn published(&mut self, report: &SnapshotReport, rules: Rules, disturbed: Interruption) {
        self.figures.snapshots += 1;
        let expected = self.source.tree.view(&rules.takes_part);
        let observed = observe(report.path().unwrap());
        if report.status() == Status::Complete {
            assert_same(&expected, &observed.view, "the snapshot");
        } else {
            assert_ne!(disturbed, Interruption::Nothing, "{:?}", report.problems());
            let named = |path: &[u8]| {
                report.problems().iter().any(|problem| is_at_or_below(path, problem.path().as_bytes()))
            };
            for (path, difference) in differences(&expected, &observed.view) {
                let group = expected.get(&path).and_then(|seen| seen.group.as_ref());
                let in_group = |seen: &Seen| group.is_some() && seen.group.as_ref() == group;
                let named = named(&path) || expected.iter().any(|(path, seen)| in_group(seen) && named(path));
                assert!(named, "not named: {difference}: {:?}", report.problems());
            }
        }
        let whole = disturbed == Interruption::Nothing;
        self.take_up(report.snapshot().unwrap().clone(), observed, whole);
        self.check();
        if whole {
            self.check_tidy();
        }
    }

    /// The next command that writes finishes what was begun.
    fn repair(&self) {
        self.open().delete(&[]).unwrap();
    }

    /// Adds a snapshot to what must be there, and sees that it shares what it can.
    fn take_up(&mut self, name: SnapshotName, observed: super::observe::Observed, whole: bool) {
        let tree = &self.source.tree;
        let origin: BTreeMap<_, _> = observed
            .view
            .keys()
            .filter_map(|path| {
                tree.names.get(path).map(|inode| (path.clone(), (*inode, tree.inodes[*inode].version)))
            })
            .collect();
        if let Some(last) = self.known.last().filter(|last| last.whole && whole) {
            for (path, seen) in observed.view.iter().filter(|(_, seen)| matches!(seen.kind, Kind::File(_))) {
                let alone = seen.group.is_none() && tree.links(path) == 1;
                let before = last.observed.view.get(path).is_some_and(|before| before == seen);
                if alone && before && last.origin.get(path) == origin.get(path) {
                    let inodes = [&last.observed, &observed].map(|one| one.inodes[path]);
                    assert_eq!(inodes[0], inodes[1], "{} was not linked", path.escape_ascii());
                    self.figures.shared += 1;
                }
            }
        }
        self.known.push(Known { name, observed, origin, pinned: false, whole, expunged: BTreeSet::new() });
    }

    /// A run failed: it left nothing, or, where it ended on the way, perhaps the whole snapshot.
    fn not_published(&mut self, rules: Rules, disturbed: Interruption) {
        let expected: BTreeSet<_> = self.known.iter().map(|known| known.name.to_string()).collect();
        let new: Vec<_> = self.on_disk().difference(&expected).cloned().collect();
        if let ([new], true) = (&new[..], disturbed.is_end()) {
            let mut view = self.source.tree.view(&rules.takes_part);
            let mut observed = observe(&self.repository.join(new));
            // The next command gives the root its mode; it was written down which.
            let mode = view[&b""[..]].mode;
            view.get_mut(&b""[..]).unwrap().mode = observed.view[&b""[..]].mode;
            assert_same(&view, &observed.view, "the snapshot of a run that ended");
            observed.view.get_mut(&b""[..]).unwrap().mode = mode;
            self.take_up(new.parse().unwrap(), observed, false);
            self.repair();
        }
        self.check();
    }

    /// Deletes snapshots, some of which may be protected.
    pub fn delete(&mut self, choices: &mut Choices<'_>, disturbed: Interruption) {
        let names: BTreeSet<_> =
            (0..1 + choices.below(2)).filter_map(|_| choices.one_of(&self.names())).collect();
        let names: Vec<_> = names.into_iter().collect();
        if names.is_empty() {
            return;
        }
        self.say(format!("delete {names:?}, {disturbed:?}"));
        self.figures.removals += 1;
        let pinned = self.known.iter().any(|known| known.pinned && names.contains(&known.name));
        let protected = pinned || names.len() == self.known.len();
        let repository = self.open();
        let result = disturbed
            .around(|stop, _| repository.delete_with(&names, &Removal::default().stop(stop.clone())));
        match result {
            Ok(deleted) => {
                assert!(!protected, "what is protected was deleted");
                assert_eq!(deleted.snapshots(), names);
                self.known.retain(|known| !names.contains(&known.name));
                self.check();
            }
            Err(error) if error.kind() == ErrorKind::Protected => {
                assert!(protected, "{error}");
                self.check();
            }
            Err(error) => {
                assert_ne!(disturbed, Interruption::Nothing, "a deletion failed: {error}");
                self.figures.interrupted += 1;
                self.settle_removal(if protected { &[] } else { &names });
            }
        }
    }

    /// Forgets all but the last ones.
    pub fn forget(&mut self, choices: &mut Choices<'_>, disturbed: Interruption) {
        let last = 1 + choices.below(3);
        self.say(format!("forget all but {last}, {disturbed:?}"));
        self.figures.removals += 1;
        let repository = self.open();
        let plan = repository.plan_forget(&KeepRules::default().last(u32::try_from(last).unwrap())).unwrap();
        let going = plan.removed();
        let old = self.known.len().saturating_sub(last);
        let expected = self.known[..old].iter().filter(|known| !known.pinned).map(|known| &known.name);
        if self.known.iter().all(|known| known.whole) {
            assert_eq!(going, expected.cloned().collect::<Vec<_>>());
        }
        let result = disturbed.around(|_, _| repository.forget(&plan));
        match result {
            Ok(deleted) => {
                assert!(disturbed != Interruption::Nothing || deleted.snapshots() == going);
                self.known.retain(|known| !deleted.snapshots().contains(&known.name));
                return self.check();
            }
            Err(error) => assert_ne!(disturbed, Interruption::Nothing, "forgetting failed: {error}"),
        }
        self.figures.interrupted += 1;
        self.settle_removal(&going);
    }

    /// Pins or unpins a snapshot.
    pub fn pin(&mut self, choices: &mut Choices<'_>) {
        let Some(name) = choices.one_of(&self.names()) else { return };
        let repository = self.open();
        let known = self.known.iter_mut().find(|known| known.name == name).unwrap();
        known.pinned = !known.pinned;
        let done = if known.pinned { repository.pin(&name) } else { repository.unpin(&name) };
        assert!(done.unwrap());
        self.say(format!("pin or unpin {name}"));
    }

    /// Another tool removes a snapshot.
    pub fn remove_by_hand(&mut self, choices: &mut Choices<'_>) {
        if self.known.len() > 1
            && let Some(name) = choices.one_of(&self.names())
        {
            self.say(format!("rm -r {name}"));
            remove_tree(&self.tree(&name)).unwrap();
            self.known.retain(|known| known.name != name);
        }
    }

    /// Removes a path from snapshots that stay.
    pub fn expunge(&mut self, choices: &mut Choices<'_>, disturbed: Interruption) {
        let Some(from) = choices.one_of(&self.names()) else { return };
        let view = &self.known.iter().find(|known| known.name == from).unwrap().observed.view;
        let paths: Vec<_> = view.keys().filter(|path| !path.is_empty()).cloned().collect();
        let Some(path) = choices.one_of(&paths) else { return };
        let (links, everywhere) = (choices.one_in(2), choices.one_in(2));
        self.say(format!("expunge {}, links {links}, all {everywhere}, {disturbed:?}", path.escape_ascii()));
        self.figures.removals += 1;
        let mut how = Expunging::default().links(links);
        if !everywhere {
            how = how.snapshot(from.clone());
        }
        let after: Vec<_> = self
            .known
            .iter()
            .map(|known| {
                let gone = if everywhere || known.name == from {
                    gone(known, &path, links)
                } else {
                    BTreeSet::new()
                };
                (known.without(&gone), gone)
            })
            .collect();
        let repository = self.open();
        let below = RelPath::new(path).unwrap();
        let result = disturbed.around(|stop, _| {
            repository.expunge_with(&below, &how.removal(Removal::default().stop(stop.clone())))
        });
        if let Err(error) = &result {
            assert_ne!(disturbed, Interruption::Nothing, "expunging failed: {error}");
            self.figures.interrupted += 1;
            self.repair();
            let as_before = self.known.iter().all(|known| observe(&self.tree(&known.name)) == known.observed);
            if as_before {
                return self.check();
            }
        }
        for (known, (after, gone)) in self.known.iter_mut().zip(after) {
            known.observed = after;
            known.expunged.extend(gone);
        }
        self.check();
    }

    /// Checks everything: nothing may be found.
    pub fn verify(&mut self, disturbed: Interruption) {
        self.say(format!("verify, {disturbed:?}"));
        let repository = self.open();
        let result =
            disturbed.around(|stop, monitor| Verifier::new(&repository).stop(stop.clone()).run(monitor));
        match result {
            Ok(report) if disturbed == Interruption::Nothing => {
                assert_eq!(report.findings(), [], "verify found something");
                assert_eq!(report.problems(), [], "verify had problems");
            }
            Err(error) => assert_ne!(disturbed, Interruption::Nothing, "verify failed: {error}"),
            Ok(_) => {}
        }
        self.check();
        if disturbed != Interruption::Nothing {
            self.figures.interrupted += 1;
            self.verify(Interruption::Nothing);
        }
    }

    /// Loses manifests and has them made anew.
    pub fn reindex(&mut self, choices: &mut Choices<'_>, disturbed: Interruption) {
        let lost = choices.one_in(2);
        self.say(format!("reindex, lost {lost}, {disturbed:?}"));
        if lost {
            for entry in std::fs::read_dir(self.repository.join(".linkdest/manifests")).unwrap() {
                std::fs::remove_file(entry.unwrap().path()).unwrap();
            }
        }
        let repository = self.open();
        let result = disturbed
            .around(|stop, monitor| Reindexer::new(&repository).all(true).stop(stop.clone()).run(monitor));
        match result {
            Ok(report) if disturbed == Interruption::Nothing => assert_eq!(report.problems(), []),
            Err(error) => assert_ne!(disturbed, Interruption::Nothing, "reindex failed: {error}"),
            Ok(_) => {}
        }
        self.check();
    }
}

/// What goes with a path: what is below it, and with `links` the other names of the same inodes.
fn gone(known: &Known, path: &[u8], links: bool) -> BTreeSet<Vec<u8>> {
    let view = &known.observed.view;
    let mut gone: BTreeSet<_> = view.keys().filter(|one| is_at_or_below(one, path)).cloned().collect();
    if links {
        let groups: BTreeSet<_> = gone.iter().filter_map(|one| view[one].group.clone()).collect();
        let others =
            view.iter().filter(|(_, seen)| seen.group.as_ref().is_some_and(|group| groups.contains(group)));
        gone.extend(others.map(|(path, _)| path.clone()));
    }
    gone
}
