//! What can be seen in a rule alone.

use super::{Warning, WarningKind};
use crate::filter::class::Dead;
use crate::filter::pattern::{Body, Pattern};
use crate::filter::rule::Rule;
use crate::filter::tokens::Token;

/// Warns of a pattern that is likely not meant as it is.
pub(super) fn check(rule: &Rule, warnings: &mut Vec<Warning>) {
    let text = rule.pattern();
    let blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    let mut warn = |kind, suggestion: &str| warnings.push(Warning::of(rule, kind, suggestion));
    if !rule.acts() {
        warn(WarningKind::NoEffect, "remove it, or write it for the sending side");
    }
    if blank(text.first()) || blank(text.last()) {
        warn(WarningKind::Blank, "remove the blank");
    }
    if text.windows(2).any(|pair| pair == b" #") {
        warn(WarningKind::CommentInPattern, "put the comment on a line of its own");
    }
    if let [open @ (b'"' | b'\''), .., close] = text
        && open == close
    {
        warn(WarningKind::Quoted, "remove the quotes, blanks need none");
    }
    if matches!(rule.pattern.body, Body::Literal(_)) && text.contains(&b'\\') {
        warn(WarningKind::LiteralBackslash, "remove the backslash, without wildcards nothing needs one");
    }
}

/// Warns of a pattern that no name can match.
pub(super) fn dead(rule: &Rule) -> Option<Warning> {
    let suggestion = match &rule.pattern.body {
        Body::Dead(Dead::OpenClass) => "close the class with \"]\", or write \"\\[\" for the character",
        Body::Dead(Dead::UnknownClass) => {
            "use one of alnum alpha blank cntrl digit graph lower print punct space upper xdigit"
        }
        Body::Dead(Dead::TrailingBackslash) => "write two backslashes for one",
        Body::Literal(text) => odd_component(&rule.pattern, text.iter().map(|&byte| Some(byte)))?,
        Body::Glob(glob) => {
            let byte = |token: &Token| if let Token::Byte(byte) = token { Some(*byte) } else { None };
            odd_component(&rule.pattern, glob.tokens().iter().map(byte))?
        }
    };
    Some(Warning::of(rule, WarningKind::NeverMatches, suggestion))
}

/// Finds a component that no path has; what is no plain byte is `None`.
fn odd_component(pattern: &Pattern, bytes: impl Iterator<Item = Option<u8>>) -> Option<&'static str> {
    let bytes: Vec<_> = bytes.collect();
    let mut parts: Vec<_> = bytes.split(|&byte| byte == Some(b'/')).collect();
    if bytes.is_empty() {
        return Some("the source itself cannot be left out; write \"*\" for everything in it");
    }
    // `**/x` is compared with a slash in front, `x/***` with one behind.
    if pattern.slash_behind {
        parts.pop();
    }
    parts.iter().find_map(|part| match part {
        [] => Some("write single slashes"),
        [Some(b'.')] | [Some(b'.'), Some(b'.')] => {
            Some("write paths from the source, without \".\" and \"..\"")
        }
        _ => None,
    })
}
