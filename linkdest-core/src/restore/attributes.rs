//! Attributes: which differ, and setting those.

use std::io;

use super::node::{Handles, Node};
use super::wanted::Wanted;
use super::worker::Worker;
use crate::entry::{Kind, Metadata};
use crate::error::{Problem, ProblemKind, Result};
use crate::os::{XattrPlace, Xattrs, errno};
use crate::path::RelPath;
use crate::placing::{Refused, Stampable, restamp};
use crate::policy::attributes::Reach;
use crate::source::read_xattrs;

/// The system's own security modules label what is new; such a label is no attribute of the entry unless it was saved.
fn is_label(name: &[u8]) -> bool {
    name.starts_with(b"security.") && name != b"security.capability"
}

impl Worker<'_, '_> {
    /// What can be set on an entry: an ordinary user gives nothing away.
    fn reach(&self, wanted: &Wanted, now: &Metadata) -> Reach {
        let owner = self.engine.plan.reach.owner || wanted.metadata.uid == now.uid;
        Reach { owner, ..self.engine.plan.reach }
    }

    /// Says whether an entry of the target has the attributes that it should have, its modification time left out.
    pub fn same_attributes(
        &mut self,
        (node, handles, wanted): (&Node, &Handles, &Wanted),
        now: &Metadata,
        place: XattrPlace<'_>,
    ) -> io::Result<bool> {
        let reach = self.reach(wanted, now);
        if !reach.same_stat(&wanted.metadata, now) {
            return Ok(false);
        }
        if !reach.owner && (wanted.metadata.uid, wanted.metadata.gid) != (now.uid, now.gid) {
            self.engine.count_out_of_reach("owners");
        }
        self.tell_lost_mode(wanted, now);
        let none_there = self.xattrs.list(place)?.is_empty();
        let wanted = self.wanted_xattrs(node, handles, wanted)?;
        if none_there {
            return Ok(wanted.is_empty());
        }
        let there = read_xattrs(place, &reach, &mut self.xattrs)?.kept;
        let all_there = wanted.iter().all(|attribute| there.contains(attribute));
        let is_extra = |name: &std::ffi::CStr| {
            !is_label(name.to_bytes()) && !wanted.iter().any(|(known, _)| **known == *name)
        };
        Ok(all_there && !there.iter().any(|(name, _)| is_extra(name)))
    }

    /// Counts a mode that the target does not keep.
    fn tell_lost_mode(&self, wanted: &Wanted, now: &Metadata) {
        let lost = wanted.metadata.kind != Kind::Symlink && wanted.metadata.mode != now.mode;
        if lost && !self.engine.plan.reach.mode {
            self.engine.count_out_of_reach("modes");
        }
    }

    pub fn same_mtime(&self, wanted: &Wanted, now: &Metadata) -> bool {
        self.engine.plan.reach.same_mtime(&wanted.metadata, now)
    }

    /// Gives an entry of the target the attributes that it should have.
    pub fn settle(
        &mut self,
        (node, handles, wanted): (&Node, &Handles, &Wanted),
        now: &Metadata,
        on: &impl Stampable,
        path: &dyn Fn() -> RelPath,
    ) -> Result<()> {
        let reach = self.reach(wanted, now);
        let none = Xattrs::new();
        let xattrs = match self.wanted_xattrs(node, handles, wanted) {
            Ok(xattrs) => xattrs,
            Err(error) => {
                self.engine.snapshot_problem(&path(), "read extended attributes", error)?;
                &none
            }
        };
        let mut refused = Vec::new();
        let missing = match self.drop_others(on.place(), xattrs, &reach, &mut refused) {
            // A change of owner takes capabilities away.
            Ok(_) if (wanted.metadata.uid, wanted.metadata.gid) != (now.uid, now.gid) => xattrs.clone(),
            Ok(missing) => missing,
            Err(error) => {
                refused.push(Refused { operation: "read extended attributes", error });
                xattrs.clone()
            }
        };
        if !reach.owner && (wanted.metadata.uid, wanted.metadata.gid) != (now.uid, now.gid) {
            self.engine.count_out_of_reach("owners");
        }
        self.tell_lost_mode(wanted, now);
        refused.extend(restamp(on, now, &wanted.metadata, &missing, &reach, &mut self.xattrs));
        refused.into_iter().try_for_each(|refused| self.refused(wanted, refused, path))
    }

    /// Removes attributes that do not belong there, inherited ACLs too; returns those that are to be set.
    fn drop_others(
        &mut self,
        place: XattrPlace<'_>,
        wanted: &Xattrs,
        reach: &Reach,
        refused: &mut Vec<Refused>,
    ) -> io::Result<Xattrs> {
        if self.xattrs.list(place)?.is_empty() {
            return Ok(wanted.clone());
        }
        let there = read_xattrs(place, reach, &mut self.xattrs)?.kept;
        for (name, _) in &there {
            if !is_label(name.to_bytes()) && !wanted.iter().any(|(known, _)| known == name) {
                let operation = "remove extended attribute";
                let removed = self.xattrs.remove(place, name);
                refused.extend(removed.err().map(|error| Refused { operation, error }));
            }
        }
        Ok(wanted.iter().filter(|attribute| !there.contains(attribute)).cloned().collect())
    }

    /// What this user or file system cannot set at all is counted; anything else is the entry's problem.
    fn refused(&self, wanted: &Wanted, refused: Refused, path: &dyn Fn() -> RelPath) -> Result<()> {
        let Refused { operation, error } = refused;
        let what = match operation {
            "set owner" => "owners",
            "set mode" => "modes",
            "set times" => "times",
            _ => "extended attributes",
        };
        match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported => {
                self.engine.count_out_of_reach(what);
            }
            // The number of a full disk also says that an attribute is too large.
            _ if what == "extended attributes" && errno::is_no_space(&error) => {
                let path = self.engine.full(&path());
                self.engine.add_problem(Problem::io(path, ProblemKind::NotStored, operation, &error));
            }
            _ if wanted.metadata.kind == Kind::Symlink && operation == "set mode" => {}
            _ => self.engine.target_problem(&path(), operation, error)?,
        }
        Ok(())
    }
}
