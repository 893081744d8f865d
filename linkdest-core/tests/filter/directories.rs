//! Per-directory rule files: inheritance, anchors, nesting.

use std::path::Path;
use std::sync::Arc;
use std::thread;

use linkdest_core::filter::{DirectoryFiles, Explanation, FilterBuilder, Place, RuleErrorKind, Verdict};

use crate::memory::{Memory, selects};

/// Paths that are selected (`+`) or not (`-`) by a rule and files.
fn check(rule: &str, files: &[(&str, &str)], wanted: &[&str]) {
    let filter = FilterBuilder::new().rule(rule).build_without_files().unwrap();
    let files = Memory::of(files);
    for path in wanted {
        let wanted = path.starts_with('+');
        assert_eq!(selects(&filter, &files, path.trim_start_matches(['+', '-'])), wanted, "{rule} {path}");
    }
}

#[test]
fn rules_hold_below_and_the_nearest_file_comes_first() {
    let files = [("src/.f", "- *.o\n- /top\n"), ("src/d/.f", "+ keep.o\n- /x\n")];
    check(
        ": .f",
        &files,
        &["-a.o", "-d/a.o", "+d/keep.o", "-keep.o", "-d/x", "+x", "+d/e/x", "-d/e/a.o", "-top", "+d/top"],
    );
    check(":n .f", &files, &["-a.o", "+d/a.o", "+d/e/keep.o", "+d/e/a.o", "-d/x"]);
    check("dir-merge,- .f", &[("src/d/.f", "x\n+ y\n")], &["-d/x", "-d/e/x", "-d/+ y", "+x"]);
}

#[test]
fn a_clear_rule_drops_what_was_inherited() {
    let files = [("src/.f", "- a\n"), ("src/d/.f", "- b\n!\n- c\n")];
    check(": .f", &files, &["-a", "+d/a", "+d/b", "-d/c", "-d/e/c", "+d/e/a", "-e/a"]);
}

#[test]
fn a_slash_behind_the_name_is_for_directories() {
    check(": .f/", &[("src/.f", "- a\n-! d\n")], &["-a/", "-e/", "-x", "+d/"]);
    let files = [("src/.f", ". more\n: .g\n-C\n"), ("src/more", "- a\n"), ("src/.g", "- b\n")];
    check(": .f/", &files, &["-a/", "+a", "-b/", "+b", "-x.o/", "+x.o"]);
}

#[test]
fn the_same_name_is_used_once() {
    let files = [("src/.f", ":n .g\n"), ("src/.g", "- a\n"), ("src/d/.g", "- b\n"), ("src/d/.f", ": .g\n")];
    check(": .f", &files, &["-a", "+d/a", "-d/b", "+d/e/b"]);
}

#[test]
fn merges_in_a_directory_look_at_the_source_unless_they_have_a_slash() {
    let files = [
        ("src/more", "- top\n"),
        ("src/d/more", "- /d/beside\n- /x\n"),
        ("src/d/.f", ". ./more\n"),
        ("src/e/.f", ". more\n"),
        ("src/e/g/.f", ". ../../d/more\n"),
    ];
    check(": .f", &files, &["-d/beside", "+d/x", "+d/top", "-e/top", "+e/g/beside", "-e/g/top"]);
}

#[test]
fn files_above_the_source_are_read_when_the_rule_says_so() {
    let files = [("/.f", "- /w/src/a\n"), ("/w/.f", "- /src/b\n- /b\n- d/c\n")];
    check(": /.f", &files, &["-a", "-b", "+d/b", "-d/c"]);
    check(": ../.f", &files, &["+a", "-b"]);
    check(": .f", &files, &["+a", "+b"]);
    check(":n /.f", &files, &["+a", "+b"]);
    let nested = [("/w/.f", ": .g\n"), ("/w/.g", "bad\n"), ("src/.g", "- a\n"), ("src/d/.f", ": .g\n")];
    check(":n /.f", &nested, &["+a", "+d/a"]);
    let nested = [("/w/.f", ": .g\n"), ("src/.g", "- a\n"), ("src/d/.g", "- b\n")];
    check(": /.f", &nested, &["-a", "-d/a", "-d/b", "+b"]);
    check(": /elsewhere/.f", &files, &["+a", "+b"]);
}

#[test]
fn all_rules_act_in_a_file_that_a_directory_merges() {
    let files = [("src/.f", "P a\n. more\n"), ("src/more", "P b\n-r c\n-x d\n")];
    check(": .f", &files, &["+a", "-b", "-c", "+d"]);
}

#[test]
fn a_file_for_the_receiver_that_a_directory_declares_is_not_read() {
    let free = [("src/d/.f", ":r .g\n: .g\n"), ("src/d/.g", "- x\n"), ("src/d/e/.g", "- y\n")];
    check(": .f", &free, &["-d/x", "-d/e/x", "-d/e/y", "+d/y"]);
    let unread = [("src/d/.f", ": /.g\n- y\n"), ("src/d/.g", "+r x\nbad\n"), ("src/d/e/.g", "bad\n")];
    check(":r .f", &unread, &["+d/x", "+d/y", "+d/e/x"]);
    check(":e .f", &[("src/d/.f", ":er .g\n"), ("src/d/.g", "bad\n")], &["-d/.g", "+d/x", "-.f"]);
}

