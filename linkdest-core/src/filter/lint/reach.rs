//! Whether a rule is ever asked, or ever decides.

use super::cover::{covers, takes_everything, tokens};
use super::{Warning, WarningKind};
use crate::filter::bytes::Escaped;
use crate::filter::clause::Clause;
use crate::filter::pattern::{Anchor, Pattern, Scope};
use crate::filter::rule::{Rule, Verdict};
use crate::filter::subject::{Buffer, Subject};
use crate::filter::tokens::Token;

/// Warns of a rule that other rules leave nothing to do.
pub(super) fn check(clauses: &[Clause], at: usize, rule: &Rule) -> Option<Warning> {
    if !rule.acts() {
        return None;
    }
    shadowed(clauses, at, rule)
        .or_else(|| below_excluded(clauses, rule))
        .or_else(|| top_level_only(clauses, at, rule))
        .or_else(|| cuts_directories(clauses, at, rule))
}

/// The acting rules among the clauses.
fn acting(clauses: &[Clause]) -> impl Iterator<Item = &Rule> {
    clauses.iter().filter_map(|clause| match clause {
        Clause::Rule(rule) => Some(rule).filter(|rule| rule.acts()),
        Clause::PerDirectory(_) => None,
    })
}

fn shadowed(clauses: &[Clause], at: usize, rule: &Rule) -> Option<Warning> {
    // With `--prune-empty-dirs` the receiving side counts too.
    let stands_in = |earlier: &Rule| earlier.is_for_receiver() || !rule.is_for_receiver();
    let mut earlier = acting(clauses.get(..at)?);
    let earlier = earlier.find(|earlier| stands_in(earlier) && covers(earlier, rule))?;
    let suggestion = if earlier.verdict() == rule.verdict() {
        "remove it".to_owned()
    } else {
        format!("put it before \"{earlier}\"")
    };
    Some(Warning::of(rule, WarningKind::Shadowed, suggestion).because_of(earlier))
}

/// Decides about the plainly written parents of an anchored rule.
fn below_excluded(clauses: &[Clause], rule: &Rule) -> Option<Warning> {
    if rule.modifiers.negated || rule.pattern.scope != Scope::Anchored || rule.pattern.anchor != Anchor::Home
    {
        return None;
    }
    let path: Vec<u8> = tokens(&rule.pattern)?
        .iter()
        .map_while(|token| if let Token::Byte(byte) = token { Some(*byte) } else { None })
        .collect();
    let parents =
        path.iter().zip(0..).filter(|&(&byte, _)| byte == b'/').filter_map(|(_, end)| path.get(..end));
    let excluded = |parent: &[u8]| {
        // `- /a/***` itself leaves out what is above the rest of it.
        first_match(clauses, parent).filter(|by| by.verdict() == Verdict::Exclude && !std::ptr::eq(*by, rule))
    };
    let (parent, by) = parents.filter_map(|parent| Some((parent, excluded(parent)?))).next()?;
    let suggestion = match rule.verdict() {
        Verdict::Include => format!("put \"+ /{}/\" before \"{by}\"", Escaped(parent)),
        Verdict::Exclude => "remove it".to_owned(),
    };
    Some(Warning::of(rule, WarningKind::BelowExcluded, suggestion).because_of(by))
}

/// The rule that decides about a directory, if no per-directory file can come before it.
fn first_match<'a>(clauses: &'a [Clause], directory: &[u8]) -> Option<&'a Rule> {
    let mut buffer = Buffer::new();
    let subject = Subject::new(buffer.lay_out(b"/", directory), 1, true);
    for clause in clauses {
        match clause {
            Clause::PerDirectory(_) => return None,
            Clause::Rule(rule) if !rule.acts() => {}
            // Where the source is, nobody knows here.
            Clause::Rule(rule) if rule.pattern.anchor == Anchor::Absolute => return None,
            Clause::Rule(rule) if rule.matches(&subject, 1) => return Some(rule),
            Clause::Rule(_) => {}
        }
    }
    None
}

/// Says whether the pattern takes all directories, or is made to let some through.
fn is_about_directories(pattern: &Pattern) -> bool {
    let passes = |tokens: Vec<Token>| tokens.contains(&Token::StarStar);
    pattern.directories_only || takes_everything(pattern) || tokens(pattern).is_some_and(passes)
}

/// `+ *.jpg` and then `- *`: no directory is entered.
fn top_level_only(clauses: &[Clause], at: usize, rule: &Rule) -> Option<Warning> {
    let is_for_files = rule.verdict() == Verdict::Include
        && rule.pattern.scope != Scope::Anchored
        && rule.pattern.anchor != Anchor::Absolute
        && !is_about_directories(&rule.pattern);
    if !is_for_files || clauses.iter().any(|clause| matches!(clause, Clause::PerDirectory(_))) {
        return None;
    }
    let cuts = |rule: &Rule| {
        rule.verdict() == Verdict::Exclude && !rule.modifiers.negated && takes_everything(&rule.pattern)
    };
    let last = clauses
        .iter()
        .position(|clause| matches!(clause, Clause::Rule(rule) if rule.acts() && cuts(rule)))?;
    let lets_through = |rule: &Rule| {
        let plain_anchored = rule.pattern.scope == Scope::Anchored;
        rule.verdict() == Verdict::Include
            && (rule.modifiers.negated || plain_anchored || is_about_directories(&rule.pattern))
    };
    if last < at || acting(clauses.get(..last)?).any(lets_through) {
        return None;
    }
    let by = acting(clauses.get(last..)?).next()?;
    let suggestion = format!("put \"+ */\" before \"{by}\"");
    Some(Warning::of(rule, WarningKind::TopLevelOnly, suggestion).because_of(by))
}

/// `-! *.c`: a directory is no `*.c` either.
fn cuts_directories(clauses: &[Clause], at: usize, rule: &Rule) -> Option<Warning> {
    let cuts = rule.modifiers.negated && rule.verdict() == Verdict::Exclude && !rule.pattern.directories_only;
    let lets_all_through = |rule: &Rule| {
        rule.verdict() == Verdict::Include && !rule.modifiers.negated && takes_everything(&rule.pattern)
    };
    if !cuts || is_about_directories(&rule.pattern) || acting(clauses.get(..at)?).any(lets_all_through) {
        return None;
    }
    Some(Warning::of(rule, WarningKind::CutsDirectories, format!("put \"+ */\" before \"{rule}\"")))
}
