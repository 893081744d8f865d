//! A pattern prepared for matching: which part of a path it is compared with, and how.

use super::class::Dead;
use super::glob::Glob;
use super::subject::Subject;
use super::{reference, tokens};

/// Where a leading slash is: the root that an anchored pattern starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Anchor {
    /// The directory of the per-directory file; for all other rules the source.
    Home,
    /// The source, also for rules that a per-directory file merged.
    Source,
    /// The root of the file system (modifier `/`).
    Absolute,
}

/// Which part of the path is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// The last component.
    Name,
    /// Everything from the anchor on.
    Anchored,
    /// Everything, with a slash in front (for a pattern that starts with `**`) or without.
    Whole {
        /// A slash is put in front.
        slash: bool,
    },
    /// The last components, one more than this number.
    Tail(usize),
    /// What follows the start or any slash.
    Anywhere,
}

/// What is compared with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Body {
    /// These bytes, nothing else.
    Literal(Box<[u8]>),
    /// Wildcards.
    Glob(Glob),
    /// Nothing ever matches.
    Dead(Dead),
}

/// A pattern and all that follows from its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    pub(super) text: Box<[u8]>,
    pub(super) directories_only: bool,
    pub(super) anchor: Anchor,
    pub(super) scope: Scope,
    pub(super) body: Body,
    /// Ends with `***`: a directory is compared with a slash behind it.
    pub(super) slash_behind: bool,
}

impl Pattern {
    /// Prepares a pattern; `anchor` is where a leading slash would be.
    pub(super) fn new(text: &[u8], anchor: Anchor) -> Self {
        let (directories_only, rest) = match text {
            [rest @ .., b'/'] if !rest.is_empty() => (true, rest),
            _ => (false, text),
        };
        let slashes = rest.iter().filter(|&&byte| byte == b'/').count();
        let wild = rest.iter().any(|byte| matches!(byte, b'*' | b'?' | b'['));
        let double = rest.windows(2).any(|pair| pair == b"**");
        let (anchored, compared) = match rest {
            [b'/', compared @ ..] => (true, compared),
            _ => (false, rest),
        };
        let scope = match (anchored, slashes) {
            (true, _) => Scope::Anchored,
            (false, _) if rest.starts_with(b"**") => Scope::Whole { slash: anchor != Anchor::Absolute },
            (false, 0) if !double => Scope::Name,
            (false, _) if double => Scope::Anywhere,
            (false, _) => Scope::Tail(slashes),
        };
        let body = if wild {
            tokens::tokens(compared).map_or_else(Body::Dead, |tokens| Body::Glob(Glob::new(tokens)))
        } else {
            Body::Literal(compared.into())
        };
        let slash_behind = rest.ends_with(b"***");
        Self { text: text.into(), directories_only, anchor, scope, body, slash_behind }
    }

    /// Says whether the pattern matches; `home` is where the anchor's directory starts in the subject.
    pub(super) fn matches(&self, subject: &Subject<'_>, home: usize) -> bool {
        if self.directories_only && !subject.is_directory {
            return false;
        }
        let end = if self.slash_behind && subject.is_directory { 1 } else { 0 };
        let from = |start: usize| subject.from(start, end);
        match self.scope {
            Scope::Name => self.takes(from(subject.name)),
            Scope::Anchored => self.takes(from(self.start(subject, home))),
            Scope::Whole { slash } => {
                self.takes(from(self.start(subject, home).saturating_sub(usize::from(slash))))
            }
            Scope::Tail(slashes) => {
                tail(from(self.start(subject, home)), slashes).is_some_and(|text| self.takes(text))
            }
            Scope::Anywhere => match &self.body {
                Body::Glob(glob) => glob.matches_anywhere(from(self.start(subject, home))),
                Body::Literal(_) | Body::Dead(_) => false,
            },
        }
    }

    /// Answers the same by the slow, plain way.
    pub(super) fn matches_plainly(&self, subject: &Subject<'_>, home: usize) -> bool {
        reference::matches(self, subject, home)
    }

    /// Where the compared path starts in the subject.
    pub(super) fn start(&self, subject: &Subject<'_>, home: usize) -> usize {
        match (self.anchor, self.scope) {
            (Anchor::Absolute, _) => 1,
            (Anchor::Home, Scope::Anchored) => home,
            _ => subject.path,
        }
    }

    fn takes(&self, text: &[u8]) -> bool {
        match &self.body {
            Body::Literal(own) => **own == *text,
            Body::Glob(glob) => glob.matches(text),
            Body::Dead(_) => false,
        }
    }
}

/// The last `slashes + 1` components.
pub(super) fn tail(text: &[u8], slashes: usize) -> Option<&[u8]> {
    let mut found = text.iter().enumerate().rev().filter(|&(_, &byte)| byte == b'/').map(|(at, _)| at);
    match found.nth(slashes) {
        Some(at) => text.get(at + 1..),
        None => (text.iter().filter(|&&byte| byte == b'/').count() == slashes).then_some(text),
    }
}