#[test]
fn a_side_given_twice_is_refused_wherever_the_file_is_read() {
    let sides = |rule: &str, files: &[(&str, &str)]| {
        let filter = FilterBuilder::new().rule(rule).build_without_files().unwrap();
        let files = Memory::of(files);
        filter.root(Path::new("/w/src"), &files).map(|_| ()).map_err(|error| error.kind())
    };
    for (rule, files, is_refused) in [
        (": .f", vec![("src/.f", ":r .g\n"), ("src/.g", "P x\n")], false),
        (": .f", vec![("src/.f", ":s .g\n"), ("src/.g", "P x\n")], true),
        (": .f", vec![("src/.f", ":sr .g\n"), ("src/.g", "P x\n")], true),
        (":r .f", vec![("src/.f", ":r .g\n")], true),
        (":r .f", vec![("src/.f", "-s x\n")], true),
        (":s .f", vec![("src/.f", ": .g\n"), ("src/.g", "-r x\n")], true),
        (": .f", vec![("src/.f", ". ./more\n"), ("src/more", ":r .g\n"), ("src/.g", "-r x\n")], true),
        (": /.f", vec![("/w/.f", ":r .g\n"), ("src/.g", "-r x\n")], true),
        (": /.f", vec![("/w/.f", ":r .g\n"), ("src/.g", ": .h\n"), ("src/.h", "-r x\n")], false),
    ] {
        let wanted = if is_refused { Err(RuleErrorKind::SideTwice) } else { Ok(()) };
        assert_eq!(sides(rule, &files), wanted, "{rule} {files:?}");
    }
}

#[test]
fn names_with_wildcards_do_not_disturb_the_rules_in_them() {
    check(": .f", &[("src/[d]*/.f", "- /x\n- /y*\n")], &["-[d]*/x", "-[d]*/yy", "+d/x"]);
}

#[test]
fn rules_can_be_used_by_several_threads() {
    let files = Arc::new(Memory::of(&[("src/d0/.f", "- a\n"), ("src/d1/.f", "- b\n")]));
    let filter = FilterBuilder::new().rule(": .f").build_without_files().unwrap();
    let root = filter.root(Path::new("/w/src"), &*files).unwrap();
    let threads: Vec<_> = (0..2)
        .map(|number| {
            let (root, files) = (root.clone(), Arc::clone(&files));
            thread::spawn(move || {
                let rules = root.enter(format!("d{number}").as_bytes(), &*files).unwrap();
                (rules.decide(b"a", false).is_included(), rules.decide(b"b", false).is_included())
            })
        })
        .collect();
    let answers: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert_eq!(answers, [(false, true), (true, false)]);
}

/// A file with the same rules in every directory.
struct Everywhere(Vec<u8>);

impl DirectoryFiles for Everywhere {
    fn read_in(&self, place: Place<'_>, _: &[u8]) -> std::io::Result<Option<Vec<u8>>> {
        Ok(matches!(place, Place::Here(_)).then(|| self.0.clone()))
    }
}

#[test]
fn a_very_deep_chain_of_rule_files_is_let_go() {
    let files = Everywhere(b"- a\n".to_vec());
    let filter = FilterBuilder::new().rule(": .f").build_without_files().unwrap();
    let mut rules = filter.root(Path::new("/"), &files).unwrap();
    for _ in 0..20_000 {
        rules = rules.enter(b"d", &files).unwrap();
    }
    assert!(!rules.decide(b"a", false).is_included());
}

#[test]
fn long_patterns_in_a_deep_chain_are_given_up_at_the_first_byte_that_differs() {
    let files = Everywhere(format!("- {}/**\n- [xy]{}*\n", "x".repeat(4000), "?".repeat(4000)).into());
    let filter = FilterBuilder::new().rule(": .f").build_without_files().unwrap();
    let mut rules = filter.root(Path::new("/"), &files).unwrap();
    for _ in 0..100 {
        assert!(rules.decide_plainly(b"d", true).is_included());
        rules = rules.enter(b"d", &files).unwrap();
    }
}

#[test]
fn an_explanation_names_the_parent_that_was_excluded() {
    let files = Memory::of(&[("src/d/.f", "- /e/\n")]);
    let filter = FilterBuilder::new().rule(": .f").build_without_files().unwrap();
    let root = filter.root(Path::new("/w/src"), &files).unwrap();
    let explanation = Explanation::of(&root, b"./d//e/f/g", false, &files).unwrap();
    assert_eq!(explanation.verdict(), Verdict::Exclude);
    assert_eq!(
        explanation.to_string(),
        "d/e/f/g: excluded, because the directory d/e/ is excluded by \"- /e/\" (d/.f:1)"
    );
    assert_eq!(explanation.steps().len(), 2);
    let other = Explanation::of(&root, b"d/x", false, &files).unwrap();
    assert_eq!(other.to_string(), "d/x: included, no rule matches");
    assert!(other.excluded_parent().is_none());
    let source = Explanation::of(&root, b"", true, &files).unwrap();
    assert_eq!(source.verdict(), Verdict::Include);
}
