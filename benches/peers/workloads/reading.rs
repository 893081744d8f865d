//! Comparing snapshots, and checking them.

use std::cell::Cell;
use std::path::Path;
use std::process::Command;
use std::rc::Rc;

use super::Workload;
use crate::Result;
use crate::contender::{Contender, Make, Prepare, Saving};
use crate::edits::change_one_percent;
use crate::ground::Ground;
use crate::peer::{PEERS, Peer, borg, repository, restic, with_slash};
use crate::snapshots::snapshots;
use crate::source::Source;

/// Reads every file, as many at a time as there are cores.
const SUMS: &str = r#"find "$1" -type f -print0 | xargs -0 -n 500 -P "$(nproc)" sha256sum"#;

fn peer(name: &str) -> Result<&'static Peer> {
    Ok(PEERS.iter().find(|peer| peer.name == name).ok_or("an unknown program")?)
}

/// Ends a workload's setting: the source lives as long as it does.
fn keeping(source: Rc<Source>) -> impl FnMut(usize) -> Result<()> {
    move |_| Ok(source.path().symlink_metadata().map(drop)?)
}

/// `linkdest diff` and `diff -rq` of the same two snapshots.
pub(super) fn diff(ground: &Rc<Ground>) -> Result<Workload> {
    let source = Source::to_change(ground)?;
    let saving = Saving { ground: Rc::clone(ground), source: source.path().to_owned(), rules: None };
    let program = ground.linkdest.clone();
    let linkdest: Make = Box::new(move |target, _| {
        let mut command = Command::new(&program);
        command.arg("diff").arg(repository(target)).args(["latest~1", "latest"]);
        Ok(command)
    });
    let trees: Make = Box::new(|target, _| {
        let mut command = Command::new("diff");
        command.args(["-rq", "--no-dereference"]).args(snapshots(&repository(target))?);
        Ok(command)
    });
    let changes = Rc::new(Cell::new(0));
    let contenders = vec![
        Contender::new("linkdest", changed_between(&saving, &changes)?, linkdest),
        Contender::new("diff -rq", changed_between(&saving, &changes)?, trees).accepting(&[0, 1]),
    ];
    Ok(Workload::new(contenders).changing(keeping(source)))
}

/// Two snapshots with changes between them, never the same ones.
fn changed_between(saving: &Saving, changes: &Rc<Cell<usize>>) -> Result<Prepare> {
    let (saving, changes, linkdest) = (saving.clone(), Rc::clone(changes), peer("linkdest")?);
    Ok(Box::new(move |target| {
        saving.make_first(linkdest, target)?;
        changes.set(changes.get() + 1);
        change_one_percent(&saving.source, changes.get())?;
        saving.make_next(linkdest, target, 1)
    }))
}

/// Everything that is saved is read; rsync reads the source as well.
pub(super) fn verify(ground: &Rc<Ground>) -> Result<Workload> {
    let source = Source::usual(ground)?;
    let saving = Saving { ground: Rc::clone(ground), source: source.path().to_owned(), rules: None };
    let on = |name: &str, of: &str, make: Make| -> Result<Contender> {
        let (saving, peer) = (saving.clone(), peer(of)?);
        Ok(Contender::new(name, Box::new(move |target: &Path| saving.make_first(peer, target)), make))
    };
    let program = ground.linkdest.clone();
    let tree = source.path().to_owned();
    let contenders = vec![
        on("linkdest", "linkdest", Box::new(move |target, _| Ok(linkdest_verify(&program, target))))?,
        on("rsync -nc", "rsync", Box::new(move |target, _| Ok(rsync_compare(&tree, target))))?,
        on("sha256sum", "cp -a", Box::new(|target, _| Ok(sums(target))))?,
        on("restic check", "restic", Box::new(|target, _| Ok(restic_check(target))))?,
        on("borg check", "borg", Box::new(|target, _| Ok(borg_check(target))))?,
    ];
    Ok(Workload::new(contenders).changing(keeping(source)))
}

fn linkdest_verify(program: &Path, target: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg("verify").arg(repository(target));
    command
}

fn rsync_compare(source: &Path, target: &Path) -> Command {
    let mut command = Command::new("rsync");
    command.args(["-aHAXnc", "--delete"]).arg(with_slash(source)).arg(with_slash(&target.join("0")));
    command
}

fn sums(target: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", SUMS, "sh"]).arg(target.join("0"));
    command
}

fn restic_check(target: &Path) -> Command {
    let mut command = restic(target);
    command.args(["check", "--read-data"]);
    command
}

fn borg_check(target: &Path) -> Command {
    let mut command = borg(target);
    command.args(["check", "--verify-data"]);
    command
}
