//! The table of snapshots.

use bytesize::ByteSize;
use jiff::tz::TimeZone;
use linkdest_core::{RunRecord, Snapshot, Timestamp};

use super::human;

const HEAD: [&str; 5] = ["SNAPSHOT", "STARTED", "STATUS", "ENTRIES", "SIZE"];

/// The table's lines: a head, and a line for each snapshot.
pub fn lines(snapshots: &[Snapshot]) -> Vec<String> {
    let rows: Vec<[String; 5]> = snapshots.iter().map(row).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(HEAD.get(column).map(|head| head.len())).max().unwrap_or_default()
    };
    let widths = [0, 1, 2, 3, 4].map(width);
    let styles = snapshots.iter().map(|snapshot| human::style(snapshot.status(), snapshot.is_suspect()));
    let head = line(&HEAD.map(str::to_owned), widths, anstyle::Style::new());
    std::iter::once(head)
        .chain(rows.iter().zip(styles).map(|(row, style)| line(row, widths, style)))
        .collect()
}

fn row(snapshot: &Snapshot) -> [String; 5] {
    let counts = snapshot.record().map(RunRecord::counts);
    let known = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    [
        snapshot.name().to_string(),
        local(snapshot.started()),
        status(snapshot),
        known(counts.map(|counts| counts.entries.to_string())),
        known(counts.map(|counts| ByteSize(counts.bytes).display().iec().to_string())),
    ]
}

fn status(snapshot: &Snapshot) -> String {
    let suspect = if snapshot.is_suspect() { ", suspect" } else { "" };
    let pinned = if snapshot.is_pinned() { ", pinned" } else { "" };
    format!("{}{suspect}{pinned}", snapshot.status().as_str())
}

fn line(row: &[String; 5], widths: [usize; 5], style: anstyle::Style) -> String {
    let [name, started, status, entries, size] = row;
    let [n, s, t, e, z] = widths;
    format!("{name:<n$}  {started:<s$}  {style}{status:<t$}{style:#}  {entries:>e$}  {size:>z$}")
}

/// A time as the clock on the wall shows it.
pub fn local(time: Timestamp) -> String {
    let time = jiff::Timestamp::from_second(time.seconds).unwrap_or_default();
    time.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}
