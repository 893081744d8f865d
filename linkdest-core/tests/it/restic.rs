//! Keep rules beside `restic forget`: one pool of snapshots, and histories chosen from it by tag.
//!
//! `LINKDEST_RESTIC_HISTORIES` says how many histories; their pool grows with them. restic 0.14, that of Debian 12, is
//! what the rules mean. Later versions keep the oldest snapshot as well while a rule has some left ("oldest daily
//! snapshot"), which is let pass.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use linkdest_core::{Age, Candidate, KeepReason, KeepRules, Timestamp};
use linkdest_testkit::{Random, TestDir, skip};
use serde_json::Value;

const ZONE: &str = "Europe/Berlin";

/// For each snapshot that is kept, by its time, the rules that keep it.
type Kept = BTreeMap<i64, BTreeSet<String>>;

fn restic(dir: &Path) -> Command {
    let mut command = Command::new("restic");
    command.current_dir(dir).env("TZ", ZONE).env("RESTIC_PASSWORD", "x").env("RESTIC_REPOSITORY", "r");
    command.env("RESTIC_CACHE_DIR", "cache").arg("-q");
    command
}

fn output(mut command: Command) -> Vec<u8> {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Times in clusters: hours, days and months apart, around changes of the clock, ends of years and leap days.
fn times(random: &mut Random, count: usize) -> Vec<String> {
    let anchors =
        ["2024-03-31T05:00", "2024-10-27T05:00", "2024-02-29T23:30", "2025-01-01T12:00", "2024-12-30T00:10"];
    let mut times = BTreeSet::new();
    while times.len() < count {
        let anchor: jiff::civil::DateTime = random.one_of(&anchors).parse().unwrap();
        let reach = *random.one_of(&[8_u64, 100, 2000, 20_000]) * 60;
        let back = i64::try_from(random.below(reach)).unwrap();
        let seconds = i64::try_from(random.below(60)).unwrap();
        let time = anchor - jiff::SignedDuration::from_secs(back * 60 + seconds);
        times.insert(time.strftime("%Y-%m-%d %H:%M:%S").to_string());
    }
    times.into_iter().collect()
}

/// Makes the pool; each snapshot has a tag for each history that it is in.
fn make_pool(dir: &Path, random: &mut Random, histories: usize) {
    std::fs::write(dir.join("f"), "content").unwrap();
    let mut init = restic(dir);
    init.arg("init");
    output(init);
    let of = |(index, time): (usize, String)| {
        // A history has most of the pool, some of it, or little.
        let tags = (0..histories).filter(|history| random.below(10) < [8, 4, 2][(history + index % 2) % 3]);
        (time, tags.map(|history| format!("h{history}")).collect::<Vec<_>>().join(","))
    };
    let size = if histories > 100 { 300 } else { 40 };
    let mut seed = Random::new(7);
    let pool: Vec<_> = times(&mut seed, size).into_iter().enumerate().map(of).collect();
    let half = pool.len() / 2;
    std::thread::scope(|scope| {
        for part in [&pool[..half], &pool[half..]] {
            scope.spawn(move || {
                for (time, tags) in part {
                    let mut backup = restic(dir);
                    backup.args(["backup", "--host", "h", "--time", time, "--tag", tags, "f"]);
                    output(backup);
                }
            });
        }
    });
}

/// The times of the snapshots of each history.
fn read_pool(dir: &Path) -> BTreeMap<String, BTreeSet<i64>> {
    let mut list = restic(dir);
    list.args(["snapshots", "--json"]);
    let snapshots: Value = serde_json::from_slice(&output(list)).unwrap();
    let mut histories: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
    for snapshot in snapshots.as_array().unwrap() {
        for tag in snapshot["tags"].as_array().into_iter().flatten() {
            histories.entry(tag.as_str().unwrap().to_owned()).or_default().insert(time(snapshot));
        }
    }
    histories
}

fn time(snapshot: &Value) -> i64 {
    snapshot["time"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second()
}

/// Sets one rule.
type Setter = fn(KeepRules, u32) -> KeepRules;

/// Random rules, as restic's options and as ours.
fn rules(random: &mut Random) -> (Vec<String>, KeepRules) {
    let (mut options, mut rules) = (Vec::new(), KeepRules::default().time_zone(ZONE));
    let setters: [(&str, Setter); 6] = [
        ("last", KeepRules::last),
        ("hourly", KeepRules::hourly),
        ("daily", KeepRules::daily),
        ("weekly", KeepRules::weekly),
        ("monthly", KeepRules::monthly),
        ("yearly", KeepRules::yearly),
    ];
    while rules.is_empty() {
        for (name, set) in setters {
            if random.below(3) == 0 {
                let count = u32::try_from(random.below(8)).unwrap();
                options.extend([format!("--keep-{name}"), count.to_string()]);
                rules = set(rules, count);
            }
        }
        if random.below(4) == 0 {
            let [y, m, d, h] = [2, 5, 40, 50].map(|most| u32::try_from(random.below(most)).unwrap());
            options.extend(["--keep-within".to_owned(), format!("{y}y{m}m{d}d{h}h")]);
            rules = rules.within(Age::new(y, m, d, h));
        }
    }
    (options, rules)
}

fn restic_keeps(dir: &Path, tag: &str, options: &[String]) -> Kept {
    let mut forget = restic(dir);
    forget
        .args(["forget", "--dry-run", "--json", "--no-lock", "--tag", tag, "--group-by", "host"])
        .args(options);
    let groups: Value = serde_json::from_slice(&output(forget)).unwrap();
    let mut kept = Kept::new();
    for reason in groups[0]["reasons"].as_array().into_iter().flatten() {
        let word = |text: &Value| text.as_str().unwrap().split(' ').next().unwrap().to_owned();
        let rules: BTreeSet<_> = reason["matches"].as_array().unwrap().iter().map(word).collect();
        let rules: BTreeSet<_> = rules.into_iter().filter(|rule| rule != "oldest").collect();
        if !rules.is_empty() {
            kept.insert(time(&reason["snapshot"]), rules);
        }
    }
    kept
}

fn we_keep(times: &BTreeSet<i64>, rules: &KeepRules) -> Kept {
    let newest_first: Vec<i64> = times.iter().rev().copied().collect();
    let at = |seconds: &i64| Candidate {
        started: Timestamp { seconds: *seconds, nanos: 0 },
        ..Candidate::default()
    };
    let decisions = rules.decide(&newest_first.iter().map(at).collect::<Vec<_>>()).unwrap();
    let words = |reasons: Vec<KeepReason>| -> BTreeSet<String> {
        let by_rule = reasons.into_iter().filter(|reason| *reason != KeepReason::NewestGood);
        by_rule.map(|reason| reason.as_str().to_owned()).collect()
    };
    newest_first
        .into_iter()
        .zip(decisions.into_iter().map(words))
        .filter(|(_, rules)| !rules.is_empty())
        .collect()
}

#[test]
fn the_rules_mean_what_restic_means() {
    if Command::new("restic").arg("version").output().is_err() {
        return skip("restic is not installed");
    }
    let histories = std::env::var("LINKDEST_RESTIC_HISTORIES").map_or(30, |count| count.parse().unwrap());
    let (dir, mut random) = (TestDir::new(), Random::new(2026));
    make_pool(dir.path(), &mut random, histories);
    let pool = read_pool(dir.path());
    assert!(pool.len() > histories / 2, "{}", pool.len());
    let (mut kept, mut removed) = (0, 0);
    for (tag, times) in &pool {
        let (options, rules) = rules(&mut random);
        let ours = we_keep(times, &rules);
        assert_eq!(ours, restic_keeps(dir.path(), tag, &options), "{tag} {options:?}");
        kept += ours.len();
        removed += times.len() - ours.len();
    }
    println!("{} histories: {kept} snapshots kept, {removed} removed", pool.len());
    assert!(kept > pool.len() && removed > pool.len(), "{kept} kept, {removed} removed: hardly a test");
}
