//! Snapshots that were brought here from another repository: which they are, and where they grow.

use std::ffi::CStr;
use std::path::Path;

use super::staging::{Leftover, Staging};
use super::{Repository, RunRecord, STAGING, Snapshot, SnapshotName};
use crate::entry::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::os::c_name;

/// What a snapshot keeps on its way from repository to repository: where and when it was made, and its name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    repository: String,
    name: SnapshotName,
    started: Timestamp,
}

impl Identity {
    /// The repository that the snapshot was made in.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Tells which snapshot one of the repository with that id is.
    pub fn of(snapshot: &Snapshot, id: &str) -> Self {
        let made_in = snapshot.record().and_then(|record| record.replica_of.clone());
        Self {
            repository: made_in.unwrap_or_else(|| id.to_owned()),
            name: snapshot.name().clone(),
            started: snapshot.started(),
        }
    }

    /// Says whether a record is that of a replica of it.
    pub fn is_of(&self, record: &RunRecord) -> bool {
        record.replica_of.as_ref() == Some(&self.repository)
            && record.snapshot == self.name
            && record.started == self.started
    }
}

/// So many killed runs leave what they had of one snapshot.
pub(crate) const MOST_LEFTOVERS: u32 = 99;

impl Repository {
    /// Makes the staging directory of a replica, which has its name already. What a killed run left under that name is
    /// set aside. The lock is held.
    pub(crate) fn stage_as(&self, name: &SnapshotName) -> Result<Staging> {
        let staging = self.control_dir(STAGING)?;
        let failed = |operation: &'static str| {
            let path = self.control_path(Path::new("staging").join(name.as_str()));
            move |error| Error::io(operation, path, error)
        };
        let c = c_name(name.as_str()).map_err(failed("name"))?;
        if staging.stat_if_there(&c).map_err(failed("stat"))?.is_some() {
            let mut number = 1;
            loop {
                let aside = c_name(&format!("{name}.{number}")).map_err(failed("name"))?;
                match staging.rename_new(&c, &staging, &aside) {
                    Ok(()) => break,
                    Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                    Err(error) => return Err(failed("rename")(error)),
                }
                number += 1;
                if number > MOST_LEFTOVERS {
                    let message = format!("{MOST_LEFTOVERS} runs were killed while they made {name}");
                    return Err(Error::new(ErrorKind::Io, self.control_path(STAGING_PATH), message));
                }
            }
        }
        staging.make_dir(&c).map_err(failed("make directory"))?;
        let dir = staging.open_dir(&c).map_err(failed("open"))?;
        Ok(Staging { name: name.clone(), dir })
    }

    /// What killed runs left of one replica.
    pub(crate) fn leftovers_of(&self, identity: &Identity) -> Result<Vec<Leftover>> {
        let is_of = |leftover: &Leftover| {
            leftover.tree.is_some() && leftover.record.as_ref().is_some_and(|record| identity.is_of(record))
        };
        Ok(self.leftovers()?.into_iter().filter(is_of).collect())
    }

    /// Removes what a run had of a replica that is not published.
    pub(crate) fn drop_staged(&self, name: &CStr) -> Result<()> {
        let leftovers = self.leftovers()?.into_iter().filter(|leftover| *leftover.name == *name);
        self.remove_leftovers(leftovers.collect())
    }
}

const STAGING_PATH: &str = "staging";
