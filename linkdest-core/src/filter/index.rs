//! Long lists of rules: finds the few that can match a path without trying them all.

use aho_corasick::AhoCorasick;

use super::lookup::{FirstRules, Lookup};
use super::pattern::{Anchor, Body, Scope, tail};
use super::rule::Rule;
use super::subject::Subject;
use super::tokens::{Token, longest_literal};

/// Shorter lists are searched from top to bottom.
const WORTH_AN_INDEX: usize = 6;

/// Rules in a row, without per-directory files between them.
#[derive(Debug)]
pub(super) struct RuleList {
    rules: Vec<Rule>,
    index: Option<Index>,
}

impl RuleList {
    pub(super) fn new(rules: Vec<Rule>, inside: bool) -> Self {
        let index = if rules.len() < WORTH_AN_INDEX { None } else { Index::new(&rules, inside) };
        Self { rules, index }
    }

    /// The first rule that decides about the path.
    pub(super) fn first(&self, subject: &Subject<'_>, home: usize) -> Option<&Rule> {
        match &self.index {
            Some(index) => index.first(&self.rules, subject, home),
            None => self.rules.iter().find(|rule| rule.acts() && rule.matches(subject, home)),
        }
    }

    /// The same, found by trying all rules with the reference matcher.
    pub(super) fn first_plainly(&self, subject: &Subject<'_>, home: usize) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.acts() && rule.matches_plainly(subject, home))
    }

    /// The first rule that acts on the receiving side and matches.
    pub(super) fn first_for_receiver(&self, subject: &Subject<'_>, home: usize) -> Option<&Rule> {
        let acts = |rule: &Rule| rule.is_for_receiver() && !rule.modifiers.xattr;
        self.rules.iter().find(|rule| acts(rule) && rule.matches(subject, home))
    }
}

/// Where each rule is found.
///
/// Patterns without wildcards, and `*.ext`, are looked up whole: that alone decides. Of the others, the longest
/// piece of plain text is searched for, in one pass for all; a rule whose piece is in the path is then tried. What
/// has no such piece is always tried.
#[derive(Debug, Default)]
struct Index {
    names: Lookup,
    paths: Lookup,
    tails: Vec<(usize, Lookup)>,
    suffixes: Vec<(usize, Lookup)>,
    search: Option<AhoCorasick>,
    /// The rules for each piece that is searched for.
    found: Vec<Vec<usize>>,
    always: Vec<usize>,
}

impl Index {
    /// Sorts the rules in; `None` if the search cannot be built.
    fn new(rules: &[Rule], inside: bool) -> Option<Self> {
        let mut index = Self::default();
        let mut pieces = std::collections::BTreeMap::<Vec<u8>, Vec<usize>>::new();
        for (number, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.acts()) {
            if let Some(piece) = index.sort_in(number, rule, inside) {
                pieces.entry(piece).or_default().push(number);
            }
        }
        if !pieces.is_empty() {
            // Paths are short: a search that first looks for rare bytes only loses time.
            let search = AhoCorasick::builder().prefilter(false).build(pieces.keys());
            index.search = Some(search.ok()?);
        }
        index.found = pieces.into_values().collect();
        Some(index)
    }

    /// Puts a rule where it is found; gives the piece of text to search for if that is how.
    fn sort_in(&mut self, number: usize, rule: &Rule, inside: bool) -> Option<Vec<u8>> {
        let pattern = &rule.pattern;
        let below_source = match (pattern.scope, pattern.anchor) {
            (Scope::Name, _) => true,
            (_, Anchor::Absolute) => false,
            (Scope::Anchored, Anchor::Home) => inside,
            _ => true,
        };
        if rule.modifiers.negated || !below_source {
            self.always.push(number);
            return None;
        }
        let only = pattern.directories_only;
        match (&pattern.body, pattern.scope) {
            (Body::Dead(_), _) => {}
            (Body::Literal(text), Scope::Name) => self.names.insert(text, number, only),
            (Body::Literal(text), Scope::Anchored) if pattern.anchor == Anchor::Home => {
                self.paths.insert(text, number, only);
            }
            (Body::Literal(text), Scope::Tail(slashes)) => {
                insert(&mut self.tails, slashes, text, (number, only));
            }
            (Body::Literal(_), _) => self.always.push(number),
            (Body::Glob(glob), scope) => {
                let tokens = glob.tokens();
                let piece = longest_literal(tokens);
                let is_suffix = matches!(tokens, [Token::Star, rest @ ..] if rest.len() == piece.len());
                if piece.is_empty() {
                    self.always.push(number);
                } else if is_suffix && scope == Scope::Name {
                    insert(&mut self.suffixes, piece.len(), &piece, (number, only));
                } else {
                    return Some(piece);
                }
            }
        }
        None
    }

    fn first<'a>(&self, rules: &'a [Rule], subject: &Subject<'_>, home: usize) -> Option<&'a Rule> {
        let mut best = self.looked_up(subject, home);
        for &number in &self.always {
            if number >= best {
                break;
            }
            best = tried(rules, number, best, subject, home);
        }
        if let Some(search) = &self.search {
            for hit in search.find_overlapping_iter(subject.with_slashes()) {
                for &number in self.found.get(hit.pattern().as_usize()).into_iter().flatten() {
                    if number >= best {
                        break;
                    }
                    best = tried(rules, number, best, subject, home);
                }
            }
        }
        rules.get(best)
    }

    /// The first of the rules that are looked up whole.
    fn looked_up(&self, subject: &Subject<'_>, home: usize) -> usize {
        let name = subject.name();
        let path = subject.from(home, 0);
        let below_source = subject.from(subject.path, 0);
        let found = |first: FirstRules| first.of(subject.is_directory);
        let mut best = found(self.names.get(name)).min(found(self.paths.get(path)));
        for (size, lookup) in &self.suffixes {
            if let Some(end) = name.len().checked_sub(*size).and_then(|start| name.get(start..)) {
                best = best.min(found(lookup.get(end)));
            }
        }
        for (slashes, lookup) in &self.tails {
            if let Some(end) = tail(below_source, *slashes) {
                best = best.min(found(lookup.get(end)));
            }
        }
        best
    }
}

/// The number of the rule if it matches, else what was best before.
fn tried(rules: &[Rule], number: usize, best: usize, subject: &Subject<'_>, home: usize) -> usize {
    if rules.get(number).is_some_and(|rule| rule.matches(subject, home)) { number } else { best }
}

/// Puts a rule into the lookup for texts of a size.
fn insert(lookups: &mut Vec<(usize, Lookup)>, size: usize, text: &[u8], (number, only): (usize, bool)) {
    match lookups.iter_mut().find(|(own, _)| *own == size) {
        Some((_, lookup)) => lookup.insert(text, number, only),
        None => {
            let mut lookup = Lookup::default();
            lookup.insert(text, number, only);
            lookups.push((size, lookup));
        }
    }
}
