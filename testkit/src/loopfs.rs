//! Small file systems of other kinds, mounted from image files.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::{Advice, Mode, OFlags};
use rustix::mount::{UnmountFlags, unmount};

use crate::run::is_root;
use crate::test_dir::TestDir;

/// The size of an image unless told otherwise; it is sparse.
const DEFAULT_SIZE: u64 = 1 << 30;

/// How long to wait for other tests to give a loop device back.
const PATIENCE: Duration = Duration::from_secs(60);

/// A kind of file system that can be made and mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileSystem {
    /// ext4 by the kernel.
    Ext4,
    /// XFS by the kernel; needs at least 300 MiB.
    Xfs,
    /// Btrfs by the kernel.
    Btrfs,
    /// exFAT by FUSE: no owners, modes, links or extended attributes.
    Exfat,
    /// NTFS by FUSE: links, no owners or modes, times in steps of 100 ns.
    Ntfs,
    /// NTFS by FUSE in which names that differ only in case are one name.
    CaselessNtfs,
    /// A directory seen through FUSE (mergerfs), in which each name of a file has an inode number of its own.
    NumbersByPath,
    /// A file system in memory, without any image.
    Tmpfs,
}

impl FileSystem {
    /// Returns the program that makes one and the options it needs to be quiet and not to ask.
    fn maker(self) -> Option<(&'static str, &'static [&'static str])> {
        match self {
            FileSystem::Ext4 => Some(("mkfs.ext4", &["-q", "-F"])),
            FileSystem::Xfs => Some(("mkfs.xfs", &["-q", "-f"])),
            FileSystem::Btrfs => Some(("mkfs.btrfs", &["-q", "-f"])),
            FileSystem::Exfat => Some(("mkfs.exfat", &[])),
            FileSystem::Ntfs | FileSystem::CaselessNtfs => Some(("mkfs.ntfs", &["-Q", "-F", "-q"])),
            FileSystem::NumbersByPath | FileSystem::Tmpfs => None,
        }
    }

    /// Returns what mounts a device with this on it; tmpfs takes any name for one.
    fn mount_command(self, device: &str, size: u64) -> Command {
        let (program, options): (&str, &[&str]) = match self {
            FileSystem::Ext4 => ("mount", &["-t", "ext4"]),
            FileSystem::Xfs => ("mount", &["-t", "xfs"]),
            FileSystem::Btrfs => ("mount", &["-t", "btrfs"]),
            FileSystem::Tmpfs => ("mount", &["-t", "tmpfs"]),
            FileSystem::Exfat => ("mount.exfat-fuse", &[]),
            FileSystem::Ntfs => ("ntfs-3g", &[]),
            FileSystem::CaselessNtfs => ("lowntfs-3g", &["-o", "ignore_case"]),
            FileSystem::NumbersByPath => ("mergerfs", &["-o", "inodecalc=path-hash"]),
        };
        let mut command = Command::new(program);
        command.args(options);
        if self == FileSystem::Tmpfs {
            command.arg("-o").arg(format!("size={size}"));
        }
        command.arg(device);
        command
    }
}

/// Why a file system cannot be had here.
#[derive(Clone, Debug)]
pub struct Unavailable {
    file_system: FileSystem,
    reason: String,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "no {:?} file system: {}", self.file_system, self.reason)
    }
}

impl std::error::Error for Unavailable {}

/// A file system that is mounted until dropped.
#[derive(Debug)]
pub struct LoopMount {
    file_system: FileSystem,
    mount_point: PathBuf,
    image: Option<PathBuf>,
    // Dropped, and so removed, after the file system is unmounted.
    _directory: TestDir,
}

impl LoopMount {
    /// Makes and mounts an empty file system of 1 GiB.
    ///
    /// # Errors
    ///
    /// Says why that cannot be done here; hand it to [`skip`](crate::skip).
    pub fn new(file_system: FileSystem) -> Result<Self, Unavailable> {
        Self::with(file_system, DEFAULT_SIZE, &[])
    }

    /// Makes and mounts an empty file system of `size` bytes with further options for `mkfs`.
    ///
    /// # Errors
    ///
    /// Says why that cannot be done here; hand it to [`skip`](crate::skip).
    pub fn with(file_system: FileSystem, size: u64, mkfs_options: &[&str]) -> Result<Self, Unavailable> {
        Self::mounted(TestDir::new, file_system, size, mkfs_options)
    }

    /// As [`with`](Self::with), with the image in a new directory below `images`.
    ///
    /// # Errors
    ///
    /// Says why that cannot be done here.
    pub fn with_in(
        images: &Path,
        file_system: FileSystem,
        size: u64,
        mkfs_options: &[&str],
    ) -> Result<Self, Unavailable> {
        Self::mounted(|| TestDir::new_in(images), file_system, size, mkfs_options)
    }

    fn mounted(
        directory: impl FnOnce() -> TestDir,
        file_system: FileSystem,
        size: u64,
        mkfs_options: &[&str],
    ) -> Result<Self, Unavailable> {
        mounted(directory, file_system, size, mkfs_options)
            .map_err(|reason| Unavailable { file_system, reason })
    }

    /// Writes everything to the image and the image to its disk, and forgets what memory has of the image itself.
    ///
    /// What the mounted file system has in memory stays: without this it would be there twice.
    ///
    /// # Errors
    ///
    /// When the flush fails.
    pub fn settle(&self) -> io::Result<()> {
        flush(&self.mount_point)?;
        let Some(image) = &self.image else { return Ok(()) };
        let image = File::open(image)?;
        image.sync_all()?;
        Ok(rustix::fs::fadvise(&image, 0, None, Advice::DontNeed)?)
    }

