//! Very deep and very wide trees.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{Mode, OFlags};

/// Makes `levels` directories one in the other below `root`, each named `d`, and a file named
/// `f` in the lowest; `root` is made if need be.
///
/// # Panics
///
/// If the file system refuses.
pub fn deep(root: &Path, levels: usize) {
    let mut at = open_root(root);
    for _ in 0..levels {
        rustix::fs::mkdirat(&at, "d", Mode::from_raw_mode(0o755)).unwrap();
        at = rustix::fs::openat(&at, "d", directory_flags(), Mode::empty()).unwrap();
    }
    make_file(&at, "f", b"the bottom\n");
}

/// Makes `n_directories` directories named by a number of six digits in `root`, with a file
/// named `f` in each thousandth; `root` is made if need be.
///
/// # Panics
///
/// If the file system refuses.
pub fn wide(root: &Path, n_directories: usize) {
    let at = open_root(root);
    for number in 0..n_directories {
        let name = format!("{number:06}");
        rustix::fs::mkdirat(&at, &name, Mode::from_raw_mode(0o755)).unwrap();
        if number % 1000 == 0 {
            make_file(&at, &format!("{name}/f"), name.as_bytes());
        }
    }
}

fn directory_flags() -> OFlags {
    OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

fn open_root(root: &Path) -> OwnedFd {
    if !root.exists() {
        rustix::fs::mkdir(root, Mode::from_raw_mode(0o755)).unwrap();
    }
    rustix::fs::open(root, directory_flags(), Mode::empty()).unwrap()
}

fn make_file(directory: &OwnedFd, name: &str, bytes: &[u8]) {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let file = rustix::fs::openat(directory, name, flags, Mode::from_raw_mode(0o644)).unwrap();
    File::from(file).write_all(bytes).unwrap();
}
