//! `linkdest report`: the text, the document, and the page as a browser reads it.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

use linkdest_testkit::skip;
use predicates::prelude::*;
use predicates::str::{contains, is_match};
use serde_json::json;

use crate::place::{Place, text};

/// Names that a page must not take for anything else.
const HOSTILE: [&str; 5] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='x",
    "</style><b>",
    "&lt;i&gt;",
];

/// Three snapshots, with new files in directories of hostile names.
fn with_growth() -> Place {
    let place = Place::with_repository();
    place.run(&["snapshot", "S", "R", "-q"]).success();
    for (number, name) in HOSTILE.iter().enumerate() {
        // A slash is no part of a name.
        let directory = place.join("S").join(name.replace('/', "\u{2215}"));
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("new"), "x".repeat(10_000 * (number + 1))).unwrap();
    }
    place.run(&["snapshot", "S", "R", "-q"]).success();
    place.run(&["snapshot", "S", "R", "-q"]).success();
    place
}

fn page(place: &Place) -> String {
    place.run(&["report", "R", "-q", "-o", "page.html", "--keep-last", "2"]).success().stdout("").stderr("");
    fs::read_to_string(place.join("page.html")).unwrap()
}

#[test]
fn the_text_tells_what_there_is_and_what_grew() {
    let place = with_growth();
    let told = place.run(&["report", "R", "--keep-last", "2"]).success().stderr("");
    told.stdout(
        is_match(r"^R: 3 snapshots since \d{4}-\d\d-\d\d; the newest is \d+ s old, complete\n")
            .unwrap()
            .and(is_match(r"(?m)^  ([\d.]+ \w+ new in a day, )?[\d.]+ \wiB free").unwrap())
            .and(is_match(r"(?m)^grew .*/S, since \S+Z: 146\.5 KiB in 5 files$").unwrap())
            .and(contains("  48.8 KiB          1 file  &lt;i&gt;\n"))
            .and(contains("\nno problems in any run\n"))
            .and(contains("\nby the rules last 2, 1 of 3 go now and free ")),
    );
    let empty = Place::with_repository();
    empty.run(&["report", "R"]).success().stdout(contains("R: no snapshots yet\n"));
    empty.run(&["report", "absent"]).code(10);
}

#[test]
fn the_document_has_the_same() {
    let place = with_growth();
    let document = place.json(&["report", "R", "--json", "--keep-last", "2"]).remove(0);
    assert_eq!(document["snapshots"].as_array().unwrap().len(), 3);
    let growth = &document["growth"][0];
    assert_eq!((&growth["bytes"], &growth["files"]), (&json!(150_000), &json!(5)));
    assert_eq!(growth["directories"].as_array().unwrap().len(), 6);
    let fates = document["forecast"]["snapshots"].as_array().unwrap();
    assert_eq!((&fates[0]["reasons"], &fates[2]["reasons"]), (&json!([]), &json!(["last", "newest_good"])));
    assert_eq!(
        fates[0]["goes"],
        document["made"].as_str().unwrap().split('.').next().unwrap().to_owned() + "Z"
    );
}

/// Elements that have no end.
const VOID: [&str; 4] = ["meta", "br", "img", "link"];

