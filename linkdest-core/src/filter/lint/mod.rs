//! Rules that rsync accepts, but that cannot do what they seem to say.

mod cover;
mod reach;
mod text;

use std::fmt;

use super::clause::Clause;
use super::note::{Note, NoteKind};
use super::origin::Origin;
use super::rule::Rule;
use super::ruleset::Filter;

/// What is odd about a rule.
///
/// ```
/// use linkdest_core::filter::{FilterBuilder, WarningKind};
/// let filter = FilterBuilder::new().exclude("a[b").build_without_files()?;
/// assert_eq!(filter.check()[0].kind(), WarningKind::NeverMatches);
/// # Ok::<(), linkdest_core::filter::RuleError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WarningKind {
    /// An earlier rule decides about every path that this one matches.
    Shadowed,
    /// A directory on the way to all that the rule matches is left out, so nothing below it is asked for.
    BelowExcluded,
    /// The rule is for any depth, but all directories are left out.
    TopLevelOnly,
    /// No name whatever matches: an open class, an unknown class name, a double slash, a `.` or `..`.
    NeverMatches,
    /// An exclude of everything that does *not* match also leaves out the directories.
    CutsDirectories,
    /// The rule is for the receiving side of a transfer, or for extended attributes, and selects nothing.
    NoEffect,
    /// The pattern starts or ends with a blank, which is part of it.
    Blank,
    /// The pattern has what looks like a comment behind it.
    CommentInPattern,
    /// The pattern is in quotes, which are part of it.
    Quoted,
    /// A backslash in a pattern without wildcards is an ordinary character.
    LiteralBackslash,
    /// The line or the pattern is so long that it was dropped.
    TooLong,
    /// Text behind `-C` is ignored.
    TextIgnored,
    /// A per-directory file of this name is in use already, so the rule is ignored.
    DeclaredAgain,
    /// The name of the merged file is relative to the working directory, not to the file that merges it.
    RelativeMerge,
}

impl WarningKind {
    /// The word for the kind in JSON.
    ///
    /// ```
    /// assert_eq!(linkdest_core::filter::WarningKind::BelowExcluded.as_str(), "below_excluded");
    /// ```
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shadowed => "shadowed",
            Self::BelowExcluded => "below_excluded",
            Self::TopLevelOnly => "top_level_only",
            Self::NeverMatches => "never_matches",
            Self::CutsDirectories => "cuts_directories",
            Self::NoEffect => "no_effect",
            Self::Blank => "blank",
            Self::CommentInPattern => "comment_in_pattern",
            Self::Quoted => "quoted",
            Self::LiteralBackslash => "literal_backslash",
            Self::TooLong => "too_long",
            Self::TextIgnored => "text_ignored",
            Self::DeclaredAgain => "declared_again",
            Self::RelativeMerge => "relative_merge",
        }
    }
}

/// A warning about one rule, with a suggestion.
///
/// `Display` is one line: place, rule, what is odd, and what to do.
///
/// ```
/// use linkdest_core::filter::{FilterBuilder, WarningKind};
/// let filter = FilterBuilder::new().rule("- /home/").rule("+ /home/me/**").build_without_files()?;
/// let warnings = filter.check();
/// assert_eq!(warnings.len(), 1);
/// assert_eq!(warnings[0].kind(), WarningKind::BelowExcluded);
/// assert_eq!(warnings[0].text(), b"+ /home/me/**");
/// assert_eq!(warnings[0].suggestion(), "put \"+ /home/\" before \"- /home/\"");
/// # Ok::<(), linkdest_core::filter::RuleError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    kind: WarningKind,
    text: Vec<u8>,
    origin: Origin,
    because: Option<Rule>,
    suggestion: String,
}

impl Warning {
    fn of(rule: &Rule, kind: WarningKind, suggestion: impl Into<String>) -> Self {
        let (text, origin) = (rule.to_bytes(), rule.origin().clone());
        Self { kind, text, origin, because: None, suggestion: suggestion.into() }
    }

    fn because_of(self, other: &Rule) -> Self {
        Self { because: Some(other.clone()), ..self }
    }

