//! How a server is reached.

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::path::Path;

use clap::Args;
use linkdest_core::{Error, RemoteRepository, Ssh};

use crate::failure::Failure;

/// The program that leads to a server.
#[derive(Debug, Args)]
pub struct Server {
    /// Starts COMMAND in the place of `ssh`; it speaks SFTP on its standard input and output
    ///
    /// Unset, `ssh -s -- HOST sftp` is started: keys, agents, jump hosts and known hosts are those of its own
    /// configuration. COMMAND is split at spaces; quotes hold words together; no shell is involved.
    #[arg(long, value_name = "COMMAND")]
    pub ssh_command: Option<OsString>,
}

impl Server {
    /// How the server is reached.
    ///
    /// # Errors
    /// A command that cannot be used.
    pub fn ssh(&self) -> Result<Ssh, Error> {
        // Who can type a password can be asked for one.
        let ssh = Ssh::default().interactive(std::io::stdin().is_terminal());
        match &self.ssh_command {
            Some(line) => ssh.command_line(line),
            None => Ok(ssh),
        }
    }

    /// Says whether a repository is on a server.
    ///
    /// # Errors
    /// A command that leads to a server where there is none.
    pub fn leads_to(&self, path: &Path) -> Result<bool, Failure> {
        let is_there = RemoteRepository::is_address(path);
        if !is_there && self.ssh_command.is_some() {
            return Err(Failure::usage("--ssh-command is for a repository on a server alone".to_owned()));
        }
        Ok(is_there)
    }
}
