//! `linkdest profile check`

use linkdest_core::{Profile, Severity};

use crate::args::{Output, ProfileCheck};
use crate::console::{Console, Label};
use crate::failure::Failure;
use crate::report::profile;

pub fn run(asked: &ProfileCheck, output: &Output) -> Result<u8, Failure> {
    let profile = Profile::load(&asked.profile)?;
    let check = profile.check();
    let console = Console::new(output.json, false);
    if output.json {
        console.json(&profile::Check::new(&profile, &check));
    } else if !output.quiet {
        check.plan().iter().for_each(|line| console.line(line));
    }
    for (severity, message) in check.remarks() {
        let label = if *severity == Severity::Error { Label::Error } else { Label::Problem };
        console.message(label, message);
    }
    console.close()?;
    Ok(check.exit_code())
}
