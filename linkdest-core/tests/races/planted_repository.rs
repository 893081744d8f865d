//! An attacker in the repository, while snapshots are made and deleted there. What is saved then is at the attacker's
//! mercy; what lies outside is not.

use std::io;
use std::path::Path;

use linkdest_core::{Repository, Silent, Snapshotter, Status};
use linkdest_testkit::{Comparison, Random};

use crate::attack::Attack;
use crate::watchdog::Watchdog;
use crate::{Scene, assert_no_secret, beyond_portable, wanted_swaps};

fn attack(scene: &Scene, seed: u64) -> Attack {
    let lair = scene.dir.join("lair");
    std::fs::create_dir(&lair).unwrap();
    let (canary, linked) = (scene.canary.clone(), scene.dir.join("linked"));
    Attack { lair, canary, linked, random: Random::new(seed) }
}

/// Plants something in one of the trees that lie in a directory.
fn plant_in_one_of(attack: &mut Attack, above: &Path, tree: &str) -> io::Result<()> {
    let all: Vec<_> = std::fs::read_dir(above)?.collect::<Result<_, _>>()?;
    if all.is_empty() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let one = attack.random.one_of(&all).path();
    attack.plant(&one.join(tree))
}

fn quiet_run_is_exact(scene: &Scene) {
    let report = Snapshotter::new(&scene.source, &scene.repository).run(&Silent).unwrap();
    assert_eq!(report.status(), Status::Complete, "{:?}", report.problems());
    Comparison::new().assert_same(&scene.source, report.path().unwrap());
    assert_no_secret(report.path().unwrap());
}

#[test]
fn what_is_planted_in_staging_leads_nowhere() {
    if beyond_portable("no race-free names") {
        return;
    }
    let (scene, watchdog) = (Scene::new(), Watchdog::new("planted in staging"));
    let take = || Snapshotter::new(&scene.source, &scene.repository).init(true).sync(false).run(&Silent);
    let first = take().unwrap();
    let staging = scene.repository.join(".linkdest/staging");
    let (mut runs, mut failed, mut with_problems) = (0, 0, 0);
    let attack = attack(&scene, 21);
    let (swaps, runs) =
        attack.during(&mut |attack| plant_in_one_of(attack, &staging, "tree"), wanted_swaps(), || {
            match take() {
                Ok(report) => {
                    with_problems += u32::from(report.status() == Status::Problems);
                    runs += 1;
                    // The attacker may have been in it until now.
                    std::fs::rename(report.path().unwrap(), scene.dir.join(format!("gone-{runs}"))).unwrap();
                }
                Err(_) => failed += 1,
            }
            watchdog.beat();
        });
    scene.check();
    Comparison::new().assert_same(&scene.source, first.path().unwrap());
    quiet_run_is_exact(&scene);
    scene.check();
    println!(
        "planted in staging: {swaps} swaps, {runs} runs and {failed} that failed, {with_problems} with problems"
    );
}

#[test]
fn what_is_planted_where_snapshots_are_removed_leads_nowhere() {
    if beyond_portable("no race-free names") {
        return;
    }
    let (scene, watchdog) = (Scene::new(), Watchdog::new("planted in the trash"));
    let take = || Snapshotter::new(&scene.source, &scene.repository).init(true).sync(false).run(&Silent);
    take().unwrap();
    let trash = scene.repository.join(".linkdest/trash");
    let attack = attack(&scene, 22);
    let (swaps, runs) = attack.during(
        &mut |attack| plant_in_one_of(attack, &trash, ""),
        // These directories are there for a moment only.
        wanted_swaps() / 4,
        || {
            let name = take().unwrap().snapshot().unwrap().clone();
            let _ = Repository::open(&scene.repository).unwrap().delete(&[name]);
            watchdog.beat();
        },
    );
    scene.check();
    quiet_run_is_exact(&scene);
    println!("planted in the trash: {swaps} swaps, {runs} runs");
}
