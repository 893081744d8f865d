//! The text of one rule: kind, modifiers, pattern.

use super::bytes::is_space;
use super::error::RuleErrorKind;

/// What a rule does, before its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Exclude,
    Include,
    Hide,
    Show,
    Protect,
    Risk,
    Merge,
    PerDirectory,
    Clear,
}

impl Kind {
    fn merges(self) -> bool {
        matches!(self, Self::Merge | Self::PerDirectory)
    }

    fn has_side(self) -> bool {
        matches!(self, Self::Hide | Self::Show | Self::Protect | Self::Risk)
    }
}

/// The sign that a file of bare patterns gives each of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Sign {
    Exclude,
    Include,
}

/// The modifiers of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Modifiers {
    pub(super) absolute: bool,
    pub(super) negated: bool,
    pub(super) cvs: bool,
    pub(super) sender: bool,
    pub(super) receiver: bool,
    pub(super) perishable: bool,
    pub(super) xattr: bool,
    pub(super) exclude_self: bool,
    pub(super) no_inherit: bool,
    pub(super) words: bool,
    pub(super) bare: Option<Sign>,
}

/// A rule as its text says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RuleParts<'a> {
    pub(super) kind: Kind,
    pub(super) modifiers: Modifiers,
    pub(super) pattern: &'a [u8],
}

/// What is wrong with a rule's text; the column counts from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SyntaxError {
    pub(super) kind: RuleErrorKind,
    pub(super) column: usize,
    pub(super) expected: String,
}

impl SyntaxError {
    pub(super) fn new(kind: RuleErrorKind, column: usize, expected: impl Into<String>) -> Self {
        Self { kind, column, expected: expected.into() }
    }
}

const SHORT: [(u8, Kind); 9] = [
    (b'-', Kind::Exclude),
    (b'+', Kind::Include),
    (b'.', Kind::Merge),
    (b':', Kind::PerDirectory),
    (b'H', Kind::Hide),
    (b'S', Kind::Show),
    (b'P', Kind::Protect),
    (b'R', Kind::Risk),
    (b'!', Kind::Clear),
];

const LONG: [(&[u8], Kind); 9] = [
    (b"exclude", Kind::Exclude),
    (b"include", Kind::Include),
    (b"merge", Kind::Merge),
    (b"dir-merge", Kind::PerDirectory),
    (b"hide", Kind::Hide),
    (b"show", Kind::Show),
    (b"protect", Kind::Protect),
    (b"risk", Kind::Risk),
    (b"clear", Kind::Clear),
];

/// Reads a rule in the full syntax.
pub(super) fn parse(text: &[u8]) -> Result<RuleParts<'_>, SyntaxError> {
    let (kind, long, rest) = kind(text)?;
    let column = |rest: &[u8]| text.len() - rest.len();
    if kind == Kind::Clear {
        let behind = rest.strip_prefix(b",").unwrap_or(rest);
        return if behind.is_empty() {
            Ok(RuleParts { kind, modifiers: Modifiers::default(), pattern: b"" })
        } else {
            Err(SyntaxError::new(RuleErrorKind::TextAfterClear, column(behind), "nothing behind it"))
        };
    }
    let (rest, may_modify) = match rest.strip_prefix(b",") {
        Some(rest) => (rest, true),
        None => (rest, !long),
    };
    let end = rest.iter().position(|byte| matches!(byte, b' ' | b'_')).unwrap_or(rest.len());
    let (letters, rest) = rest.split_at_checked(end).unwrap_or((rest, b""));
    let first = column(rest) - end;
    let mut modifiers = Modifiers::default();
    for (at, &letter) in letters.iter().enumerate() {
        if !may_modify {
            return Err(SyntaxError::new(RuleErrorKind::BadModifier, first, "a space, \"_\" or \",\""));
        }
        modify(&mut modifiers, kind, letter)
            .map_err(|expected| SyntaxError::new(RuleErrorKind::BadModifier, first + at, expected))?;
    }
    let pattern = rest.split_first().map_or(rest, |(_, pattern)| pattern);
    if pattern.is_empty() && !modifiers.cvs {
        let what = if kind.merges() { "a file name" } else { "a pattern" };
        let expected = if rest.is_empty() { format!("a space and {what}") } else { what.to_owned() };
        return Err(SyntaxError::new(RuleErrorKind::MissingPattern, text.len(), expected));
    }
    Ok(RuleParts { kind, modifiers, pattern })
}

/// Reads the kind; says whether it was a long word.
fn kind(text: &[u8]) -> Result<(Kind, bool, &[u8]), SyntaxError> {
    let ends = |rest: &[u8]| rest.first().is_none_or(|&byte| is_space(byte) || matches!(byte, b'_' | b','));
    let short = text.split_first().and_then(|(first, rest)| {
        SHORT.iter().find(|(letter, _)| letter == first).map(|&(_, kind)| (kind, false, rest))
    });
    let long = || {
        LONG.iter().find_map(|&(word, kind)| {
            text.strip_prefix(word).filter(|rest| ends(rest)).map(|rest| (kind, true, rest))
        })
    };
    short.or_else(long).ok_or_else(|| {
        let expected = match text.first() {
            Some(&byte) if is_space(byte) => "a rule at the very start of the line, nothing is trimmed",
            Some(0xef) if text.starts_with(b"\xef\xbb\xbf") => "a rule, but there is a UTF-8 byte order mark",
            _ => "one of + - . : H S P R ! or include exclude merge dir-merge hide show protect risk clear",
        };
        SyntaxError::new(RuleErrorKind::UnknownRule, 0, expected)
    })
}

