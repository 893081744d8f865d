//! The fast wildcard matcher.

use super::tokens::Token;

/// A wildcard pattern with its plain ends apart: they are compared first, and mostly that is all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Glob {
    tokens: Box<[Token]>,
    /// The plain bytes that the tokens start with.
    head: Box<[u8]>,
    /// The plain bytes that the tokens end with.
    tail: Box<[u8]>,
}

impl Glob {
    pub(super) fn new(tokens: Vec<Token>) -> Self {
        let byte = |token: &Token| if let Token::Byte(byte) = token { Some(*byte) } else { None };
        let head: Box<[u8]> = tokens.iter().map_while(byte).collect();
        let rest = tokens.get(head.len()..).unwrap_or_default();
        let mut tail: Vec<u8> = rest.iter().rev().map_while(byte).collect();
        tail.reverse();
        Self { tokens: tokens.into(), head, tail: tail.into() }
    }

    pub(super) fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// Says whether the pattern takes the whole text.
    pub(super) fn matches(&self, text: &[u8]) -> bool {
        self.ends(text) && self.matches_but_end(text)
    }

    /// Says whether the pattern takes what follows the start or any slash.
    pub(super) fn matches_anywhere(&self, text: &[u8]) -> bool {
        self.ends(text) && (self.matches_but_end(text) || after_slashes(text).any(|part| self.matches(part)))
    }

    fn ends(&self, text: &[u8]) -> bool {
        text.ends_with(&self.tail)
    }

    /// Compares all but the plain end, which was compared before.
    fn matches_but_end(&self, text: &[u8]) -> bool {
        let middle = self.tokens.get(self.head.len()..self.tokens.len() - self.tail.len());
        text.strip_prefix(&*self.head)
            .and_then(|rest| rest.get(..rest.len().checked_sub(self.tail.len())?))
            .is_some_and(|rest| matches(middle.unwrap_or_default(), rest))
    }
}

/// What follows each slash.
fn after_slashes(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let ends = text.iter().zip(1..).filter(|&(&byte, _)| byte == b'/');
    ends.filter_map(|(_, start)| text.get(start..))
}

/// Says whether the tokens take the whole text.
///
/// Two places to come back to are enough. Behind a `**` nothing that was tried before it needs to be tried again,
/// because the `**` can skip at least as much. Behind a `*` it is the same until a slash ends what it can skip: then
/// only the last `**` is left. The tests compare this with [`reference`](super::reference).
fn matches(tokens: &[Token], text: &[u8]) -> bool {
    let (mut rest, mut left) = (tokens, text);
    let mut star: Option<(&[Token], &[u8])> = None;
    let mut double: Option<(&[Token], &[u8])> = None;
    loop {
        match (rest, left) {
            ([Token::StarStar], _) | ([], []) => return true,
            ([Token::StarStar, tail @ ..], _) => {
                (rest, star, double) = (tail, None, Some((tail, left)));
                continue;
            }
            ([Token::Star, tail @ ..], _) => {
                (rest, star) = (tail, Some((tail, left)));
                continue;
            }
            // Skipping more leaves less text, so nothing can help.
            ([_, ..], []) => return false,
            ([token, tail @ ..], [byte, after @ ..]) if token.takes(*byte) => {
                (rest, left) = (tail, after);
                continue;
            }
            _ => {}
        }
        match (star, double) {
            (Some((tail, [byte, after @ ..])), _) if *byte != b'/' => {
                (rest, left, star) = (tail, after, Some((tail, after)));
            }
            (_, Some((tail, [_, after @ ..]))) => {
                (rest, left, star, double) = (tail, after, None, Some((tail, after)));
            }
            _ => return false,
        }
    }
}
