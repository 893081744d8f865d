//! The page that the tables go to.

use std::path::PathBuf;

use crate::Result;
use crate::arguments::Arguments;
use crate::ground::Ground;
use crate::machine::described;
use crate::rounds::Outcome;
use crate::table::tables;

const BEGIN: &str = "<!-- peers: begin -->";
const END: &str = "<!-- peers: end -->";

/// Everything that was measured so far; written after each workload, since all of them take hours.
pub(crate) struct Page {
    output: Option<PathBuf>,
    head: String,
    outcomes: Vec<Outcome>,
}

impl Page {
    /// Finds out whether the page can be written before anything is measured.
    pub(crate) fn new(arguments: &Arguments, ground: &Ground) -> Result<Self> {
        if let Some(output) = &arguments.output {
            replaced(&std::fs::read_to_string(output)?, "")?;
        }
        let words = without_paths(std::env::args().skip(1));
        let warning = if ground.is_quick { "**Tiny trees: these figures mean nothing.**\n\n" } else { "" };
        let head = format!(
            "{warning}### Machine\n\n{}- `peers {}`: {} rounds that count\n",
            described(ground),
            words.join(" "),
            ground.rounds
        );
        Ok(Self { output: arguments.output.clone(), head, outcomes: Vec::new() })
    }

    /// Takes up what a workload showed.
    pub(crate) fn add(&mut self, outcome: Outcome) -> Result<()> {
        self.outcomes.push(outcome);
        let Some(output) = &self.output else { return Ok(()) };
        let page = std::fs::read_to_string(output)?;
        Ok(std::fs::write(output, replaced(&page, &self.text())?)?)
    }

    /// Prints the tables where there is no page.
    pub(crate) fn finish(&self) -> Result<()> {
        if self.output.is_none() {
            println!("{}", self.text());
        }
        Ok(())
    }

    fn text(&self) -> String {
        format!("{}{}", self.head, tables(&self.outcomes))
    }
}

/// The arguments, with words in the place of this machine's paths.
fn without_paths(arguments: impl Iterator<Item = String>) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for argument in arguments {
        let stands_for = match words.last().map(String::as_str) {
            Some("--source") => Some("TREE"),
            Some("--images") => Some("DIR"),
            Some("--output") => Some("FILE"),
            _ => None,
        };
        words.push(stands_for.map_or(argument, str::to_owned));
    }
    words
}

/// Puts a text between the two markers of a page.
fn replaced(page: &str, text: &str) -> Result<String> {
    let missing = || format!("the page must have the lines {BEGIN} and {END}");
    let (before, rest) = page.split_once(BEGIN).ok_or_else(missing)?;
    let (_, after) = rest.split_once(END).ok_or_else(missing)?;
    Ok(format!("{before}{BEGIN}\n\n{}\n\n{END}{after}", text.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_not_published() {
        let arguments = ["--quick", "--source", "/some/tree", "--rounds", "3", "--output", "page.md"];
        let words = without_paths(arguments.into_iter().map(str::to_owned));
        assert_eq!(words, ["--quick", "--source", "TREE", "--rounds", "3", "--output", "FILE"]);
    }

    #[test]
    fn only_what_is_between_the_markers_is_replaced() {
        let page = "# Speed\n\n<!-- peers: begin -->\nold\n<!-- peers: end -->\n\nmore\n";
        let expected = "# Speed\n\n<!-- peers: begin -->\n\nnew\n\n<!-- peers: end -->\n\nmore\n";
        assert_eq!(replaced(page, "new\n").unwrap(), expected);
        assert_eq!(replaced(expected, "new").unwrap(), expected);
        assert!(replaced("# Speed", "new").is_err());
    }
}
