//! The report as one page of HTML. It has no script, and its own policy forbids the browser to load anything.

mod problems;
mod retention;
mod squares;
mod text;
mod timeline;
mod treemap;

use crate::native::OsStrExt as _;
use std::fmt::Write as _;
use std::path::Path;

use super::{Growth, Report};
use crate::repository::{RunRecord, Snapshot, Status};
use text::{counted, day, escape, minute, name, number, size, span};

const STYLE: &str = include_str!("style.css");

/// Writes the page.
pub(super) fn html(report: &Report) -> String {
    let mut html = String::with_capacity(64 << 10);
    let path = name(report.path().as_os_str().as_bytes());
    let _ = write!(
        html,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{path}: linkdest report</title>\n<style>\n{STYLE}</style></head>\n<body><main>\n"
    );
    let _ = writeln!(
        html,
        "<header><h1>{path}</h1><p>linkdest report of <time datetime=\"{}\">{}</time></p></header>",
        report.made(),
        text::format(report.made(), "%-d %B %Y, %H:%M %Z")
    );
    tiles(&mut html, report);
    warnings(&mut html, report);
    timeline::section(&mut html, report);
    treemap::section(&mut html, report);
    problems::section(&mut html, report);
    retention::section(&mut html, report);
    let _ = write!(
        html,
        "<footer>Repository {}. Sizes are those of files, an inode once; KiB, MiB, GiB are binary. Times are local. Made by \
         linkdest {}.</footer>\n</main></body></html>\n",
        escape(report.id()),
        env!("CARGO_PKG_VERSION")
    );
    html
}

/// The figures that are read first.
fn tiles(html: &mut String, report: &Report) {
    html.push_str("<section class=\"tiles\">\n");
    let snapshots = report.snapshots();
    let since = snapshots.first().map_or_else(String::new, |first| format!("since {}", day(first.started())));
    tile(
        html,
        "",
        &number(snapshots.len() as u64),
        if snapshots.len() == 1 { "snapshot" } else { "snapshots" },
        &since,
    );
    if let Some(newest) = snapshots.last() {
        let age = report.made().seconds.saturating_sub(newest.started().seconds);
        let class = if newest.status() == Status::Complete && !newest.is_suspect() { "good" } else { "warn" };
        let status = if newest.is_suspect() { "suspect" } else { newest.status().as_str() };
        tile(html, class, &span(age), "since the newest", status);
        let counts = newest.record().map(RunRecord::counts).copied().unwrap_or_default();
        let shared =
            timeline::sharing(newest).map_or_else(String::new, |shared| format!("{shared} of it shared"));
        tile(html, "", &size(counts.bytes), &counted(counts.entries, "entry", "entries"), &shared);
    }
    if let Some(pace) = report.pace() {
        let told = format!("in the last {}", counted(pace.runs(), "run", "runs"));
        tile(html, "", &size(pace.bytes_per_day()), "new in a day", &told);
    }
    let full = report.full().map_or_else(String::new, |full| format!("at this pace until {}", day(full)));
    tile(html, "", &size(report.available()), "free", &full);
    let now: u64 = report.newest().iter().map(problems_of).sum();
    let class = if now == 0 { "good" } else { "warn" };
    let all = report.troubles().len() as u64;
    let ever = if all == 0 { "none in any run".to_owned() } else { format!("{} in all runs", number(all)) };
    tile(html, class, &number(now), if now == 1 { "problem now" } else { "problems now" }, &ever);
    html.push_str("</section>\n");
}

fn tile(html: &mut String, class: &str, value: &str, what: &str, more: &str) {
    let _ = writeln!(
        html,
        "<div class=\"{class}\"><strong>{value}</strong><span>{what}</span><small>{more}</small></div>"
    );
}

fn problems_of(snapshot: &Snapshot) -> u64 {
    snapshot.record().map_or(0, |record| record.counts().problems)
}

/// What somebody should see to.
fn warnings(html: &mut String, report: &Report) {
    for snapshot in report.newest().iter().filter(|snapshot| snapshot.is_suspect()) {
        let reasons = snapshot.record().map_or(&[][..], RunRecord::suspect);
        let reasons = reasons.iter().map(|reason| name(reason.as_bytes())).collect::<Vec<_>>().join("; ");
        let snapshot = escape(snapshot.name().as_str());
        warning(
            html,
            &format!(
                "{snapshot} is suspect: {reasons}. If it is right, <code>linkdest accept</code> says so."
            ),
        );
    }
    if let Some(first) = report.damages().first() {
        let text = format!(
            "{} found damaged, the first: {} in {}. The next run takes what is still in the source from there.",
            counted(report.damages().len() as u64, "file was", "files were"),
            name(first.path().as_bytes()),
            escape(first.snapshot().as_str())
        );
        warning(html, &text);
    }
    if let Some(last) = report.unfinished().last() {
        let text = format!(
            "{} did not end, or {} still going on; begun {}.",
            counted(report.unfinished().len() as u64, "run", "runs"),
            if report.unfinished().len() == 1 { "is" } else { "are" },
            minute(last.started())
        );
        warning(html, &text);
    }
}

fn warning(html: &mut String, text: &str) {
    let _ = writeln!(html, "<p class=\"warn\">{text}</p>");
}

/// Where a source is, with its machine where the repository has those of several.
fn source(report: &Report, host: Option<&str>, path: Option<&Path>) -> String {
    let path = path.filter(|path| !path.as_os_str().is_empty());
    let Some(path) = path.map(|path| name(path.as_os_str().as_bytes())) else {
        return "unknown source".to_owned();
    };
    let several = report.growth().iter().any(|growth| growth.source().host() != host);
    match host.filter(|host| several && !host.is_empty()) {
        Some(host) => format!("{}:{path}", name(host.as_bytes())),
        None => path,
    }
}

fn source_of(growth: &Growth) -> String {
    escape(&growth.source().to_string())
}

/// A long name in a table.
fn wide(html: &str) -> String {
    format!("<span class=\"name\">{html}</span>")
}
