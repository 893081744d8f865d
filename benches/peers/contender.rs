//! A program with its part in one workload.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use crate::Result;
use crate::ground::Ground;
use crate::measure::succeed;
use crate::peer::{Job, Peer};

/// What happens unmeasured on a fresh file system, given its root.
pub(crate) type Prepare = Box<dyn Fn(&Path) -> Result<()>>;

/// What is measured, given the root and the number of the run on that file system, from 1.
pub(crate) type Make = Box<dyn Fn(&Path, usize) -> Result<Command>>;

/// One program in one workload.
pub(crate) struct Contender {
    pub(crate) name: String,
    pub(crate) prepare: Prepare,
    pub(crate) make: Make,
    /// Exit codes that mean success.
    pub(crate) accepted: &'static [i32],
    /// The tree that is read.
    pub(crate) source: Option<PathBuf>,
}

impl Contender {
    /// A program that is only measured.
    pub(crate) fn new(name: &str, prepare: Prepare, make: Make) -> Self {
        Self { name: name.to_owned(), prepare, make, accepted: &[0], source: None }
    }

    /// Sets the tree that is read.
    pub(crate) fn reading(mut self, source: &Path) -> Self {
        self.source = Some(source.to_owned());
        self
    }

    /// Sets the exit codes that mean success.
    pub(crate) fn accepting(mut self, accepted: &'static [i32]) -> Self {
        self.accepted = accepted;
        self
    }
}

/// What peers save, and by which rules.
#[derive(Clone)]
pub(crate) struct Saving {
    pub(crate) ground: Rc<Ground>,
    pub(crate) source: PathBuf,
    pub(crate) rules: Option<PathBuf>,
}

impl Saving {
    fn job<'a>(&'a self, target: &'a Path, number: usize) -> Job<'a> {
        let rules = self.rules.as_deref();
        Job { ground: &self.ground, source: &self.source, target, rules, number }
    }

    /// Makes a peer's repository and in it the first backup.
    pub(crate) fn make_first(&self, peer: &Peer, target: &Path) -> Result<()> {
        self.init(peer, target)?;
        let first = peer.first.ok_or("a program that makes no first backup")?;
        succeed(&mut first(&self.job(target, 0)))
    }

    /// Makes the next backup.
    pub(crate) fn make_next(&self, peer: &Peer, target: &Path, number: usize) -> Result<()> {
        succeed(&mut self.next(peer, target, number)?)
    }

    /// The command that makes the next backup.
    pub(crate) fn next(&self, peer: &Peer, target: &Path, number: usize) -> Result<Command> {
        let next = peer.next.ok_or("a program that makes no next backup")?;
        Ok(next(&self.job(target, number)))
    }

    fn init(&self, peer: &Peer, target: &Path) -> Result<()> {
        peer.init.map_or(Ok(()), |init| succeed(&mut init(&self.job(target, 0))))
    }

    /// The first backup is measured.
    pub(crate) fn first_of(&self, peer: &'static Peer) -> Option<Contender> {
        let first = peer.first.filter(|_| peer.has_first)?;
        let (here, there) = (self.clone(), self.clone());
        let prepare: Prepare = Box::new(move |target| here.init(peer, target));
        let make: Make = Box::new(move |target, _| Ok(first(&there.job(target, 0))));
        Some(Contender::new(peer.name, prepare, make).reading(&self.source))
    }

    /// The backups after the first are measured.
    pub(crate) fn next_of(&self, peer: &'static Peer) -> Option<Contender> {
        peer.next?;
        let (here, there) = (self.clone(), self.clone());
        let prepare: Prepare = Box::new(move |target| here.make_first(peer, target));
        let make: Make = Box::new(move |target, number| there.next(peer, target, number));
        Some(Contender::new(peer.name, prepare, make).reading(&self.source))
    }
}
