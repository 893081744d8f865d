//! Random trees and rules, and what the installed rsync selects.
//!
//! `FILTER_SEED` and `FILTER_CASES` choose what is tried; each case has its own seed, which is printed if the answers
//! differ. Where no rsync is installed the test says so and passes, unless `FILTER_RSYNC` names one.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use linkdest_core::filter::FilterBuilder;

use crate::generator::{Names, Random, Tree};
use crate::maker::{Case, Maker};
use crate::support::{Disk, options, path, select};

const CASES_A_TREE: usize = 25;

type Answer = Result<BTreeSet<Vec<u8>>, String>;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |text| text.parse().expect("a number"))
}

/// rsync prints a byte that is not plain as a backslash, a hash sign and three octal digits.
fn unescaped(line: &[u8]) -> Vec<u8> {
    let mut name = Vec::new();
    let mut rest = line;
    while let Some((&byte, tail)) = rest.split_first() {
        if let [b'\\', b'#', a, b, c, tail @ ..] = rest
            && [a, b, c].iter().all(|digit| (b'0'..=b'7').contains(*digit))
        {
            name.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
            rest = tail;
        } else {
            name.push(byte);
            rest = tail;
        }
    }
    name
}

fn ask_rsync(base: &Path, args: &[Vec<u8>]) -> Answer {
    let rsync = std::env::var("FILTER_RSYNC").unwrap_or_else(|_| "rsync".to_owned());
    let output = Command::new(rsync)
        .args(["-a", "-n", "-8", "--out-format=%n"])
        .args(args.iter().map(|arg| path(arg)))
        .args(["src/", "dest/"])
        .current_dir(base)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", base.join("home"))
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let code = output.status.code();
        assert!(matches!(code, Some(1 | 2 | 11 | 12 | 13)), "rsync: {code:?} {text}");
        return Err(text.lines().next().unwrap_or_default().to_owned());
    }
    let lines = output.stdout.split(|&byte| byte == b'\n').map(unescaped);
    let message = b"discarding over-long filter: ";
    Ok(lines.filter(|line| !line.is_empty() && line != b"./" && !line.starts_with(message)).collect())
}

fn ask_linkdest(base: &Path, args: &[Vec<u8>]) -> Answer {
    let disk = Disk { base: base.to_owned(), source: base.join("src") };
    let (builder, prune) = options(FilterBuilder::new(), args);
    select(&disk, builder, prune).map(BTreeSet::from_iter).map_err(|error| error.to_string())
}

fn lay_out_tree(tree: &Tree, base: &Path) {
    fs::create_dir_all(base.join("src")).unwrap();
    fs::create_dir_all(base.join("home")).unwrap();
    for entry in &tree.paths {
        let full = base.join("src").join(path(entry));
        if entry.ends_with(b"/") {
            fs::create_dir_all(full).unwrap();
        } else if tree.links.contains(entry) {
            symlink(".", full).unwrap();
        } else {
            fs::create_dir_all(full.parent().unwrap()).unwrap();
            fs::write(full, b"").unwrap();
        }
    }
}

fn lay_out_case(case: &Case, base: &Path) {
    for (name, text) in &case.inside {
        fs::write(base.join("src").join(path(name)), text).unwrap();
    }
    for (name, text) in &case.beside {
        fs::write(base.join(name), text).unwrap();
    }
}

fn clean(case: &Case, base: &Path) {
    for (name, _) in &case.inside {
        let _ = fs::remove_file(base.join("src").join(path(name)));
    }
    for (name, _) in &case.beside {
        let _ = fs::remove_file(base.join(name));
    }
}

fn shown(case: &Case) -> String {
    let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
    let mut out = String::new();
    for (name, content) in &case.inside {
        out += &format!("  src/{}: \"{}\"\n", text(name), text(content));
    }
    for (name, content) in &case.beside {
        out += &format!("  {name}: \"{}\"\n", text(content));
    }
    let args: Vec<_> = case.args.iter().map(|arg| text(arg)).collect();
    out + &format!("  args: {args:?}\n")
}

