//! How a repository is doing: for people, and one document as JSON.

use bytesize::ByteSize;
use linkdest_core::{
    Damage, Escaped, Fate, Forecast, GrownDirectory, Growth, Report, RunRecord, SnapshotName, Timestamp,
    Trouble,
};
use serde::Serialize;
use std::os::unix::ffi::OsStrExt as _;

use super::human::counted;
use super::json::{List, PathText, ProblemFields};
use super::table::age;

/// So many directories, problems and snapshots are listed.
const LISTED: usize = 10;

/// The text: what there is, what grew, what went wrong, what will go.
pub fn lines(report: &Report) -> Vec<String> {
    let mut lines = head(report);
    for growth in report.growth().iter().filter(|growth| growth.root().bytes() > 0) {
        lines.extend(grown(growth));
    }
    lines.extend(troubles(report));
    lines.extend(report.forecast().into_iter().flat_map(|forecast| will_go(report, forecast)));
    lines
}

fn size(bytes: u64) -> String {
    ByteSize(bytes).display().iec().to_string()
}

fn day(time: Timestamp) -> String {
    super::table::local(time).split(' ').next().unwrap_or_default().to_owned()
}

fn head(report: &Report) -> Vec<String> {
    let path = Escaped(report.path().as_os_str().as_bytes());
    let [first, .., newest] = report.snapshots() else {
        let one = report.snapshots().first().map_or("no snapshots yet", |only| only.name().as_str());
        return vec![format!("{path}: {one}"), space(report)];
    };
    let age = age(newest.started(), report.made()).unwrap_or_else(|| "0 s".to_owned());
    let suspect = if newest.is_suspect() { ", suspect" } else { "" };
    vec![
        format!(
            "{path}: {} snapshots since {}; the newest is {age} old, {}{suspect}",
            report.snapshots().len(),
            day(first.started()),
            newest.status().as_str()
        ),
        space(report),
    ]
}

fn space(report: &Report) -> String {
    let pace = report
        .pace()
        .map_or_else(String::new, |pace| format!("{} new in a day, ", size(pace.bytes_per_day())));
    let full = report.full().map_or_else(String::new, |full| format!(", at this pace until {}", day(full)));
    format!("  {pace}{} free{full}", size(report.available()))
}

fn grown(growth: &Growth) -> Vec<String> {
    let source = growth
        .source()
        .path()
        .map_or_else(String::new, |source| format!(" {}", Escaped(source.as_os_str().as_bytes())));
    let since =
        growth.since().map_or_else(|| "in its first snapshot".to_owned(), |since| format!("since {since}"));
    let total = growth.root();
    let mut lines =
        vec![format!("grew{source}, {since}: {} in {}", size(total.bytes()), files(total.files()))];
    lines.extend(flat(total).into_iter().filter(|one| *one != total).take(LISTED).map(|directory| {
        format!("  {:>10}  {:>14}  {}", size(directory.bytes()), files(directory.files()), directory.path())
    }));
    lines.extend((!growth.untold().is_empty()).then(|| {
        format!(
            "  not known of {}, without a sound manifest",
            counted(growth.untold().len() as u64, "snapshot", "snapshots")
        )
    }));
    lines
}

fn files(count: u64) -> String {
    counted(count, "file", "files")
}

/// All directories that are told, the largest first.
fn flat(root: &GrownDirectory) -> Vec<&GrownDirectory> {
    let (mut all, mut waiting) = (Vec::new(), vec![root]);
    while let Some(directory) = waiting.pop() {
        waiting.extend(directory.children());
        all.push(directory);
    }
    all.sort_by(|a, b| b.bytes().cmp(&a.bytes()).then_with(|| a.path().cmp(b.path())));
    all
}

fn troubles(report: &Report) -> Vec<String> {
    let troubles = report.troubles();
    if troubles.is_empty() {
        return vec!["no problems in any run".to_owned()];
    }
    let total = counted(troubles.len() as u64, "different problem", "different problems");
    let mut lines = vec![format!("{total} in all runs, the newest first:")];
    lines.extend(troubles.iter().take(LISTED).map(|trouble| {
        format!(
            "  {} ({}, last in {})",
            trouble.problem(),
            counted(trouble.runs(), "run", "runs"),
            trouble.last()
        )
    }));
    lines
}

