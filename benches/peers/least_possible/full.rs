//! A copy of a tree.

use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{AtFlags, FileType, Mode, Statx, makedev};

use super::copy::{Copier, copy_xattrs};
use super::directory::{Sides, Task, begin, kind, list, look, owner, stamp, times};
use super::queue::work_off;

/// Copies `source` as `target`.
pub(super) fn run(source: &Path, target: &Path, threads: usize) -> io::Result<()> {
    work_off(Task::root(source, None, target)?, threads, || {
        let mut buffer = vec![MaybeUninit::uninit(); 64 << 10];
        let mut copier = Copier::new();
        move |task: Task, new: &mut Vec<Task>| directory(task, new, &mut buffer, &mut copier)
    })
}

fn directory(
    task: Task,
    new: &mut Vec<Task>,
    buffer: &mut [MaybeUninit<u8>],
    copier: &mut Copier,
) -> io::Result<()> {
    let (sides, stat) = task.open()?;
    list(sides.source.as_fd(), buffer, |name| entry(&sides, name, new, copier))?;
    copy_xattrs(&sides.source, &sides.target)?;
    stamp(&sides.target, &stat)
}

fn entry(sides: &Arc<Sides>, name: &CStr, new: &mut Vec<Task>, copier: &mut Copier) -> io::Result<()> {
    let stat = look(&sides.source, name)?;
    match kind(&stat) {
        FileType::Directory => new.push(begin(sides, name, stat)?),
        FileType::RegularFile => copier.file(sides, name, &stat)?,
        FileType::Symlink => symlink(sides, name, &stat)?,
        other => node(sides, name, &stat, other)?,
    }
    Ok(())
}

fn symlink(sides: &Sides, name: &CStr, stat: &Statx) -> io::Result<()> {
    let leads_to = rustix::fs::readlinkat(&sides.source, name, Vec::new())?;
    rustix::fs::symlinkat(leads_to, &sides.target, name)?;
    stamp_by_name(sides, name, stat)
}

fn node(sides: &Sides, name: &CStr, stat: &Statx, kind: FileType) -> io::Result<()> {
    let device = makedev(stat.stx_rdev_major, stat.stx_rdev_minor);
    rustix::fs::mknodat(&sides.target, name, kind, Mode::from_raw_mode(0o600), device)?;
    rustix::fs::chmodat(&sides.target, name, Mode::from_raw_mode(stat.stx_mode.into()), AtFlags::empty())?;
    stamp_by_name(sides, name, stat)
}

fn stamp_by_name(sides: &Sides, name: &CStr, stat: &Statx) -> io::Result<()> {
    let (user, group) = owner(stat);
    rustix::fs::chownat(&sides.target, name, user, group, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(rustix::fs::utimensat(&sides.target, name, &times(stat), AtFlags::SYMLINK_NOFOLLOW)?)
}