fn difference(ours: &Answer, theirs: &Answer) -> Option<String> {
    let text = |paths: Vec<&Vec<u8>>| {
        paths.iter().map(|path| path.escape_ascii().to_string()).collect::<Vec<_>>().join("  ")
    };
    match (ours, theirs) {
        (Err(_), Err(_)) => None,
        (Err(error), Ok(_)) => Some(format!("only we refuse: {error}")),
        (Ok(_), Err(error)) => Some(format!("only rsync refuses: {error}")),
        (Ok(ours), Ok(theirs)) => (ours != theirs).then(|| {
            let more = text(ours.difference(theirs).collect());
            let less = text(theirs.difference(ours).collect());
            format!("only we select: {more}\n  only rsync selects: {less}")
        }),
    }
}

/// What came out of a number of cases.
#[derive(Default)]
struct Tally {
    cases: usize,
    refused: usize,
    whole: usize,
    wrong: Vec<String>,
}

impl Tally {
    fn add(&mut self, seed: u64, tree: &Tree, case: &Case, ours: &Answer, theirs: &Answer) {
        self.cases += 1;
        match theirs {
            Err(_) => self.refused += 1,
            Ok(paths) if paths.len() >= tree.paths.len() => self.whole += 1,
            Ok(_) => {}
        }
        if let Some(how) = difference(ours, theirs) {
            self.wrong.push(format!("seed {seed}: {how}\n{}", shown(case)));
        }
    }
}

fn try_tree(seed: u64, tally: &mut Tally, wanted: usize) {
    let mut random = Random::new(seed);
    let names = if random.chance(70) { Names::Plain } else { Names::Odd };
    let tree = Tree::random(&mut random, names);
    let top = tempfile::Builder::new().prefix("diff").tempdir().unwrap();
    let base = top.path().join("w");
    lay_out_tree(&tree, &base);
    for _ in 0..CASES_A_TREE.min(wanted) {
        let case = Maker { random: &mut random, tree: &tree, base: base.as_os_str().as_bytes() }.case();
        lay_out_case(&case, &base);
        let (ours, theirs) = (ask_linkdest(&base, &case.args), ask_rsync(&base, &case.args));
        tally.add(seed, &tree, &case, &ours, &theirs);
        clean(&case, &base);
    }
}

fn has_rsync() -> bool {
    let found = Command::new("rsync").arg("--version").stdout(Stdio::null()).status().is_ok();
    if !found {
        println!("no rsync is installed, nothing compared");
    }
    found || std::env::var_os("FILTER_RSYNC").is_some()
}

#[test]
fn random_patterns_match_what_rsync_matches() {
    if !has_rsync() {
        return;
    }
    let seed = number("FILTER_SEED", 1);
    let mut random = Random::new(seed);
    let tree = Tree::of_odd_names();
    let top = tempfile::Builder::new().prefix("diff").tempdir().unwrap();
    let base = top.path().join("w");
    lay_out_tree(&tree, &base);
    let mut tally = Tally::default();
    for _ in 0..number("FILTER_CASES", 250) / 2 {
        let pattern = Maker { random: &mut random, tree: &tree, base: b"" }.odd_pattern();
        let case = Case { args: vec![[b"--filter=- ", &pattern[..]].concat()], ..Case::default() };
        let (ours, theirs) = (ask_linkdest(&base, &case.args), ask_rsync(&base, &case.args));
        tally.add(seed, &tree, &case, &ours, &theirs);
    }
    println!(
        "seed {seed}: {} patterns, {} without effect, {} differ",
        tally.cases,
        tally.whole,
        tally.wrong.len()
    );
    let first: Vec<_> = tally.wrong.iter().take(12).cloned().collect();
    assert!(tally.wrong.is_empty(), "{} differ:\n{}", tally.wrong.len(), first.join("\n"));
}

#[test]
fn random_rules_select_what_rsync_selects() {
    if !has_rsync() {
        return;
    }
    let seed = number("FILTER_SEED", 1);
    let cases = usize::try_from(number("FILTER_CASES", 250)).unwrap();
    let mut tally = Tally::default();
    let mut next = seed;
    while tally.cases < cases {
        let wanted = cases - tally.cases;
        try_tree(next, &mut tally, wanted);
        next += 1;
    }
    println!(
        "seeds {seed}..{next}: {} cases, rsync refuses {}, selects all in {}, differ {}",
        tally.cases,
        tally.refused,
        tally.whole,
        tally.wrong.len()
    );
    let first: Vec<_> = tally.wrong.iter().take(12).cloned().collect();
    assert!(tally.wrong.is_empty(), "{} differ:\n{}", tally.wrong.len(), first.join("\n"));
}
