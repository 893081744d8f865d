//! `linkdest filter explain`

use std::collections::HashSet;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path};

use linkdest_core::filter::{Explanation, Filter, Verdict};
use linkdest_core::{Escaped, Filtering, RelPath, Silent};

use crate::args::{FilterExplain, Output};
use crate::console::Console;
use crate::exit;
use crate::failure::Failure;
use crate::report::filter;

pub fn run(asked: &FilterExplain, output: &Output) -> Result<u8, Failure> {
    let paths: Vec<Vec<u8>> =
        asked.paths.iter().map(|path| below(&asked.source, path)).collect::<Result<_, _>>()?;
    let rules = asked.rules.filter()?;
    let explanations: Vec<Explanation> = paths
        .iter()
        .map(|path| linkdest_core::explain(&asked.source, &rules, path))
        .collect::<Result<_, _>>()?;
    let extras = left_out_otherwise(asked, &rules, &explanations)?;
    let explained: Vec<_> = explanations.iter().zip(extras).collect();
    let console = Console::new(output.json, false);
    if output.json {
        console.json(&filter::Explanations::new(&explained));
    } else {
        for (explanation, extra) in &explained {
            filter::lines(explanation, *extra).iter().for_each(|line| console.line(line));
        }
    }
    console.close()?;
    Ok(exit::OK)
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

/// Names for each path the option, none of the rules, because of which it does not take part.
///
/// What these options do depends on what else is in the source, so it is walked, once for each.
fn left_out_otherwise(
    asked: &FilterExplain,
    rules: &Filter,
    explanations: &[Explanation],
) -> Result<Vec<Option<&'static str>>, Failure> {
    let mut reasons = vec![None; explanations.len()];
    let extras = asked.rules.extras(rules);
    if extras.is_empty() {
        return Ok(reasons);
    }
    let selected = |filtering: &Filtering| -> Result<HashSet<RelPath>, Failure> {
        Ok(filtering.select(&asked.source, &Silent)?.into_iter().map(|one| one.path).collect())
    };
    let by_rules = selected(&Filtering::from(rules.clone()).ignore_bad_rules(true))?;
    for (option, filtering) in extras {
        let left = selected(&filtering)?;
        for (reason, explanation) in reasons.iter_mut().zip(explanations) {
            let path = RelPath::new(explanation.path()).unwrap_or_default();
            let is_out = by_rules.contains(&path) && !left.contains(&path);
            if is_out && explanation.verdict() == Verdict::Include {
                *reason = reason.or(Some(option));
            }
        }
    }
    Ok(reasons)
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
