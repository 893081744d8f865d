//! Which snapshots are forgotten, source by source, and forgetting them.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Deleted, Removal, Repository, Snapshot, SnapshotName, SourceName, Status};
use crate::error::Result;
use crate::retention::{Candidate, KeepReason, KeepRules};

/// What becomes of one snapshot.
#[derive(Debug, Clone)]
pub struct Decision {
    pub(crate) snapshot: Snapshot,
    pub(crate) reasons: Vec<KeepReason>,
    pub(crate) for_space: bool,
}

impl Decision {
    /// The snapshot.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Why it is kept; nothing if it is not.
    #[must_use]
    pub fn reasons(&self) -> &[KeepReason] {
        if self.for_space { &[] } else { &self.reasons }
    }

    /// Whether it is kept.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        !self.reasons().is_empty()
    }

    /// Whether it goes only because space is needed.
    #[must_use]
    pub fn is_for_space(&self) -> bool {
        self.for_space
    }

    /// Whether nothing may remove it.
    pub(crate) fn is_protected(&self) -> bool {
        self.reasons.iter().any(|reason| matches!(reason, KeepReason::Pinned | KeepReason::NewestGood))
    }
}

/// The snapshots of one source.
#[derive(Debug, Clone)]
pub struct Group {
    source: SourceName,
    pub(crate) decisions: Vec<Decision>,
}

impl Group {
    /// The source.
    #[must_use]
    pub fn source(&self) -> &SourceName {
        &self.source
    }

    /// What becomes of each snapshot, the oldest run first.
    #[must_use]
    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// Whether a snapshot may go for space. While the newest one is suspect, the space that it takes is no reason to
    /// remove a good one.
    pub(crate) fn may_go_for_space(&self, name: &SnapshotName) -> bool {
        let in_doubt = self.decisions.last().is_some_and(|one| one.snapshot.is_suspect());
        let one = self.decisions.iter().find(|one| one.snapshot.name() == name);
        one.is_some_and(|one| {
            let stays = one.is_protected() || (in_doubt && one.snapshot.is_good());
            !stays
        })
    }

    /// The last snapshot without problems, if it goes: all newer ones have problems.
    #[must_use]
    pub fn lost_complete(&self) -> Option<&SnapshotName> {
        let complete = |one: &&Decision| one.snapshot.status() == Status::Complete;
        let last = self.decisions.iter().rev().find(complete)?;
        (!last.is_kept()).then(|| last.snapshot.name())
    }
}

/// What becomes of all snapshots of a repository: see [`Repository::plan_forget`].
#[derive(Debug, Clone)]
pub struct ForgetPlan {
    pub(crate) rules: Option<KeepRules>,
    pub(crate) groups: Vec<Group>,
    /// The bytes that shall be available.
    pub(crate) target: Option<u64>,
}

impl ForgetPlan {
    /// The sources, by host and path.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Leaves the snapshots of all other sources out: nothing becomes of them.
    #[must_use]
    pub fn only(mut self, host: &str, source: &Path) -> Self {
        self.groups.retain(|group| group.source.host() == Some(host) && group.source.path() == Some(source));
        self
    }

    /// What is going to be removed, source by source.
    #[must_use]
    pub fn removed(&self) -> Vec<SnapshotName> {
        self.decisions().filter(|one| !one.is_kept()).map(|one| one.snapshot.name().clone()).collect()
    }

    pub(crate) fn decisions(&self) -> impl Iterator<Item = &Decision> {
        self.groups.iter().flat_map(|group| &group.decisions)
    }

    /// What no rule keeps.
    fn unwanted(&self) -> Vec<SnapshotName> {
        let unwanted = self.decisions().filter(|one| one.reasons.is_empty());
        unwanted.map(|one| one.snapshot.name().clone()).collect()
    }
}

