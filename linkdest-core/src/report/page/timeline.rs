//! The snapshots over time: what was new in each, and what it shares.

use std::fmt::Write as _;

use super::text::{counted, day, escape, format, minute, number, percent, size, span, table};
use super::wide;
use crate::report::Report;
use crate::repository::{RunRecord, Snapshot};

const WIDTH: f64 = 1000.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = 992.0;
/// The upper picture: new bytes.
const NEW: (f64, f64) = (26.0, 176.0);
/// Between the two: what is special.
const MARKS: f64 = 192.0;
/// The lower picture: all bytes.
const ALL: (f64, f64) = (212.0, 292.0);
const HEIGHT: f64 = 318.0;
/// So many snapshots are drawn.
const DRAWN: usize = 150;
/// So many days are written below.
const DAYS: usize = 8;

/// The figures of one snapshot; nothing is known where its record was lost.
struct Bar<'r> {
    snapshot: &'r Snapshot,
    new: u64,
    bytes: u64,
    problems: u64,
}

impl<'r> Bar<'r> {
    fn of(snapshot: &'r Snapshot) -> Self {
        let counts = snapshot.record().map(RunRecord::counts).copied().unwrap_or_default();
        Self { snapshot, new: counts.bytes_copied, bytes: counts.bytes, problems: counts.problems }
    }

    fn shared(&self) -> u64 {
        self.bytes.saturating_sub(self.new)
    }

    fn title(&self) -> String {
        let special = special(self.snapshot);
        format!(
            "{}, {}{}: {} new, {} shared, {}, {}",
            escape(self.snapshot.name().as_str()),
            self.snapshot.status().as_str(),
            if special.is_empty() { String::new() } else { format!(", {special}") },
            size(self.new),
            size(self.shared()),
            counted(self.snapshot.record().map_or(0, |record| record.counts().entries), "entry", "entries"),
            counted(self.problems, "problem", "problems"),
        )
    }
}

fn special(snapshot: &Snapshot) -> String {
    let words = [
        (snapshot.is_suspect(), "suspect"),
        (snapshot.is_pinned(), "pinned"),
        (snapshot.is_adopted(), "adopted"),
    ];
    words.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect::<Vec<_>>().join(", ")
}

/// Writes the picture and its table.
pub(super) fn section(html: &mut String, report: &Report) {
    let snapshots = report.snapshots();
    if snapshots.is_empty() {
        return;
    }
    html.push_str("<section><h2>Snapshots</h2>\n");
    html.push_str(
        "<p class=\"legend\"><span class=\"key new\"></span>new in the snapshot <span class=\"key shared\"></span>shared \
         with earlier ones <span class=\"key problem\"></span>problems <span class=\"key suspect\"></span>suspect \
         <span class=\"key pinned\"></span>pinned</p>\n",
    );
    let drawn = snapshots.get(snapshots.len().saturating_sub(DRAWN)..).unwrap_or_default();
    if drawn.len() < snapshots.len() {
        let _ = writeln!(
            html,
            "<p class=\"about\">The last {DRAWN} of {} are drawn.</p>",
            number(snapshots.len() as u64)
        );
    }
    picture(html, &drawn.iter().map(Bar::of).collect::<Vec<_>>());
    let rows: Vec<_> = snapshots.iter().rev().map(|snapshot| cells(report, snapshot)).collect();
    let head =
        ["Snapshot", "Started", "Took", "Status", "Entries", "Size", "New", "Shared", "Problems", "Source"];
    table(html, "Snapshots in numbers", "snapshots", &head, &rows);
    html.push_str("</section>\n");
}

