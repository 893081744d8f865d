//! kill -9 at many points.

use std::process::Child;
use std::time::Duration;

use linkdest_testkit::Inventory;

use crate::rounds;
use crate::scene::Scene;

/// Kills a process after some part of the time that it needs when it is left alone.
fn kill_within(scene: &mut Scene, mut child: Child, whole: Duration) -> bool {
    let limit = u64::try_from(whole.as_micros()).unwrap();
    std::thread::sleep(Duration::from_micros(scene.random.below(limit)));
    child.kill().unwrap();
    !child.wait().unwrap().success()
}

#[test]
fn snapshots_killed_at_many_points_lose_nothing() {
    let mut scene = Scene::new(None, 1);
    let mut whole = scene.recover("alone");
    let (wanted, mut killed, mut round) = (rounds(25), 0, 0);
    while killed < wanted {
        scene.edit();
        let child = scene.command(&["snapshot", "SOURCE", "REPO", "-q"]).spawn().unwrap();
        let in_time = kill_within(&mut scene, child, whole);
        killed += u64::from(in_time);
        // On a busy machine a run takes now longer, now shorter than it did.
        whole = if in_time { whole.mul_f64(1.02) } else { whole.mul_f64(0.95) };
        let what = format!("killed in round {round}");
        scene.check(&what);
        if round % 3 == 0 {
            scene.recover(&what);
        }
        if round % 10 == 0 {
            scene.recover(&what);
            scene.tidy();
        }
        round += 1;
        assert!(round < wanted * 10 + 100, "{killed} of {round}: killed too late");
    }
    scene.recover("at the end");
    scene.tidy();
    println!("{killed} of {round} snapshots killed");
}

#[test]
fn deletions_killed_at_many_points_leave_a_whole_snapshot_or_none() {
    let mut scene = Scene::new(None, 2);
    let (all, mut gone) = (rounds(10), 0);
    for round in 0..all {
        scene.edit();
        scene.recover("before a deletion");
        let name = scene.oldest();
        let known = scene.forget(&name);
        let child = scene.command(&["delete", "-qy", "REPO", &name]).spawn().unwrap();
        kill_within(&mut scene, child, Duration::from_millis(30));
        let tree = scene.repository.join(&name);
        if tree.exists() {
            known.assert_unchanged(&Inventory::of(&tree).mounted_anywhere());
            scene.remember(&name, known);
        } else {
            gone += 1;
        }
        scene.check(&format!("deletion killed in round {round}"));
    }
    scene.recover("at the end");
    println!("{gone} of {all} deletions had begun");
}

#[test]
fn restores_killed_at_many_points_can_be_done_again_and_touch_no_snapshot() {
    let mut scene = Scene::new(None, 3);
    let target = scene.dir.join("target");
    let restore = |scene: &Scene| {
        let mut command = scene.command(&["restore", "REPO", "latest"]);
        command.arg(&target).arg("-q");
        command
    };
    for round in 0..rounds(10) {
        if round % 4 == 0 && target.exists() {
            linkdest_testkit::remove_tree(&target).unwrap();
        }
        let child = restore(&scene).spawn().unwrap();
        kill_within(&mut scene, child, Duration::from_millis(60));
        scene.check(&format!("restore killed in round {round}"));
        if round % 2 == 0 {
            let output = restore(&scene).output().unwrap();
            assert!(output.status.success(), "round {round}: {}", String::from_utf8_lossy(&output.stderr));
            linkdest_testkit::assert_same(&scene.source, &target);
        }
    }
}

#[test]
fn replicating_killed_at_many_points_goes_on_and_ends_equal() {
    let mut scene = Scene::new(None, 4);
    for _ in 0..4 {
        scene.edit();
        scene.recover("before replicating");
    }
    let second = scene.dir.join("second");
    let replicate = |scene: &Scene| {
        let mut command = scene.command(&["replicate", "--init", "-q", "REPO"]);
        command.arg(&second);
        command
    };
    let begun = std::time::Instant::now();
    assert!(replicate(&scene).status().unwrap().success());
    let mut whole = begun.elapsed();
    linkdest_testkit::remove_tree(&second).unwrap();
    let (all, mut killed) = (rounds(20), 0);
    let trees = || {
        let whole = linkdest_testkit::Comparison::new().root_attributes(false);
        whole.skip_path(".linkdest").skip_path("latest")
    };
    for round in 0..all {
        let child = replicate(&scene).spawn().unwrap();
        let in_time = kill_within(&mut scene, child, whole);
        killed += u64::from(in_time);
        // On a busy machine it takes now longer, now shorter than it did.
        whole = if in_time { whole.mul_f64(1.02) } else { whole.mul_f64(0.7) };
        scene.check(&format!("replicating killed in round {round}"));
        let there: Vec<_> = scene.names().into_iter().filter(|name| second.join(name).exists()).collect();
        for name in &there {
            linkdest_testkit::assert_same(&scene.repository.join(name), &second.join(name));
        }
        if there.len() == scene.names().len() || round + 1 == all {
            assert!(replicate(&scene).status().unwrap().success(), "round {round}");
            trees().assert_same(&scene.repository, &second);
            for place in ["staging", "trash"] {
                let left = std::fs::read_dir(second.join(".linkdest").join(place));
                assert_eq!(left.map_or(0, Iterator::count), 0, "round {round}: {place}");
            }
            linkdest_testkit::remove_tree(&second).unwrap();
        }
    }
    println!("{killed} of {all} replications killed");
    assert!(killed * 3 > all, "{killed} of {all}: killed too late");
}
