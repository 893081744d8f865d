//! What happens to a source between two backups.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use linkdest_testkit::Random;
use walkdir::WalkDir;

use crate::Result;

/// Blocks of an image are changed as a whole, and begin at multiples of this.
pub(crate) const BLOCK: u64 = 64 << 10;

/// When the first change happened, in seconds; later than all times in a made-up tree.
const CHANGED: u64 = 1_700_000_000;

/// Gives every hundredth file new bytes of the same length; which ones, and what, depends on the round.
pub(crate) fn change_one_percent(root: &Path, round: usize) -> Result<()> {
    let mut random = Random::new(round as u64);
    for entry in WalkDir::new(root).sort_by_file_name() {
        let entry = entry?;
        if entry.file_type().is_file() && random.below(100) == 0 {
            rewrite(entry.path(), round, &mut random)?;
        }
    }
    Ok(())
}

fn rewrite(path: &Path, round: usize, random: &mut Random) -> Result<()> {
    let mut left = path.metadata()?.len();
    let mut file = File::create(path)?;
    while left > 0 {
        let piece = left.min(1 << 20);
        file.write_all(&random.bytes(usize::try_from(piece)?))?;
        left -= piece;
    }
    Ok(stamp(&file, round as u64)?)
}

/// Gives what was changed a time of its own: within a second some programs see no change.
fn stamp(file: &File, version: u64) -> io::Result<()> {
    file.set_modified(UNIX_EPOCH + Duration::from_secs(CHANGED + version))
}

/// Gives one block of each hundred of an image new bytes, the same blocks for every version; returns how many bytes.
pub(crate) fn change_blocks(image: &Path, version: u64) -> Result<u64> {
    let file = File::options().write(true).open(image)?;
    let blocks = file.metadata()?.len() / BLOCK;
    let mut places = Random::new(0);
    let mut content = Random::new(version);
    let mut changed = 0;
    for hundred in 0..blocks / 100 {
        let block = hundred * 100 + places.below(100);
        file.write_all_at(&content.bytes(usize::try_from(BLOCK)?), block * BLOCK)?;
        changed += BLOCK;
    }
    stamp(&file, version)?;
    file.sync_all()?;
    Ok(changed)
}

/// Renames the directory in `root` that has the most entries below it.
pub(crate) struct Renaming {
    root: PathBuf,
    name: String,
}

impl Renaming {
    /// Looks for that directory.
    pub(crate) fn of_largest(root: &Path) -> Result<Self> {
        let mut largest = None;
        for entry in root.read_dir()? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                let size = WalkDir::new(entry.path()).into_iter().count();
                largest = largest.max(Some((size, entry.file_name())));
            }
        }
        let (_, name) = largest.ok_or("a tree without a directory that could be renamed")?;
        let name = name.into_string().map_err(|name| format!("{} is not UTF-8", name.display()))?;
        Ok(Self { root: root.to_owned(), name })
    }

    /// Gives it another name.
    pub(crate) fn rename(&mut self, round: usize) -> Result<()> {
        let name = format!("renamed-{round}");
        std::fs::rename(self.root.join(&self.name), self.root.join(&name))?;
        self.name = name;
        Ok(())
    }
}
