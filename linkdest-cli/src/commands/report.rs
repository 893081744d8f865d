//! `linkdest report`

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use linkdest_core::{Escaped, Profile, Reporter, Repository};

use crate::args::{Output, Report};
use crate::console::Console;
use crate::failure::Failure;
use crate::report::overview;
use crate::{exit, signals};

pub fn run(asked: &Report, output: &Output) -> Result<u8, Failure> {
    let rules = match &asked.profile {
        Some(profile) => Profile::load(profile)?.keep_rules().clone(),
        None => asked.keep.rules(),
    };
    let repository = Repository::open(&asked.repo)?;
    let target = match &asked.output {
        Some(path) if path.as_os_str() != "-" => Some(target(path, &asked.repo)?),
        _ => None,
    };
    let report = Reporter::new(&repository).keep(rules).stop(signals::watch()?).run()?;
    let console = Console::new(output.json || asked.output.is_some(), false);
    if output.json {
        console.json(&overview::Overview::from(&report));
    } else if let Some(target) = target {
        let page = report.to_html();
        let told = |error: io::Error| Failure::io(&format!("cannot write {}", shown(&target)), &error);
        write(&target, page.as_bytes()).map_err(told)?;
        if !output.quiet {
            console.line(format_args!("{}: written, {} kB", shown(&target), page.len().div_ceil(1000)));
        }
    } else if asked.output.is_some() {
        console.bytes(report.to_html().as_bytes());
    } else {
        overview::lines(&report).iter().for_each(|line| console.line(line));
    }
    console.close()?;
    Ok(exit::OK)
}

fn shown(path: &Path) -> String {
    Escaped(path.as_os_str().as_bytes()).to_string()
}

/// Where the file really is. What lies in the repository is left alone.
#[expect(clippy::disallowed_methods, reason = "the operator's own paths, resolved once")]
fn target(path: &Path, repository: &Path) -> Result<PathBuf, Failure> {
    let told = |error| Failure::io(&format!("cannot write {}", shown(path)), &error);
    let resolved = match path.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let name = path.file_name().ok_or_else(|| told(io::ErrorKind::InvalidInput.into()))?;
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            parent.unwrap_or(Path::new(".")).canonicalize().map_err(told)?.join(name)
        }
        resolved => resolved.map_err(told)?,
    };
    let repository = repository.canonicalize().map_err(told)?;
    if resolved.starts_with(&repository) {
        return Err(Failure::usage(format!(
            "{} is in the repository: nothing of ours is written there",
            shown(path)
        )));
    }
    Ok(resolved)
}

/// Writes a file under another name first, then in place of what is there: the old page or the new one, and no inode that
/// somebody else has a name of. What is no regular file is written to.
#[expect(clippy::disallowed_methods, reason = "the operator's own path")]
fn write(target: &Path, bytes: &[u8]) -> io::Result<()> {
    match target.symlink_metadata() {
        Ok(there) if !there.is_file() => {
            return OpenOptions::new().write(true).open(target)?.write_all(bytes);
        }
        _ => {}
    }
    let mut name = std::ffi::OsString::from(format!(".linkdest-{}-", std::process::id()));
    name.push(target.file_name().unwrap_or_default());
    let temporary = target.with_file_name(name);
    let mut file = File::create_new(&temporary)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.and_then(|()| std::fs::rename(&temporary, target)).inspect_err(|_| {
        let _ = std::fs::remove_file(&temporary);
    })
}
