//! A source that is written to, renamed in and replaced while it is saved.

use std::io::{self, Write as _};
use std::os::unix::fs::symlink;
use std::path::Path;

use linkdest_core::{Silent, Snapshotter, Status};
use linkdest_testkit::{Comparison, Inventory, Random, remove_tree};
use rustix::fs::{CWD, FileType, Mode};

use crate::attack::Attack;
use crate::watchdog::Watchdog;
use crate::{Scene, assert_no_secret, beyond_portable, wanted_swaps};

/// What changes places with what is beside the source: three directories with symlinks to the canary, and files with
/// FIFOs and symlinks. Nothing is ever written through these.
fn prepare(scene: &Scene) {
    let lair = scene.dir.join("lair");
    std::fs::create_dir(&lair).unwrap();
    for number in 0..3 {
        symlink(scene.canary.join(format!("d{number}")), lair.join(format!("d{number}"))).unwrap();
    }
    let fifo = |name: &str| {
        rustix::fs::mknodat(CWD, lair.join(name), FileType::Fifo, Mode::from_raw_mode(0o644), 0).unwrap();
    };
    fifo("f0");
    fifo("f1");
    symlink(scene.canary.join("d3/f2"), lair.join("f2")).unwrap();
}

/// Changes something in the source, as others do while a backup runs.
fn step(attack: &mut Attack, source: &Path) -> io::Result<()> {
    let number = attack.random.below(3);
    let quiet = source.join("d3");
    let written = source.join("d4").join(format!("f{}", attack.random.below(5)));
    match attack.random.below(8) {
        0..=2 => {
            let name = format!("d{number}");
            attack.exchange(&source.join(&name), &attack.lair.join(&name))
        }
        3 | 4 => {
            let name = format!("f{number}");
            attack.exchange(&quiet.join(&name), &attack.lair.join(&name))
        }
        5 => {
            let length = attack.random.below(9000);
            std::fs::OpenOptions::new().write(true).open(&written)?.set_len(length)
        }
        6 => {
            let bytes = attack.random.bytes(3000);
            std::fs::OpenOptions::new().append(true).open(&written)?.write_all(&bytes)
        }
        _ => {
            let [one, other] = ["d4/f1", "d5/moved"].map(|name| source.join(name));
            std::fs::rename(&one, &other).or_else(|_| std::fs::rename(&other, &one))
        }
    }
}

#[test]
fn a_source_that_moves_leads_nowhere_and_a_quiet_run_saves_it_exactly() {
    if beyond_portable("no race-free names") {
        return;
    }
    let (scene, watchdog) = (Scene::new(), Watchdog::new("moving source"));
    prepare(&scene);
    let attack = Attack {
        lair: scene.dir.join("lair"),
        canary: scene.canary.clone(),
        linked: scene.dir.join("linked"),
        random: Random::new(11),
    };
    let mut kept: Vec<(std::path::PathBuf, Inventory)> = Vec::new();
    let mut with_problems = 0;
    let (swaps, runs) = attack.during(&mut |attack| step(attack, &scene.source), wanted_swaps(), || {
        let report =
            Snapshotter::new(&scene.source, &scene.repository).init(true).sync(false).run(&Silent).unwrap();
        let path = report.path().unwrap().to_owned();
        assert_no_secret(&path);
        with_problems += u32::from(report.status() == Status::Problems);
        kept.push((path, Inventory::of(report.path().unwrap())));
        if kept.len() > 4 {
            let (old, inventory) = kept.remove(1);
            inventory.assert_unchanged(&Inventory::of(&old));
            remove_tree(&old).unwrap();
        }
        watchdog.beat();
    });
    scene.check();
    let report = Snapshotter::new(&scene.source, &scene.repository).run(&Silent).unwrap();
    assert_eq!(report.status(), Status::Complete, "{:?}", report.problems());
    Comparison::new().assert_same(&scene.source, report.path().unwrap());
    for (path, inventory) in &kept {
        inventory.assert_unchanged(&Inventory::of(path));
    }
    scene.check();
    println!("moving source: {swaps} swaps, {runs} runs, {with_problems} of them with problems");
}
