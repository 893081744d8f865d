//! Programs that are started, each in a process group of its own: a signal from the terminal does not reach it, and
//! all that it starts can be ended with it.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitStatus};

use rustix::process::{Pid, Signal};

/// A program that runs.
#[derive(Debug)]
pub(crate) struct Child(std::process::Child);

impl Child {
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        command.process_group(0).spawn().map(Self)
    }

    /// How it ended; `None` while it runs.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.0.try_wait()
    }

    /// Asks the whole group to end, or ends it by force. That it is gone already is fine.
    pub fn end_group(&self, by_force: bool) {
        let signal = if by_force { Signal::KILL } else { Signal::TERM };
        let group = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        // Without permission there is nothing else to try.
        let _ = group.map(|group| rustix::process::kill_process_group(group, signal));
    }
}

/// Whether a path leads to a file that this user may run.
pub(crate) fn is_program(path: &std::path::Path) -> bool {
    let is_file = || {
        rustix::fs::stat(path).is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file())
    };
    rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok() && is_file()
}
