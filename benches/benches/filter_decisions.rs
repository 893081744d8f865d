//! How many decisions a second: 1,000,000 paths 6 deep, 5 in 100 of them matched by some rule.
//!
//! A third of the rules are anchored paths, a third `*.ext`, a third have `**`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark may fail")]

use std::hint::black_box;
use std::time::Instant;

use linkdest_core::filter::{DirectoryRules, FilterBuilder};

const PATHS: usize = 1_000_000;
const DEEP: usize = 6;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(limit).unwrap()).unwrap()
    }
}

const STEMS: [&str; 40] = [
    "src",
    "lib",
    "include",
    "build",
    "docs",
    "tests",
    "vendor",
    "node_modules",
    "assets",
    "images",
    "config",
    "cache",
    "data",
    "logs",
    "public",
    "scripts",
    "tools",
    "packages",
    "modules",
    "internal",
    "common",
    "shared",
    "core",
    "client",
    "server",
    "utils",
    "models",
    "views",
    "controllers",
    "services",
    "styles",
    "fonts",
    "media",
    "locale",
    "fixtures",
    "examples",
    "bin",
    "release",
    "target",
    "debug",
];
const EXTENSIONS: [&str; 12] =
    ["rs", "py", "js", "html", "css", "md", "txt", "json", "toml", "png", "jpg", "pdf"];

/// A name that is common on ordinary paths.
fn name(random: &mut Random) -> String {
    let stem = STEMS[random.below(STEMS.len())];
    if random.below(2) == 0 { stem.to_owned() } else { format!("{stem}{}", random.below(60)) }
}

fn directories(random: &mut Random, deep: usize) -> String {
    (0..deep).map(|_| name(random)).collect::<Vec<_>>().join("/")
}

/// Rules, and for each a way to make a path that it matches.
fn rules(random: &mut Random, count: usize) -> Vec<(String, String)> {
    (0..count)
        .map(|number| match number % 3 {
            0 => {
                let path = directories(random, 4);
                (format!("- /{path}/x{number}"), format!("{path}/x{number}"))
            }
            1 => (format!("- *.ex{number}"), String::new()),
            _ => match number / 3 % 4 {
                0 => {
                    let (top, last) = (name(random), name(random));
                    (format!("- /{top}/**/{last}.o{number}"), String::new())
                }
                1 => (format!("- **/{}{number}/**", name(random)), String::new()),
                2 => (format!("- {}/**/gen{number}_*.c", name(random)), String::new()),
                _ => (format!("- **/{}/*.tmp{number}", name(random)), String::new()),
            },
        })
        .collect()
}

/// A path that the rule matches.
fn matched(random: &mut Random, rule: &str, number: usize) -> String {
    let pattern = rule.trim_start_matches("- ");
    let mut parts: Vec<String> = if number % 3 == 1 {
        let stem = name(random);
        vec![directories(random, DEEP - 1), pattern.replace('*', &stem)]
    } else {
        let filler = directories(random, 2);
        let filled = pattern.trim_start_matches('/').replace("**", &filler);
        vec![filled.replace('*', &name(random))]
    };
    while parts.join("/").matches('/').count() + 1 < DEEP {
        let more = name(random);
        if pattern.starts_with("**") { parts.insert(0, more) } else { break }
    }
    parts.join("/")
}

fn plain(random: &mut Random) -> String {
    let extension = EXTENSIONS[random.below(EXTENSIONS.len())];
    format!("{}/{}.{extension}", directories(random, DEEP - 1), name(random))
}

fn measure(count: usize, wanted: f64) -> bool {
    let mut random = Random(7);
    let rules: Vec<String> = rules(&mut random, count).into_iter().map(|(rule, _)| rule).collect();
    let mut paths = Vec::with_capacity(PATHS);
    for _ in 0..PATHS {
        if random.below(100) < 5 {
            let number = random.below(count);
            paths.push(matched(&mut random, &rules[number], number));
        } else {
            paths.push(plain(&mut random));
        }
    }
    let began = Instant::now();
    let builder = rules.iter().fold(FilterBuilder::new(), |builder, rule| builder.rule(rule));
    let root = builder.build_without_files().unwrap().root_without_files("/home/me".as_ref());
    let built = began.elapsed();
    let mut best = f64::MAX;
    let mut excluded = 0;
    for _ in 0..5 {
        let began = Instant::now();
        excluded = decide_all(&root, &paths);
        best = best.min(began.elapsed().as_secs_f64());
    }
    let speed = f64::from(u32::try_from(PATHS).unwrap()) / best;
    let good = speed >= wanted;
    println!(
        "{count:4} rules: {speed:10.0} decisions/s (wanted {wanted:.0}{}), {:.1} % matched, built in {built:?}",
        if good { "" } else { ", TOO SLOW" },
        f64::from(u32::try_from(excluded).unwrap()) * 100.0 / f64::from(u32::try_from(PATHS).unwrap()),
    );
    good
}

fn decide_all(root: &DirectoryRules, paths: &[String]) -> usize {
    paths
        .iter()
        .filter(|path| !black_box(root).decide(black_box(path.as_bytes()), false).is_included())
        .count()
}

fn main() {
    let good = [measure(20, 2e6), measure(500, 5e5)];
    measure(5_000, 0.0);
    if good.contains(&false) {
        std::process::exit(1);
    }
}
