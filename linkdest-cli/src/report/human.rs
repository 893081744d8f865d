//! What people read. File names are escaped.

use std::fmt;
use std::os::unix::ffi::OsStrExt as _;

use anstyle::{AnsiColor, Style};
use bytesize::ByteSize;
use linkdest_core::{Action, Counts, Escaped, Reason, RelPath, SnapshotReport, Status};

use super::guards::hint;

/// The line for one entry: what is done, the path, why.
pub fn entry(path: &RelPath, action: Action, reason: Reason) -> String {
    format!("{:<6}  {path}  ({reason})", action.as_str())
}

/// The colour of a status.
pub fn style(status: Status, suspect: bool) -> Style {
    let color = if status == Status::Complete && !suspect { AnsiColor::Green } else { AnsiColor::Yellow };
    color.on_default()
}

/// The few lines at the end of a run.
pub struct Summary<'a>(pub &'a SnapshotReport);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.0.counts();
        self.head(f)?;
        writeln!(
            f,
            "  {} linked, {} copied, {} cloned, {} created",
            counts.files_linked + counts.other_linked,
            counts.files_copied,
            counts.files_cloned,
            counts.directories + counts.other_created,
        )?;
        let (copied, shared) = (ByteSize(counts.bytes_copied), ByteSize(counts.bytes_shared));
        write!(f, "  {} copied, {} shared", copied.display().iec(), shared.display().iec())?;
        rare(f, counts)?;
        if let Some(hint) = hint(self.0) {
            write!(f, "\n  {hint}")?;
        }
        if let Some(path) = self.0.path() {
            write!(f, "\n  {}", Escaped(path.as_os_str().as_bytes()))?;
        }
        Ok(())
    }
}

impl Summary<'_> {
    fn head(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.0.status();
        match self.0.snapshot() {
            Some(name) => {
                let suspect = if self.0.is_suspect() { ", suspect" } else { "" };
                write!(
                    f,
                    "{name}: {0}{1}{suspect}{0:#}, ",
                    style(status, self.0.is_suspect()),
                    status.as_str()
                )?;
            }
            None => write!(f, "dry run, nothing was written: ")?,
        }
        let seconds = self.0.duration().as_secs_f64();
        writeln!(f, "{} in {seconds:.1} s", counted(self.0.counts().entries, "entry", "entries"))
    }
}

/// What most runs have none of.
fn rare(f: &mut fmt::Formatter<'_>, counts: &Counts) -> fmt::Result {
    let told = [
        (counts.problems, counted(counts.problems, "problem", "problems")),
        (counts.vanished, format!("{} vanished", counts.vanished)),
        (counts.skipped, format!("{} skipped", counts.skipped)),
        (counts.excluded, format!("{} excluded", counts.excluded)),
        (counts.carried_forward, format!("{} carried forward", counts.carried_forward)),
        (counts.recorded_only, format!("{} with new attributes in the manifest alone", counts.recorded_only)),
        (counts.relinked_limit, format!("{} given a fresh inode (link limit)", counts.relinked_limit)),
    ];
    let told: Vec<_> = told.into_iter().filter(|(count, _)| *count > 0).map(|(_, text)| text).collect();
    if told.is_empty() { Ok(()) } else { write!(f, "\n  {}", told.join(", ")) }
}

/// A number with its noun.
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