    /// Returns how many bytes are free, after a flush.
    ///
    /// # Errors
    ///
    /// When the flush fails.
    pub fn free_bytes(&self) -> io::Result<u64> {
        flush(&self.mount_point)?;
        let stat = rustix::fs::statvfs(&self.mount_point)?;
        Ok(stat.f_bfree * stat.f_frsize)
    }

    /// Stops the file system as a power cut does: what is not on disk is lost, and every call on it fails from now on.
    ///
    /// # Errors
    ///
    /// Says why that cannot be done here; hand it to [`skip`](crate::skip).
    pub fn cut_power(&self) -> Result<(), Unavailable> {
        let mut command = Command::new("xfs_io");
        let done = succeed(command.args(["-x", "-c", "shutdown"]).arg(&self.mount_point));
        done.map(drop).map_err(|reason| Unavailable { file_system: self.file_system, reason })
    }

    /// Mounts the file system again, as after a power cut.
    ///
    /// # Errors
    ///
    /// When it cannot be unmounted, or the file system is beyond repair by its own log.
    pub fn mount_again(&self) -> Result<(), String> {
        unmount(&self.mount_point, UnmountFlags::empty()).map_err(|error| error.to_string())?;
        let Some(image) = &self.image else { return Err("has no image".to_owned()) };
        mount_image(self.file_system, image, &self.mount_point)
    }

    /// Returns where it is mounted. An ext4 has a `lost+found` there.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.mount_point
    }

    /// Returns the directory that is seen through a [`FileSystem::NumbersByPath`].
    #[must_use]
    pub fn below(&self) -> PathBuf {
        self.mount_point.with_file_name("below")
    }

    /// Returns the path of an entry in its root.
    #[must_use]
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.mount_point.join(name)
    }
}

impl Drop for LoopMount {
    fn drop(&mut self) {
        if unmount(&self.mount_point, UnmountFlags::empty()).is_err()
            && let Err(error) = unmount(&self.mount_point, UnmountFlags::DETACH)
        {
            eprintln!("could not unmount {}: {error}", self.mount_point.display());
        }
    }
}

/// Writes everything that a file system has in memory.
///
/// # Errors
///
/// When `path`, a directory on it, cannot be opened, or the flush fails.
pub fn flush(path: &Path) -> io::Result<()> {
    let directory = rustix::fs::open(path, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    Ok(rustix::fs::syncfs(directory)?)
}

/// Makes the kernel forget what it has read of all file systems (superuser only).
///
/// # Errors
///
/// When that is not allowed.
pub fn drop_caches() -> io::Result<()> {
    rustix::fs::sync();
    fs::write("/proc/sys/vm/drop_caches", "3")
}

fn mounted(
    directory: impl FnOnce() -> TestDir,
    file_system: FileSystem,
    size: u64,
    mkfs_options: &[&str],
) -> Result<LoopMount, String> {
    if !is_root() {
        return Err("only the superuser can mount".to_owned());
    }
    let directory = directory();
    let image = directory.join("image");
    let mount_point = directory.join("mount");
    fs::create_dir(&mount_point).map_err(|error| error.to_string())?;
    let Some((program, options)) = file_system.maker() else {
        let below = directory.join("below");
        fs::create_dir(&below).map_err(|error| error.to_string())?;
        succeed(file_system.mount_command(&below.to_string_lossy(), size).arg(&mount_point))?;
        return Ok(LoopMount { file_system, mount_point, image: None, _directory: directory });
    };
    let file = File::create_new(&image).map_err(|error| error.to_string())?;
    file.set_len(size).map_err(|error| error.to_string())?;
    succeed(Command::new(program).args(options).args(mkfs_options).arg(&image))?;
    let mount = |()| LoopMount {
        file_system,
        mount_point: mount_point.clone(),
        image: Some(image.clone()),
        _directory: directory,
    };
    mount_image(file_system, &image, &mount_point).map(mount)
}

/// Mounts an image by a loop device of its own.
fn mount_image(file_system: FileSystem, image: &Path, mount_point: &Path) -> Result<(), String> {
    let device = attach_patiently(image)?;
    let done = succeed(file_system.mount_command(&device, 0).arg(mount_point));
    // A mounted device is only let go of when it is unmounted, even if this process is killed.
    let detached = succeed(Command::new("losetup").arg("--detach").arg(&device));
    done?;
    detached.map(drop)
}

/// Attaches an image to a loop device; waits a while for one if all are taken.
fn attach_patiently(image: &Path) -> Result<String, String> {
    let start = Instant::now();
    loop {
        match succeed(Command::new("losetup").args(["--find", "--show"]).arg(image)) {
            Err(reason) if is_for_want_of_devices(&reason) && start.elapsed() < PATIENCE => {
                sleep(Duration::from_millis(200));
            }
            done => return done,
        }
    }
}

/// Returns whether waiting may help: there are loop devices, and this process may use them.
fn is_for_want_of_devices(reason: &str) -> bool {
    let is_forbidden = reason.contains("ermission denied") || reason.contains("not permitted");
    reason.contains("loop device") && !is_forbidden && Path::new("/dev/loop0").exists()
}

/// Runs a command to its end and returns what it printed.
fn succeed(command: &mut Command) -> Result<String, String> {
    let program = command.get_program().display().to_string();
    let output = command.output().map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program}: {}: {}", output.status, said.trim()))
}
