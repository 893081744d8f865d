//! Rounds: all programs of a workload in turn, in another order each time.

use std::fs::File;
use std::path::Path;
use std::rc::Rc;

use linkdest_testkit::{LoopMount, drop_caches, is_root};
use walkdir::WalkDir;

use crate::Result;
use crate::arguments::{Arguments, Kind};
use crate::contender::Contender;
use crate::ground::Ground;
use crate::measure::{Taken, timed};
use crate::page::Page;
use crate::peer::is_missing;
use crate::workloads::{self, Workload};

/// What a program did in one workload.
pub(crate) struct Showing {
    pub(crate) name: String,
    /// One for each round that counts; fewer after a failure.
    pub(crate) taken: Vec<Taken>,
    pub(crate) failure: Option<String>,
}

/// What all programs did in one workload on one file system.
pub(crate) struct Outcome {
    pub(crate) kind: Kind,
    pub(crate) workload: &'static str,
    pub(crate) what: String,
    pub(crate) changed: Option<u64>,
    pub(crate) results: Vec<Showing>,
}

/// Measures what was asked for and writes it down after each workload.
pub(crate) fn measure_all(arguments: &Arguments) -> Result<()> {
    if arguments.list {
        workloads::PLANS.iter().for_each(|plan| println!("{:22} {}", plan.name, plan.what));
        return Ok(());
    }
    let chosen = workloads::chosen(&arguments.workloads)?;
    if !is_root() {
        return Err("only the superuser can mount fresh file systems".into());
    }
    if cfg!(debug_assertions) {
        eprintln!("peers: not built with --release: the least-possible program is slower than it should be");
    }
    let ground = Rc::new(Ground::new(arguments)?);
    let mut page = Page::new(arguments, &ground)?;
    for plan in chosen {
        for kind in arguments.file_systems.iter().copied().filter(|kind| (plan.runs_on)(*kind)) {
            let mut workload = (plan.make)(&ground)?;
            workload
                .contenders
                .retain(|contender| arguments.wants_program(&contender.name) && !is_missing(&contender.name));
            eprintln!("{} on {}", plan.name, kind.name());
            let results = run(&ground, kind, &mut workload)?;
            let changed = workload.changed;
            page.add(Outcome { kind, workload: plan.name, what: plan.what.to_owned(), changed, results })?;
        }
    }
    page.finish()
}

/// A program with its file system.
struct Stand<'a> {
    contender: &'a Contender,
    mount: Option<LoopMount>,
    result: Showing,
}

fn run(ground: &Ground, kind: Kind, workload: &mut Workload) -> Result<Vec<Showing>> {
    let Workload { contenders, before_round, is_fresh, .. } = workload;
    let mut stands: Vec<Stand> = contenders.iter().map(Stand::new).collect();
    for round in 0..=ground.rounds {
        before_round(round)?;
        let first = round % stands.len().max(1);
        stands.rotate_left(first);
        for stand in &mut stands {
            stand.take_part(ground, kind, *is_fresh, round);
        }
        stands.rotate_right(first);
    }
    Ok(stands.into_iter().map(|stand| stand.result).collect())
}

impl<'a> Stand<'a> {
    fn new(contender: &'a Contender) -> Self {
        let result = Showing { name: contender.name.clone(), taken: Vec::new(), failure: None };
        Self { contender, mount: None, result }
    }

    /// Runs once, unless it failed before. Round 0 does not count.
    fn take_part(&mut self, ground: &Ground, kind: Kind, is_fresh: bool, round: usize) {
        if self.result.failure.is_some() {
            return;
        }
        let number = if is_fresh { 1 } else { round + 1 };
        if is_fresh {
            self.mount = None;
        }
        match self.measure(ground, kind, number) {
            Ok(taken) => {
                eprintln!("  round {round} {:16} {:8.3} s", self.contender.name, taken.wall.as_secs_f64());
                if round > 0 {
                    self.result.taken.push(taken);
                }
            }
            Err(error) => {
                eprintln!("  round {round} {:16} {error}", self.contender.name);
                self.result.failure = Some(error.to_string());
                self.mount = None;
            }
        }
        if is_fresh {
            self.mount = None;
        }
    }

    fn measure(&mut self, ground: &Ground, kind: Kind, number: usize) -> Result<Taken> {
        if self.mount.is_none() {
            let mount = self.mount.insert(ground.mount(kind)?);
            (self.contender.prepare)(mount.path())?;
        }
        let mount = self.mount.as_ref().ok_or("no file system")?;
        let mut command = (self.contender.make)(mount.path(), number)?;
        if let Some(source) = self.contender.source.as_deref().filter(|_| !ground.is_cold) {
            warm(source)?;
        }
        // What others have yet to write must not be written now.
        rustix::fs::sync();
        mount.settle()?;
        if ground.is_cold {
            drop_caches()?;
        }
        let free = mount.free_bytes()?;
        let taken = timed(&mut command, self.contender.accepted, mount.path())?;
        let stored = i64::try_from(free)? - i64::try_from(mount.free_bytes()?)?;
        Ok(Taken { stored, ..taken })
    }
}

/// Reads a whole tree: some programs make the kernel forget what they have read, and whoever comes next would pay.
fn warm(source: &Path) -> Result<()> {
    for entry in WalkDir::new(source) {
        let entry = entry?;
        if entry.file_type().is_file() {
            std::io::copy(&mut File::open(entry.path())?, &mut std::io::sink())?;
        }
    }
    Ok(())
}