/// Takes one modifier; the error says what would have been right.
fn modify(modifiers: &mut Modifiers, kind: Kind, letter: u8) -> Result<(), String> {
    let two_forms = modifiers.bare.is_some() || modifiers.cvs;
    let allowed = match letter {
        b'/' | b'p' | b'x' => true,
        b'!' => !kind.merges(),
        b'C' => !kind.has_side() && !two_forms,
        b's' | b'r' => !kind.has_side(),
        b'e' | b'n' | b'w' => kind.merges(),
        b'-' | b'+' => kind.merges() && !two_forms,
        _ => false,
    };
    if !allowed {
        return Err(match kind {
            _ if kind.merges() => {
                "the modifiers / s r p x e n w and one of - + C, then a space or \"_\"".into()
            }
            _ if kind.has_side() => "the modifiers / ! p x, then a space or \"_\"".into(),
            _ => "the modifiers / ! C s r p x, then a space or \"_\"".into(),
        });
    }
    match letter {
        b'/' => modifiers.absolute = true,
        b'p' => modifiers.perishable = true,
        b'x' => modifiers.xattr = true,
        b'!' => modifiers.negated = true,
        b's' => modifiers.sender = true,
        b'r' => modifiers.receiver = true,
        b'e' => modifiers.exclude_self = true,
        b'n' => modifiers.no_inherit = true,
        b'w' => modifiers.words = true,
        b'-' => modifiers.bare = Some(Sign::Exclude),
        b'+' => modifiers.bare = Some(Sign::Include),
        _ => modifiers.cvs = true,
    }
    if modifiers.cvs && kind.merges() {
        (modifiers.no_inherit, modifiers.words, modifiers.bare) = (true, true, Some(Sign::Exclude));
    }
    Ok(())
}

/// Reads the value of `--exclude` and the like, or a line of `--exclude-from`.
pub(super) fn parse_old(text: &[u8], sign: Sign) -> Result<RuleParts<'_>, SyntaxError> {
    let (sign, pattern) = match text {
        b"!" => return Ok(RuleParts { kind: Kind::Clear, modifiers: Modifiers::default(), pattern: b"" }),
        [b'-', b' ', pattern @ ..] => (Sign::Exclude, pattern),
        [b'+', b' ', pattern @ ..] => (Sign::Include, pattern),
        _ => (sign, text),
    };
    if pattern.is_empty() {
        return Err(SyntaxError::new(RuleErrorKind::MissingPattern, text.len(), "a pattern"));
    }
    Ok(bare(pattern, sign))
}

/// Takes the whole text as a pattern.
pub(super) fn bare(pattern: &[u8], sign: Sign) -> RuleParts<'_> {
    let kind = match sign {
        Sign::Exclude => Kind::Exclude,
        Sign::Include => Kind::Include,
    };
    RuleParts { kind, modifiers: Modifiers::default(), pattern }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Result<&str, RuleErrorKind> {
        parse(text.as_bytes()).map(|parts| std::str::from_utf8(parts.pattern).unwrap()).map_err(|e| e.kind)
    }

    #[test]
    fn one_separator_is_taken_and_nothing_is_trimmed() {
        for (text, want) in [
            ("- foo", "foo"),
            ("-  foo ", " foo "),
            ("-__foo", "_foo"),
            ("-, foo", "foo"),
            ("-, z foo", "z foo"),
            ("-!! foo", "foo"),
            ("-ss foo", "foo"),
            ("exclude foo", "foo"),
            ("exclude_foo", "foo"),
            ("exclude,!_foo", "foo"),
            ("dir-merge,n- .f", ".f"),
            ("-C anything", "anything"),
            (":C", ""),
            ("!,", ""),
            ("clear", ""),
        ] {
            assert_eq!(pattern(text), Ok(want), "{text}");
        }
    }

    #[test]
    fn bad_rules_are_refused() {
        use RuleErrorKind::{BadModifier, MissingPattern, TextAfterClear, UnknownRule};
        for (text, want) in [
            ("", UnknownRule),
            (" - a", UnknownRule),
            ("excl a", UnknownRule),
            ("Exclude a", UnknownRule),
            ("x a", UnknownRule),
            ("-foo", BadModifier),
            ("-\tfoo", BadModifier),
            ("exclude\tfoo", BadModifier),
            ("exclude! x", UnknownRule),
            ("-,, a", BadModifier),
            (":! a", BadModifier),
            ("Hs a", BadModifier),
            ("HC", BadModifier),
            ("-e a", BadModifier),
            (":-+ a", BadModifier),
            (":C- a", BadModifier),
            ("--C a", BadModifier),
            ("-", MissingPattern),
            ("- ", MissingPattern),
            ("exclude", MissingPattern),
            (". ", MissingPattern),
            ("! ", TextAfterClear),
            ("!_", TextAfterClear),
            ("!!", TextAfterClear),
            ("clear x", TextAfterClear),
        ] {
            assert_eq!(pattern(text), Err(want), "{text}");
        }
    }

    #[test]
    fn old_style_arguments_know_only_signs_with_a_space() {
        let old = |text: &'static str| {
            parse_old(text.as_bytes(), Sign::Exclude)
                .map(|parts| (parts.kind, parts.pattern))
                .map_err(|e| e.kind)
        };
        assert_eq!(old("- x"), Ok((Kind::Exclude, b"x".as_slice())));
        assert_eq!(old("+ x"), Ok((Kind::Include, b"x".as_slice())));
        assert_eq!(old("-_x"), Ok((Kind::Exclude, b"-_x".as_slice())));
        assert_eq!(old("! "), Ok((Kind::Exclude, b"! ".as_slice())));
        assert_eq!(old("!"), Ok((Kind::Clear, b"".as_slice())));
        assert_eq!(old("- "), Err(RuleErrorKind::MissingPattern));
    }
}
