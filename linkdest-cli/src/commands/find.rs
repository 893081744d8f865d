//! `linkdest find`

use std::os::unix::ffi::OsStrExt as _;

use linkdest_core::{RelPath, Repository};

use crate::args::{Find, Output};
use crate::console::{Console, Label};
use crate::failure::Failure;
use crate::report::history;
use crate::{exit, signals};

pub fn run(asked: &Find, output: &Output) -> Result<u8, Failure> {
    let (repository, stop) = (Repository::open(&asked.repo)?, signals::watch()?);
    let versions = match (&asked.versions, &asked.pattern) {
        (Some(path), _) => {
            let path = RelPath::from_typed(path.as_bytes());
            repository.versions(
                &path.ok_or_else(|| Failure::usage("the path leads out of the snapshots".into()))?,
            )?
        }
        (None, pattern) => {
            let pattern = pattern.as_deref().unwrap_or_default().as_bytes();
            repository.find_with(pattern, &stop)?
        }
    };
    let console = Console::new(output.json || asked.print0, false);
    if asked.print0 {
        let mut paths: Vec<_> = versions.iter().map(|version| version.path().as_bytes()).collect();
        paths.dedup();
        paths.iter().for_each(|path| console.bytes(&[path, &b"\0"[..]].concat()));
    } else {
        for version in &versions {
            if stop.is_stopped() {
                return Err(Failure::interrupted());
            }
            if output.json {
                console.json(&history::VersionLine::from(version));
            } else {
                console.line(history::version(version));
            }
        }
    }
    if versions.is_empty() && !output.quiet && !output.json {
        console.message(Label::Note, "nothing was found");
    }
    console.close()?;
    Ok(exit::OK)
}
