//! Options of sources on a server.

use std::ffi::OsString;

use clap::Args;
use linkdest_core::{Error, Snapshotter, Ssh};
use std::io::IsTerminal as _;

/// How a server is reached, and what is kept of what it tells.
#[derive(Debug, Args)]
pub struct Remote {
    /// Starts COMMAND in the place of `ssh`; it speaks SFTP on its standard input and output
    ///
    /// Unset, `ssh -s -- HOST sftp` is started: keys, agents, jump hosts and known hosts are those of its own
    /// configuration. COMMAND is split at spaces; quotes hold words together; no shell is involved.
    #[arg(long, value_name = "COMMAND")]
    pub ssh_command: Option<OsString>,
    /// Keeps no owners: what is saved belongs to this user
    ///
    /// Unset, owners are kept, by number, where this user can set them, unless the server tells none.
    #[arg(long, hide_short_help = true)]
    pub no_owner: bool,
    /// Keeps no modes: only their owner may read what is saved
    ///
    /// Unset, modes are kept, unless the server tells none, or the same for everything (phones, FAT).
    #[arg(long, hide_short_help = true)]
    pub no_perms: bool,
    /// Keeps modes also where the server tells the same for everything
    #[arg(long, conflicts_with = "no_perms", hide_short_help = true)]
    pub perms: bool,
}

impl Remote {
    /// Sets what was asked for.
    ///
    /// # Errors
    /// A command that cannot be used.
    pub fn apply(&self, snapshotter: Snapshotter) -> Result<Snapshotter, Error> {
        // Who can type a password can be asked for one.
        let mut ssh = Ssh::default().interactive(std::io::stdin().is_terminal());
        if let Some(line) = &self.ssh_command {
            ssh = ssh.command_line(line)?;
        }
        let mut snapshotter = snapshotter.ssh(ssh);
        if self.no_owner {
            snapshotter = snapshotter.keep_owners(false);
        }
        if self.no_perms || self.perms {
            snapshotter = snapshotter.keep_modes(self.perms);
        }
        Ok(snapshotter)
    }
}
