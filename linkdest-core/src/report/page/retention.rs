//! What keep rules do now, and will do.

use std::fmt::Write as _;

use super::text::{counted, day, escape, number, size, table};
use crate::entry::Timestamp;
use crate::report::rhythm::DAY;
use crate::report::{Fate, Forecast, Report};

const WIDTH: f64 = 1000.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = 992.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 134.0;
const HEIGHT: f64 = 160.0;
/// Which days are told in words.
const DAYS: [u32; 7] = [0, 1, 7, 30, 90, 180, 365];

/// Writes the forecast, or how to get one.
pub(super) fn section(html: &mut String, report: &Report) {
    html.push_str("<section><h2>Retention</h2>\n");
    match report.forecast() {
        Some(forecast) if !forecast.fates().is_empty() => told(html, report, forecast),
        Some(_) => html.push_str("<p class=\"about\">There are no snapshots yet.</p>\n"),
        None => html.push_str(
            "<p class=\"about\">No keep rules were given, so nothing is foreseen: with <code>--keep-daily 14 --keep-monthly \
             12</code>, or <code>--profile NAME</code>, the report tells which snapshots will go, and when.</p>\n",
        ),
    }
    html.push_str("</section>\n");
}

fn told(html: &mut String, report: &Report, forecast: &Forecast) {
    let gone = forecast.goes_now().count() as u64;
    let now = match gone {
        0 => "keep every snapshot for now".to_owned(),
        gone => format!(
            "no longer keep <strong>{}</strong>; forgetting {} frees <strong>{}</strong>",
            counted(gone, "snapshot", "snapshots"),
            if gone == 1 { "it" } else { "them" },
            size(forecast.freed_bytes())
        ),
    };
    let _ = writeln!(
        html,
        "<p class=\"about\">The rules <b>{}</b> {now}. If each source goes on being saved as often as in its last runs, this \
         many of today's {} will be left:</p>",
        escape(&forecast.rules().to_string()),
        counted(report.snapshots().len() as u64, "snapshot", "snapshots")
    );
    picture(html, forecast, report.made());
    let left: Vec<String> = DAYS
        .iter()
        .filter_map(|days| Some((days, forecast.left_after(*days)?)))
        .map(|(days, left)| match days {
            0 => format!("now <b>{}</b>", number(left as u64)),
            1 => format!("tomorrow <b>{}</b>", number(left as u64)),
            days => format!("in {days} days <b>{}</b>", number(left as u64)),
        })
        .collect();
    let _ = writeln!(html, "<p class=\"steps\">{}</p>", left.join(" &middot; "));
    let rows: Vec<_> = forecast.fates().iter().rev().map(|fate| cells(fate, forecast)).collect();
    table(html, "Each snapshot", "fates", &["Snapshot", "Kept now as", "Goes"], &rows);
}

fn cells(fate: &Fate, forecast: &Forecast) -> Vec<String> {
    let reasons: Vec<String> = fate.reasons().iter().map(|reason| escape(&reason.to_string())).collect();
    let goes = match fate.goes() {
        _ if fate.reasons().is_empty() => "<b class=\"now\">now</b>".to_owned(),
        Some(goes) => day(goes),
        None => format!("not before {}", day(forecast.until())),
    };
    let reasons = if reasons.is_empty() { "&ndash;".to_owned() } else { reasons.join(", ") };
    vec![escape(fate.snapshot().as_str()), reasons, goes]
}

/// How many are left, as a line that goes down. What is near takes more room than what is far: the root of the time.
fn picture(html: &mut String, forecast: &Forecast, made: Timestamp) {
    let all = forecast.fates().len();
    let after = |seconds: i64| seconds.saturating_sub(made.seconds).max(0) as f64;
    let whole = after(forecast.until().seconds).max(1.0);
    let x = |seconds: i64| LEFT + (after(seconds) / whole).sqrt() * (RIGHT - LEFT);
    let y = |left: usize| BOTTOM - left as f64 / all.max(1) as f64 * (BOTTOM - TOP);
    let mut ends: Vec<i64> = forecast.fates().iter().filter_map(|fate| Some(fate.goes()?.seconds)).collect();
    ends.sort_unstable();
    let mut line = format!("M{LEFT:.1} {:.1}", y(all));
    for (gone, end) in ends.iter().enumerate() {
        let _ = write!(line, "H{:.1}V{:.1}", x(*end), y(all - gone - 1));
    }
    let _ = write!(line, "H{RIGHT}");
    let _ = writeln!(
        html,
        "<div class=\"wide\"><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"How many of today's snapshots are left, from now until \
         {}; the numbers are below\">",
        day(forecast.until())
    );
    for left in [0, all / 2, all] {
        let _ = write!(
            html,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{0:.1}\" y2=\"{0:.1}\"/>\
             <text class=\"tick\" x=\"{1}\" y=\"{2:.1}\">{left}</text>",
            y(left),
            LEFT - 8.0,
            y(left) + 4.0
        );
    }
    for (days, text) in [
        (0, "now"),
        (1, "1 day"),
        (7, "1 week"),
        (30, "1 month"),
        (90, "3 months"),
        (182, "6 months"),
        (365, "1 year"),
    ] {
        let seconds = made.seconds.saturating_add(days * DAY);
        if seconds <= forecast.until().seconds {
            let _ = write!(
                html,
                "<line class=\"grid\" x1=\"{0:.1}\" x2=\"{0:.1}\" y1=\"{TOP}\" y2=\"{BOTTOM}\"/>\
                 <text class=\"day\" x=\"{0:.1}\" y=\"{1}\">{text}</text>",
                x(seconds),
                BOTTOM + 18.0
            );
        }
    }
    let _ = writeln!(
        html,
        "<path class=\"area\" d=\"{line}V{BOTTOM}H{LEFT}z\"/><path class=\"line\" d=\"{line}\"/></svg></div>"
    );
}
