//! Which entries take part: rules, and what rsync has no rules for.

use std::fs::{create_dir_all, hard_link, write};

use linkdest_core::filter::{Explanation, Extra, Filter, FilterBuilder, Step, Verdict};
use linkdest_core::{
    Collecting, ErrorKind, Filtering, Problem, ProblemKind, Result, Silent, Status, StopFlag,
};
use linkdest_testkit::Comparison;

use crate::support::{Pair, path};

fn pair(files: &[&str]) -> Pair {
    let pair = Pair::new();
    for file in files {
        let path = pair.source.join(file);
        match file.strip_suffix('/') {
            Some(_) => create_dir_all(path).unwrap(),
            None => {
                create_dir_all(path.parent().unwrap()).unwrap();
                write(path, file).unwrap();
            }
        }
    }
    pair
}

fn rules(lines: &[&str]) -> Filter {
    lines.iter().fold(FilterBuilder::new(), FilterBuilder::rule).build_without_files().unwrap()
}

/// Asks for every entry of the source why it takes part or not, which has to agree with what does.
fn assert_explained(pair: &Pair, filtering: &Filtering, selected: &[String]) {
    for entry in walkdir::WalkDir::new(&pair.source).min_depth(1) {
        let entry = entry.unwrap();
        let path = entry.path().strip_prefix(&pair.source).unwrap().to_str().unwrap();
        let explanation =
            filtering.explain(&pair.source, path.as_bytes(), &Silent, &StopFlag::default()).unwrap();
        let listed = if entry.file_type().is_dir() { format!("{path}/") } else { path.to_owned() };
        assert_eq!(explanation.verdict() == Verdict::Include, selected.contains(&listed), "{explanation}");
    }
}

/// What a snapshot holds, and what `select` and `explain` say: the same, whatever the filtering.
fn taken(pair: &Pair, filtering: impl Into<Filtering>) -> Vec<String> {
    let filtering = filtering.into();
    let report = pair.snapshotter().filter(filtering.clone()).run(&Silent).unwrap();
    let root = path(&report);
    let mut found: Vec<String> = walkdir::WalkDir::new(root)
        .min_depth(1)
        .into_iter()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.path().strip_prefix(root).unwrap().display().to_string();
            if entry.file_type().is_dir() { name + "/" } else { name }
        })
        .collect();
    found.sort();
    let selected = filtering.select(&pair.source, &Silent, &StopFlag::default()).unwrap();
    let selected: Vec<String> =
        selected.iter().map(|one| format!("{}{}", one.path, if one.directory { "/" } else { "" })).collect();
    assert_eq!(found, selected);
    assert_explained(pair, &filtering, &selected);
    assert_eq!(report.counts().entries, found.len() as u64);
    let planned = pair.snapshotter().filter(filtering).dry_run(true).run(&Silent).unwrap();
    assert_eq!(planned.counts().entries, found.len() as u64);
    found
}

#[test]
fn the_rule_file_of_a_home_selects_it() {
    let pair = pair(&[
        "etc/ssh/config",
        "root/notes",
        "home/me/letter",
        "home/me/.cache/x",
        "home/me/VirtualBox VMs/disk",
        "home/you/letter",
        "usr/bin/ls",
        "top",
    ]);
    let filter = rules(&[
        "+ /etc/***",
        "+ /root/***",
        "+ /home/",
        "+ /home/me/",
        "- /home/me/VirtualBox VMs/",
        "- /home/me/.cache/",
        "+ /home/me/**",
        "- *",
    ]);
    let expected =
        ["etc/", "etc/ssh/", "etc/ssh/config", "home/", "home/me/", "home/me/letter", "root/", "root/notes"];
    for _ in 0..2 {
        assert_eq!(taken(&pair, filter.clone()), expected);
    }
}

#[test]
fn empty_directories_are_pruned_if_asked() {
    let pair = pair(&["a/b/c/", "a/x.o", "keep/", "full/f", "only/deep/x.o"]);
    let filter = || rules(&["P /keep/", "- *.o"]);
    let all = ["a/", "a/b/", "a/b/c/", "full/", "full/f", "keep/", "only/", "only/deep/"];
    assert_eq!(taken(&pair, filter()), all);
    assert_eq!(taken(&pair, Filtering::from(filter()).prune_empty_dirs(true)), ["full/", "full/f", "keep/"]);
}

