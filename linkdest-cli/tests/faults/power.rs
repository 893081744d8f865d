//! Power cuts: the file system stops without writing its log, and is mounted again.

use std::time::Duration;

use linkdest_testkit::{FileSystem, LoopMount, skip};

use crate::rounds;
use crate::scene::Scene;

fn cut_many_times(file_system: FileSystem) {
    let mount = match LoopMount::new(file_system) {
        Ok(mount) => mount,
        Err(unavailable) => return skip(unavailable),
    };
    let mut scene = Scene::new(Some(mount.path()), 4);
    let whole = u64::try_from(scene.recover("alone").as_micros()).unwrap();
    let (all, mut acknowledged) = (rounds(5), 0);
    for round in 0..all {
        scene.edit();
        let mut child = scene.command(&["snapshot", "SOURCE", "REPO", "-q"]).spawn().unwrap();
        let before = scene.names();
        // Every third cut comes right after the run said that it was done.
        if round % 3 == 2 {
            assert!(child.wait().unwrap().success());
        } else {
            std::thread::sleep(Duration::from_micros(scene.random.below(whole)));
        }
        if let Err(reason) = mount.cut_power() {
            let _ = child.kill();
            child.wait().unwrap();
            return skip(reason);
        }
        let done = child.wait().unwrap().success();
        mount.mount_again().unwrap();
        let what = format!("{file_system:?}, cut {round}");
        let new = scene.check(&what).len();
        // In the first round the run may have published before the names were read.
        assert!(!done || new == 1 || before.len() < scene.names().len() || round == 0, "{what}: not there");
        acknowledged += u64::from(done);
        scene.recover(&what);
        if round % 5 == 4 {
            scene.tidy();
        }
    }
    scene.tidy();
    println!("{file_system:?}: {all} power cuts, {acknowledged} of them after success");
}

#[test]
fn power_cuts_on_ext4_lose_no_acknowledged_snapshot() {
    cut_many_times(FileSystem::Ext4);
}

#[test]
fn power_cuts_on_xfs_lose_no_acknowledged_snapshot() {
    cut_many_times(FileSystem::Xfs);
}
