//! `linkdest filter explain`

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path};

use linkdest_core::Escaped;
use linkdest_core::filter::Explanation;

use super::Problems;
use crate::args::{FilterExplain, Output};
use crate::console::{Console, Label};
use crate::failure::Failure;
use crate::report::filter;
use crate::{exit, signals};

pub fn run(asked: &FilterExplain, output: &Output) -> Result<u8, Failure> {
    let paths: Vec<Vec<u8>> =
        asked.paths.iter().map(|path| below(&asked.source, path)).collect::<Result<_, _>>()?;
    let filtering = asked.rules.filtering()?;
    let stop = signals::watch()?;
    let problems = Problems::default();
    let explained: Result<Vec<Explanation>, _> =
        paths.iter().map(|path| filtering.explain(&asked.source, path, &problems, &stop)).collect();
    let problems = problems.into_sorted();
    let console = Console::new(output.json, false);
    problems.iter().for_each(|problem| console.message(Label::Problem, problem));
    let explanations = explained?;
    if output.json {
        console.json(&filter::Explanations::new(&explanations, &problems));
    } else {
        explanations.iter().flat_map(filter::lines).for_each(|line| console.line(line));
    }
    console.close()?;
    Ok(if problems.is_empty() { exit::OK } else { exit::PROBLEMS })
}

/// Makes a path relative to the source; a slash at its end stays.
fn below(source: &Path, path: &Path) -> Result<Vec<u8>, Failure> {
    let wrong =
        |what: &str| Failure::usage(format!("{}: {what}; see --help", Escaped(path.as_os_str().as_bytes())));
    let relative = if path.is_absolute() {
        let source =
            std::path::absolute(source).map_err(|error| Failure::io("no working directory", &error))?;
        path.strip_prefix(&source).map_err(|_| wrong("not below SOURCE"))?
    } else {
        path
    };
    let mut names = Vec::new();
    for component in relative.components() {
        match component {
            Component::Normal(name) => names.push(name.as_bytes()),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
            Component::ParentDir => return Err(wrong("a PATH cannot have `..`")),
        }
    }
    let mut bytes = names.join(&b'/');
    if !bytes.is_empty() && path.as_os_str().as_bytes().ends_with(b"/") {
        bytes.push(b'/');
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_below_the_source() {
        for (source, path, expected) in [
            ("/", "/home/me", Some("home/me")),
            ("/", "home/me/", Some("home/me/")),
            ("/src", "/src/a//b/", Some("a/b/")),
            ("/src", "./a", Some("a")),
            ("/src", "/src/", Some("")),
            ("/src", ".", Some("")),
            ("/src", "/srcs/a", None),
            ("/src", "a/../b", None),
        ] {
            let found = below(source.as_ref(), path.as_ref()).ok();
            assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{source} {path}");
        }
    }
}
