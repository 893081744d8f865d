//! What is told of rules: for people, and one type for each line or document in JSON.

use std::os::unix::ffi::OsStrExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use linkdest_core::Escaped;
use linkdest_core::filter::{Explanation, Origin, Step, Verdict, Warning, WarningKind};
use serde::Serialize;

use super::json::{PathText, Problem};

/// The lines about one path: verdict and reason, then its parents and the path itself from the top down.
pub fn lines(explanation: &Explanation, left_out_by: Option<&str>) -> Vec<String> {
    let steps = explanation.steps();
    let Some(last) = steps.last() else { return vec![".: included, it is the source".to_owned()] };
    let path = Escaped(explanation.path());
    let head = match (left_out_by, explanation.excluded_parent()) {
        (Some(option), _) => format!("{path}: excluded by {option}"),
        (None, Some(parent)) => {
            let reason = reason(parent);
            format!("{path}: excluded, because the directory {}/ is excluded{reason}", Escaped(parent.path()))
        }
        (None, None) => format!("{path}: {}{}", verdict(last.verdict()), reason(last)),
    };
    let shown: Vec<String> = steps.iter().map(|step| shown(step, explanation)).collect();
    let width = shown.iter().map(|path| path.chars().count()).max().unwrap_or_default();
    let chain = shown.iter().zip(steps);
    let chain =
        chain.map(|(path, step)| format!("  {path:<width$}  {}{}", verdict(step.verdict()), reason(step)));
    std::iter::once(head).chain(chain).collect()
}

/// The path of a step; what has something below it is a directory.
fn shown(step: &Step, of: &Explanation) -> String {
    let slash = if step.path() == of.path() { "" } else { "/" };
    format!("{}{slash}", Escaped(step.path()))
}

fn verdict(verdict: Verdict) -> &'static str {
    if verdict == Verdict::Include { "included" } else { "excluded" }
}

fn reason(step: &Step) -> String {
    step.rule().map_or(", no rule matches".to_owned(), |rule| format!(" by \"{rule}\" ({})", rule.origin()))
}

/// An entry that takes part.
#[derive(Serialize)]
#[serde(tag = "message_type", rename = "selected")]
pub struct Selected {
    #[serde(flatten)]
    path: PathText,
    directory: bool,
}

impl From<&linkdest_core::Selected> for Selected {
    fn from(selected: &linkdest_core::Selected) -> Self {
        Self { path: (&selected.path).into(), directory: selected.directory }
    }
}

/// A rule as text, with its place: `origin` for people, `file` and `line` where there are any.
#[derive(Serialize)]
struct Rule {
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    text_b64: Option<String>,
    origin: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_b64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
}

impl Rule {
    fn new(text: &[u8], origin: &Origin) -> Self {
        let file = origin.file().map(|file| file.as_os_str().as_bytes());
        Self {
            text: lossy(text),
            text_b64: lost(text),
            origin: origin.to_string(),
            file: file.map(lossy),
            file_b64: file.and_then(lost),
            line: origin.line(),
        }
    }
}

impl From<&linkdest_core::filter::Rule> for Rule {
    fn from(rule: &linkdest_core::filter::Rule) -> Self {
        Self::new(&rule.to_bytes(), rule.origin())
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The bytes, where text loses something.
fn lost(bytes: &[u8]) -> Option<String> {
    std::str::from_utf8(bytes).is_err().then(|| BASE64.encode(bytes))
}

/// Why paths take part or not.
#[derive(Serialize)]
pub struct Explanations<'a> {
    explanations: Vec<Explained<'a>>,
}

#[derive(Serialize)]
struct Explained<'a> {
    #[serde(flatten)]
    path: PathText,
    verdict: &'static str,
    /// The rule that decides about the path, or about the parent that is excluded.
    rule: Option<Rule>,
    /// The option, if it is none of the rules.
    option: Option<&'a str>,
    excluded_parent: Option<PathText>,
    steps: Vec<Decided>,
}

#[derive(Serialize)]
struct Decided {
    #[serde(flatten)]
    path: PathText,
    verdict: &'static str,
    rule: Option<Rule>,
}

impl<'a> Explanations<'a> {
    pub fn new(explained: &[(&Explanation, Option<&'a str>)]) -> Self {
        Self {
            explanations: explained
                .iter()
                .map(|(explanation, by)| Explained::new(explanation, *by))
                .collect(),
        }
    }
}

impl<'a> Explained<'a> {
    fn new(explanation: &Explanation, left_out_by: Option<&'a str>) -> Self {
        let steps = explanation.steps();
        let path = explanation.path();
        let included = explanation.verdict() == Verdict::Include && left_out_by.is_none();
        let rule = steps.last().and_then(Step::rule).filter(|_| left_out_by.is_none());
        Self {
            path: if path.is_empty() { b".".as_slice().into() } else { path.into() },
            verdict: if included { "include" } else { "exclude" },
            rule: rule.map(Rule::from),
            option: left_out_by,
            excluded_parent: explanation.excluded_parent().map(|parent| parent.path().into()),
            steps: steps.iter().map(Decided::from).collect(),
        }
    }
}

impl From<&Step> for Decided {
    fn from(step: &Step) -> Self {
        let verdict = if step.verdict() == Verdict::Include { "include" } else { "exclude" };
        Self { path: step.path().into(), verdict, rule: step.rule().map(Rule::from) }
    }
}

/// What is odd about rules, and what was wrong with rule files in the source.
#[derive(Serialize)]
pub struct Warnings<'a> {
    warnings: Vec<Odd<'a>>,
    problems: Vec<Problem<'a>>,
}

#[derive(Serialize)]
struct Odd<'a> {
    kind: &'static str,
    rule: Rule,
    because: Option<Rule>,
    suggestion: &'a str,
    message: String,
}

impl<'a> Warnings<'a> {
    pub fn new(warnings: &'a [Warning], problems: &'a [linkdest_core::Problem]) -> Self {
        Self {
            warnings: warnings.iter().map(Odd::from).collect(),
            problems: problems.iter().map(Problem::from).collect(),
        }
    }
}

impl<'a> From<&'a Warning> for Odd<'a> {
    fn from(warning: &'a Warning) -> Self {
        Self {
            kind: word(warning.kind()),
            rule: Rule::new(warning.text(), warning.origin()),
            because: warning.because().map(Rule::from),
            suggestion: warning.suggestion(),
            message: warning.to_string(),
        }
    }
}

fn word(kind: WarningKind) -> &'static str {
    match kind {
        WarningKind::Shadowed => "shadowed",
        WarningKind::BelowExcluded => "below_excluded",
        WarningKind::TopLevelOnly => "top_level_only",
        WarningKind::NeverMatches => "never_matches",
        WarningKind::CutsDirectories => "cuts_directories",
        WarningKind::NoEffect => "no_effect",
        WarningKind::Blank => "blank",
        WarningKind::CommentInPattern => "comment_in_pattern",
        WarningKind::Quoted => "quoted",
        WarningKind::LiteralBackslash => "literal_backslash",
        WarningKind::TooLong => "too_long",
        WarningKind::TextIgnored => "text_ignored",
        WarningKind::DeclaredAgain => "declared_again",
        WarningKind::RelativeMerge => "relative_merge",
        _ => "other",
    }
}
