//! `linkdest init`

use std::os::unix::ffi::OsStrExt as _;

use linkdest_core::{Escaped, Repository};

use crate::args::{Init, Output};
use crate::console::Console;
use crate::exit;
use crate::failure::Failure;
use crate::report::json;

pub fn run(asked: &Init, output: &Output) -> Result<u8, Failure> {
    let repository = Repository::init(&asked.repo)?;
    let console = Console::new(output.json, false);
    if output.json {
        console.json(&json::Initialised::from(&repository));
    } else if !output.quiet {
        let path = Escaped(repository.path().as_os_str().as_bytes());
        console.line(format_args!("{path}: is a repository now"));
    }
    console.close()?;
    Ok(exit::OK)
}