#[test]
fn caches_and_marked_directories_keep_only_their_mark() {
    let pair = pair(&[
        "cache/big",
        "cache/sub/x",
        "fake/CACHEDIR.TAG",
        "fake/f",
        "marked/.nobackup",
        "marked/f",
        "f",
    ]);
    write(pair.source.join("cache/CACHEDIR.TAG"), "Signature: 8a477f597d28d172789f06886806bc55\n# a comment")
        .unwrap();
    let caches = ["cache/", "cache/CACHEDIR.TAG", "f", "fake/", "fake/CACHEDIR.TAG", "fake/f", "marked/"];
    let found = taken(&pair, Filtering::new().exclude_caches(true));
    assert_eq!(found[..7], caches);
    let found = taken(&pair, Filtering::new().exclude_if_present(".nobackup"));
    assert!(found.ends_with(&["marked/".into(), "marked/.nobackup".into()]), "{found:?}");
}

#[test]
fn large_files_are_left_out_if_asked() {
    let pair = pair(&["small", "d/"]);
    write(pair.source.join("exact"), [0; 100]).unwrap();
    write(pair.source.join("large"), [0; 101]).unwrap();
    std::os::unix::fs::symlink("x".repeat(200), pair.source.join("link")).unwrap();
    assert_eq!(taken(&pair, Filtering::new().exclude_larger_than(100)), ["d/", "exact", "link", "small"]);
}

#[test]
fn a_bad_rule_in_the_source_ends_the_run_or_is_a_problem() {
    let pair = pair(&["good/.rules", "good/f", "bad/.rules", "bad/f", "bad/g.o"]);
    write(pair.source.join("good/.rules"), "- f\n").unwrap();
    write(pair.source.join("bad/.rules"), "nonsense here\n").unwrap();
    let filter = rules(&[": .rules", "- *.o"]);
    let error = pair.snapshotter().filter(filter.clone()).run(&Silent).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rules);
    assert!(error.to_string().contains("bad/.rules"), "{error}");
    let monitor = Collecting::default();
    let filtering = Filtering::from(filter).ignore_bad_rules(true);
    let report = pair.snapshotter().filter(filtering).run(&monitor).unwrap();
    assert_eq!(report.status(), Status::Problems);
    assert_eq!(report.problems()[0].kind(), ProblemKind::Rules);
    assert!(path(&report).join("bad/f").exists() && !path(&report).join("bad/g.o").exists());
    assert!(!path(&report).join("good/f").exists());
}

#[test]
fn a_rule_file_that_is_a_symlink_or_too_large_is_refused_and_said() {
    let pair = pair(&["a/f", "b/f", "secret"]);
    write(pair.source.join("secret"), "- f\n").unwrap();
    std::os::unix::fs::symlink("../secret", pair.source.join("a/.rules")).unwrap();
    write(pair.source.join("b/.rules"), "- f\n".repeat(300_000)).unwrap();
    let report = pair.snapshotter().filter(rules(&[": .rules"])).run(&Silent).unwrap();
    let mut refused: Vec<_> = report.problems().iter().map(|p| (p.path().to_string(), p.kind())).collect();
    refused.sort();
    assert_eq!(refused, [("a/.rules".into(), ProblemKind::Rules), ("b/.rules".into(), ProblemKind::Rules)]);
    assert!(path(&report).join("a/f").exists() && path(&report).join("b/f").exists());
}

/// The explanation of a path, and the problems met on the way.
fn explained(pair: &Pair, filtering: &Filtering, path: &str) -> (Result<Explanation>, Vec<Problem>) {
    let monitor = Collecting::default();
    let explanation = filtering.explain(&pair.source, path.as_bytes(), &monitor, &StopFlag::default());
    (explanation, monitor.problems())
}

#[test]
fn an_explanation_treats_rule_files_as_a_run_does() {
    let pair = pair(&["bad/f", "bad/d/g", "bad/.rules", "link/f", "good/f"]);
    write(pair.source.join("bad/.rules"), "nonsense here\n").unwrap();
    std::os::unix::fs::symlink("../bad/.rules", pair.source.join("link/.rules")).unwrap();
    let strict = Filtering::from(rules(&[": .rules", "- f"]));
    let error = explained(&pair, &strict, "bad/d/g").0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rules);
    assert!(error.to_string().starts_with("bad/.rules:1: unknown rule"), "{error}");
    let (explanation, problems) = explained(&pair, &strict.clone().ignore_bad_rules(true), "bad/f");
    assert_eq!(explanation.unwrap().to_string(), "bad/f: excluded by \"- f\" (--filter)");
    let [problem] = problems.as_slice() else { panic!("{problems:?}") };
    assert_eq!(problem.kind(), ProblemKind::Rules);
    let text = problem.to_string();
    assert!(text.starts_with("bad: rule file ignored: bad/.rules:1: unknown rule at column 1"), "{text}");
    let (explanation, problems) = explained(&pair, &strict, "link/g");
    assert_eq!(explanation.unwrap().verdict(), Verdict::Include);
    assert_eq!(
        problems[0].to_string(),
        "link/.rules: rule file ignored: a symlink is not read as a rule file"
    );
    assert_eq!(explained(&pair, &strict, "good/f").1, []);
}

