//! A large tree like those that people have: many small files, a few that hold most of the bytes.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags};

use crate::build::timestamps;
use crate::random::Random;

/// Modification times are spread over the years before this one.
const NEWEST: i64 = 1_700_000_000;
const YEARS: u64 = 5 * 365 * 24 * 3600;

/// Out of a thousand files, how many are how long at least and at most; scaled afterwards.
const LENGTHS: [(u64, u64, u64); 8] = [
    (30, 0, 1),
    (280, 1, 1 << 10),
    (330, 1 << 10, 1 << 12),
    (220, 1 << 12, 1 << 14),
    (100, 1 << 14, 1 << 16),
    (32, 1 << 16, 1 << 18),
    (7, 1 << 18, 1 << 20),
    (1, 1 << 20, 1 << 25),
];

const STEMS: [&str; 16] = [
    "src", "lib", "build", "docs", "tests", "assets", "config", "cache", "data", "logs", "public", "scripts",
    "modules", "common", "images", "notes",
];
const EXTENSIONS: [&str; 12] =
    ["rs", "py", "js", "html", "css", "md", "txt", "json", "toml", "png", "jpg", "pdf"];
const WORDS: [&str; 8] = ["the ", "directory ", "of ", "a ", "snapshot\n", "is ", "linked ", "0000 "];

/// What a generated tree has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HomeTree {
    /// All entries but the root.
    pub entries: usize,
    /// Those that are directories.
    pub directories: usize,
    /// The sum of the lengths of the files, but for rounding.
    pub bytes: u64,
    /// Equal seeds make equal trees.
    pub seed: u64,
}

impl HomeTree {
    /// Makes the tree in `root`, which is made if need be.
    ///
    /// One entry in thirty is a symlink. Half of the files are text, the others do not compress. There are no hard
    /// links. Every time is set.
    ///
    /// # Errors
    ///
    /// When the file system refuses something.
    pub fn make(&self, root: &Path) -> io::Result<()> {
        let mut random = Random::new(self.seed);
        let parents = self.parents(&mut random);
        let root = open_root(root)?;
        let names: Vec<String> =
            (0..self.directories).map(|number| directory_name(number, self.seed)).collect();
        let paths = paths(&parents, &names);
        for path in &paths {
            rustix::fs::mkdirat(&root, path, Mode::from_raw_mode(0o755))?;
        }
        let scale = (self.bytes, self.sum_of_lengths(random.clone()).max(1));
        let mut text = Text::default();
        for number in 0..self.entries - self.directories {
            let plan = Plan::next(&mut random);
            let parent = usize::try_from(plan.parent % (self.directories.max(1) as u64)).unwrap_or(0);
            let parent = paths.get(parent).map_or("", String::as_str);
            plan.make(&root, parent, number, scale, &mut text)?;
        }
        for path in paths.iter().rev() {
            stamp(&root, path, &mut random)?;
        }
        stamp(&root, ".", &mut random)
    }

    /// Which directory each directory is in, always one before it; `None` for the root.
    fn parents(&self, random: &mut Random) -> Vec<Option<usize>> {
        let choose = |number: usize| match number {
            0..8 => None,
            // The smaller of two: old directories have more in them.
            _ => Some(random.below(number as u64).min(random.below(number as u64)) as usize),
        };
        (0..self.directories).map(choose).collect()
    }

    fn sum_of_lengths(&self, mut random: Random) -> u64 {
        (0..self.entries - self.directories).map(|_| Plan::next(&mut random).length).sum()
    }
}

/// One entry that is no directory, before it has a place.
struct Plan {
    parent: u64,
    length: u64,
    seed: u64,
}

impl Plan {
    fn next(random: &mut Random) -> Self {
        let mut class = random.below(1000);
        let mut length = 0;
        for (share, least, most) in LENGTHS {
            if class < share {
                length = least + random.below(most - least);
                break;
            }
            class -= share;
        }
        let seed = random.next_number();
        let length = if seed.is_multiple_of(30) { 0 } else { length };
        Self { parent: random.next_number(), length, seed }
    }

    fn make(
        &self,
        root: &OwnedFd,
        parent: &str,
        number: usize,
        (wanted, sum): (u64, u64),
        text: &mut Text,
    ) -> io::Result<()> {
        let mut random = Random::new(self.seed);
        let name = format!("{}{number}.{}", random.one_of(&STEMS), random.one_of(&EXTENSIONS));
        let path = if parent.is_empty() { name.clone() } else { format!("{parent}/{name}") };
        if self.seed.is_multiple_of(30) {
            rustix::fs::symlinkat(format!("../{name}"), root, &path)?;
        } else {
            let length = u128::from(self.length) * u128::from(wanted) / u128::from(sum);
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
            let mode = *random.one_of(&[0o644, 0o644, 0o644, 0o755, 0o600]);
            let file = File::from(rustix::fs::openat(root, &path, flags, Mode::from_raw_mode(mode))?);
            text.fill(&file, length as u64, &mut random)?;
        }
        stamp(root, &path, &mut random)
    }
}

/// Makes what is in files; keeps its buffer.
#[derive(Default)]
struct Text {
    buffer: Vec<u8>,
}

impl Text {
    fn fill(&mut self, mut file: &File, mut length: u64, random: &mut Random) -> io::Result<()> {
        let is_text = random.below(2) == 0;
        while length > 0 {
            let piece = length.min(1 << 18) as usize;
            self.buffer.clear();
            while self.buffer.len() < piece {
                let number = random.next_number();
                if is_text {
                    (0..8).for_each(|at| self.word(number >> (8 * at)));
                } else {
                    self.buffer.extend(number.to_le_bytes());
                }
            }
            self.buffer.truncate(piece);
            file.write_all(&self.buffer)?;
            length -= piece as u64;
        }
        Ok(())
    }

    fn word(&mut self, number: u64) {
        self.buffer.extend(WORDS[(number % 8) as usize].bytes());
    }
}

fn directory_name(number: usize, seed: u64) -> String {
    let mut random = Random::new(seed ^ number as u64);
    format!("{}-{number}", random.one_of(&STEMS))
}

fn paths(parents: &[Option<usize>], names: &[String]) -> Vec<String> {
    let mut paths: Vec<String> = Vec::with_capacity(names.len());
    for (parent, name) in parents.iter().zip(names) {
        paths.push(parent.map_or_else(|| name.clone(), |parent| format!("{}/{name}", paths[parent])));
    }
    paths
}

fn stamp(root: &OwnedFd, path: &str, random: &mut Random) -> io::Result<()> {
    let time = (NEWEST - random.below(YEARS) as i64, random.below(1_000_000_000) as u32);
    Ok(rustix::fs::utimensat(root, path, &timestamps(time), AtFlags::SYMLINK_NOFOLLOW)?)
}

fn open_root(root: &Path) -> io::Result<OwnedFd> {
    if !root.exists() {
        rustix::fs::mkdir(root, Mode::from_raw_mode(0o755))?;
    }
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::open(root, flags, Mode::empty())?)
}
