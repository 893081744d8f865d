//! Whether one pattern takes all that another one takes: never a wrong yes.

use crate::filter::pattern::{Anchor, Body, Pattern, Scope};
use crate::filter::rule::Rule;
use crate::filter::tokens::Token;

const SLASH: Token = Token::Byte(b'/');

/// Says whether every path that `other` decides about is matched by `rule`.
pub(super) fn covers(rule: &Rule, other: &Rule) -> bool {
    if (rule.modifiers.negated, &rule.pattern) == (other.modifiers.negated, &other.pattern) {
        return true;
    }
    let same_but_slash = rule.pattern.body == other.pattern.body
        && (rule.pattern.scope, rule.pattern.anchor, rule.pattern.slash_behind)
            == (other.pattern.scope, other.pattern.anchor, other.pattern.slash_behind);
    match (rule.modifiers.negated, other.modifiers.negated) {
        (false, false) if rule.pattern.directories_only && !other.pattern.directories_only => false,
        (false, false) => same_but_slash || pattern_covers(&rule.pattern, &other.pattern),
        (false, true) => !rule.pattern.directories_only && takes_everything(&rule.pattern),
        (true, _) => false,
    }
}

/// Says whether the pattern takes every path (every directory, if it is for directories only).
pub(super) fn takes_everything(pattern: &Pattern) -> bool {
    let Body::Glob(glob) = &pattern.body else { return false };
    match (pattern.scope, glob.tokens()) {
        (Scope::Name, [Token::Star]) => true,
        (Scope::Whole { .. } | Scope::Anchored, [Token::StarStar]) => pattern.anchor != Anchor::Absolute,
        _ => false,
    }
}

/// The tokens of a pattern, wild or not; `None` if it is dead.
pub(super) fn tokens(pattern: &Pattern) -> Option<Vec<Token>> {
    match &pattern.body {
        Body::Literal(text) => Some(text.iter().map(|&byte| Token::Byte(byte)).collect()),
        Body::Glob(glob) => Some(glob.tokens().to_vec()),
        Body::Dead(_) => None,
    }
}

fn pattern_covers(pattern: &Pattern, other: &Pattern) -> bool {
    if takes_everything(pattern) {
        return true;
    }
    let absolute = |pattern: &Pattern| pattern.anchor == Anchor::Absolute && pattern.scope != Scope::Name;
    if absolute(pattern) || absolute(other) {
        return false;
    }
    let (Some(own), Some(theirs)) = (tokens(pattern), tokens(other)) else { return false };
    // What `other` takes if it ends with `***` depends on the kind of entry; so do what this one takes.
    let as_directory = match (pattern.slash_behind, other.slash_behind) {
        (true, false) => [&theirs[..], &[SLASH]].concat(),
        (true, true) | (false, false) => theirs.clone(),
        (false, true) => return false,
    };
    let kinds = [Some(as_directory), (!other.directories_only).then_some(theirs)];
    kinds.into_iter().flatten().all(|theirs| scope_covers(pattern.scope, &own, other.scope, &theirs))
}

fn scope_covers(scope: Scope, own: &[Token], other: Scope, theirs: &[Token]) -> bool {
    match scope {
        Scope::Name => last_components(theirs, 0).is_some_and(|name| takes_all(own, name)),
        Scope::Tail(slashes) => last_components(theirs, slashes).is_some_and(|tail| takes_all(own, tail)),
        Scope::Anchored => other == Scope::Anchored && takes_all(own, theirs),
        Scope::Whole { slash: false } | Scope::Anywhere => false,
        Scope::Whole { slash: true } => {
            let before: &[Token] = match other {
                Scope::Anchored => &[SLASH],
                Scope::Whole { .. } => &[],
                Scope::Name | Scope::Tail(_) | Scope::Anywhere => &[Token::StarStar, SLASH],
            };
            takes_all(own, &[before, theirs].concat())
        }
    }
}

/// The tokens of the last components, one more than the number of slashes; `None` if a `**` hides where they start.
fn last_components(tokens: &[Token], slashes: usize) -> Option<&[Token]> {
    let mut found = 0;
    let start = tokens.iter().rposition(|token| {
        found += usize::from(*token == SLASH);
        found > slashes || *token == Token::StarStar
    });
    match start {
        Some(at) if tokens.get(at) == Some(&SLASH) => tokens.get(at + 1..),
        Some(_) => None,
        None => (found == slashes).then_some(tokens),
    }
}

/// Says whether the first tokens take every text that the second ones take.
///
/// Compares piece by piece: a star of the first takes whole pieces of the second.
pub(super) fn takes_all(own: &[Token], theirs: &[Token]) -> bool {
    // Which beginnings of `theirs` are taken by the tokens of `own` so far.
    let mut taken = vec![false; theirs.len() + 1];
    taken.iter_mut().take(1).for_each(|first| *first = true);
    for token in own {
        let mut next = vec![false; taken.len()];
        let mut open = false;
        for (at, place) in next.iter_mut().enumerate() {
            let before = at.checked_sub(1);
            let piece = before.and_then(|before| theirs.get(before));
            let was = before.is_some_and(|before| taken.get(before) == Some(&true));
            *place = match token {
                Token::Star | Token::StarStar => {
                    let passes =
                        piece.is_none_or(|piece| *token == Token::StarStar || stays_in_component(piece));
                    open = taken.get(at) == Some(&true) || (open && passes);
                    open
                }
                _ => was && piece.is_some_and(|piece| takes_piece(token, piece)),
            };
        }
        taken = next;
    }
    taken.last() == Some(&true)
}

fn stays_in_component(piece: &Token) -> bool {
    !matches!(piece, Token::StarStar | Token::Byte(b'/'))
}

fn takes_piece(token: &Token, piece: &Token) -> bool {
    match (token, piece) {
        (_, Token::Star | Token::StarStar) => false,
        (_, Token::Byte(byte)) => token.takes(*byte),
        (Token::Any, _) => true,
        (_, Token::Any) => false,
        (Token::Set(own), Token::Set(set)) => {
            (0..=u8::MAX).all(|byte| !set.contains(byte) || own.contains(byte))
        }
        _ => false,
    }
}