fn will_go(report: &Report, forecast: &Forecast) -> Vec<String> {
    let (now, all) = (forecast.goes_now().count() as u64, report.snapshots().len());
    let mut lines = vec![format!(
        "by the rules {}, {} of {all} go now and free {}",
        forecast.rules(),
        now,
        size(forecast.freed_bytes())
    )];
    let later = [7, 30, 90, 365].into_iter().filter_map(|days| Some((days, forecast.left_after(days)?)));
    let later: Vec<_> = later.map(|(days, left)| format!("{left} are left in {days} days")).collect();
    lines.extend((!later.is_empty()).then(|| format!("  of today's snapshots {}", later.join(", "))));
    lines
}

/// The document.
#[derive(Serialize)]
pub struct Overview<'a> {
    #[serde(flatten)]
    path: PathText,
    id: &'a str,
    made: String,
    #[serde(flatten)]
    list: List<'a>,
    available_bytes: u64,
    bytes_per_day: Option<u64>,
    full: Option<String>,
    growth: Vec<GrowthOf<'a>>,
    problems: Vec<TroubleOf<'a>>,
    unfinished: Vec<&'a str>,
    damaged: Vec<DamageOf<'a>>,
    forecast: Option<ForecastOf<'a>>,
}

#[derive(Serialize)]
struct GrowthOf<'a> {
    host: Option<&'a str>,
    #[serde(flatten)]
    source: Option<PathText>,
    since: Option<&'a str>,
    snapshots: usize,
    untold: Vec<&'a str>,
    bytes: u64,
    files: u64,
    directories: Vec<DirectoryOf>,
}

#[derive(Serialize)]
struct DirectoryOf {
    #[serde(flatten)]
    path: PathText,
    bytes: u64,
    files: u64,
}

#[derive(Serialize)]
struct TroubleOf<'a> {
    #[serde(flatten)]
    problem: ProblemFields<'a>,
    runs: u64,
    last: &'a str,
}

#[derive(Serialize)]
struct DamageOf<'a> {
    snapshot: &'a str,
    #[serde(flatten)]
    path: PathText,
}

#[derive(Serialize)]
struct ForecastOf<'a> {
    rules: String,
    until: String,
    freed_bytes: u64,
    snapshots: Vec<FateOf<'a>>,
}

#[derive(Serialize)]
struct FateOf<'a> {
    name: &'a str,
    reasons: Vec<&'static str>,
    goes: Option<String>,
}

impl<'a> From<&'a Report> for Overview<'a> {
    fn from(report: &'a Report) -> Self {
        let damage = |damage: &'a Damage| DamageOf {
            snapshot: damage.snapshot().as_str(),
            path: damage.path().into(),
        };
        Self {
            path: report.path().into(),
            id: report.id(),
            made: report.made().to_string(),
            list: report.snapshots().into(),
            available_bytes: report.available(),
            bytes_per_day: report.pace().map(|pace| pace.bytes_per_day()),
            full: report.full().map(|full| full.to_string()),
            growth: report.growth().iter().map(GrowthOf::from).collect(),
            problems: report.troubles().iter().map(TroubleOf::from).collect(),
            unfinished: report.unfinished().iter().map(|run: &RunRecord| run.snapshot().as_str()).collect(),
            damaged: report.damages().iter().map(damage).collect(),
            forecast: report.forecast().map(ForecastOf::from),
        }
    }
}

impl<'a> From<&'a Growth> for GrowthOf<'a> {
    fn from(growth: &'a Growth) -> Self {
        let directory = |directory: &GrownDirectory| DirectoryOf {
            path: directory.path().into(),
            bytes: directory.bytes(),
            files: directory.files(),
        };
        Self {
            host: growth.source().host(),
            source: growth.source().path().map(PathText::from),
            since: growth.since().map(SnapshotName::as_str),
            snapshots: growth.snapshots(),
            untold: growth.untold().iter().map(SnapshotName::as_str).collect(),
            bytes: growth.root().bytes(),
            files: growth.root().files(),
            directories: flat(growth.root()).into_iter().map(directory).collect(),
        }
    }
}

impl<'a> From<&'a Trouble> for TroubleOf<'a> {
    fn from(trouble: &'a Trouble) -> Self {
        Self { problem: trouble.problem().into(), runs: trouble.runs(), last: trouble.last().as_str() }
    }
}

impl<'a> From<&'a Forecast> for ForecastOf<'a> {
    fn from(forecast: &'a Forecast) -> Self {
        let fate = |fate: &'a Fate| FateOf {
            name: fate.snapshot().as_str(),
            reasons: fate.reasons().iter().map(|reason| reason.as_str()).collect(),
            goes: fate.goes().map(|goes| goes.to_string()),
        };
        Self {
            rules: forecast.rules().to_string(),
            until: forecast.until().to_string(),
            freed_bytes: forecast.freed_bytes(),
            snapshots: forecast.fates().iter().map(fate).collect(),
        }
    }
}
