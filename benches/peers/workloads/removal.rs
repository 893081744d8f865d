//! Removing a snapshot.

use std::process::Command;
use std::rc::Rc;

use super::Workload;
use crate::Result;
use crate::contender::{Contender, Make, Prepare, Saving};
use crate::ground::Ground;
use crate::peer::{PEERS, repository};
use crate::snapshots::snapshots;
use crate::source::Source;

/// `linkdest delete` and `rm -rf` of the older of two equal snapshots, each time made anew.
pub(super) fn delete(ground: &Rc<Ground>) -> Result<Workload> {
    let source = Source::usual(ground)?;
    let saving = Saving { ground: Rc::clone(ground), source: source.path().to_owned(), rules: None };
    let program = ground.linkdest.clone();
    let linkdest: Make = Box::new(move |target, _| {
        let mut command = Command::new(&program);
        command.args(["delete", "--yes"]).arg(repository(target)).arg("latest~1");
        Ok(command)
    });
    let rm: Make = Box::new(|target, _| {
        let mut command = Command::new("rm");
        let oldest = snapshots(&repository(target))?.into_iter().next();
        command.arg("-rf").arg(oldest.ok_or("a repository without a snapshot")?);
        Ok(command)
    });
    let contenders = vec![
        Contender::new("linkdest", two_snapshots(&saving), linkdest),
        Contender::new("rm -rf", two_snapshots(&saving), rm),
    ];
    let keep = move |_| Ok(source.path().symlink_metadata().map(drop)?);
    Ok(Workload::new(contenders).fresh().changing(keep))
}

/// Both are linkdest's, so both programs remove the same.
fn two_snapshots(saving: &Saving) -> Prepare {
    let saving = saving.clone();
    Box::new(move |target| {
        let linkdest = PEERS.first().ok_or("no linkdest")?;
        saving.make_first(linkdest, target)?;
        saving.make_next(linkdest, target, 1)
    })
}
