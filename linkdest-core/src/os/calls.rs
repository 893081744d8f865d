//! The one place that every kernel call passes.
//!
//! In a normal build it only repeats interrupted calls. Built with `--cfg linkdest_calls` it also counts and logs
//! the calls and makes the n-th of a kind fail, for the tests.

use std::io;

/// A kind of kernel call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "some systems have no extended attributes"))]
pub enum Call {
    /// openat(2) of an existing entry.
    Open,
    /// openat(2) that makes a file.
    Create,
    /// statx(2).
    Stat,
    /// statfs(2).
    StatFs,
    /// getdents64(2), counted once per listing.
    List,
    /// read(2), pread(2).
    Read,
    /// write(2), pwrite(2).
    Write,
    /// lseek(2) for data and holes.
    Seek,
    /// ftruncate(2).
    SetLen,
    /// ioctl(FICLONE).
    Clone,
    /// copy_file_range(2).
    CopyRange,
    /// linkat(2).
    Link,
    /// symlinkat(2).
    Symlink,
    /// readlinkat(2).
    ReadLink,
    /// mkdirat(2).
    MakeDir,
    /// mknodat(2).
    MakeNode,
    /// unlinkat(2), of files and directories.
    Unlink,
    /// renameat2(2).
    Rename,
    /// fchown(2), fchownat(2).
    SetOwner,
    /// fchmod(2), chmod(2).
    SetMode,
    /// utimensat(2).
    SetTimes,
    /// listxattr(2) and its relatives.
    ListXattr,
    /// getxattr(2) and its relatives.
    GetXattr,
    /// setxattr(2) and its relatives.
    SetXattr,
    /// removexattr(2).
    RemoveXattr,
    /// fsync(2).
    Sync,
    /// syncfs(2).
    SyncFs,
    /// flock(2).
    Lock,
}

/// Makes one kernel call on `name` (empty for a call on a descriptor), again while it is interrupted.
#[inline]
pub(crate) fn pass<T, E: Into<io::Error>>(
    call: Call,
    name: &[u8],
    mut make: impl FnMut() -> Result<T, E>,
) -> io::Result<T> {
    #[cfg(linkdest_calls)]
    if let Some(error) = trace::enter(call, name) {
        return Err(error);
    }
    #[cfg(not(linkdest_calls))]
    let _ = (call, name);
    loop {
        match make().map_err(Into::into) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Counting, logging and failing calls, for tests; compiled in by `--cfg linkdest_calls` only.
#[cfg(linkdest_calls)]
pub mod trace {
    use super::Call;
    use std::io;
    use std::sync::{Mutex, PoisonError};

    /// One call as it was made.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Made {
        /// What was called.
        pub call: Call,
        /// The name it was called on; empty for a descriptor.
        pub name: Vec<u8>,
    }

    /// What is to go wrong.
    enum Fault {
        /// The n-th call (from 1) of a kind fails with this error number.
        Nth(Call, usize, i32),
        /// The n-th call of a kind on a name fails.
        Named(Call, Vec<u8>, usize, i32),
        /// So many calls are made; all others fail, as if the process had ended.
        End(usize),
    }

    struct Trace {
        made: Vec<Made>,
        fault: Option<Fault>,
        /// Calls of the kind that is to fail.
        seen: usize,
    }

    static TRACE: Mutex<Option<Trace>> = Mutex::new(None);

    /// Starts a new log. With `fail`, the n-th call (from 1) of that kind fails with that error number.
    pub fn start(fail: Option<(Call, usize, i32)>) {
        begin(fail.map(|(call, nth, errno)| Fault::Nth(call, nth, errno)));
    }

    /// Starts a new log in which the n-th call (from 1) of a kind on a name fails with an error number.
    pub fn start_failing_on(call: Call, name: &[u8], nth: usize, errno: i32) {
        begin(Some(Fault::Named(call, name.to_vec(), nth, errno)));
    }

    /// Starts a new log in which only the first `calls` calls are made. All others fail, so that nothing more happens
    /// on disk, as when a process is killed.
    pub fn start_ending_after(calls: usize) {
        begin(Some(Fault::End(calls)));
    }

    fn begin(fault: Option<Fault>) {
        let trace = Trace { made: Vec::new(), fault, seen: 0 };
        *TRACE.lock().unwrap_or_else(PoisonError::into_inner) = Some(trace);
    }

    /// Ends the log and returns it.
    pub fn finish() -> Vec<Made> {
        TRACE
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .map(|trace| trace.made)
            .unwrap_or_default()
    }

    pub(super) fn enter(call: Call, name: &[u8]) -> Option<io::Error> {
        const EIO: i32 = 5;
        let mut guard = TRACE.lock().unwrap_or_else(PoisonError::into_inner);
        let trace = guard.as_mut()?;
        trace.made.push(Made { call, name: name.to_vec() });
        let mut is_nth = |is_meant: bool, nth: usize| {
            trace.seen += usize::from(is_meant);
            is_meant && trace.seen == nth
        };
        let errno = match trace.fault.as_ref()? {
            Fault::Nth(failing, nth, errno) => is_nth(call == *failing, *nth).then_some(*errno),
            Fault::Named(failing, on, nth, errno) => {
                is_nth(call == *failing && name == on, *nth).then_some(*errno)
            }
            Fault::End(calls) => (trace.made.len() > *calls).then_some(EIO),
        };
        errno.map(io::Error::from_raw_os_error)
    }
}
