//! Forgetting the oldest snapshots until there is space enough.

use crate::error::{Error, ErrorKind, Problem, Result};
use crate::repository::{Decision, Deleted, ForgetPlan, Removal, Repository, SnapshotName};
use crate::retention::{KeepReason, KeepRules};

impl Repository {
    /// Plans as [`plan_forget`](Self::plan_forget) does, and goes on with the oldest snapshots of all sources until
    /// `target` bytes are available to this user. Rules need not be given then. Pinned snapshots and the newest good one
    /// of each source stay, and all good ones of a source whose newest one is suspect.
    ///
    /// The bytes that removing frees are counted as [`usage`](Self::usage) does, without blocks of reflinks being known.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let (source, repo) = (dir.path().join("source"), dir.path().join("repo"));
    /// # std::fs::create_dir(&source)?;
    /// use linkdest_core::{ErrorKind, Repository, Silent, Snapshotter};
    /// for _ in 0..2 {
    ///     Snapshotter::new(&source, &repo).init(true).run(&Silent)?;
    /// }
    /// let repository = Repository::open(&repo)?;
    /// // There is a byte.
    /// assert!(repository.plan_free_space(1, None)?.removed().is_empty());
    /// // Nothing is removed for a target that cannot be met.
    /// assert_eq!(repository.plan_free_space(u64::MAX, None).unwrap_err().kind(), ErrorKind::NoSpace);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::NoSpace`] if the target cannot be met, so that nothing is removed in vain; or when a snapshot cannot
    /// be read.
    pub fn plan_free_space(&self, target: u64, rules: Option<&KeepRules>) -> Result<ForgetPlan> {
        let plan = match rules {
            Some(rules) => self.plan_forget(rules)?,
            None => self.plan_keeping_all()?,
        };
        self.make_space(plan, target)
    }

    /// The plan without rules: everything stays while there is space enough.
    pub(crate) fn plan_keeping_all(&self) -> Result<ForgetPlan> {
        let mut plan = self.plan_forget(&KeepRules::default().last(u32::MAX))?;
        plan.rules = None;
        for one in plan.groups.iter_mut().flat_map(|group| &mut group.decisions) {
            one.reasons.retain(|reason| *reason != KeepReason::Last);
            one.reasons.push(KeepReason::EnoughSpace);
        }
        Ok(plan)
    }

    /// Goes on with a plan until `target` bytes are available: of what is in the plan, the oldest goes first.
    pub(crate) fn make_space(&self, mut plan: ForgetPlan, target: u64) -> Result<ForgetPlan> {
        plan.target = Some(target);
        let oldest = self.oldest_of(&plan)?;
        let count = self.fewest(&plan, &oldest, target)?;
        let chosen = oldest.get(..count).unwrap_or_default();
        for one in plan.groups.iter_mut().flat_map(|group| &mut group.decisions) {
            one.for_space = chosen.contains(one.snapshot.name());
        }
        Ok(plan)
    }

    /// What may go for space, the oldest run of all sources first.
    fn oldest_of(&self, plan: &ForgetPlan) -> Result<Vec<SnapshotName>> {
        let may_go = |name: &SnapshotName| {
            let found = plan.decisions().find(|one| one.snapshot.name() == name);
            let may_go = plan.groups.iter().any(|group| group.may_go_for_space(name));
            may_go && found.is_some_and(Decision::is_kept)
        };
        let all = self.snapshots()?.into_iter().map(|snapshot| snapshot.name().clone());
        Ok(all.filter(may_go).collect())
    }

    /// How many of the oldest must go; each step walks the trees, so that they are few.
    fn fewest(&self, plan: &ForgetPlan, oldest: &[SnapshotName], target: u64) -> Result<usize> {
        let available = self.available()?;
        let with = |count: usize| -> Result<u64> {
            let mut names = plan.removed();
            names.extend(oldest.iter().take(count).cloned());
            Ok(available.saturating_add(self.freed_by(&names)?))
        };
        if with(0)? >= target {
            return Ok(0);
        }
        let most = with(oldest.len())?;
        if most < target {
            let message = format!(
                "{target} bytes cannot be made available: {most} at most, without all snapshots that may go; \
                 nothing was removed"
            );
            return Err(Error::new(ErrorKind::NoSpace, self.path(), message));
        }
        let (mut too_few, mut enough) = (0, oldest.len());
        while enough - too_few > 1 {
            let middle = too_few.midpoint(enough);
            if with(middle)? >= target { enough = middle } else { too_few = middle }
        }
        Ok(enough)
    }

    /// The bytes that are available to this user on the repository's file system.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// let repository = linkdest_core::Repository::init(dir.path().join("repo"))?;
    /// assert!(repository.available()? > 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When the file system does not tell.
    pub fn available(&self) -> Result<u64> {
        self.root.available().map_err(|error| Error::io("tell the free space of", self.path(), error))
    }

    /// Removes what a plan removes, in the way that is asked for. Snapshots that go for space go one by one, and no more
    /// of them than are needed.
    ///
    /// # Errors
    /// As [`forget`](Self::forget).
    pub fn forget_with(&self, plan: &ForgetPlan, how: &Removal) -> Result<Deleted> {
        let mut deleted = self.forget_unwanted(plan, how)?;
        let Some(target) = plan.target else { return Ok(deleted) };
        let for_space: Vec<SnapshotName> = plan
            .decisions()
            .filter(|one| one.is_for_space())
            .map(|one| one.snapshot.name().clone())
            .collect();
        for snapshot in self.snapshots()? {
            if for_space.contains(snapshot.name()) && self.settled()? < target && !how.stop.is_stopped() {
                deleted.add(self.forget_for_space(snapshot.name(), how)?);
            }
        }
        let available = self.settled()?;
        if available < target && !how.stop.is_stopped() {
            let message = format!("only {available} bytes are available now");
            let error = Error::new(ErrorKind::NoSpace, self.path(), message);
            deleted.problems.push(Problem::housekeeping(&error));
        }
        Ok(deleted)
    }

    /// What is available once the file system has written down what was removed: some free space only then.
    fn settled(&self) -> Result<u64> {
        let failed = |error| Error::io("flush", self.path(), error);
        self.root.sync_file_system().map_err(failed)?;
        self.available()
    }
}