/// Reads the tags of a page, which must be balanced, and counts the elements.
fn elements(page: &str) -> std::collections::BTreeMap<String, usize> {
    let (mut counts, mut open) = (std::collections::BTreeMap::new(), Vec::new());
    let body = page.strip_prefix("<!doctype html>\n").unwrap();
    for part in body.split('<').skip(1) {
        let (tag, after) = part.split_once('>').unwrap_or_else(|| panic!("no end of a tag: {part}"));
        assert!(!after.contains('>') || open.last() == Some(&"style"), "a stray > in {part}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "</{name}>");
            continue;
        }
        let name = tag.split(|c: char| c.is_whitespace() || c == '/').next().unwrap();
        *counts.entry(name.to_owned()).or_default() += 1;
        // What is not between quotes is the names of attributes.
        let attributes: String = tag.split('"').step_by(2).collect();
        for forbidden in ["src", "href", " on", "'", "<"] {
            assert!(!attributes.contains(forbidden), "{tag}");
        }
        if !tag.ends_with('/') && !VOID.contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
    counts
}

#[test]
fn the_page_is_sound_and_needs_nothing() {
    let place = with_growth();
    let page = page(&place);
    let counts = elements(&page);
    for forbidden in ["script", "img", "link", "iframe", "object", "form", "a"] {
        assert_eq!(counts.get(forbidden), None, "{forbidden}");
    }
    for forbidden in ["http:", "https:", "url(", "@import", "<script", "<img"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    assert!(page.contains("default-src 'none'"));
    // Each hostile name is there, as text.
    assert!(page.contains("&lt;script&gt;alert(1)&lt;\u{2215}script&gt;"));
    assert!(page.contains("&amp;lt;i&amp;gt;"));
    // Each number of a picture is in a table too.
    for name in place.snapshots() {
        assert!(page.matches(&name).count() >= 3, "{name}");
    }
    assert_eq!(page.matches("<g class=\"bar\">").count(), 3);
    assert!(page.len() < 60_000, "{}", page.len());
}

/// A browser, if there is one.
fn browser() -> Option<&'static str> {
    let names = ["chromium-headless-shell", "/usr/lib/chromium/headless_shell", "chromium"];
    names
        .into_iter()
        .find(|name| Command::new(name).arg("--version").output().is_ok_and(|out| out.status.success()))
}

fn browse(program: &str, page: &Path, profile: &Path, options: &[&str]) -> std::process::Output {
    let mut command = Command::new(program);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]);
    command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
    command.args(["--window-size=1100,2200", "--hide-scrollbars"]);
    command.arg(format!("--user-data-dir={}", profile.display()));
    command.args(options).arg(format!("file://{}", page.display())).output().unwrap()
}

#[test]
fn a_browser_finds_what_was_meant() {
    let place = with_growth();
    page(&place);
    let Some(program) = browser() else { return skip("there is no Chromium") };
    let (page, profile) = (place.join("page.html"), place.join("profile"));
    let dom = text(&browse(program, &page, &profile, &["--dump-dom"]).stdout);
    // What the browser made of it has no element that a name made.
    assert!(
        !dom.contains("<script")
            && !dom.contains("<img")
            && !dom.contains("onmouseover=\"")
            && dom.contains("</main>")
    );
    assert_eq!(dom.matches("<g class=\"bar\">").count(), 3);
    assert_eq!(dom.matches("class=\"tile\"").count(), 6 - 1);
    for scheme in ["0", "1"] {
        let picture = place.join(&format!("page-{scheme}.png"));
        let scheme = format!("--blink-settings=preferredColorScheme={scheme}");
        browse(program, &page, &profile, &[&scheme, &format!("--screenshot={}", picture.display())]);
        let bytes = fs::read(&picture).unwrap();
        // An empty page of that size has a few kilobytes.
        assert!(bytes.starts_with(b"\x89PNG") && bytes.len() > 30_000, "{}", bytes.len());
    }
    assert_ne!(fs::read(place.join("page-0.png")).unwrap(), fs::read(place.join("page-1.png")).unwrap());
}

#[test]
fn a_page_replaces_a_file_and_nothing_else() {
    let place = Place::with_repository();
    place.run(&["snapshot", "S", "R", "-q"]).success();
    std::os::unix::fs::symlink("R/latest", place.join("link")).unwrap();
    let before = place.inventory();
    // Nothing gets into the repository, under whatever name.
    for target in ["R/page.html", "R/latest/a", "link/page.html", "link/a"] {
        place.run(&["report", "R", "-o", target]).code(2).stderr(contains("is in the repository"));
    }
    place.run(&["report", "R", "-o", "absent/page.html"]).code(1).stderr(contains("cannot write"));
    place.run(&["report", "R", "-o", "S"]).code(1);
    place.run(&["report", "R", "-o", "p", "--json"]).code(2);
    before.assert_unchanged(&place.inventory());
    fs::remove_file(place.join("link")).unwrap();
    // Another name of the old file keeps what it has.
    fs::write(place.join("page.html"), "old").unwrap();
    fs::hard_link(place.join("page.html"), place.join("other")).unwrap();
    place
        .run(&["report", "R", "-o", "page.html"])
        .success()
        .stdout(is_match(r"page.html: written, \d+ kB\n$").unwrap());
    assert_eq!(fs::read_to_string(place.join("other")).unwrap(), "old");
    assert_eq!(fs::metadata(place.join("page.html")).unwrap().nlink(), 1);
    assert!(fs::metadata(place.join("page.html")).unwrap().permissions().mode() & 0o400 != 0);
    place.run(&["report", "R", "-o", "/dev/null"]).success();
    place.run(&["report", "R", "-o", "-"]).success().stdout(predicate::str::starts_with("<!doctype html>"));
    let left: Vec<_> =
        fs::read_dir(place.dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 4, "{left:?}");
}
