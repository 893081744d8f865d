//! What killed runs left on the server.

use super::RemoteRepository;
use super::trees::ServerDir;
use crate::entry::Kind;
use crate::error::{Error, Result};
use crate::monitor::StopFlag;
use crate::repository::{Identity, RunRecord};

/// What a killed run left.
pub(crate) struct Left {
    name: String,
    /// What is known of the run; nothing of one that was killed early.
    pub record: Option<RunRecord>,
    pub tree: ServerDir,
    has_tree: bool,
}

impl Left {
    /// Says whether it is of a replica, or of nothing that anybody could use.
    pub fn is_of_replica(&self) -> bool {
        self.record.as_ref().is_none_or(|record| record.replica_of.is_some())
    }

    /// Says whether it is of that snapshot.
    pub fn is_of(&self, identity: &Identity) -> bool {
        self.has_tree && self.record.as_ref().is_some_and(|record| identity.is_of(record))
    }

    /// Says whether it was written since the server was started, so that what was written is there.
    pub fn is_of_boot(&self, boot: &str) -> bool {
        self.record.as_ref().is_some_and(|record| !boot.is_empty() && record.boot_id == boot)
    }
}

impl RemoteRepository {
    /// What killed runs left, the newest first.
    pub(crate) fn leftovers(&self) -> Result<Vec<Left>> {
        let failed = |error| Error::io("list", self.own_path("staging"), error);
        let listed = self.list(&self.own("staging")).map_err(failed)?;
        let mut left = Vec::new();
        for (name, _) in listed {
            let Ok(name) = String::from_utf8(name) else { continue };
            let text = self.read_small(&self.own(&format!("staging/{name}/run.toml")));
            let text = match text {
                Err(error) if Error::within(&error).is_some() => return Err(failed(error)),
                text => text.ok().flatten().and_then(|text| String::from_utf8(text).ok()),
            };
            let record = text.and_then(|text| RunRecord::parse(&text).ok());
            let tree = self.own(&format!("staging/{name}/tree"));
            let has_tree = self.kind_of(&tree).map_err(failed)? == Some(Kind::Directory);
            left.push(Left { name, record, tree: ServerDir(tree), has_tree });
        }
        left.sort_by(|a, b| b.name.cmp(&a.name));
        Ok(left)
    }

    pub(crate) fn remove_leftovers(&self, left: &[Left], stop: &StopFlag) -> Result<()> {
        left.iter().try_for_each(|left| self.drop_staged(&left.name, stop))
    }

    /// Removes what a run had that is not published.
    pub(crate) fn drop_staged(&self, name: &str, stop: &StopFlag) -> Result<()> {
        let below = format!("staging/{name}");
        let removed = self.remove_tree(&self.own(&below), stop);
        removed.map_err(|error| Error::io("remove", self.own_path(&below), error))
    }
}
