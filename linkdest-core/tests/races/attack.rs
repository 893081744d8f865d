//! Whoever changes a tree while it is read or written.

use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use linkdest_testkit::Random;
use rustix::fs::{CWD, FileType, Mode, RenameFlags};

/// What an attacker has at hand, and what was done.
pub struct Attack {
    /// A directory of the attacker's own, on the same file system.
    pub lair: PathBuf,
    /// A directory to lead others to.
    pub canary: PathBuf,
    /// A file to give further names to.
    pub linked: PathBuf,
    pub random: Random,
}

/// One change; `None` where it could not be made.
pub type Step<'s> = dyn FnMut(&mut Attack) -> io::Result<()> + Send + 's;

impl Attack {
    /// Changes things while something else is done again and again, until there were enough of both; returns how many
    /// changes were made.
    pub fn during(mut self, step: &mut Step<'_>, enough: u64, mut again: impl FnMut()) -> (u64, u64) {
        let (swaps, over) = (AtomicU64::new(0), AtomicBool::new(false));
        let mut runs = 0;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let made = step(&mut self);
                    swaps.fetch_add(u64::from(made.is_ok()), Ordering::Relaxed);
                    let pause = self.random.below(60);
                    if pause > 20 || made.is_err() {
                        std::thread::sleep(Duration::from_micros(pause));
                    }
                }
            });
            let stop = Stop(&over);
            while swaps.load(Ordering::Relaxed) < enough || runs < enough / 100 {
                again();
                runs += 1;
            }
            drop(stop);
        });
        (swaps.into_inner(), runs)
    }

    /// Two names change places in one step.
    pub fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        Ok(rustix::fs::renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
    }

    /// Something that leads to the canary, or nowhere, under a new name of the attacker's own.
    pub fn bait(&mut self) -> io::Result<PathBuf> {
        let place = self.lair.join(format!("bait-{}", self.random.next_number()));
        let somewhere = self.canary.join(format!("d{}", self.random.below(3)));
        match self.random.below(6) {
            0 => symlink(&self.canary, &place)?,
            1 => symlink(&somewhere, &place)?,
            2 => symlink(somewhere.join("f1"), &place)?,
            3 => std::fs::hard_link(&self.linked, &place)?,
            4 => rustix::fs::mknodat(CWD, &place, FileType::Fifo, Mode::from_raw_mode(0o600), 0)?,
            _ => {
                std::fs::create_dir(&place)?;
                symlink(&self.canary, place.join("inner"))?;
            }
        }
        Ok(place)
    }

    /// One of the names that the trees have, below a directory that is not entered through a symlink.
    pub fn name_in(&mut self, tree: &Path) -> PathBuf {
        let directory = tree.join(format!("d{}", self.random.below(u64::from(crate::DIRECTORIES))));
        let file = format!("f{}", self.random.below(u64::from(crate::FILES)));
        match self.random.below(4) {
            0 => directory,
            1 => directory.join("inner"),
            2 => directory.join(file),
            _ => directory.join("inner").join(file),
        }
    }

    /// Puts bait in the place of something, or where something will be made; what was there goes to the attacker.
    pub fn plant(&mut self, tree: &Path) -> io::Result<()> {
        let place = self.name_in(tree);
        let (Some(directory), Some(name)) = (place.parent(), place.file_name()) else { return Ok(()) };
        // An attacker does not write to the canary: the test would tell that of its own doing.
        let flags =
            rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::CLOEXEC;
        let resolve = rustix::fs::ResolveFlags::NO_SYMLINKS;
        let directory = rustix::fs::openat2(CWD, directory, flags, Mode::empty(), resolve)?;
        let bait = self.bait()?;
        let exchanged = rustix::fs::renameat_with(CWD, &bait, &directory, name, RenameFlags::EXCHANGE);
        if exchanged.is_err() {
            rustix::fs::renameat_with(CWD, &bait, &directory, name, RenameFlags::NOREPLACE)?;
        }
        Ok(())
    }
}

/// Ends the attack also where a test panics.
struct Stop<'s>(&'s AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
