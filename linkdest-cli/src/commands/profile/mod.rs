//! `linkdest profile`

mod check;

use crate::args::{Output, Profile, ProfileCommand};
use crate::failure::Failure;

pub fn run(asked: &Profile, output: &Output) -> Result<u8, Failure> {
    match &asked.command {
        ProfileCommand::Check(asked) => check::run(asked, output),
    }
}
