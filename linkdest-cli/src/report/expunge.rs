//! What is expunged: for people, and the document in JSON.

use linkdest_core::{ExpungeReport, ExpungedEntry, Sighting};
use serde::Serialize;

use super::history::slash;
use super::json::PathText;

/// The lines of the plan.
pub fn plan(report: &ExpungeReport) -> Vec<String> {
    let entry = |one: &ExpungedEntry| {
        format!("remove  {}  {}{}", one.snapshot(), one.path(), slash(Some(one.kind())))
    };
    let other = |one: &Sighting| format!("keep    {}  {}  (the same inode; --links)", one.snapshot, one.path);
    report.entries().iter().map(entry).chain(report.other_names().iter().map(other)).collect()
}

/// So many entries, in words.
pub fn counted(report: &ExpungeReport) -> String {
    match report.entries().len() {
        1 => "1 entry".to_owned(),
        count => format!("{count} entries"),
    }
}

/// What `expunge` did.
#[derive(Serialize)]
pub struct Expunged<'a> {
    expunged: Vec<Entry<'a>>,
    other_names: Vec<Name<'a>>,
    dry_run: bool,
}

#[derive(Serialize)]
struct Entry<'a> {
    snapshot: &'a str,
    #[serde(flatten)]
    path: PathText,
    kind: String,
}

#[derive(Serialize)]
struct Name<'a> {
    snapshot: &'a str,
    #[serde(flatten)]
    path: PathText,
}

impl<'a> From<&'a ExpungeReport> for Expunged<'a> {
    fn from(report: &'a ExpungeReport) -> Self {
        let entry = |one: &'a ExpungedEntry| Entry {
            snapshot: one.snapshot().as_str(),
            path: one.path().into(),
            kind: super::history::word(one.kind()),
        };
        let name = |one: &'a Sighting| Name { snapshot: &one.snapshot, path: (&one.path).into() };
        Self {
            expunged: report.entries().iter().map(entry).collect(),
            other_names: report.other_names().iter().map(name).collect(),
            dry_run: report.is_dry_run(),
        }
    }
}
