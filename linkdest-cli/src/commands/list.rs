//! `linkdest list`

use linkdest_core::{RemoteRepository, Repository, Timestamp};

use crate::args::{List, Output};
use crate::console::{Console, Label};
use crate::failure::Failure;
use crate::report::{json, table};
use crate::{exit, signals};

pub fn run(asked: &List, output: &Output) -> Result<u8, Failure> {
    let snapshots = if asked.server.leads_to(&asked.repo)? {
        RemoteRepository::open(&asked.repo, &asked.server.ssh()?, &signals::watch()?)?.snapshots()?
    } else {
        Repository::open(&asked.repo)?.snapshots()?
    };
    let console = Console::new(output.json, false);
    if output.json {
        console.json(&json::List::from(snapshots.as_slice()));
    } else if snapshots.is_empty() {
        if !output.quiet {
            console.message(Label::Note, "there are no snapshots yet");
        }
    } else {
        table::lines(&snapshots, Timestamp::now()).iter().for_each(|line| console.line(line));
    }
    console.close()?;
    Ok(exit::OK)
}