#[test]
fn an_explanation_names_what_is_none_of_the_rules() {
    let pair = pair(&["cache/d/x", "cache/CACHEDIR.TAG", "empty/d/", "marked/.no", "marked/f", "big", "a"]);
    write(pair.source.join("cache/CACHEDIR.TAG"), "Signature: 8a477f597d28d172789f06886806bc55").unwrap();
    write(pair.source.join("big"), [0; 101]).unwrap();
    let filtering = Filtering::from(rules(&["- /a"]))
        .exclude_caches(true)
        .exclude_if_present(".no")
        .exclude_larger_than(100)
        .prune_empty_dirs(true);
    for (path, extra, text) in [
        ("cache/d/x", Some(Extra::Caches), "because the directory cache/d/ is excluded by --exclude-caches"),
        ("cache/missing", Some(Extra::Caches), "excluded by --exclude-caches"),
        ("cache/CACHEDIR.TAG", None, "included, no rule matches"),
        ("marked/f", Some(Extra::IfPresent), "excluded by --exclude-if-present"),
        ("marked/.no", None, "included, no rule matches"),
        ("big", Some(Extra::LargerThan), "excluded by --exclude-larger-than"),
        ("empty/", Some(Extra::PruneEmptyDirs), "excluded by --prune-empty-dirs"),
        ("empty/missing", None, "included, no rule matches"),
        ("a", None, "excluded by \"- /a\" (--filter)"),
        (".", None, ".: included, it is the source"),
    ] {
        let explanation = explained(&pair, &filtering, path).0.unwrap();
        assert_eq!(explanation.steps().last().and_then(Step::extra), extra, "{path}");
        assert!(explanation.to_string().ends_with(text), "{explanation}");
    }
    let error = explained(&pair, &filtering, "marked/../a").0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidOption);
    assert_eq!(error.to_string(), "marked/../a: not a path below the source");
}

#[test]
fn a_rule_file_above_the_source_that_is_refused_is_said() {
    let pair = pair(&["f"]);
    let above = pair.source.parent().unwrap().join(".rules");
    std::os::unix::fs::symlink("source/f", &above).unwrap();
    let (explanation, problems) = explained(&pair, &rules(&[": /.rules"]).into(), "f");
    assert_eq!(explanation.unwrap().verdict(), Verdict::Include);
    let text = format!(".: rule file ignored: {}: a symlink is not read as a rule file", above.display());
    assert_eq!(problems.iter().map(ToString::to_string).collect::<Vec<_>>(), [text]);
}

#[test]
fn a_question_that_is_stopped_has_no_answer() {
    let pair = pair(&["a", "empty/"]);
    let stop = StopFlag::default();
    stop.stop();
    let filtering = Filtering::new().prune_empty_dirs(true);
    let error = filtering.select(&pair.source, &Silent, &stop).unwrap_err();
    assert_eq!((error.kind(), error.to_string()), (ErrorKind::Interrupted, "stopped".to_owned()));
    let error = filtering.explain(&pair.source, b"empty", &Silent, &stop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
}

#[test]
fn hard_links_to_excluded_names_do_not_matter() {
    let pair = pair(&["a/f", "b/"]);
    hard_link(pair.source.join("a/f"), pair.source.join("b/g")).unwrap();
    hard_link(pair.source.join("a/f"), pair.source.join("b/left-out")).unwrap();
    for copied in [1, 0] {
        let report = pair.snapshotter().filter(rules(&["- left-out"])).run(&Silent).unwrap();
        assert_eq!(report.counts().files_copied, copied);
        assert_eq!(report.counts().excluded, 1);
        Comparison::new().skip_path("b/left-out").assert_same(&pair.source, path(&report));
    }
}

#[test]
fn what_was_left_out_is_taken_when_the_rules_change() {
    let pair = pair(&["a", "b.o"]);
    assert_eq!(taken(&pair, rules(&["- *.o"])), ["a"]);
    assert_eq!(taken(&pair, Filtering::new()), ["a", "b.o"]);
    assert_eq!(taken(&pair, rules(&["- a"])), ["b.o"]);
}