fn cells(report: &Report, snapshot: &Snapshot) -> Vec<String> {
    let record = snapshot.record();
    let counts = record.map(RunRecord::counts);
    let known = |text: Option<String>| text.unwrap_or_else(|| "&ndash;".to_owned());
    let special = special(snapshot);
    let status = snapshot.status().as_str();
    let source = |record: &RunRecord| super::source(report, Some(record.host()), Some(record.source()));
    vec![
        escape(snapshot.name().as_str()),
        minute(snapshot.started()),
        known(
            record.and_then(|record| {
                Some(span(record.ended()?.seconds.saturating_sub(record.started().seconds)))
            }),
        ),
        if special.is_empty() { status.to_owned() } else { format!("{status}, {special}") },
        known(counts.map(|counts| number(counts.entries))),
        known(counts.map(|counts| size(counts.bytes))),
        known(counts.map(|counts| size(counts.bytes_copied))),
        known(counts.map(|counts| size(counts.bytes.saturating_sub(counts.bytes_copied)))),
        known(counts.map(|counts| number(counts.problems))),
        wide(&known(record.map(source))),
    ]
}

fn picture(html: &mut String, bars: &[Bar<'_>]) {
    let _ = writeln!(
        html,
        "<div class=\"wide\"><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"New and shared bytes of {}; the table below has the \
         numbers\">",
        counted(bars.len() as u64, "snapshot", "snapshots")
    );
    let top = top(bars);
    let most = bars.iter().map(|bar| bar.bytes).max().unwrap_or(0).max(1);
    axis(html, NEW, top, "new");
    axis(html, ALL, most, "all");
    let slot = (RIGHT - LEFT) / bars.len().max(1) as f64;
    let wide = (slot * 0.72).min(34.0);
    let mut last_label = f64::MIN;
    for (index, bar) in bars.iter().enumerate() {
        let middle = LEFT + slot * (index as f64 + 0.5);
        let left = middle - wide / 2.0;
        let _ = write!(html, "<g class=\"bar\"><title>{}</title>", bar.title());
        let _ = write!(
            html,
            "<rect class=\"hit\" x=\"{:.1}\" y=\"{}\" width=\"{slot:.1}\" height=\"{}\"/>",
            middle - slot / 2.0,
            NEW.0,
            ALL.1 - NEW.0
        );
        let broken = bar.new > top;
        let height = part(bar.new.min(top), top, NEW);
        rectangle(html, "new", left, NEW.1 - height, wide, height);
        if broken {
            tear(html, left, wide);
            if middle - last_label > 64.0 {
                last_label = middle;
                let _ = write!(
                    html,
                    "<text class=\"broken\" x=\"{:.1}\" y=\"{}\">{}</text>",
                    middle.max(LEFT + 26.0),
                    NEW.0 - 8.0,
                    size(bar.new)
                );
            }
        }
        let new = part(bar.new, most, ALL);
        let shared = part(bar.shared(), most, ALL);
        rectangle(html, "shared", left, ALL.1 - shared, wide, shared);
        rectangle(html, "new", left, ALL.1 - shared - new, wide, new);
        mark(html, bar, middle);
        html.push_str("</g>\n");
    }
    days(html, bars, slot);
    html.push_str("</svg></div>\n");
}

/// What the upper picture reaches to. A few bars that are far larger than the others are torn off there.
fn top(bars: &[Bar<'_>]) -> u64 {
    let mut new: Vec<u64> = bars.iter().map(|bar| bar.new).filter(|new| *new > 0).collect();
    new.sort_unstable();
    let most = new.last().copied().unwrap_or(1);
    let usual = new.get((new.len() * 9 / 10).min(new.len().saturating_sub(2))).copied().unwrap_or(most);
    if new.len() >= 3 && most > usual.saturating_mul(3) { usual.saturating_add(usual / 5) } else { most }
}

fn part(value: u64, whole: u64, (top, bottom): (f64, f64)) -> f64 {
    value as f64 / whole.max(1) as f64 * (bottom - top)
}

fn rectangle(html: &mut String, class: &str, x: f64, y: f64, width: f64, height: f64) {
    if height > 0.0 {
        // What is there is seen, however small.
        let seen = height.max(1.0);
        let _ = write!(
            html,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{seen:.1}\"/>",
            y + height - seen
        );
    }
}

/// Shows that a bar goes on beyond the picture.
fn tear(html: &mut String, left: f64, wide: f64) {
    let (y, step) = (NEW.0 + 14.0, wide / 4.0);
    let _ = write!(html, "<path class=\"tear\" d=\"M{left:.1} {y}");
    for index in 1..=4 {
        let _ = write!(html, "l{step:.1} {}", if index % 2 == 1 { -4 } else { 4 });
    }
    html.push_str("\"/>");
}

fn mark(html: &mut String, bar: &Bar<'_>, x: f64) {
    if bar.snapshot.is_suspect() {
        let _ = write!(html, "<path class=\"suspect\" d=\"M{x:.1} {}l5 5-5 5-5-5z\"/>", MARKS - 5.0);
    } else if bar.problems > 0 {
        let _ = write!(html, "<circle class=\"problem\" cx=\"{x:.1}\" cy=\"{MARKS}\" r=\"4\"/>");
    }
    if bar.snapshot.is_pinned() {
        let _ = write!(html, "<path class=\"pinned\" d=\"M{:.1} {}h8v8h-8z\"/>", x - 4.0, MARKS + 8.0);
    }
}

/// Lines and numbers at the left.
fn axis(html: &mut String, (top, bottom): (f64, f64), most: u64, what: &str) {
    for tick in ticks(most) {
        let y = bottom - part(tick, most, (top, bottom));
        let _ = write!(
            html,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
             <text class=\"tick\" x=\"{}\" y=\"{:.1}\">{}</text>",
            LEFT - 8.0,
            y + 4.0,
            size(tick).replace(".0 ", " ")
        );
    }
    let _ = writeln!(html, "<text class=\"axis\" x=\"0\" y=\"{}\">{what}</text>", top - 10.0);
}

/// Round numbers up to `most`, at most four and nought.
fn ticks(most: u64) -> Vec<u64> {
    let mut unit = 1_u64;
    while most / unit >= 1024 {
        unit = unit.saturating_mul(1024);
    }
    let steps = [1, 2, 5, 10, 20, 50, 100, 200, 500].map(|step: u64| step.saturating_mul(unit));
    let quarters = [unit / 4, unit / 2];
    let step =
        quarters.into_iter().chain(steps).find(|step| *step > 0 && most / step <= 4).unwrap_or(most.max(1));
    (0..=most / step).map(|count| count * step).collect()
}

/// Some days below, no two the same.
fn days(html: &mut String, bars: &[Bar<'_>], slot: f64) {
    let every = bars.len().div_ceil(DAYS).max(1);
    let mut last = String::new();
    for (index, bar) in bars.iter().enumerate().step_by(every) {
        let time = bar.snapshot.started();
        if day(time) == last {
            continue;
        }
        last = day(time);
        let x = (LEFT + slot * (index as f64 + 0.5)).clamp(LEFT + 24.0, RIGHT - 34.0);
        let text = format(time, "%-d %b %Y");
        let _ = write!(html, "<text class=\"day\" x=\"{x:.1}\" y=\"{}\">{text}</text>", ALL.1 + 18.0);
    }
}

/// How much of the newest snapshot is shared, in words.
pub(super) fn sharing(snapshot: &Snapshot) -> Option<String> {
    let counts = snapshot.record()?.counts();
    Some(percent(counts.bytes.saturating_sub(counts.bytes_copied), counts.bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_at_the_left_are_round() {
        const M: u64 = 1 << 20;
        for (most, expected) in [
            (1, &[0, 1][..]),
            (3, &[0, 1, 2, 3]),
            (1023, &[0, 500, 1000]),
            (M, &[0, M / 4, M / 2, 3 * M / 4, M]),
            (3 * M, &[0, M, 2 * M, 3 * M]),
            (900 * M, &[0, 200 * M, 400 * M, 600 * M, 800 * M]),
            (0, &[0]),
        ] {
            assert_eq!(ticks(most), expected, "{most}");
        }
        assert!(ticks(u64::MAX).len() <= 5);
    }
}