impl Repository {
    /// Plans what [`forget`](Self::forget) removes: of each source, host and path, what none of the rules keeps. Never a
    /// pinned snapshot nor the newest good one. Nothing is written.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let (source, repo) = (dir.path().join("source"), dir.path().join("repo"));
    /// # std::fs::create_dir(&source)?;
    /// use linkdest_core::{KeepReason, KeepRules, Repository, Silent, Snapshotter};
    /// for _ in 0..3 {
    ///     Snapshotter::new(&source, &repo).init(true).run(&Silent)?;
    /// }
    /// let repository = Repository::open(&repo)?;
    /// let plan = repository.plan_forget(&KeepRules::default().last(1))?;
    /// let decisions = plan.groups()[0].decisions();
    /// assert_eq!(decisions[2].reasons(), [KeepReason::Last, KeepReason::NewestGood]);
    /// assert_eq!(repository.forget(&plan)?.snapshots().len(), 2);
    /// assert_eq!(repository.snapshots()?.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidOption`](crate::ErrorKind::InvalidOption) if there is no rule; or when the repository cannot be read.
    pub fn plan_forget(&self, rules: &KeepRules) -> Result<ForgetPlan> {
        plan(self.snapshots()?, rules)
    }

    /// Removes what a plan removes, as far as the rules still say so: snapshots that came, went or were pinned since are
    /// taken into account.
    ///
    /// # Errors
    /// As [`delete`](Self::delete).
    pub fn forget(&self, plan: &ForgetPlan) -> Result<Deleted> {
        self.forget_with(plan, &Removal::default())
    }

    /// Removes what no rule keeps; nothing for space.
    pub(crate) fn forget_unwanted(&self, agreed: &ForgetPlan, how: &Removal) -> Result<Deleted> {
        let Some(rules) = &agreed.rules else { return Ok(Deleted::default()) };
        let names = agreed.unwanted();
        if names.is_empty() {
            return Ok(Deleted::default());
        }
        self.remove_some(how, &|snapshots| {
            let unwanted = plan(snapshots.to_vec(), rules)?.unwanted();
            Ok(names.iter().filter(|name| unwanted.contains(name)).cloned().collect())
        })
    }

    /// Removes one snapshot for its space, unless it is protected by now.
    pub(crate) fn forget_for_space(&self, name: &SnapshotName, how: &Removal) -> Result<Deleted> {
        self.remove_some(how, &|snapshots| {
            let all = plan(snapshots.to_vec(), &KeepRules::default().last(1))?;
            let goes = all.groups.iter().any(|group| group.may_go_for_space(name));
            Ok(goes.then(|| name.clone()).into_iter().collect())
        })
    }
}

/// Sorts snapshots, the oldest run first, by source, and decides for each.
pub(crate) fn plan(snapshots: Vec<Snapshot>, rules: &KeepRules) -> Result<ForgetPlan> {
    let mut by_source: BTreeMap<SourceName, Vec<Snapshot>> = BTreeMap::new();
    for snapshot in snapshots {
        by_source.entry(SourceName::recorded(snapshot.record())).or_default().push(snapshot);
    }
    // Also where there is no snapshot, rules that say nothing are an error.
    rules.decide(&[])?;
    let groups = by_source.into_iter().map(|(source, snapshots)| {
        let newest_first: Vec<Candidate> = snapshots.iter().rev().map(candidate).collect();
        let reasons = rules.decide(&newest_first)?.into_iter().rev();
        let decide = |(snapshot, reasons): (Snapshot, _)| Decision { snapshot, reasons, for_space: false };
        Ok(Group { source, decisions: snapshots.into_iter().zip(reasons).map(decide).collect() })
    });
    Ok(ForgetPlan { rules: Some(rules.clone()), groups: groups.collect::<Result<_>>()?, target: None })
}

fn candidate(snapshot: &Snapshot) -> Candidate {
    Candidate { started: snapshot.started(), suspect: !snapshot.is_good(), pinned: snapshot.is_pinned() }
}
