//! How the program is started that leads to the server.

use std::ffi::{OsStr, OsString};
use std::process::Command;
use std::time::Duration;

use super::address::Address;
use crate::error::{Error, Result};

/// How servers are reached: by `ssh`, with all that its own configuration says (keys, agents, jump hosts, known hosts),
/// or by another program.
///
/// ```
/// use linkdest_core::Ssh;
/// let ssh = Ssh::default().command_line("ssh -i '/etc/backup key' -s -- phone sftp")?;
/// assert_eq!(ssh.words().unwrap().len(), 7);
/// # Ok::<(), linkdest_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ssh {
    command: Option<Vec<OsString>>,
    interactive: bool,
    patience: Duration,
    attempts: u32,
}

impl Default for Ssh {
    fn default() -> Self {
        Self { command: None, interactive: false, patience: Duration::from_secs(300), attempts: 6 }
    }
}

impl Ssh {
    /// Sets the program, with its arguments, that is started in the place of `ssh`, and speaks SFTP on its standard
    /// input and output. Unset: `ssh -s -- HOST sftp`.
    #[must_use]
    pub fn command<I, W>(mut self, words: I) -> Self
    where
        I: IntoIterator<Item = W>,
        W: Into<OsString>,
    {
        self.command = Some(words.into_iter().map(Into::into).collect());
        self
    }

    /// Sets the program as [`command`](Self::command) does, from one line: words are apart by spaces, quotes (`'` and
    /// `"`) hold a word together, a backslash takes the next character as it is. No shell is involved.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidOption`](crate::ErrorKind::InvalidOption): a quote that is not closed, or no word at all.
    pub fn command_line(self, line: impl AsRef<OsStr>) -> Result<Self> {
        Ok(self.command(split(line.as_ref())?))
    }

    /// Says that somebody is there to be asked for a password or about an unknown host. Unset: nobody is, and `ssh` is
    /// told so (`BatchMode`).
    #[must_use]
    pub fn interactive(mut self, interactive: bool) -> Self {
        self.interactive = interactive;
        self
    }

    /// Sets how long a server may be silent before the connection counts as lost. Unset: five minutes.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sets how often in a row a connection that was lost is made anew, with growing waits, before the run fails; one that
    /// held for a minute starts the count anew. Unset: six times, within half a minute or so.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// The words of the program that was set.
    #[must_use]
    pub fn words(&self) -> Option<&[OsString]> {
        self.command.as_deref()
    }

    pub(crate) fn is_interactive(&self) -> bool {
        self.interactive
    }

    pub(super) fn most_attempts(&self) -> u32 {
        self.attempts
    }

    pub(super) fn silence(&self) -> Duration {
        self.patience
    }

    /// The program to start.
    pub(super) fn to_command(&self, address: &Address) -> Result<Command> {
        if let Some(words) = &self.command {
            let (program, arguments) = words
                .split_first()
                .filter(|(program, _)| !program.is_empty())
                .ok_or_else(|| Error::option("the program that leads to an SFTP server has no name"))?;
            let mut command = Command::new(program);
            command.args(arguments);
            return Ok(command);
        }
        let mut command = Command::new("ssh");
        // No terminal, no X11, no agent and no ports are lent to the server.
        command.args(["-T", "-x", "-a", "-oClearAllForwardings=yes", "-oPermitLocalCommand=no"]);
        if !self.interactive {
            command.arg("-oBatchMode=yes");
        }
        if let Some(port) = address.port {
            command.arg(format!("-p{port}"));
        }
        if let Some(user) = &address.user {
            command.args(["-l", user]);
        }
        command.args(["-s", "--", &address.host, "sftp"]);
        Ok(command)
    }
}

fn split(line: &OsStr) -> Result<Vec<OsString>> {
    use crate::native::{OsStrExt as _, OsStringExt as _};
    // It may hold a password, and messages go to logs.
    let wrong = |why: &str| Error::option(format!("ssh command: {why}"));
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quote = None;
    let mut bytes = line.as_bytes().iter();
    while let Some(&byte) = bytes.next() {
        match (quote, byte) {
            (Some(open), _) if byte == open => quote = None,
            (None, b'\'' | b'"') => {
                quote = Some(byte);
                word.get_or_insert_default();
            }
            (None | Some(b'"'), b'\\') => {
                let next = bytes.next().ok_or_else(|| wrong("a backslash at its end"))?;
                word.get_or_insert_default().push(*next);
            }
            (None, b' ' | b'\t' | b'\n') => words.extend(word.take().map(OsString::from_vec)),
            _ => word.get_or_insert_default().push(byte),
        }
    }
    if quote.is_some() {
        return Err(wrong("a quote is not closed"));
    }
    words.extend(word.map(OsString::from_vec));
    if words.is_empty() { Err(wrong("no program is named")) } else { Ok(words) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn a_line_is_split_into_words() {
        for (line, words) in [
            ("a b  c", Some(&["a", "b", "c"][..])),
            (" 'a b' \"c d\" e'f'g ", Some(&["a b", "c d", "efg"])),
            (r#"a\ b "c\"d" 'e\f' """#, Some(&["a b", "c\"d", r"e\f", ""])),
            ("'a", None),
            ("a\\", None),
            ("  ", None),
        ] {
            let split = split(OsStr::new(line)).ok();
            let words = words.map(|words| words.iter().map(OsString::from).collect::<Vec<_>>());
            assert_eq!(split, words, "{line}");
        }
    }

    #[test]
    fn the_host_comes_last_and_cannot_be_an_option() {
        let shown = |ssh: &Ssh, text: &str| {
            let address = Address::parse(Path::new(text)).unwrap();
            let command = ssh.to_command(&address).unwrap();
            command.get_args().map(|word| word.to_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
        };
        let ssh = Ssh::default();
        assert!(shown(&ssh, "sftp://h/x").ends_with(" -oBatchMode=yes -s -- h sftp"));
        let asked = shown(&ssh.clone().interactive(true), "sftp://me@h:99/x");
        assert!(asked.ends_with(" -p99 -l me -s -- h sftp") && !asked.contains("BatchMode"), "{asked}");
        assert_eq!(shown(&ssh.command(["/bin/server", "-e"]), "sftp://h/x"), "-e");
    }
}
