//! Programs that are started, each in a process group of its own: a signal from the terminal does not reach it, and
//! all that it starts can be ended with it.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal};

/// A program that runs.
#[derive(Debug)]
pub(crate) struct Child {
    child: std::process::Child,
    /// It leads a process group of its own.
    leads: bool,
    ended: bool,
}

/// A program that runs, and the near ends of its pipes.
pub(crate) struct Piped {
    pub child: Child,
    pub input: ChildStdin,
    pub output: ChildStdout,
    pub errors: ChildStderr,
}

/// So much of what a program says may wait in its pipe, in bytes: one that finds it full has to be woken again.
#[cfg(target_os = "linux")]
const PIPE: usize = 1 << 20;

impl Child {
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        command.process_group(0).spawn().map(|child| Self { child, leads: true, ended: false })
    }

    /// Starts a program with pipes. One that may ask at the terminal must stay in the group of this process.
    pub fn spawn_piped(command: &mut Command, own_group: bool) -> io::Result<Piped> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if own_group {
            command.process_group(0);
        }
        let mut child = command.spawn()?;
        match (child.stdin.take(), child.stdout.take(), child.stderr.take()) {
            (Some(input), Some(output), Some(errors)) => {
                // Where that much is not allowed, the pipe stays as it is.
                #[cfg(target_os = "linux")]
                let _ = rustix::pipe::fcntl_setpipe_size(&output, PIPE);
                Ok(Piped { child: Self { child, leads: own_group, ended: false }, input, output, errors })
            }
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// How it ended; `None` while it runs.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        let status = self.child.try_wait()?;
        self.ended |= status.is_some();
        Ok(status)
    }

    /// Asks the whole group to end, or ends it by force. That it is gone already is fine.
    pub fn end_group(&self, by_force: bool) {
        let signal = if by_force { Signal::KILL } else { Signal::TERM };
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        // Without permission there is nothing else to try.
        let _ = group.map(|group| rustix::process::kill_process_group(group, signal));
    }

    /// Asks it to end, or ends it by force: with its group, where that is its own. Once it was seen to have ended, its
    /// number may be another program's.
    pub fn end(&self, by_force: bool) {
        if self.ended {
            return;
        }
        if self.leads {
            return self.end_group(by_force);
        }
        let signal = if by_force { Signal::KILL } else { Signal::TERM };
        let process = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let _ = process.map(|process| rustix::process::kill_process(process, signal));
    }
}

/// Whether a path leads to a file that this user may run.
pub(crate) fn is_program(path: &std::path::Path) -> bool {
    let is_file = || {
        rustix::fs::stat(path).is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file())
    };
    rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok() && is_file()
}
