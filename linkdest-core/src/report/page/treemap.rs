//! What grew, as areas.

use std::fmt::Write as _;

use super::squares::{Rectangle, cut};
use super::text::{counted, escape, name, percent, size, table};
use super::{source_of, wide};
use crate::report::{GrownDirectory, Growth, Report};

const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 460.0;
/// The head of a group, and the gap between groups.
const HEAD: f64 = 22.0;
const GAP: f64 = 3.0;
/// A group smaller than this has no head.
const LEAST_WIDTH: f64 = 70.0;
const LEAST_HEIGHT: f64 = 52.0;
/// There are so many colours.
const COLOURS: usize = 8;

/// A part of the picture: a directory and what is below it.
struct Group {
    label: String,
    bytes: u64,
    files: Option<u64>,
    tiles: Vec<Tile>,
}

struct Tile {
    /// Short, in the tile.
    label: String,
    /// In full.
    title: String,
    bytes: u64,
}

/// Writes the picture and its table.
pub(super) fn section(html: &mut String, report: &Report) {
    html.push_str("<section><h2>What grew</h2>\n");
    let total: u64 = report.growth().iter().map(|growth| growth.root().bytes()).fold(0, u64::saturating_add);
    introduction(html, report, total);
    if total > 0 {
        let mut groups = groups(report);
        groups.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.label.cmp(&b.label)));
        picture(html, &groups, total);
        let rows: Vec<Vec<String>> =
            report.growth().iter().flat_map(|growth| rows(report, growth, total)).collect();
        table(
            html,
            "Directories in numbers",
            "growth",
            &["Directory", "New bytes", "Share", "New files"],
            &rows,
        );
    }
    html.push_str("</section>\n");
}

fn introduction(html: &mut String, report: &Report, total: u64) {
    let files: u64 = report.growth().iter().map(|growth| growth.root().files()).sum();
    let files = counted(files, "new or changed file", "new or changed files");
    let snapshots: usize = report.growth().iter().map(Growth::snapshots).sum();
    let since = match report.growth() {
        [] => "<p class=\"about\">There are no snapshots yet.</p>\n".to_owned(),
        [one] => match one.since() {
            Some(since) => format!(
                "<p class=\"about\">Since the first snapshot, {}: <strong>{}</strong> in {files}, by directory.</p>\n",
                escape(since.as_str()),
                size(total)
            ),
            None => format!(
                "<p class=\"about\">The first snapshot: <strong>{}</strong> in {files}, by directory.</p>\n",
                size(total)
            ),
        },
        all => format!(
            "<p class=\"about\">In {} of {}: <strong>{}</strong> in {files}, by directory. The first snapshot of a source \
             counts only where there is no other.</p>\n",
            counted(snapshots as u64, "snapshot", "snapshots"),
            counted(all.len() as u64, "source", "sources"),
            size(total)
        ),
    };
    html.push_str(&since);
    let untold: Vec<&str> =
        report.growth().iter().flat_map(Growth::untold).map(|name| name.as_str()).collect();
    if let Some(first) = untold.first() {
        let _ = writeln!(
            html,
            "<p class=\"warn\">Not all is known: {} no sound manifest ({}{}). <code>linkdest reindex</code> makes them \
             anew.</p>",
            if untold.len() == 1 {
                "one snapshot has".to_owned()
            } else {
                format!("{} snapshots have", untold.len())
            },
            escape(first),
            if untold.len() > 1 { ", ..." } else { "" },
        );
    }
}

/// Sources are the groups, or where there is one alone the largest directories in it.
fn groups(report: &Report) -> Vec<Group> {
    match report.growth() {
        [one] => {
            let begin = begin(one.root());
            let mut groups: Vec<Group> = begin.children().iter().map(|child| group(child, begin)).collect();
            groups.extend(rest(begin, "elsewhere"));
            groups
        }
        all => {
            let of = |growth: &Growth| {
                let begin = begin(growth.root());
                let tiles = tiles(begin, begin);
                Group {
                    label: source_of(growth),
                    bytes: growth.root().bytes(),
                    files: Some(growth.root().files()),
                    tiles,
                }
            };
            all.iter().filter(|growth| growth.root().bytes() > 0).map(of).collect()
        }
    }
}

/// The first directory that is more than the way to the next one.
fn begin(mut at: &GrownDirectory) -> &GrownDirectory {
    while let [only] = at.children()
        && at.rest() <= at.bytes() / 50
    {
        at = only;
    }
    at
}

fn group(directory: &GrownDirectory, below: &GrownDirectory) -> Group {
    Group {
        label: relative(directory, below),
        bytes: directory.bytes(),
        files: Some(directory.files()),
        tiles: tiles(directory, directory),
    }
}

/// What is in a directory beside the larger ones.
fn rest(directory: &GrownDirectory, label: &str) -> Option<Group> {
    let bytes = directory.rest();
    let title = format!("{}: files, and smaller directories: {}", name_of(directory), size(bytes));
    let tile = Tile { label: String::new(), title, bytes };
    (bytes > 0).then(|| Group { label: label.to_owned(), bytes, files: None, tiles: vec![tile] })
}

