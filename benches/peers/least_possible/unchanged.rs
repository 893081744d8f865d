//! A linked copy of a reference that equals the source.

use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{AtFlags, FileType, Statx};

use super::directory::{Sides, Task, begin, kind, list, look, stamp};
use super::queue::work_off;

/// Links what is in `reference` into `target`; an error if something differs from `source`.
pub(super) fn run(source: &Path, reference: &Path, target: &Path, threads: usize) -> io::Result<()> {
    let root = Task::root(source, Some(reference), target)?;
    work_off(root, threads, || {
        let mut buffer = vec![MaybeUninit::uninit(); 64 << 10];
        move |task: Task, new: &mut Vec<Task>| directory(task, new, &mut buffer)
    })
}

fn directory(task: Task, new: &mut Vec<Task>, buffer: &mut [MaybeUninit<u8>]) -> io::Result<()> {
    let (sides, stat) = task.open()?;
    list(sides.source.as_fd(), buffer, |name| entry(&sides, name, new))?;
    stamp(&sides.target, &stat)
}

fn entry(sides: &Arc<Sides>, name: &CStr, new: &mut Vec<Task>) -> io::Result<()> {
    let stat = look(&sides.source, name)?;
    if kind(&stat) == FileType::Directory {
        new.push(begin(sides, name, stat)?);
        return Ok(());
    }
    let reference = sides.reference.as_ref().ok_or_else(|| io::Error::other("no reference"))?;
    if !is_equal(&stat, &look(reference, name)?) {
        return Err(io::Error::other(format!("{} was changed", name.to_string_lossy())));
    }
    Ok(rustix::fs::linkat(reference, name, &sides.target, name, AtFlags::empty())?)
}

fn is_equal(one: &Statx, other: &Statx) -> bool {
    let stamps = |stat: &Statx| (stat.stx_size, stat.stx_mtime.tv_sec, stat.stx_mtime.tv_nsec);
    let attributes = |stat: &Statx| (stat.stx_mode, stat.stx_uid, stat.stx_gid);
    stamps(one) == stamps(other) && attributes(one) == attributes(other)
}
