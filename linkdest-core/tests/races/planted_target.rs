//! An attacker in the target of a restore.

use linkdest_core::{Overwrite, RelPath, Repository, Silent, Snapshotter};
use linkdest_testkit::{Comparison, Inventory, Random};

use crate::attack::Attack;
use crate::watchdog::Watchdog;
use crate::{Scene, beyond_portable, wanted_swaps};

#[test]
fn what_is_planted_in_the_target_while_it_is_restored_leads_nowhere() {
    if beyond_portable("no race-free names") {
        return;
    }
    let (scene, watchdog) = (Scene::new(), Watchdog::new("planted in the target"));
    let report = Snapshotter::new(&scene.source, &scene.repository).init(true).run(&Silent).unwrap();
    let saved = Inventory::of(report.path().unwrap());
    let repository = Repository::open(&scene.repository).unwrap();
    let lair = scene.dir.join("lair");
    std::fs::create_dir(&lair).unwrap();
    let restore = |delete: bool, overwrite| {
        let restorer = repository.restore(report.snapshot().unwrap(), &RelPath::root(), &scene.target);
        restorer.delete(delete).overwrite(overwrite).run(&Silent)
    };
    let (canary, linked) = (scene.canary.clone(), scene.dir.join("linked"));
    let attack = Attack { lair, canary, linked, random: Random::new(31) };
    let (mut round, mut failed) = (0_u32, 0);
    let (swaps, runs) = attack.during(&mut |attack| attack.plant(&scene.target), wanted_swaps(), || {
        let overwrite = if round % 2 == 0 { Overwrite::IfChanged } else { Overwrite::Always };
        failed += u32::from(restore(round % 3 == 0, overwrite).is_err());
        if round % 7 == 0 {
            std::fs::rename(&scene.target, scene.dir.join(format!("gone-{round}"))).unwrap();
        }
        round += 1;
        watchdog.beat();
    });
    scene.check();
    saved.assert_unchanged(&Inventory::of(report.path().unwrap()));
    restore(true, Overwrite::Always).unwrap();
    Comparison::new().assert_same(&scene.source, &scene.target);
    scene.check();
    println!("planted in the target: {swaps} swaps, {runs} restores, {failed} of them failed");
}
