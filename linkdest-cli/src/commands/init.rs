//! `linkdest init`

use std::os::unix::ffi::OsStrExt as _;

use linkdest_core::{Escaped, Repository};

use crate::args::{Init, Output};
use crate::console::Console;
use crate::exit;
use crate::failure::Failure;
use crate::report::json;

pub fn run(asked: &Init, output: &Output) -> Result<u8, Failure> {
    let console = Console::new(output.json, false);
    if asked.dry_run {
        Repository::check_init(&asked.repo)?;
        if output.json {
            console.json(&json::WouldInitialise::from(asked.repo.as_path()));
        } else if !output.quiet {
            let path = Escaped(asked.repo.as_os_str().as_bytes());
            console.line(format_args!("{path}: could be a repository; nothing was written"));
        }
        console.close()?;
        return Ok(exit::OK);
    }
    let repository = Repository::init(&asked.repo)?;
    if output.json {
        console.json(&json::Initialised::from(&repository));
    } else if !output.quiet {
        let path = Escaped(repository.path().as_os_str().as_bytes());
        console.line(format_args!("{path}: is a repository now; its id is {}", repository.id()));
    }
    console.close()?;
    Ok(exit::OK)
}
