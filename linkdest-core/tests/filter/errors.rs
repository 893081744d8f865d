//! Bad rules: one clear error each.

use std::path::Path;

use linkdest_core::filter::{FilterBuilder, RuleError, RuleErrorKind};

use crate::memory::{Memory, filter};

fn error(text: &str) -> RuleError {
    filter(text).expect_err(text)
}

#[test]
fn an_error_has_file_line_column_text_and_what_was_expected() {
    let error = error("# first\n\n-z *.o\n");
    assert_eq!(error.kind(), RuleErrorKind::BadModifier);
    assert_eq!(error.origin().file(), Some(Path::new("rules")));
    assert_eq!((error.origin().line(), error.column()), (Some(3), 2));
    assert_eq!(error.text(), b"-z *.o");
    assert_eq!(
        error.to_string(),
        "rules:3: bad modifier at column 2 of \"-z *.o\": expected the modifiers / ! C s r p x, then a space or \"_\", \
         named by --rules"
    );
}

#[test]
fn every_kind_of_error_has_its_place() {
    use RuleErrorKind::{BadModifier, MissingPattern, SideTwice, TextAfterClear, UnknownRule, Unreadable};
    for (text, kind, line, column) in [
        ("foo\n", UnknownRule, 1, 1),
        ("- a\n  - b\n", UnknownRule, 2, 1),
        ("- a\n \n", UnknownRule, 2, 1),
        ("\u{feff}- a\n", UnknownRule, 1, 1),
        ("- a\r\n-q b\r\n", BadModifier, 2, 2),
        ("exclude\tfoo\n", BadModifier, 1, 8),
        ("exclude,!q foo\n", BadModifier, 1, 10),
        ("-\n", MissingPattern, 1, 2),
        ("- \n", MissingPattern, 1, 3),
        ("dir-merge \n", MissingPattern, 1, 11),
        ("! \n", TextAfterClear, 1, 2),
        (". missing\n", Unreadable, 1, 1),
    ] {
        let error = error(text);
        assert_eq!(
            (error.kind(), error.origin().line(), error.column()),
            (kind, Some(line), column),
            "{text:?}"
        );
        assert_eq!(error.to_string().lines().count(), 1, "{error}");
    }
    let files = Memory::of(&[("one", "-r a\n")]);
    let error = FilterBuilder::new().rule(".s one").build(&files).unwrap_err();
    assert_eq!((error.kind(), error.origin().to_string().as_str()), (SideTwice, "one:1"));
}

#[test]
fn a_missing_file_is_reported_with_the_chain_that_led_to_it() {
    let files = Memory::of(&[("one", "- a\n. two\n"), ("two", "- b\n- c\nmerge three\n")]);
    let error = FilterBuilder::new().rules_file("one").build(&files).unwrap_err();
    assert_eq!(error.kind(), RuleErrorKind::Unreadable);
    assert_eq!(error.file(), Some(Path::new("three")));
    assert_eq!(
        error.to_string(),
        "two:3: cannot read the rule file three: expected a file that exists, named by one:2, named by --rules"
    );
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn a_cycle_of_merges_is_found_at_once() {
    let files = Memory::of(&[("one", ". two\n"), ("two", "- b\n. one\n"), ("self", ".- self\n")]);
    let error = FilterBuilder::new().rules_file("one").build(&files).unwrap_err();
    assert_eq!(error.kind(), RuleErrorKind::Cycle);
    assert_eq!(error.file(), Some(Path::new("one")));
    assert_eq!(error.origin().to_string(), "two:2");
    assert_eq!(error.origin().named_by().unwrap().to_string(), "one:1");
    assert!(error.to_string().starts_with("two:2: the rule file one merges itself: expected"), "{error}");
    // A file of bare patterns cannot merge anything.
    let filter = FilterBuilder::new().rules_file("self").build(&files).unwrap();
    assert_eq!(filter.to_string(), "- .- self\n");
}

#[test]
fn merges_go_32_files_deep() {
    let deep = |count: usize| {
        let mut files = Memory::default();
        for number in 1..count {
            files.add(format!("m{number}").as_bytes(), format!(". m{}\n", number + 1).as_bytes());
        }
        files.add(format!("m{count}").as_bytes(), b"- a\n");
        FilterBuilder::new().rules_file("m1").build(&files).map(|_| ()).map_err(|error| error.kind())
    };
    assert_eq!(deep(32), Ok(()));
    assert_eq!(deep(33), Err(RuleErrorKind::TooDeep));
}

#[test]
fn what_rsync_accepts_is_accepted() {
    for text in [
        "- a[b\n",
        "- [[:nope:]]\n",
        "- a\\\n",
        "- //x\n",
        "- /\n",
        "-\\*_x\n- a",
        ": .f\n: .f\n",
        "# only\n",
        "",
    ] {
        let parsed = filter(text);
        assert!(parsed.is_ok() || text.starts_with("-\\"), "{text:?}: {}", parsed.unwrap_err());
    }
    let long = format!("{}\n- a\n", "x".repeat(5120));
    assert_eq!(filter(&long).unwrap().rules().count(), 1);
    let long = format!("- {}\n- a\n", "x".repeat(4096));
    assert_eq!(filter(&long).unwrap().rules().count(), 1);
}

#[test]
fn an_error_in_a_directory_ends_the_walk_or_is_left_to_the_caller() {
    let files = Memory::of(&[("src/d/.f", "- a\nbad\n"), ("src/.f", "- b\n")]);
    let filter = FilterBuilder::new().rule(": .f").build_without_files().unwrap();
    let root = filter.root(Path::new("/w/src"), &files).unwrap();
    let error = root.enter(b"d", &files).unwrap_err();
    assert_eq!(error.origin().to_string(), "d/.f:2");
    let mut errors = Vec::new();
    let rules = root.enter_ignoring(b"d", &files, &mut errors);
    assert_eq!(errors.len(), 1);
    assert!(rules.decide(b"a", false).is_included());
    assert!(!rules.decide(b"b", false).is_included());
}

#[test]
fn a_bomb_of_files_that_merge_each_other_is_put_out() {
    let mut files = Memory::default();
    for number in 0..30 {
        let line = format!(". ./m{}\n", number + 1);
        files.add(format!("src/m{number}").as_bytes(), line.repeat(10).as_bytes());
    }
    files.add(b"src/m30", b"- a\n");
    files.add(b"src/names", (0..2000).map(|number| format!(": n{number}\n")).collect::<String>().as_bytes());
    for name in ["m0", "names"] {
        let filter = FilterBuilder::new().rule(format!(": {name}")).build_without_files().unwrap();
        let error = filter.root(Path::new("/w/src"), &files).unwrap_err();
        assert_eq!(error.kind(), RuleErrorKind::TooMuch, "{error}");
    }
}

#[test]
fn nothing_is_shown_of_a_file_outside_that_a_directory_merges() {
    let files = Memory::of(&[("src/d/.f", ". /etc/shadow\n"), ("/etc/shadow", "root:secret\n")]);
    let filter = FilterBuilder::new().rule(": .f").build_without_files().unwrap();
    let root = filter.root(Path::new("/w/src"), &files).unwrap();
    let error = root.enter(b"d", &files).unwrap_err();
    assert!(error.text().is_empty() && !error.to_string().contains("secret"), "{error}");
    assert_eq!(error.origin().to_string(), "/etc/shadow:1");
}
