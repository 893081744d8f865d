//! Tables, and that of the snapshots.

use std::time::Duration;

use anstyle::Style;
use bytesize::ByteSize;
use jiff::tz::TimeZone;
use linkdest_core::{RunRecord, Snapshot, Timestamp};

use super::human;

const HEAD: [&str; 8] = ["SNAPSHOT", "STARTED", "AGE", "STATUS", "ENTRIES", "SIZE", "NEW", "PROBLEMS"];

/// The table of the snapshots: a head, and a line for each.
pub fn lines(snapshots: &[Snapshot], now: Timestamp) -> Vec<String> {
    let rows = snapshots
        .iter()
        .map(|snapshot| (row(snapshot, now), human::style(snapshot.status(), snapshot.is_suspect())));
    table(HEAD, &[0, 1, 3], 3, &rows.collect::<Vec<_>>())
}

fn row(snapshot: &Snapshot, now: Timestamp) -> [String; 8] {
    let counts = snapshot.record().map(RunRecord::counts);
    let known = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    let size = |bytes: u64| ByteSize(bytes).display().iec().to_string();
    [
        snapshot.name().to_string(),
        local(snapshot.started()),
        age(snapshot.started(), now).unwrap_or_else(|| "-".into()),
        status(snapshot),
        known(counts.map(|counts| counts.entries.to_string())),
        known(counts.map(|counts| size(counts.bytes))),
        known(counts.map(|counts| size(counts.bytes_copied))),
        known(counts.map(|counts| counts.problems.to_string())),
    ]
}

/// The status, and what else is special about a snapshot.
fn status(snapshot: &Snapshot) -> String {
    let special = [
        (snapshot.is_suspect(), "suspect"),
        (snapshot.is_pinned(), "pinned"),
        (snapshot.is_adopted(), "adopted"),
    ];
    let special = special.into_iter().filter(|(is, _)| *is).map(|(_, word)| word);
    std::iter::once(snapshot.status().as_str()).chain(special).collect::<Vec<_>>().join(", ")
}

/// Lines with a head. Columns that are not named as texts are numbers and end at the right; one cell has a style.
pub fn table<const N: usize>(
    head: [&str; N],
    texts: &[usize],
    styled: usize,
    rows: &[([String; N], Style)],
) -> Vec<String> {
    let mut widths = head.map(|cell| cell.chars().count());
    for (row, _) in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &[String; N], style: Style| {
        let cells = cells.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
            let cell =
                if texts.contains(&column) { format!("{cell:<width$}") } else { format!("{cell:>width$}") };
            if column == styled { format!("{style}{cell}{style:#}") } else { cell }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let head = line(&head.map(str::to_owned), Style::new());
    std::iter::once(head).chain(rows.iter().map(|(row, style)| line(row, *style))).collect()
}

/// A time as the clock on the wall shows it.
pub fn local(time: Timestamp) -> String {
    let time = jiff::Timestamp::from_second(time.seconds).unwrap_or_default();
    time.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A span of time, coarse as people tell it.
pub fn span(span: Duration) -> String {
    match span.as_secs() {
        seconds @ 0..=9 => format!("{}.{} s", seconds, span.subsec_millis() / 100),
        seconds @ 10..=119 => format!("{seconds} s"),
        seconds @ 120..=7_199 => format!("{} min", seconds / 60),
        seconds @ 7_200..=172_799 => format!("{} h", seconds / 3_600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

/// How long ago something was, in whole units; `None` if the clock says that it is still to come.
pub fn age(time: Timestamp, now: Timestamp) -> Option<String> {
    let seconds = u64::try_from(now.seconds.saturating_sub(time.seconds)).ok()?;
    Some(if seconds < 10 { format!("{seconds} s") } else { span(Duration::from_secs(seconds)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_whole() {
        let at = |seconds| Timestamp { seconds, nanos: 999 };
        for (time, now, text) in
            [(5, 5, Some("0 s")), (5, 14, Some("9 s")), (0, 130, Some("2 min")), (6, 5, None)]
        {
            assert_eq!(age(at(time), at(now)).as_deref(), text);
        }
    }

    #[test]
    fn spans_are_told_in_one_unit() {
        for (millis, text) in [
            (0, "0.0 s"),
            (1_250, "1.2 s"),
            (9_999, "9.9 s"),
            (10_000, "10 s"),
            (119_999, "119 s"),
            (120_000, "2 min"),
            (7_199_000, "119 min"),
            (7_200_000, "2 h"),
            (172_800_000, "2 d"),
            (86_400_000_000, "1000 d"),
        ] {
            assert_eq!(span(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn numbers_end_at_the_right() {
        let row = |a: &str, b: &str, c: &str| ([a.to_owned(), b.to_owned(), c.to_owned()], Style::new());
        let lines = table(["A", "BB", "C"], &[0, 2], 0, &[row("aé", "1", "x"), row("b", "333", "")]);
        assert_eq!(lines, ["A    BB  C", "aé    1  x", "b   333"]);
    }
}
