//! Where a whole measurement happens: programs, the directory for images, sizes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use linkdest_testkit::LoopMount;

use crate::Result;
use crate::arguments::{Arguments, Kind, Shape};
use crate::measure::succeed;

/// The size of a file system; the image is sparse.
const SIZE: u64 = 64 << 30;

/// What all workloads share.
#[derive(Debug, Clone)]
pub(crate) struct Ground {
    /// The release build of linkdest.
    pub(crate) linkdest: PathBuf,
    /// This program.
    pub(crate) this: PathBuf,
    /// Where images are made.
    pub(crate) images: PathBuf,
    /// The tree that was asked for.
    pub(crate) given: Option<PathBuf>,
    /// Small trees.
    pub(crate) is_quick: bool,
    /// Caches are dropped before each measurement.
    pub(crate) is_cold: bool,
    /// Rounds that count.
    pub(crate) rounds: usize,
}

impl Ground {
    /// Builds linkdest.
    pub(crate) fn new(arguments: &Arguments) -> Result<Self> {
        let this = std::env::current_exe()?;
        let given = arguments.source.as_deref().map(Path::canonicalize).transpose()?;
        let images = arguments.images.clone().unwrap_or_else(std::env::temp_dir).canonicalize()?;
        Ok(Self {
            linkdest: build(&this)?,
            this,
            images,
            given,
            is_quick: arguments.quick,
            is_cold: arguments.cold,
            rounds: arguments.counted_rounds(),
        })
    }

    /// Makes and mounts a fresh file system.
    pub(crate) fn mount(&self, kind: Kind) -> Result<LoopMount> {
        // Tables that are written later, by the kernel beside the programs, would count.
        let options: &[&str] = match kind {
            Kind::Ext4 => &["-E", "lazy_itable_init=0,lazy_journal_init=0"],
            Kind::Xfs | Kind::Btrfs => &[],
        };
        Ok(LoopMount::with_in(&self.images, kind.file_system(), SIZE, options)?)
    }

    /// Makes a tree in a process of its own.
    pub(crate) fn generate(&self, shape: &Shape, root: &Path) -> Result<()> {
        succeed(Command::new(&self.this).arg("generate").arg(root).args(shape.to_arguments()))
    }

    /// Waits until a change just made lies clearly before what comes next.
    ///
    /// Programs that look at change times trust none that is as young as their own start, and whoever comes first in a
    /// round would pay for that.
    pub(crate) fn wait_for_clock(&self) {
        std::thread::sleep(self.sized(Duration::from_secs(3), Duration::ZERO));
    }

    /// One of two figures.
    pub(crate) fn sized<T>(&self, usual: T, quick: T) -> T {
        if self.is_quick { quick } else { usual }
    }
}

/// Builds linkdest beside this program, for release whatever this one was built for.
fn build(this: &Path) -> Result<PathBuf> {
    let target = this.parent().and_then(Path::parent).ok_or("where is the directory for builds?")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(env!("CARGO_MANIFEST_DIR")).arg("build").args(["--release", "--quiet"]);
    succeed(command.args(["--package", "linkdest-cli", "--target-dir"]).arg(target))?;
    Ok(target.join("release/linkdest"))
}
