//! Programs run by tests.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::process::Command;

/// A user, and a group, that owns nothing: the usual number of `nobody`.
pub const NOBODY: u32 = 65534;

/// Returns whether this process is the superuser.
#[must_use]
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Returns a command that runs `command` as another user, in the group of the same number only.
///
/// It uses `setpriv`, needs the superuser, and takes over the program, the arguments, the
/// environment and the working directory of `command`, not where its output goes.
#[must_use]
pub fn as_user(user: u32, command: &Command) -> Command {
    let mut wrapped = Command::new("setpriv");
    wrapped.arg(format!("--reuid={user}")).arg(format!("--regid={user}")).arg("--clear-groups").arg("--");
    wrapped.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => wrapped.env(name, value),
            None => wrapped.env_remove(name),
        };
    }
    if let Some(directory) = command.get_current_dir() {
        wrapped.current_dir(directory);
    }
    wrapped
}

/// Returns what rsync would change to make `right` the same as `left`, one line each.
///
/// An empty text means that rsync finds no difference. A failure is told as part of the text.
/// `None` means that rsync is not installed.
///
/// # Panics
///
/// If rsync is installed but cannot be run.
#[must_use]
pub fn rsync_differences(left: &Path, right: &Path) -> Option<String> {
    let mut command = Command::new("rsync");
    command.args(["-aHAXn", "--modify-window=-1", "--delete", "--checksum", "--itemize-changes", "--"]);
    command.arg(with_slash(left)).arg(with_slash(right));
    let output = match command.output() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        output => output.expect("rsync can be run"),
    };
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        text.push_str(&format!("{}\n{}", output.status, String::from_utf8_lossy(&output.stderr)));
    }
    Some(text)
}

/// Returns a path that for rsync means the content of the directory.
fn with_slash(path: &Path) -> OsString {
    [path.as_os_str(), OsStr::new("/")].into_iter().collect()
}
