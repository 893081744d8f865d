//! `linkdest ls`

use std::io::{self, IsTerminal as _};

use linkdest_core::{Escaped, Item, Repository};

use crate::args::{Ls, Output};
use crate::console::Console;
use crate::exit;
use crate::failure::Failure;
use crate::report::history;

pub fn run(asked: &Ls, output: &Output) -> Result<u8, Failure> {
    let repository = Repository::open(&asked.repo)?;
    let (snapshot, path) = repository.resolve_path(&asked.what)?;
    let items = repository.ls(snapshot.name(), &path)?;
    let items = if asked.recursive { items.recursive() } else { items };
    let escaped = !asked.print0 && !output.json && io::stdout().is_terminal();
    let console = Console::new(!escaped, false);
    for item in items {
        let item = item?;
        if output.json {
            console.json(&history::ItemLine::from(&item));
        } else {
            print(&item, asked, escaped, &console);
        }
    }
    console.close()?;
    Ok(exit::OK)
}

fn print(item: &Item, asked: &Ls, escaped: bool, console: &Console) {
    let name = |bytes: &[u8]| if escaped { Escaped(bytes).to_string().into_bytes() } else { bytes.to_vec() };
    let mut line = Vec::new();
    if asked.long {
        line.extend_from_slice(history::attributes(item).as_bytes());
    }
    line.extend_from_slice(&name(item.path().as_bytes()));
    line.extend_from_slice(history::slash(Some(item.metadata().kind)).as_bytes());
    if let (true, Some(target)) = (asked.long, item.target()) {
        line.extend_from_slice(b" -> ");
        line.extend_from_slice(&name(target));
    }
    line.push(if asked.print0 { 0 } else { b'\n' });
    console.bytes(&line);
}