/// The smallest directories that are known, and what is beside them.
fn tiles(directory: &GrownDirectory, below: &GrownDirectory) -> Vec<Tile> {
    let mut tiles = Vec::new();
    let mut waiting = vec![directory];
    while let Some(at) = waiting.pop() {
        waiting.extend(at.children());
        if at.rest() > 0 {
            let is_whole = at.children().is_empty();
            let label = if at.path() == below.path() { String::new() } else { relative(at, below) };
            let title = if is_whole {
                name_of(at)
            } else {
                format!("{}: files, and smaller directories", name_of(at))
            };
            let files =
                if is_whole { format!(", {}", counted(at.files(), "file", "files")) } else { String::new() };
            let title = format!("{title}: {}{files}", size(at.rest()));
            tiles.push(Tile { label, title, bytes: at.rest() });
        }
    }
    tiles.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.title.cmp(&b.title)));
    tiles
}

fn name_of(directory: &GrownDirectory) -> String {
    if directory.path().as_bytes().is_empty() { ".".to_owned() } else { name(directory.path().as_bytes()) }
}

fn relative(directory: &GrownDirectory, below: &GrownDirectory) -> String {
    let (path, prefix) = (directory.path().as_bytes(), below.path().as_bytes());
    let rest = path.strip_prefix(prefix).unwrap_or(path);
    name(rest.strip_prefix(b"/").unwrap_or(rest))
}

fn picture(html: &mut String, groups: &[Group], total: u64) {
    let _ = writeln!(
        html,
        "<div class=\"treemap\" role=\"img\" aria-label=\"Areas of directories by new bytes, {} in all; the table below has \
         the numbers\">",
        size(total)
    );
    let whole = Rectangle { x: 0.0, y: 0.0, width: WIDTH, height: HEIGHT };
    let weights: Vec<f64> = groups.iter().map(|group| group.bytes as f64).collect();
    let most = groups.iter().flat_map(|group| &group.tiles).map(|tile| tile.bytes).max().unwrap_or(1);
    for (index, (group, place)) in groups.iter().zip(cut(whole, &weights)).enumerate() {
        let colour = if group.files.is_none() { "rest".to_owned() } else { format!("c{}", index % COLOURS) };
        one(html, group, place, &colour, most);
    }
    html.push_str("</div>\n");
}

fn one(html: &mut String, group: &Group, place: Rectangle, colour: &str, most: u64) {
    let files =
        group.files.map_or_else(String::new, |files| format!(", {}", counted(files, "file", "files")));
    let _ = write!(html, "<div class=\"group {colour}\" style=\"{}\">", style(place, WIDTH, HEIGHT));
    let with_head = place.width >= LEAST_WIDTH && place.height >= LEAST_HEIGHT;
    if with_head {
        let (label, size) = (&group.label, size(group.bytes));
        // A name that is cut tells more than a number that is.
        let amount = if place.width >= 110.0 { format!("<i>{size}</i>") } else { String::new() };
        let _ = write!(
            html,
            "<div class=\"head\" title=\"{label}: {size}{files}\"><b>{label}</b> {amount}</div>"
        );
    }
    let (width, height) = (place.width - GAP, place.height - GAP - if with_head { HEAD } else { 0.0 });
    let inside = Rectangle { x: 0.0, y: 0.0, width: width.max(1.0), height: height.max(1.0) };
    let _ = write!(html, "<div class=\"body{}\">", if with_head { "" } else { " whole" });
    let weights: Vec<f64> = group.tiles.iter().map(|tile| tile.bytes as f64).collect();
    for (tile, place) in group.tiles.iter().zip(cut(inside, &weights)) {
        let strength = (tile.bytes as f64 / most.max(1) as f64).sqrt();
        let _ = write!(
            html,
            "<div class=\"tile\" style=\"{};--k:{strength:.2}\" title=\"{}\">",
            style(place, inside.width, inside.height),
            tile.title
        );
        let label: &str = match (tile.label.is_empty(), with_head) {
            (true, true) => "",
            (true, false) => &group.label,
            (false, _) => &tile.label,
        };
        if place.width >= 44.0 && place.height >= 18.0 {
            let _ = write!(html, "<b>{label}</b>");
            if place.height >= 36.0 || label.is_empty() {
                let _ = write!(html, "<span>{}</span>", size(tile.bytes));
            }
        }
        html.push_str("</div>");
    }
    html.push_str("</div></div>\n");
}

fn style(place: Rectangle, width: f64, height: f64) -> String {
    let part = |value: f64, whole: f64| value / whole * 100.0;
    format!(
        "left:{:.3}%;top:{:.3}%;width:{:.3}%;height:{:.3}%",
        part(place.x, width),
        part(place.y, height),
        part(place.width, width),
        part(place.height, height)
    )
}

/// The directories of a source, each before what is in it.
fn rows(report: &Report, growth: &Growth, total: u64) -> Vec<Vec<String>> {
    let prefix = if report.growth().len() > 1 { format!("{} ", source_of(growth)) } else { String::new() };
    let mut rows = Vec::new();
    let mut waiting = vec![growth.root()];
    while let Some(at) = waiting.pop() {
        waiting.extend(at.children().iter().rev());
        rows.push(vec![
            wide(&format!("{prefix}{}", name_of(at))),
            size(at.bytes()),
            percent(at.bytes(), total),
            super::text::number(at.files()),
        ]);
    }
    rows
}
