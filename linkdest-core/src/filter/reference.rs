//! The plain matcher: slow, and written so that a reader of the specification can see that it is right.

use super::pattern::{Anchor, Body, Pattern, Scope};
use super::subject::Subject;
use super::tokens::Token;

/// Says whether the pattern matches, by the words of the specification.
pub(super) fn matches(pattern: &Pattern, subject: &Subject<'_>, home: usize) -> bool {
    if pattern.directories_only && !subject.is_directory {
        return false;
    }
    let absolute = subject.from(1, 0).to_vec();
    let path = subject.from(subject.path, 0).to_vec();
    let anchored = match pattern.anchor {
        Anchor::Absolute => absolute.clone(),
        Anchor::Home => subject.from(home, 0).to_vec(),
        Anchor::Source => path.clone(),
    };
    let free = if pattern.anchor == Anchor::Absolute { absolute } else { path };
    let mut compared = match pattern.scope {
        Scope::Anchored => anchored,
        Scope::Whole { slash: true } => [b"/".as_slice(), &free].concat(),
        Scope::Name => free.split(|&byte| byte == b'/').next_back().unwrap_or_default().to_vec(),
        _ => free,
    };
    if pattern.slash_behind && subject.is_directory {
        compared.push(b'/');
    }
    let components: Vec<&[u8]> = compared.split(|&byte| byte == b'/').collect();
    match pattern.scope {
        Scope::Name | Scope::Anchored | Scope::Whole { .. } => takes(&pattern.body, &compared),
        Scope::Tail(slashes) => components
            .len()
            .checked_sub(slashes + 1)
            .and_then(|skipped| components.get(skipped..))
            .is_some_and(|last| takes(&pattern.body, &last.join(&b'/'))),
        Scope::Anywhere => (0..components.len())
            .filter_map(|skipped| components.get(skipped..))
            .any(|last| takes(&pattern.body, &last.join(&b'/'))),
    }
}

fn takes(body: &Body, text: &[u8]) -> bool {
    match body {
        Body::Literal(own) => **own == *text,
        Body::Glob(glob) => takes_all(glob.tokens(), text),
        Body::Dead(_) => false,
    }
}

/// Keeps the set of all places in the pattern that the text read so far can have come to.
fn takes_all(tokens: &[Token], text: &[u8]) -> bool {
    let mut places = vec![false; tokens.len() + 1];
    if let Some(first) = places.first_mut() {
        *first = true;
    }
    pass_stars(tokens, &mut places);
    for &byte in text {
        let mut next = vec![false; places.len()];
        for (at, token) in tokens.iter().enumerate().filter(|&(at, _)| places.get(at) == Some(&true)) {
            let reached = match token {
                Token::StarStar => at,
                Token::Star if byte != b'/' => at,
                token if token.takes(byte) => at + 1,
                _ => continue,
            };
            next.iter_mut().skip(reached).take(1).for_each(|place| *place = true);
        }
        places = next;
        pass_stars(tokens, &mut places);
    }
    places.last() == Some(&true)
}

/// A star may take nothing at all.
fn pass_stars(tokens: &[Token], places: &mut [bool]) {
    for (at, token) in tokens.iter().enumerate() {
        if matches!(token, Token::Star | Token::StarStar) && places.get(at) == Some(&true) {
            places.iter_mut().skip(at + 1).take(1).for_each(|place| *place = true);
        }
    }
}
