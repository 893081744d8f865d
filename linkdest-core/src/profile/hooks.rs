//! Hooks: programs that run around a snapshot.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::monitor::StopFlag;
use crate::os::Child;
use crate::step::Step;

/// How often a hook that runs is looked at.
const LOOK: Duration = Duration::from_millis(10);
/// How long a hook may take to end once it was asked to.
const GRACE: Duration = Duration::from_secs(10);

/// What a hook runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Program {
    /// Text for `sh -c`.
    Shell(String),
    /// A program and its arguments.
    Direct(Vec<OsString>),
}

/// The hooks of a profile.
#[derive(Debug, Clone, Default)]
pub(super) struct Hooks(Vec<(Step, Program)>);

impl Hooks {
    pub fn set(&mut self, step: Step, program: Option<Program>) {
        self.0.extend(program.map(|program| (step, program)));
    }

    pub fn get(&self, step: Step) -> Option<&Program> {
        self.0.iter().find(|(given, _)| *given == step).map(|(_, program)| program)
    }

    pub fn iter(&self) -> impl Iterator<Item = &(Step, Program)> {
        self.0.iter()
    }
}

/// Why a hook did not do what it should.
#[derive(Debug)]
pub(super) enum Failure {
    /// It could not be started, or waited for.
    Io(io::Error),
    /// It ended otherwise than with 0.
    Ended(std::process::ExitStatus),
    /// It was ended because the run is to stop.
    Stopped,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => write!(f, "cannot be run: {error}"),
            Self::Ended(status) => write!(f, "{status}"),
            Self::Stopped => f.write_str("stopped"),
        }
    }
}

impl Program {
    /// Runs it in a directory, without a terminal, and waits for it. What it prints goes to standard error: standard
    /// output is for results.
    pub fn run(
        &self,
        directory: &Path,
        environment: &[(&'static str, Option<OsString>)],
        stop: &StopFlag,
    ) -> Result<(), Failure> {
        let mut command = self.command(directory);
        command.current_dir(directory).stdin(Stdio::null()).stdout(io::stderr());
        for (name, value) in environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let mut child = Child::spawn(&mut command).map_err(Failure::Io)?;
        // A hook that begins after the run was stopped tidies up.
        let stoppable = !stop.is_stopped();
        let mut asked: Option<Instant> = None;
        loop {
            if let Some(status) = child.try_wait().map_err(Failure::Io)? {
                return match (asked, status.success()) {
                    (Some(_), _) => Err(Failure::Stopped),
                    (None, true) => Ok(()),
                    (None, false) => Err(Failure::Ended(status)),
                };
            }
            if stoppable && stop.is_stopped() {
                let begun = asked.get_or_insert_with(|| {
                    child.end_group(false);
                    Instant::now()
                });
                if begun.elapsed() > GRACE {
                    child.end_group(true);
                }
            }
            thread::sleep(LOOK);
        }
    }

    fn command(&self, directory: &Path) -> Command {
        match self {
            Self::Shell(text) => {
                let mut command = Command::new("sh");
                command.arg("-c").arg(text);
                command
            }
            Self::Direct(words) => {
                let program = words.first().map_or(OsStr::new(""), OsString::as_os_str);
                let mut command = Command::new(located(program, directory));
                command.args(words.get(1..).unwrap_or_default());
                command
            }
        }
    }

    /// What it is called in logs: the program alone, since arguments may hold keys and passwords.
    pub fn name(&self) -> String {
        let word = match self {
            // Assignments before the program are arguments too.
            Self::Shell(text) => text.split_ascii_whitespace().next().filter(|word| is_plain(word)),
            Self::Direct(words) => words.first().and_then(|word| word.to_str()),
        };
        crate::path::Escaped(word.unwrap_or("sh").as_bytes()).to_string()
    }

    /// The program that must be there for it to run; `None` for the shell's text.
    pub fn executable(&self) -> Option<&OsStr> {
        match self {
            Self::Shell(_) => None,
            Self::Direct(words) => words.first().map(OsString::as_os_str),
        }
    }
}

impl std::fmt::Display for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use crate::native::OsStrExt as _;
        match self {
            Self::Shell(text) => write!(f, "{}", crate::path::Escaped(text.as_bytes())),
            Self::Direct(words) => {
                for (index, word) in words.iter().enumerate() {
                    let separator = if index == 0 { "" } else { " " };
                    write!(f, "{separator}{}", crate::path::Escaped(word.as_bytes()))?;
                }
                Ok(())
            }
        }
    }
}

/// Says whether a word of a shell's text is the name or path of a program, and nothing else.
fn is_plain(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+".contains(&byte))
}

/// A name without a directory is looked for in PATH, a path starts at the profile's directory.
pub(super) fn located(program: &OsStr, directory: &Path) -> OsString {
    use crate::native::OsStrExt as _;
    if program.as_bytes().contains(&b'/') { directory.join(program).into() } else { program.to_owned() }
}
