//! One large file of which little changes.

use std::path::PathBuf;
use std::process::Command;
use std::rc::Rc;

use super::Workload;
use crate::Result;
use crate::arguments::Shape;
use crate::contender::{Contender, Prepare, Saving};
use crate::edits::change_blocks;
use crate::ground::Ground;
use crate::peer::{PEERS, Peer};
use crate::source::Source;

/// What the image holds when the first backup is made, and when the next one is.
const VERSIONS: [u64; 2] = [1, 2];

/// Backups of the changed image, a copy of it, and reading it alone.
pub(super) fn image(ground: &Rc<Ground>) -> Result<Workload> {
    let source = Source::shaped(ground, &Shape::Image { bytes: ground.sized(2 << 30, 64 << 20) })?;
    let saving = Saving { ground: Rc::clone(ground), source: source.path().to_owned(), rules: None };
    let image = source.path().join("image");
    let changed = change_blocks(&image, VERSIONS[0])?;
    let mut contenders: Vec<Contender> = PEERS
        .iter()
        .filter(|peer| peer.sees_changes && peer.next.is_some())
        .map(|peer| changed_image(&saving, peer, image.clone()))
        .collect();
    contenders.push(cat(image.clone()));
    contenders.push(copy(image));
    let contenders = contenders.into_iter().map(|one| one.reading(source.path())).collect();
    let mut workload = Workload::new(contenders).fresh();
    workload.changed = Some(changed);
    // The source lives as long as the workload.
    Ok(workload.changing(move |_| Ok(source.path().symlink_metadata().map(drop)?)))
}

/// The first backup has one version, the measured one another.
fn changed_image(saving: &Saving, peer: &'static Peer, image: PathBuf) -> Contender {
    let (here, there) = (saving.clone(), saving.clone());
    let prepare: Prepare = Box::new(move |target| {
        change_blocks(&image, VERSIONS[0])?;
        here.make_first(peer, target)?;
        change_blocks(&image, VERSIONS[1])?;
        Ok(())
    });
    Contender::new(peer.name, prepare, Box::new(move |target, number| there.next(peer, target, number)))
}

fn cat(image: PathBuf) -> Contender {
    let make = move |_: &std::path::Path, _| {
        let mut command = Command::new("cat");
        command.arg(&image);
        Ok(command)
    };
    Contender::new("cat >/dev/null", Box::new(|_| Ok(())), Box::new(make))
}

fn copy(image: PathBuf) -> Contender {
    let make = move |target: &std::path::Path, _| {
        let mut command = Command::new("cp");
        command.arg("-a").arg(&image).arg(target.join("copy"));
        Ok(command)
    };
    Contender::new("cp -a", Box::new(|_| Ok(())), Box::new(make))
}
