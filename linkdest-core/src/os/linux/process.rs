//! What the process and the machine are.

use std::path::Path;

use rustix::process::Resource;

use super::{Dir, File};

/// Says that what every run needs is there: `/proc`, by which extended attributes of entries that are not opened are
/// reached. The error comes with what it was about.
pub(crate) fn ready() -> Result<(), (&'static str, &'static Path, std::io::Error)> {
    let place = Path::new("/proc/self/fd");
    let missing = |error| ("reach extended attributes (is /proc mounted?): open", place, error);
    Dir::open_operator_path(place).map(drop).map_err(missing)
}

/// The effective user and group.
pub(crate) fn effective_ids() -> (u32, u32) {
    (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw())
}

/// How many descriptors this process may have open (RLIMIT_NOFILE, soft).
pub(crate) fn open_file_limit() -> usize {
    let limit = rustix::process::getrlimit(Resource::Nofile).current;
    limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(1 << 20)
}

/// The name of this machine.
pub(crate) fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// What tells one boot of this machine from the next; empty where the kernel does not say.
pub(crate) fn boot_id() -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let kernel = Dir::open_operator_path(Path::new("/proc/sys/kernel/random"))?;
        File::read_small(&kernel.open_file(c"boot_id")?, 100)
    };
    read().map(|id| String::from_utf8_lossy(&id).trim().to_owned()).unwrap_or_default()
}

/// Random bytes from the kernel, as hexadecimal digits.
pub(crate) fn random_id() -> std::io::Result<String> {
    let mut bytes = [0_u8; 16];
    rustix::rand::getrandom(&mut bytes[..], rustix::rand::GetRandomFlags::empty())?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
