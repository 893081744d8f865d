//! A wildcard pattern taken apart: what each piece takes.

use super::class::{self, ByteSet, Dead};

/// One piece of a wildcard pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// This byte.
    Byte(u8),
    /// `?`: any byte but a slash.
    Any,
    /// `[...]`: a byte of the set.
    Set(Box<ByteSet>),
    /// `*`: any bytes but slashes.
    Star,
    /// `**` or longer: any bytes.
    StarStar,
}

impl Token {
    /// Says whether a token that takes exactly one byte takes this one.
    pub(super) fn takes(&self, byte: u8) -> bool {
        match self {
            Self::Byte(own) => *own == byte,
            Self::Any => byte != b'/',
            Self::Set(set) => set.contains(byte),
            Self::Star | Self::StarStar => false,
        }
    }
}

/// Takes a pattern apart; an error if it can never match.
pub(super) fn tokens(mut pattern: &[u8]) -> Result<Vec<Token>, Dead> {
    let mut tokens = Vec::with_capacity(pattern.len());
    while let Some((&byte, rest)) = pattern.split_first() {
        let (token, rest) = match (byte, rest) {
            (b'?', _) => (Token::Any, rest),
            (b'*', [b'*', ..]) => (Token::StarStar, skip_stars(rest)),
            (b'*', _) => (Token::Star, rest),
            (b'\\', [escaped, rest @ ..]) => (Token::Byte(*escaped), rest),
            (b'\\', []) => return Err(Dead::TrailingBackslash),
            (b'[', _) => {
                let (set, rest) = class::parse(rest)?;
                (Token::Set(Box::new(set)), rest)
            }
            _ => (Token::Byte(byte), rest),
        };
        tokens.push(token);
        pattern = rest;
    }
    Ok(tokens)
}

fn skip_stars(mut rest: &[u8]) -> &[u8] {
    while let [b'*', tail @ ..] = rest {
        rest = tail;
    }
    rest
}

/// The longest run of plain bytes that every match must hold.
pub(super) fn longest_literal(tokens: &[Token]) -> Vec<u8> {
    let mut longest = Vec::new();
    let mut run = Vec::new();
    for token in tokens {
        if let Token::Byte(byte) = token {
            run.push(*byte);
        } else if run.len() > longest.len() {
            longest = std::mem::take(&mut run);
        } else {
            run.clear();
        }
    }
    if run.len() > longest.len() { run } else { longest }
}
