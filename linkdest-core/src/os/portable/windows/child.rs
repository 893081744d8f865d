//! Programs that are started, each in a process group of its own, so that Ctrl-C does not reach it.

use std::io;
use std::os::windows::process::CommandExt as _;
use std::path::Path;
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;

/// A program that runs.
#[derive(Debug)]
pub(crate) struct Child {
    child: Mutex<std::process::Child>,
}

/// A program that runs, and the near ends of its pipes.
pub(crate) struct Piped {
    pub child: Child,
    pub input: ChildStdin,
    pub output: ChildStdout,
    pub errors: ChildStderr,
}

impl Child {
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        let child = command.creation_flags(CREATE_NEW_PROCESS_GROUP).spawn()?;
        Ok(Self { child: Mutex::new(child) })
    }

    /// Starts a program with pipes. One that may ask at the terminal must stay in the group of this process.
    pub fn spawn_piped(command: &mut Command, own_group: bool) -> io::Result<Piped> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if own_group {
            command.creation_flags(CREATE_NEW_PROCESS_GROUP);
        }
        let mut child = command.spawn()?;
        match (child.stdin.take(), child.stdout.take(), child.stderr.take()) {
            (Some(input), Some(output), Some(errors)) => {
                Ok(Piped { child: Self { child: Mutex::new(child) }, input, output, errors })
            }
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn child(&self) -> MutexGuard<'_, std::process::Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it ended; `None` while it runs.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child().try_wait()
    }

    /// Ends it. What it started itself goes on: there is no call for a group but a job, which `std` does not have.
    pub fn end_group(&self, by_force: bool) {
        self.end(by_force);
    }

    /// Ends it, always by force: there is no polite way that every program hears. That it has ended already is fine.
    pub fn end(&self, _: bool) {
        let _ = self.child().kill();
    }
}

/// Whether a path leads to a file.
#[expect(clippy::disallowed_methods, reason = "the operator's own path")]
pub(crate) fn is_program(path: &Path) -> bool {
    path.is_file()
}
