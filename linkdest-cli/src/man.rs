//! Man pages, made of the same texts as the help.

use std::io::{self, Write};

use clap::Command;
use clap::builder::Resettable;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

/// One page for each command: its file name, and its text.
pub fn pages(mut root: Command) -> io::Result<Vec<(String, Vec<u8>)>> {
    root = root.disable_help_subcommand(true);
    root.build();
    let mut pages = Vec::new();
    let mut waiting = vec![root];
    while let Some(command) = waiting.pop() {
        waiting.extend(command.get_subcommands().filter(|command| !command.is_hide_set()).cloned());
        let mut page = Vec::new();
        let man = page_of(&command, &mut page)?;
        pages.push((man, page));
    }
    pages.sort();
    Ok(pages)
}

fn page_of(command: &Command, page: &mut Vec<u8>) -> io::Result<String> {
    let version = format!("linkdest {}", env!("CARGO_PKG_VERSION"));
    let man = Man::new(under_one_heading(command.clone())).source(version).manual("linkdest").date("");
    man.render_title(page)?;
    man.render_name_section(page)?;
    synopsis(command, page)?;
    man.render_description_section(page)?;
    if command.get_arguments().any(|argument| !argument.is_hide_set()) {
        man.render_options_section(page)?;
    }
    if command.get_subcommands().any(|command| !command.is_hide_set()) {
        man.render_subcommands_section(page)?;
    }
    let end = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    sections(&end, page)?;
    if command.get_name() != "linkdest" {
        let mut roff = Roff::new();
        roff.control("SH", ["SEE ALSO"]);
        roff.text([bold("linkdest"), roman("(1)")]);
        roff.to_writer(page)?;
    }
    Ok(man.get_filename())
}

/// What is under no heading and what is under this one is one section.
fn under_one_heading(command: Command) -> Command {
    command.mut_args(|argument| match argument.get_help_heading() {
        Some("Options") => argument.help_heading(Resettable::Reset),
        _ => argument,
    })
}

/// The usage as the help has it: all options in one line would be long.
fn synopsis(command: &Command, page: &mut impl Write) -> io::Result<()> {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.strip_prefix("Usage: ").unwrap_or(&usage);
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]);
    for line in usage.lines() {
        roff.text([roman(line.trim().replace('|', " | "))]);
        roff.control("br", []);
    }
    roff.to_writer(page)
}

/// What comes after the options: a line that ends in a colon is a heading, the lines below it stay as they are.
fn sections(text: &str, page: &mut impl Write) -> io::Result<()> {
    let mut roff = Roff::new();
    let mut open = false;
    for line in text.lines() {
        match line.strip_suffix(':').filter(|heading| !heading.starts_with(' ')) {
            Some(heading) => {
                if open {
                    roff.control("fi", []);
                }
                roff.control("SH", [heading.to_uppercase().as_str()]);
                roff.control("nf", []);
                open = true;
            }
            None if open => {
                roff.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
            }
            None if line.is_empty() => {}
            None => {
                roff.text([roman(line)]);
            }
        }
    }
    if open {
        roff.control("fi", []);
    }
    roff.to_writer(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_with_its_sections() {
        let pages = pages(crate::help::command()).unwrap();
        assert!(pages.len() > 25, "{}", pages.len());
        for name in ["linkdest.1", "linkdest-snapshot.1", "linkdest-filter-list.1"] {
            assert!(pages.iter().any(|(file, _)| file == name), "{name}");
        }
        for (file, page) in &pages {
            let text = String::from_utf8(page.clone()).unwrap();
            for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "\"EXIT STATUS\"", "EXAMPLES"] {
                assert_eq!(text.matches(&format!(".SH {section}\n")).count(), 1, "{file}: {section}\n{text}");
            }
        }
    }
}
