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

/// Keeps the set of all places in the pattern that the text read so far can have come to, in order.
fn takes_all(tokens: &[Token], text: &[u8]) -> bool {
    let mut places = with_empty_stars(tokens, &[0]);
    for &byte in text {
        let reached = places.iter().filter_map(|&at| match tokens.get(at)? {
            Token::StarStar => Some(at),
            Token::Star if byte != b'/' => Some(at),
            token => token.takes(byte).then_some(at + 1),
        });
        let mut reached: Vec<usize> = reached.collect();
        reached.dedup();
        places = with_empty_stars(tokens, &reached);
        if places.is_empty() {
            return false;
        }
    }
    places.last() == Some(&tokens.len())
}

/// Adds the places behind stars, which may take nothing at all.
fn with_empty_stars(tokens: &[Token], places: &[usize]) -> Vec<usize> {
    let mut all: Vec<usize> = Vec::new();
    for &place in places {
        let mut place = place;
        // Places come in order, so one that is there already has its successors there too.
        while all.last().is_none_or(|&last| last < place) {
            all.push(place);
            if !matches!(tokens.get(place), Some(Token::Star | Token::StarStar)) {
                break;
            }
            place += 1;
        }
    }
    all
}
