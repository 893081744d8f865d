//! Several runs at once into one repository, and one beside a stopped one.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::rounds;
use crate::scene::Scene;

#[test]
fn runs_at_once_wait_or_refuse_and_all_that_is_published_is_whole() {
    let mut scene = Scene::new(None, 5);
    let (mut published, mut refused) = (0, 0);
    for round in 0..rounds(10) {
        scene.edit();
        let many = 2 + scene.random.below(7);
        let children: Vec<_> = (0..many)
            .map(|number| {
                let wait = if number % 2 == 0 { "1m" } else { "0s" };
                let arguments = ["snapshot", "SOURCE", "REPO", "-q", "--lock-wait", wait];
                (number, scene.command(&arguments).spawn().unwrap())
            })
            .collect();
        let mut done = 0;
        for (number, mut child) in children {
            match child.wait().unwrap().code() {
                Some(0) => done += 1,
                Some(11) if number % 2 == 1 => refused += 1,
                code => panic!("round {round}: {code:?}"),
            }
        }
        assert_eq!(scene.check(&format!("{many} at once in round {round}")).len(), done);
        published += done;
        if round % 4 == 0 {
            scene.tidy();
        }
    }
    println!("{published} published, {refused} refused");
    assert!(published > 0);
}

#[test]
fn a_run_beside_a_stopped_one_is_refused_and_works_once_that_was_killed() {
    let mut scene = Scene::new(None, 6);
    let mut stopped = 0;
    for round in 0..rounds(4) {
        scene.edit();
        let mut first = scene.command(&["snapshot", "SOURCE", "REPO", "-q"]).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(scene.random.below(12_000)));
        kill_process(Pid::from_child(&first), Signal::STOP).unwrap();
        let holds = first.try_wait().unwrap().is_none();
        let second = scene.command(&["snapshot", "SOURCE", "REPO", "-q"]).output().unwrap();
        let code = second.status.code();
        assert!(matches!(code, Some(0 | 11)), "{}", String::from_utf8_lossy(&second.stderr));
        stopped += u64::from(holds && code == Some(11));
        first.kill().unwrap();
        first.wait().unwrap();
        scene.check(&format!("beside a stopped one in round {round}"));
        scene.recover("after that was killed");
    }
    println!("{stopped} were refused");
}
