//! What is told of rules: for people, and one type for each line or document in JSON.

use std::os::unix::ffi::OsStrExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use linkdest_core::Escaped;
use linkdest_core::filter::{Explanation, Extra, Origin, Step, Verdict, Warning};
use serde::Serialize;

use super::json::{PathText, Problem};

/// The lines about one path: verdict and reason, then its parents and the path itself from the top down.
pub fn lines(explanation: &Explanation) -> Vec<String> {
    let shown: Vec<String> = explanation.steps().iter().map(|step| shown(step, explanation)).collect();
    let width = shown.iter().map(|path| path.chars().count()).max().unwrap_or_default();
    let chain = shown.iter().zip(explanation.steps()).map(|(path, step)| format!("  {path:<width$}  {step}"));
    std::iter::once(explanation.to_string()).chain(chain).collect()
}

/// The path of a step; what has something below it is a directory.
fn shown(step: &Step, of: &Explanation) -> String {
    let slash = if step.path() == of.path() { "" } else { "/" };
    format!("{}{slash}", Escaped(step.path()))
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

/// Why paths take part or not, and what was wrong with rule files on the way.
#[derive(Serialize)]
pub struct Explanations<'a> {
    explanations: Vec<Explained>,
    problems: Vec<Problem<'a>>,
}

#[derive(Serialize)]
struct Explained {
    #[serde(flatten)]
    path: PathText,
    verdict: &'static str,
    /// The rule that decides about the path, or about the parent that is excluded.
    rule: Option<Rule>,
    /// The option, if it is none of the rules.
    option: Option<&'static str>,
    excluded_parent: Option<PathText>,
    steps: Vec<Decided>,
}

#[derive(Serialize)]
struct Decided {
    #[serde(flatten)]
    path: PathText,
    verdict: &'static str,
    rule: Option<Rule>,
    option: Option<&'static str>,
}

impl<'a> Explanations<'a> {
    pub fn new(explanations: &[Explanation], problems: &'a [linkdest_core::Problem]) -> Self {
        Self {
            explanations: explanations.iter().map(Explained::from).collect(),
            problems: problems.iter().map(Problem::from).collect(),
        }
    }
}

impl From<&Explanation> for Explained {
    fn from(explanation: &Explanation) -> Self {
        let path = explanation.path();
        let last = explanation.steps().last();
        Self {
            path: if path.is_empty() { b".".as_slice().into() } else { path.into() },
            verdict: word(explanation.verdict()),
            rule: last.and_then(Step::rule).map(Rule::from),
            option: last.and_then(Step::extra).map(Extra::option),
            excluded_parent: explanation.excluded_parent().map(|parent| parent.path().into()),
            steps: explanation.steps().iter().map(Decided::from).collect(),
        }
    }
}

impl From<&Step> for Decided {
    fn from(step: &Step) -> Self {
        Self {
            path: step.path().into(),
            verdict: word(step.verdict()),
            rule: step.rule().map(Rule::from),
            option: step.extra().map(Extra::option),
        }
    }
}

fn word(verdict: Verdict) -> &'static str {
    if verdict == Verdict::Include { "include" } else { "exclude" }
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
            kind: warning.kind().as_str(),
            rule: Rule::new(warning.text(), warning.origin()),
            because: warning.because().map(Rule::from),
            suggestion: warning.suggestion(),
            message: warning.to_string(),
        }
    }
}
