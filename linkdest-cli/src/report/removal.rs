//! What is removed and why the rest is kept: for people, and one type for each document in JSON.

use linkdest_core::{Decision, ForgetPlan, Group, SnapshotName};
use serde::Serialize;

use super::json::PathText;
use super::table::local;

/// So many snapshots, in words.
pub fn counted(count: usize) -> String {
    format!("{count} {}", if count == 1 { "snapshot" } else { "snapshots" })
}

/// The line above the snapshots of a source.
pub fn source(group: &Group) -> String {
    match group.source().path() {
        Some(_) => group.source().to_string(),
        None => "sources that are not known".to_owned(),
    }
}

/// The line for one snapshot.
pub fn decision(one: &Decision) -> String {
    let name = one.snapshot().name().as_str();
    let time = local(one.snapshot().started());
    let why = match (one.is_kept(), one.is_for_space()) {
        (true, _) => one.reasons().iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        (false, true) => "its space is needed".to_owned(),
        (false, false) => "no rule keeps it".to_owned(),
    };
    let action = if one.is_kept() { "keep" } else { "remove" };
    format!("  {action:<6}  {name:<21}  {time}  ({why})")
}

/// What `delete` did.
#[derive(Serialize)]
pub struct Deletion<'a> {
    removed: Vec<&'a str>,
    freed_bytes: u64,
    dry_run: bool,
}

impl<'a> Deletion<'a> {
    pub fn new(removed: &'a [SnapshotName], freed_bytes: u64, dry_run: bool) -> Self {
        Self { removed: removed.iter().map(SnapshotName::as_str).collect(), freed_bytes, dry_run }
    }
}

/// What `forget` planned and did.
#[derive(Serialize)]
pub struct Forgotten<'a> {
    groups: Vec<GroupOf<'a>>,
    removed: Vec<&'a str>,
    freed_bytes: u64,
    dry_run: bool,
}

#[derive(Serialize)]
struct GroupOf<'a> {
    host: Option<&'a str>,
    #[serde(flatten)]
    source: Option<PathText>,
    snapshots: Vec<DecisionOf<'a>>,
}

#[derive(Serialize)]
struct DecisionOf<'a> {
    name: &'a str,
    started: String,
    action: &'static str,
    reasons: Vec<&'static str>,
}

impl<'a> Forgotten<'a> {
    pub fn new(plan: &'a ForgetPlan, removed: &'a [SnapshotName], freed_bytes: u64, dry_run: bool) -> Self {
        Self {
            groups: plan.groups().iter().map(GroupOf::from).collect(),
            removed: removed.iter().map(SnapshotName::as_str).collect(),
            freed_bytes,
            dry_run,
        }
    }
}

impl<'a> From<&'a Group> for GroupOf<'a> {
    fn from(group: &'a Group) -> Self {
        Self {
            host: group.source().host(),
            source: group.source().path().map(PathText::from),
            snapshots: group.decisions().iter().map(DecisionOf::from).collect(),
        }
    }
}

impl<'a> From<&'a Decision> for DecisionOf<'a> {
    fn from(one: &'a Decision) -> Self {
        let mut reasons: Vec<_> = one.reasons().iter().map(|reason| reason.as_str()).collect();
        reasons.extend(one.is_for_space().then_some("space_needed"));
        Self {
            name: one.snapshot().name().as_str(),
            started: one.snapshot().started().to_string(),
            action: if one.is_kept() { "keep" } else { "remove" },
            reasons,
        }
    }
}

/// What `pin` and `unpin` did.
#[derive(Serialize)]
pub struct Pinned<'a> {
    snapshot: &'a str,
    pinned: bool,
    changed: bool,
    dry_run: bool,
}

impl<'a> Pinned<'a> {
    pub fn new(snapshot: &'a SnapshotName, pinned: bool, changed: bool, dry_run: bool) -> Self {
        Self { snapshot: snapshot.as_str(), pinned, changed, dry_run }
    }
}
