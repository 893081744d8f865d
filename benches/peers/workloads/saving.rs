//! Backups of trees.

use std::rc::Rc;

use super::Workload;
use crate::Result;
use crate::arguments::Shape;
use crate::contender::{Contender, Saving};
use crate::edits::{Renaming, change_one_percent};
use crate::ground::Ground;
use crate::peer::{PEERS, Peer};
use crate::source::Source;

/// What is saved of a source.
fn saving(ground: &Rc<Ground>, source: &Source) -> Saving {
    Saving { ground: Rc::clone(ground), source: source.path().to_owned(), rules: None }
}

fn firsts(saving: &Saving) -> Vec<Contender> {
    PEERS.iter().filter_map(|peer| saving.first_of(peer)).collect()
}

fn nexts(saving: &Saving, takes_part: impl Fn(&Peer) -> bool) -> Vec<Contender> {
    PEERS.iter().filter(|peer| takes_part(peer)).filter_map(|peer| saving.next_of(peer)).collect()
}

/// First backups; the source lives as long as the workload.
fn full_of(ground: &Rc<Ground>, source: Rc<Source>) -> Workload {
    let contenders = firsts(&saving(ground, &source));
    Workload::new(contenders).fresh().changing(move |_| kept(&source))
}

fn unchanged_of(ground: &Rc<Ground>, source: Rc<Source>) -> Workload {
    let contenders = nexts(&saving(ground, &source), |_| true);
    Workload::new(contenders).changing(move |_| kept(&source))
}

/// Keeps a source alive, and in memory.
fn kept(source: &Source) -> Result<()> {
    Ok(source.path().symlink_metadata().map(drop)?)
}

pub(super) fn full(ground: &Rc<Ground>) -> Result<Workload> {
    Ok(full_of(ground, Source::usual(ground)?))
}

pub(super) fn unchanged(ground: &Rc<Ground>) -> Result<Workload> {
    Ok(unchanged_of(ground, Source::usual(ground)?))
}

pub(super) fn changed(ground: &Rc<Ground>) -> Result<Workload> {
    let source = Source::to_change(ground)?;
    let contenders = nexts(&saving(ground, &source), |peer| peer.sees_changes);
    let ground = Rc::clone(ground);
    Ok(Workload::new(contenders).changing(move |round| {
        change_one_percent(source.path(), round)?;
        ground.wait_for_clock();
        Ok(())
    }))
}

pub(super) fn rename(ground: &Rc<Ground>) -> Result<Workload> {
    let source = Source::to_change(ground)?;
    let contenders = nexts(&saving(ground, &source), |peer| peer.sees_changes);
    let mut renaming = Renaming::of_largest(source.path())?;
    let ground = Rc::clone(ground);
    Ok(Workload::new(contenders).changing(move |round| {
        kept(&source)?;
        renaming.rename(round)?;
        ground.wait_for_clock();
        Ok(())
    }))
}

fn files(ground: &Ground) -> Shape {
    Shape::Files { count: ground.sized(200_000, 2_000) }
}

fn directories(ground: &Ground) -> Shape {
    Shape::Directories { count: ground.sized(100_000, 1_000) }
}

fn deep(ground: &Ground) -> Shape {
    ground.sized(Shape::Deep { chains: 20, levels: 500 }, Shape::Deep { chains: 2, levels: 100 })
}

fn grown(entries: usize) -> Shape {
    Shape::Home { entries, directories: entries / 10, bytes: 0 }
}

pub(super) fn files_full(ground: &Rc<Ground>) -> Result<Workload> {
    Ok(full_of(ground, Source::shaped(ground, &files(ground))?))
}

pub(super) fn files_unchanged(ground: &Rc<Ground>) -> Result<Workload> {
    Ok(unchanged_of(ground, Source::shaped(ground, &files(ground))?))
}

pub(super) fn directories_full(ground: &Rc<Ground>) -> Result<Workload> {
    Ok(full_of(ground, Source::shaped(ground, &directories(ground))?))
}

pub(super) fn directories_unchanged(ground: &Rc<Ground>) -> Result<Workload> {
    Ok(unchanged_of(ground, Source::shaped(ground, &directories(ground))?))
}

pub(super) fn deep_full(ground: &Rc<Ground>) -> Result<Workload> {
    Ok(full_of(ground, Source::shaped(ground, &deep(ground))?))
}

pub(super) fn deep_unchanged(ground: &Rc<Ground>) -> Result<Workload> {
    Ok(unchanged_of(ground, Source::shaped(ground, &deep(ground))?))
}

/// Beside the least possible alone: how both grow is the question.
fn growth(ground: &Rc<Ground>, entries: usize) -> Result<Workload> {
    let source = Source::shaped(ground, &grown(entries))?;
    let is_asked = |peer: &Peer| ["linkdest", "least possible"].contains(&peer.name);
    let contenders = nexts(&saving(ground, &source), is_asked);
    Ok(Workload::new(contenders).changing(move |_| kept(&source)))
}

pub(super) fn growth_100k(ground: &Rc<Ground>) -> Result<Workload> {
    growth(ground, ground.sized(100_000, 1_000))
}

pub(super) fn growth_1m(ground: &Rc<Ground>) -> Result<Workload> {
    growth(ground, ground.sized(1_000_000, 10_000))
}
