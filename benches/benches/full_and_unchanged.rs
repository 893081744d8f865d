//! A first and an unchanged snapshot beside `rsync` and `cp`, in turn, each on a file system of its own.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a measurement stops where an assumption fails"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

use linkdest_benches::{Taken, median, run};
use linkdest_testkit::{FileSystem, LoopMount};

/// Rounds; the first is dropped.
const ROUNDS: usize = 6;

/// One tool and its ways of making the first and the next copy.
struct Peer {
    name: &'static str,
    full: Option<fn(&Setup) -> Command>,
    unchanged: Option<fn(&Setup) -> Command>,
}

/// Where one round happens.
struct Setup {
    linkdest: PathBuf,
    source: PathBuf,
    target: PathBuf,
}

/// Every command ends with a flush of the target, as linkdest does by itself.
fn flushed(setup: &Setup, command: &str) -> Command {
    let mut shell = Command::new("sh");
    shell
        .arg("-c")
        .arg(format!("{command} && sync -f \"$2\""))
        .arg("sh")
        .arg(&setup.source)
        .arg(&setup.target);
    shell
}

fn snapshot(setup: &Setup) -> Command {
    let mut command = Command::new(&setup.linkdest);
    command.args(["snapshot", "--init", "-q"]).arg(&setup.source).arg(setup.target.join("repository"));
    command
}

const PEERS: &[Peer] = &[
    Peer { name: "linkdest", full: Some(snapshot), unchanged: Some(snapshot) },
    Peer {
        name: "rsync",
        full: Some(|setup| flushed(setup, "rsync -aHAX \"$1/\" \"$2/first/\"")),
        unchanged: Some(|setup| {
            flushed(setup, "rm -rf \"$2/next\"; rsync -aHAX --link-dest=\"$2/first\" \"$1/\" \"$2/next/\"")
        }),
    },
    Peer {
        name: "cp",
        full: Some(|setup| flushed(setup, "cp -a \"$1\" \"$2/first\"")),
        unchanged: Some(|setup| flushed(setup, "cp -al \"$2/first\" \"$2/next-$$\"")),
    },
];

fn installed(peer: &Peer) -> bool {
    peer.name == "linkdest" || Command::new(peer.name).arg("--version").output().is_ok()
}

fn build() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built =
        Command::new(cargo).args(["build", "--release", "-q", "-p", "linkdest-cli"]).status().unwrap();
    assert!(built.success(), "linkdest does not build");
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"));
    target.join("release/linkdest").canonicalize().unwrap()
}

/// Runs all peers in turn for some rounds; full copies each on a fresh file system, unchanged ones on that of the last.
fn main() {
    let source = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let source =
        PathBuf::from(source.unwrap_or_else(|| "/usr".to_owned())).canonicalize().expect("the source");
    let linkdest = build();
    let peers: Vec<&Peer> = PEERS.iter().filter(|peer| installed(peer)).collect();
    let mut full: Vec<Vec<Taken>> = peers.iter().map(|_| Vec::new()).collect();
    let mut unchanged = full.clone();
    for _ in 0..ROUNDS {
        for (index, peer) in peers.iter().enumerate() {
            let mount = LoopMount::with(FileSystem::Ext4, 16 << 30, &[]).expect("a fresh ext4 needs root");
            let setup =
                Setup { linkdest: linkdest.clone(), source: source.clone(), target: mount.path().to_owned() };
            if let (Some(first), Some(next)) = (peer.full, peer.unchanged) {
                full[index].push(run(&mut first(&setup)).unwrap());
                unchanged[index].push(run(&mut next(&setup)).unwrap());
            }
        }
    }
    println!("{} rounds, the first dropped, medians; source {}", ROUNDS, source.display());
    for (what, taken) in [("full", &full), ("unchanged", &unchanged)] {
        let own = taken.first().map(|rounds| seconds(rounds)).unwrap_or_default();
        // The peers run below a shell, whose memory says nothing.
        let peak = taken.first().into_iter().flatten().map(|one| one.peak).max().unwrap_or(0);
        println!("{what:10} peak memory of linkdest {} KiB", peak >> 10);
        for (peer, rounds) in peers.iter().zip(taken) {
            let wall = seconds(rounds);
            let ratio = wall / own;
            println!("{what:10} {:10} {wall:8.2} s   {ratio:5.2} times linkdest", peer.name);
        }
    }
}

fn seconds(rounds: &[Taken]) -> f64 {
    median(rounds.iter().map(|one| one.wall.as_secs_f64()).collect())
}
