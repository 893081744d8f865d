//! The examples of `docs/filter-rules.md` hold.
//!
//! An example is a fenced block `rules`, blocks `file NAME` for other files that it needs, and a block `paths`. In
//! that, a line is a sign and a path below the source, directories with a slash: `+` is selected, `-` is not. A block
//! `bad` is a rule file that is refused; a block `warned` one that is accepted and warned of.

#![expect(clippy::expect_used, clippy::panic, reason = "a test")]

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use linkdest_core::filter::{
    DirectoryFiles, Explanation, Filter, FilterBuilder, Place, RuleError, RuleFiles,
};

const DOCUMENT: &str = include_str!("../../docs/filter-rules.md");
const SOURCE: &str = "/home/me";

/// A fenced block: the line it starts at, what is behind the fence, the text.
struct Block {
    line: usize,
    label: String,
    text: String,
}

fn blocks() -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (line, text) in (1..).zip(DOCUMENT.lines()) {
        match (text.strip_prefix("```"), &mut open) {
            (Some(label), None) => {
                open = Some(Block { line, label: label.trim().to_owned(), text: String::new() });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => {
                block.text.push_str(text);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a fence is not closed");
    blocks
}

/// The files of an example: `rules`, and those that its rules name.
#[derive(Default)]
struct Files(BTreeMap<String, String>);

impl Files {
    fn get(&self, name: &str) -> Option<Vec<u8>> {
        self.0.get(name).map(|text| text.clone().into_bytes())
    }

    fn filter(&self) -> Result<Filter, RuleError> {
        FilterBuilder::new().rules_file("rules").build(self)
    }
}

impl RuleFiles for Files {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        path.to_str().and_then(|name| self.get(name)).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl DirectoryFiles for Files {
    fn read_in(&self, place: Place<'_>, name: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let (Place::Here(directory) | Place::Source(directory)) = place else { return Ok(None) };
        let slash: &[u8] = if directory.is_empty() { b"" } else { b"/" };
        let path = String::from_utf8([SOURCE.as_bytes(), b"/", directory, slash, name].concat());
        Ok(path.ok().and_then(|path| self.get(&path)))
    }
}

/// Checks the lines of a block `paths`.
fn check(files: &Files, block: &Block) -> usize {
    let filter = files.filter().unwrap_or_else(|error| panic!("line {}: {error}", block.line));
    let root = filter.root(SOURCE.as_ref(), files).expect("the rule files of the source are good");
    let mut checked = 0;
    for (number, text) in (block.line + 1..).zip(block.text.lines()) {
        let (sign, path) = text.split_once(' ').unwrap_or_else(|| panic!("line {number}: no sign"));
        assert!(matches!(sign, "+" | "-"), "line {number}: {sign:?} is neither + nor -");
        let explanation = Explanation::of(&root, path.as_bytes(), path.ends_with('/'), files)
            .unwrap_or_else(|error| panic!("line {number}: {error}"));
        let selected =
            explanation.steps().iter().all(|step| step.verdict() == linkdest_core::filter::Verdict::Include);
        assert_eq!(selected, sign == "+", "line {number}: {explanation}");
        checked += 1;
    }
    checked
}

#[test]
fn every_example_holds() {
    let mut files = Files::default();
    let (mut selections, mut refused, mut warned) = (0, 0, 0);
    // Rules that no paths were checked against.
    let mut unused = None;
    for block in blocks() {
        match block.label.split_once(' ').unwrap_or((&block.label, "")) {
            ("rules", "") => {
                assert_eq!(unused, None, "rules without paths");
                unused = Some(block.line);
                files = Files([("rules".to_owned(), block.text)].into());
            }
            ("file", name) => {
                files.0.insert(name.to_owned(), block.text);
            }
            ("paths", "") => {
                assert!(check(&files, &block) > 0, "line {}: no path", block.line);
                // As an editor on Windows leaves them.
                let crlf = files.0.iter().map(|(name, text)| (name.clone(), text.replace('\n', "\r\n")));
                check(&Files(crlf.collect()), &block);
                (unused, selections) = (None, selections + 1);
            }
            ("bad", "") => {
                let alone = Files([("rules".to_owned(), block.text)].into());
                assert!(alone.filter().is_err(), "line {}: these rules are good", block.line);
                refused += 1;
            }
            ("warned", "") => {
                let line = block.line;
                let rules = block.text.lines().count();
                let alone = Files([("rules".to_owned(), block.text)].into());
                let filter = alone.filter().unwrap_or_else(|error| panic!("line {line}: {error}"));
                assert!(!filter.check().is_empty(), "line {line}: no warning of {rules} rules");
                warned += 1;
            }
            ("sh" | "console", "") => {}
            (label, _) => panic!("line {}: a block {label:?}, which nothing checks", block.line),
        }
    }
    assert_eq!(unused, None, "rules without paths");
    assert!(selections >= 10, "only {selections} examples with paths were found");
    assert!(refused >= 1 && warned >= 1, "{refused} examples of bad rules, {warned} of odd ones");
}
