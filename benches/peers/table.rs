//! What was measured, as Markdown.

use std::fmt::Write as _;

use crate::figures::Spread;
use crate::measure::Taken;
use crate::rounds::{Outcome, Showing};

const HEAD: &str = "\
| on | program | seconds | CPU seconds | times linkdest | CPU, times linkdest | peak MiB | stored MiB |
|---|---|---:|---:|---:|---:|---:|---:|
";

/// Sections for all workloads, each with a row for every file system and program.
pub(crate) fn tables(outcomes: &[Outcome]) -> String {
    let mut text = String::new();
    let mut before = None;
    for outcome in outcomes {
        if before.replace(outcome.workload) != Some(outcome.workload) {
            let _ = write!(text, "\n### {}\n\n{}.\n\n{HEAD}", outcome.workload, capitalized(&outcome.what));
        }
        text.push_str(&rows(outcome));
    }
    text
}

fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

fn rows(outcome: &Outcome) -> String {
    let own = outcome.results.iter().find(|showing| showing.name == "linkdest");
    outcome.results.iter().map(|showing| row(outcome, showing, own)).collect()
}

fn row(outcome: &Outcome, showing: &Showing, own: Option<&Showing>) -> String {
    let start = format!("| {} | {} |", outcome.kind.name(), showing.name);
    if let Some(failure) = &showing.failure {
        let first = failure.lines().next().unwrap_or_default().replace('|', "\\|");
        return format!("{start} failed: {} | | | | | |\n", first.chars().take(200).collect::<String>());
    }
    let [wall, cpu] = [seconds, cpu_seconds].map(|of| figures(showing, of));
    let ratio = |of: fn(&Taken) -> f64| {
        let own = own.map(|own| figures(own, of)).unwrap_or_default();
        Spread::of_ratios(&figures(showing, of), &own)
    };
    let peak = showing.taken.iter().map(|taken| taken.peak).max().unwrap_or(0);
    format!(
        "{start} {} | {} | {} | {} | {:.1} | {} |\n",
        median(wall),
        median(cpu),
        with_quartiles(ratio(seconds)),
        with_quartiles(ratio(cpu_seconds)),
        mebibytes(peak as f64),
        stored(outcome, showing),
    )
}

fn seconds(taken: &Taken) -> f64 {
    taken.wall.as_secs_f64()
}

fn cpu_seconds(taken: &Taken) -> f64 {
    taken.cpu.as_secs_f64()
}

fn figures(showing: &Showing, of: fn(&Taken) -> f64) -> Vec<f64> {
    showing.taken.iter().map(of).collect()
}

fn median(figures: Vec<f64>) -> String {
    Spread::of(figures).map_or_else(String::new, |spread| format!("{:.3}", spread.median))
}

fn with_quartiles(spread: Option<Spread>) -> String {
    spread.map_or_else(String::new, |spread| {
        format!("{:.2} ({:.2}-{:.2})", spread.median, spread.lower, spread.upper)
    })
}

fn mebibytes(bytes: f64) -> f64 {
    bytes / f64::from(1 << 20)
}

/// What a run took of the space, and how that compares with what changed.
fn stored(outcome: &Outcome, showing: &Showing) -> String {
    let Some(spread) = Spread::of(showing.taken.iter().map(|taken| taken.stored as f64)) else {
        return String::new();
    };
    let mut text = format!("{:.1}", mebibytes(spread.median));
    if let Some(changed) = outcome.changed {
        let _ = write!(text, ", {:.2} of the changed", spread.median / changed as f64);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::arguments::Kind;

    fn showing(name: &str, seconds: u64) -> Showing {
        let time = Duration::from_secs(seconds);
        let taken = Taken { wall: time, cpu: time / 2, peak: 3 << 20, stored: -(1 << 20) };
        Showing { name: name.to_owned(), taken: vec![taken; 2], failure: None }
    }

    #[test]
    fn rows_compare_with_linkdest() {
        let mut failed = showing("restic", 1);
        failed.failure = Some("a|b\nc".to_owned());
        let outcome = Outcome {
            kind: Kind::Xfs,
            workload: "full",
            what: "all of it".to_owned(),
            changed: Some(1 << 20),
            results: vec![showing("linkdest", 2), showing("rsync", 6), failed],
        };
        let text = tables(&[outcome]);
        let rsync = "| XFS | rsync | 6.000 | 3.000 | 3.00 (3.00-3.00) | 3.00 (3.00-3.00) | 3.0 | -1.0, -1.00 of the changed |";
        assert!(text.contains("### full\n\nAll of it.\n"), "{text}");
        assert!(text.contains(rsync), "{text}");
        assert!(text.contains("| XFS | restic | failed: a\\|b | | | | | |"), "{text}");
    }
}
