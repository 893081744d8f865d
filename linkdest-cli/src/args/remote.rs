//! Options of sources on a server.

use clap::Args;
use linkdest_core::{Error, Snapshotter};

use super::Server;

/// How a server is reached, and what is kept of what it tells.
#[derive(Debug, Args)]
pub struct Remote {
    #[command(flatten)]
    pub server: Server,
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
        let mut snapshotter = snapshotter.ssh(self.server.ssh()?);
        if self.no_owner {
            snapshotter = snapshotter.keep_owners(false);
        }
        if self.no_perms || self.perms {
            snapshotter = snapshotter.keep_modes(self.perms);
        }
        Ok(snapshotter)
    }
}
