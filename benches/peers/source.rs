//! The trees that are saved.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use linkdest_testkit::LoopMount;

use crate::Result;
use crate::arguments::{Kind, Shape};
use crate::ground::Ground;
use crate::measure::succeed;

/// A tree, and the file system that holds it if it was made for this.
///
/// That is never the one of a repository: it goes as a whole, so no tree is ever removed beside a measurement.
pub(crate) struct Source {
    path: PathBuf,
    _mount: Option<LoopMount>,
}

impl Source {
    /// The tree that was asked for, or a made-up one; only to be read.
    pub(crate) fn usual(ground: &Ground) -> Result<Rc<Self>> {
        match &ground.given {
            Some(given) => Ok(Rc::new(Self { path: given.clone(), _mount: None })),
            None => Self::shaped(ground, &home(ground)),
        }
    }

    /// The same to be changed: a copy of the tree that was asked for, or a made-up one.
    pub(crate) fn to_change(ground: &Ground) -> Result<Rc<Self>> {
        match &ground.given {
            Some(given) => Self::made(ground, |root| {
                succeed(Command::new("cp").arg("-a").arg(given.join(".")).arg(root))
            }),
            None => Self::shaped(ground, &home(ground)),
        }
    }

    /// A tree of a shape.
    pub(crate) fn shaped(ground: &Ground, shape: &Shape) -> Result<Rc<Self>> {
        Self::made(ground, |root| ground.generate(shape, root))
    }

    fn made(ground: &Ground, make: impl FnOnce(&Path) -> Result<()>) -> Result<Rc<Self>> {
        let mount = ground.mount(Kind::Ext4)?;
        // Not the root: that has a lost+found.
        let path = mount.join("source");
        std::fs::create_dir(&path)?;
        make(&path)?;
        mount.settle()?;
        ground.wait_for_clock();
        Ok(Rc::new(Self { path, _mount: Some(mount) }))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

fn home(ground: &Ground) -> Shape {
    let usual = Shape::Home { entries: 113_000, directories: 11_500, bytes: 2_400_000_000 };
    ground.sized(usual, Shape::Home { entries: 2_000, directories: 200, bytes: 20_000_000 })
}
