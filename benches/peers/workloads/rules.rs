//! Many filter rules.

use std::fmt::Write as _;
use std::rc::Rc;

use linkdest_testkit::TestDir;

use super::Workload;
use crate::Result;
use crate::contender::Saving;
use crate::ground::Ground;
use crate::peer::PEERS;
use crate::source::Source;

const RULES: usize = 500;
const STEMS: [&str; 8] = ["src", "lib", "build", "docs", "cache", "data", "logs", "common"];

/// An unchanged backup by programs that take the same rules.
pub(super) fn filter(ground: &Rc<Ground>) -> Result<Workload> {
    let source = Source::usual(ground)?;
    let directory = TestDir::new_in(&ground.images);
    let rules = directory.join("rules");
    std::fs::write(&rules, text()?)?;
    let saving = Saving { ground: Rc::clone(ground), source: source.path().to_owned(), rules: Some(rules) };
    let takers = PEERS.iter().filter(|peer| peer.has_rules);
    let contenders = takers.filter_map(|peer| saving.next_of(peer)).collect();
    // The source and the directory of the rules live as long as the workload.
    Ok(Workload::new(contenders).changing(move |_| {
        source.path().symlink_metadata()?;
        Ok(directory.path().symlink_metadata().map(drop)?)
    }))
}

/// A third anchored paths, a third endings, a third with `**`; one ending that files of the made-up tree have.
fn text() -> Result<String> {
    let mut text = String::from("- *.png\n");
    for number in 1..RULES {
        let stem = STEMS.get(number % STEMS.len()).copied().unwrap_or_default();
        match number % 3 {
            0 => writeln!(text, "- /{stem}-{number}/{stem}-x/y{number}")?,
            1 => writeln!(text, "- *.ex{number}")?,
            _ => writeln!(text, "- /{stem}-*/**/{stem}*.tmp{number}")?,
        }
    }
    Ok(text)
}
