//! A rule, as it is compared with paths and as it prints.

use std::fmt;

use super::bytes::Escaped;
use super::origin::Origin;
use super::pattern::{Anchor, Pattern};
use super::subject::Subject;
use super::syntax::Modifiers;

/// What a rule does with a path that it matches.
///
/// A snapshot has only the sending side of an rsync run: `Hide` and `Show` act like `Exclude` and `Include`;
/// `Protect` and `Risk` speak of deletion and never select anything.
///
/// ```
/// use linkdest_core::filter::{FilterBuilder, RuleKind};
/// let filter = FilterBuilder::new().rule("hide *.o").build_without_files()?;
/// assert_eq!(filter.rules().next().unwrap().kind(), RuleKind::Hide);
/// # Ok::<(), linkdest_core::filter::RuleError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RuleKind {
    /// `-`: the path is left out.
    Exclude,
    /// `+`: the path takes part.
    Include,
    /// `H`: left out.
    Hide,
    /// `S`: takes part.
    Show,
    /// `P`: only spares a path from deletion on the receiving side.
    Protect,
    /// `R`: the opposite of `P`.
    Risk,
}

impl RuleKind {
    fn letter(self) -> u8 {
        match self {
            Self::Exclude => b'-',
            Self::Include => b'+',
            Self::Hide => b'H',
            Self::Show => b'S',
            Self::Protect => b'P',
            Self::Risk => b'R',
        }
    }
}

/// Include or exclude.
///
/// ```
/// use linkdest_core::filter::{FilterBuilder, Verdict};
/// let root = FilterBuilder::new().exclude("a").build_without_files()?.root_without_files("/src".as_ref());
/// assert_eq!(root.decide(b"a", false).verdict(), Verdict::Exclude);
/// assert_eq!(root.decide(b"b", false).verdict(), Verdict::Include);
/// # Ok::<(), linkdest_core::filter::RuleError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The path takes part; if it is a directory, it is entered.
    Include,
    /// The path is left out; if it is a directory, so is everything below it.
    Exclude,
}

/// One include or exclude rule.
///
/// `Display` prints it as a rule file would have it, and that text parses to the same rule.
/// Two rules are equal if they say the same, wherever they come from.
///
/// ```
/// use linkdest_core::filter::{FilterBuilder, RuleKind};
/// let filter = FilterBuilder::new().rule("exclude,! */").build_without_files()?;
/// let rule = filter.rules().next().unwrap();
/// assert_eq!(rule.kind(), RuleKind::Exclude);
/// assert_eq!(rule.pattern(), b"*/");
/// assert_eq!(rule.to_string(), "-! */");
/// # Ok::<(), linkdest_core::filter::RuleError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Rule {
    pub(super) kind: RuleKind,
    pub(super) modifiers: Modifiers,
    pub(super) pattern: Pattern,
    pub(super) origin: Origin,
    /// The rule acts on both sides, whatever it says: so do all in files that per-directory files merge.
    pub(super) any_side: bool,
}

impl Rule {
    pub(super) fn new(
        kind: RuleKind,
        modifiers: Modifiers,
        text: &[u8],
        anchor: Anchor,
        origin: Origin,
    ) -> Self {
        let any_side = anchor == Anchor::Source;
        let anchor = if modifiers.absolute { Anchor::Absolute } else { anchor };
        Self { kind, modifiers, pattern: Pattern::new(text, anchor), origin, any_side }
    }

    /// What the rule does.
    #[must_use]
    pub fn kind(&self) -> RuleKind {
        self.kind
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn pattern(&self) -> &[u8] {
        &self.pattern.text
    }

    /// Where the rule comes from.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// What the rule says of a path that it matches.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self.kind {
            RuleKind::Exclude | RuleKind::Hide | RuleKind::Protect => Verdict::Exclude,
            RuleKind::Include | RuleKind::Show | RuleKind::Risk => Verdict::Include,
        }
    }

    /// Says whether the rule can select or leave out anything here: not a receiver's rule, not one for xattrs.
    #[must_use]
    pub fn acts(&self) -> bool {
        !self.modifiers.xattr && self.is_for_sender()
    }

    /// The rule as bytes, exact also where the pattern is not UTF-8.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![self.kind.letter()];
        push_modifiers(&mut bytes, self.modifiers);
        bytes.push(b' ');
        bytes.extend_from_slice(&self.pattern.text);
        bytes
    }

    fn is_for_sender(&self) -> bool {
        match self.kind {
            _ if self.any_side => true,
            RuleKind::Hide | RuleKind::Show => true,
            RuleKind::Protect | RuleKind::Risk => false,
            RuleKind::Exclude | RuleKind::Include => self.modifiers.sender || !self.modifiers.receiver,
        }
    }

    pub(super) fn is_for_receiver(&self) -> bool {
        match self.kind {
            RuleKind::Hide | RuleKind::Show => false,
            RuleKind::Protect | RuleKind::Risk => true,
            RuleKind::Exclude | RuleKind::Include => self.modifiers.receiver || !self.modifiers.sender,
        }
    }

    /// Says whether the rule decides about the path, if it acts at all.
    pub(super) fn matches(&self, subject: &Subject<'_>, home: usize) -> bool {
        self.pattern.matches(subject, home) != self.modifiers.negated
    }

    /// Answers the same by the reference matcher.
    pub(super) fn matches_plainly(&self, subject: &Subject<'_>, home: usize) -> bool {
        self.pattern.matches_plainly(subject, home) != self.modifiers.negated
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        (self.kind, self.modifiers, &self.pattern) == (other.kind, other.modifiers, &other.pattern)
    }
}

impl Eq for Rule {}

impl fmt::Display for Rule {
    /// Prints the rule; bytes that are not UTF-8 and control characters show as `\xNN`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Escaped(&self.to_bytes()))
    }
}

pub(super) fn push_modifiers(bytes: &mut Vec<u8>, modifiers: Modifiers) {
    use super::syntax::Sign;
    let letters = [
        (modifiers.absolute, b'/'),
        (modifiers.negated, b'!'),
        (modifiers.sender, b's'),
        (modifiers.receiver, b'r'),
        (modifiers.perishable, b'p'),
        (modifiers.xattr, b'x'),
        (modifiers.exclude_self, b'e'),
        (modifiers.cvs, b'C'),
        (modifiers.no_inherit && !modifiers.cvs, b'n'),
        (modifiers.words && !modifiers.cvs, b'w'),
        (modifiers.bare == Some(Sign::Exclude) && !modifiers.cvs, b'-'),
        (modifiers.bare == Some(Sign::Include), b'+'),
    ];
    bytes.extend(letters.iter().filter(|(set, _)| *set).map(|(_, letter)| letter));
}
