//! What could not be saved.

use std::fmt::Write as _;

use super::text::{counted, escape, name, number, row};
use super::wide;
use crate::report::{Report, Trouble};

/// So many are shown at once.
const OPEN: usize = 12;
/// So many are shown at all.
const MOST: usize = 300;
const HEAD: [&str; 5] = ["Path", "Problem", "What happened", "Runs", "Last in"];

/// Writes the table of the problems, those of the newest runs first.
pub(super) fn section(html: &mut String, report: &Report) {
    html.push_str("<section><h2>Problems</h2>\n");
    let troubles = report.troubles();
    if troubles.is_empty() {
        html.push_str(
            "<p class=\"about\">Everything was saved as asked, in every run that is known.</p></section>\n",
        );
        return;
    }
    let total = troubles.len() as u64;
    let is_now =
        |trouble: &&Trouble| report.newest().iter().any(|snapshot| snapshot.name() == trouble.last());
    let now = troubles.iter().filter(is_now).count() as u64;
    let _ = writeln!(
        html,
        "<p class=\"about\">{} in all runs; {} in the newest snapshot of a source. The newest first.</p>",
        counted(total, "different problem", "different problems"),
        number(now)
    );
    let shown = troubles.get(..OPEN.min(troubles.len())).unwrap_or_default();
    let folded = troubles.get(OPEN..MOST.min(troubles.len())).unwrap_or_default();
    rows(html, shown);
    if !folded.is_empty() {
        let _ = write!(html, "<details><summary>{} more</summary>", number(folded.len() as u64));
        rows(html, folded);
        html.push_str("</details>\n");
    }
    if troubles.len() > MOST {
        let _ = writeln!(
            html,
            "<p class=\"about\">{} more are in the run records: <code>linkdest runs --json</code>.</p>",
            number((troubles.len() - MOST) as u64)
        );
    }
    html.push_str("</section>\n");
}

fn rows(html: &mut String, troubles: &[Trouble]) {
    html.push_str("<div class=\"wide\"><table class=\"problems\"><thead>");
    row(html, "th", &HEAD.map(str::to_owned));
    html.push_str("</thead><tbody>\n");
    for trouble in troubles {
        let problem = trouble.problem();
        let path = problem.path().as_bytes();
        let cells = [
            wide(&if path.is_empty() { ".".to_owned() } else { name(path) }),
            escape(&problem.kind().as_str().replace('_', " ")),
            format!("{}: {}", name(problem.operation().as_bytes()), name(problem.message().as_bytes())),
            number(trouble.runs()),
            escape(trouble.last().as_str()),
        ];
        row(html, "td", &cells);
    }
    html.push_str("</tbody></table></div>\n");
}
