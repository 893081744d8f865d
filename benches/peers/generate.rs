//! Making trees, in a process of its own: what it needs of memory would count as that of programs started later.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use linkdest_testkit::{HomeTree, Random, deep, wide};

use crate::Result;
use crate::arguments::{Generate, Shape};

/// The seed of every tree.
const SEED: u64 = 1;

/// Makes a tree.
pub(crate) fn run(task: &Generate) -> Result<()> {
    let root = &task.root;
    std::fs::create_dir_all(root)?;
    match task.shape {
        Shape::Home { entries, directories, bytes } => {
            HomeTree { entries, directories, bytes, seed: SEED }.make(root)?;
        }
        Shape::Files { count } => files(root, count)?,
        Shape::Directories { count } => wide(root, count),
        Shape::Deep { chains, levels } => {
            (0..chains).for_each(|chain| deep(&root.join(chain.to_string()), levels));
        }
        Shape::Image { bytes } => image(&root.join("image"), bytes)?,
    }
    Ok(())
}

fn files(root: &Path, count: usize) -> io::Result<()> {
    (0..count).try_for_each(|number| std::fs::write(root.join(format!("file-{number}")), number.to_string()))
}

fn image(path: &Path, bytes: u64) -> io::Result<()> {
    let mut random = Random::new(SEED);
    let mut file = File::create_new(path)?;
    let mut left = bytes;
    while left > 0 {
        let piece = random.bytes(1 << 20);
        let piece = piece.get(..usize::try_from(left).unwrap_or(usize::MAX)).unwrap_or(&piece);
        file.write_all(piece)?;
        left -= piece.len() as u64;
    }
    Ok(())
}