    /// What is odd.
    #[must_use]
    pub fn kind(&self) -> WarningKind {
        self.kind
    }

    /// The rule.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Where the rule comes from.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The other rule that is to blame.
    #[must_use]
    pub fn because(&self) -> Option<&Rule> {
        self.because.as_ref()
    }

    /// What to do about it.
    #[must_use]
    pub fn suggestion(&self) -> &str {
        &self.suggestion
    }

    fn what(&self) -> &'static str {
        match self.kind {
            WarningKind::Shadowed => "never decides, an earlier rule does",
            WarningKind::BelowExcluded => "never reached, a directory above it is left out",
            WarningKind::TopLevelOnly => "only reaches the top level, all directories are left out",
            WarningKind::NeverMatches => "can never match",
            WarningKind::CutsDirectories => "leaves out directories with all that is in them",
            WarningKind::NoEffect => "selects nothing",
            WarningKind::Blank => "has a blank at an end, which is part of the pattern",
            WarningKind::CommentInPattern => "has a comment behind it, which is part of the pattern",
            WarningKind::Quoted => "has quotes, which are part of the pattern",
            WarningKind::LiteralBackslash => "has a backslash, which is an ordinary character here",
            WarningKind::TooLong => "is too long and was dropped",
            WarningKind::TextIgnored => "has text behind -C, which is ignored",
            WarningKind::DeclaredAgain => "is ignored, the name is in use already",
            WarningKind::RelativeMerge => "names a file relative to the working directory",
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: \"{}\" {}", self.origin, super::bytes::Escaped(&self.text), self.what())?;
        if let Some(other) = &self.because {
            write!(f, " by \"{other}\" ({})", other.origin())?;
        }
        if self.suggestion.is_empty() { Ok(()) } else { write!(f, "; {}", self.suggestion) }
    }
}

impl Filter {
    /// Looks for rules that cannot do what they seem to say; in the order of the rules.
    ///
    /// Every warning of the kinds `NeverMatches`, `Shadowed` and `BelowExcluded` is certain: without the rule, the
    /// selection from any source would be the same. The other kinds are likely mistakes.
    ///
    /// ```
    /// use linkdest_core::filter::{FilterBuilder, WarningKind};
    /// let filter = FilterBuilder::new().exclude("*.o").include("main.o").build_without_files()?;
    /// let warnings = filter.check();
    /// assert_eq!(warnings[0].kind(), WarningKind::Shadowed);
    /// assert_eq!(warnings[0].because().unwrap().to_string(), "- *.o");
    /// # Ok::<(), linkdest_core::filter::RuleError>(())
    /// ```
    #[must_use]
    pub fn check(&self) -> Vec<Warning> {
        let mut warnings: Vec<_> = self.inner.notes.iter().map(noted).collect();
        let clauses = &self.inner.clauses;
        for (at, clause) in clauses.iter().enumerate() {
            // Nobody wrote the rules of a built-in list here.
            if let Clause::Rule(rule) = clause
                && !rule.origin().is_built_in()
            {
                text::check(rule, &mut warnings);
                match text::dead(rule) {
                    Some(warning) => warnings.push(warning),
                    None => warnings.extend(reach::check(clauses, at, rule)),
                }
            }
        }
        warnings
    }
}

fn noted(note: &Note) -> Warning {
    let (kind, suggestion) = match note.kind {
        NoteKind::LineTooLong => (WarningKind::TooLong, "keep lines under 5,120 bytes"),
        NoteKind::PatternTooLong => (WarningKind::TooLong, "keep patterns under 4,096 bytes"),
        NoteKind::TextIgnored => (WarningKind::TextIgnored, "write it as a rule of its own"),
        NoteKind::DeclaredAgain => (WarningKind::DeclaredAgain, "remove one of them"),
        NoteKind::RelativeMerge => (WarningKind::RelativeMerge, "write an absolute path"),
    };
    let (text, origin) = (note.text.clone(), note.origin.clone());
    Warning { kind, text, origin, because: None, suggestion: suggestion.to_owned() }
}
