//! Trees on disk, rule options as strings, and a walk that lists what is selected.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use linkdest_core::filter::{
    DirectoryFiles, DirectoryRules, FilterBuilder, Place, RuleError, RuleFiles, Verdict,
};

pub fn path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

/// Reads rule files below a working directory and a source, trusting everybody.
pub struct Disk {
    pub base: PathBuf,
    pub source: PathBuf,
}

impl RuleFiles for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        read(&self.base.join(path)).and_then(|found| found.ok_or(io::ErrorKind::NotFound.into()))
    }

    fn home_cvsignore(&self) -> io::Result<Vec<u8>> {
        RuleFiles::read(self, Path::new("home/.cvsignore"))
    }
}

impl DirectoryFiles for Disk {
    fn read_in(&self, place: Place<'_>, name: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let directory = match place {
            Place::Here(below) | Place::Source(below) => self.source.join(path(below)),
            Place::Outside(directory) => directory.to_owned(),
        };
        read(&directory.join(path(name)))
    }
}

/// A directory reads as empty, a missing file is none.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => Ok(Some(Vec::new())),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound
                    | io::ErrorKind::NotADirectory
                    | io::ErrorKind::InvalidFilename
                    | io::ErrorKind::InvalidInput
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Rule options in order, as on the command line.
pub fn options(mut builder: FilterBuilder, args: &[Vec<u8>]) -> (FilterBuilder, bool) {
    let mut prune = false;
    for arg in args {
        let value = |name: &str| arg.strip_prefix(name.as_bytes());
        builder = if let Some(rule) = value("--filter=") {
            builder.rule(rule)
        } else if let Some(pattern) = value("--exclude=") {
            builder.exclude(pattern)
        } else if let Some(pattern) = value("--include=") {
            builder.include(pattern)
        } else if let Some(file) = value("--exclude-from=") {
            builder.exclude_from(path(file))
        } else if let Some(file) = value("--include-from=") {
            builder.include_from(path(file))
        } else {
            match arg.as_slice() {
                b"-F" => builder.per_directory_f(1),
                b"-FF" => builder.per_directory_f(2),
                b"-C" | b"--cvs-exclude" => builder.cvs_exclude(),
                b"-0" | b"--from0" => builder.from0(),
                b"-m" | b"--prune-empty-dirs" => {
                    prune = true;
                    builder
                }
                other => panic!("unknown option {}", String::from_utf8_lossy(other)),
            }
        };
    }
    (builder, prune)
}

/// Lists what the options select below the source, directories with a slash, sorted.
pub fn select(disk: &Disk, builder: FilterBuilder, prune: bool) -> Result<Vec<Vec<u8>>, RuleError> {
    let filter = builder.build(disk)?;
    let root = filter.root(&disk.source, disk)?;
    let mut selected = Vec::new();
    walk(disk, &root, prune, &mut selected)?;
    selected.sort();
    Ok(selected)
}

/// Says whether the directory holds anything selected that is no empty directory.
fn walk(
    disk: &Disk,
    rules: &DirectoryRules,
    prune: bool,
    selected: &mut Vec<Vec<u8>>,
) -> Result<bool, RuleError> {
    let mut holds = false;
    for entry in fs::read_dir(disk.source.join(path(rules.path()))).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_vec();
        let is_directory = entry.file_type().unwrap().is_dir();
        let decision = rules.decide(&name, is_directory);
        assert_eq!(decision, rules.decide_plainly(&name, is_directory), "compiled and plain differ");
        if decision.verdict() == Verdict::Exclude {
            continue;
        }
        let mut full = rules.path().to_vec();
        if !full.is_empty() {
            full.push(b'/');
        }
        full.extend_from_slice(&name);
        if !is_directory {
            selected.push(full);
            holds = true;
            continue;
        }
        full.push(b'/');
        let before = selected.len();
        let inner = walk(disk, &rules.enter(&name, disk)?, prune, selected)?;
        if inner || !prune || rules.keeps_empty(&name) {
            selected.push(full);
            holds = true;
        } else {
            assert_eq!(selected.len(), before);
        }
    }
    Ok(holds)
}
