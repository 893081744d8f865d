//! Options in order, and how a filter prints.

use linkdest_core::filter::{Clause, FilterBuilder, RuleKind};

use crate::memory::{Memory, filter, selects};

#[test]
fn options_are_one_list_in_order() {
    let files = Memory::of(&[("one", "- a\n"), ("list", "x\n+ y\n# c\n!z\n")]);
    let filter = FilterBuilder::new()
        .include("first")
        .rules_file("one")
        .exclude_from("list")
        .rule("")
        .exclude("")
        .rule("P keep")
        .include_from("list")
        .exclude("+ last")
        .build(&files)
        .unwrap();
    assert_eq!(filter.to_string(), "+ first\n- a\n- x\n+ y\n- !z\nP keep\n+ x\n+ y\n+ !z\n+ last\n");
    assert_eq!(filter.rules().next().unwrap().kind(), RuleKind::Include);
    assert_eq!(filter.rules().nth(2).unwrap().origin().to_string(), "list:1");
}

#[test]
fn a_clear_rule_drops_all_before_it() {
    let files = Memory::of(&[("one", "- a\n!\n- b\n")]);
    let filter = FilterBuilder::new().exclude("x").rule(": .f").rules_file("one").build(&files).unwrap();
    assert_eq!(filter.to_string(), "- b\n");
    let filter = FilterBuilder::new().exclude("x").include("!").build(&files).unwrap();
    assert_eq!(filter.to_string(), "");
}

#[test]
fn the_option_f_counts() {
    let filter =
        |count| FilterBuilder::new().per_directory_f(count).build_without_files().unwrap().to_string();
    assert_eq!(filter(0), "");
    assert_eq!(filter(1), ": /.rsync-filter\n");
    assert_eq!(filter(2), ": /.rsync-filter\n- .rsync-filter\n");
    assert_eq!(filter(9), filter(2));
    let apart = FilterBuilder::new().per_directory_f(1).exclude("a").per_directory_f(1).per_directory_f(1);
    assert_eq!(apart.build_without_files().unwrap().to_string(), ": /.rsync-filter\n- a\n- .rsync-filter\n");
}

#[test]
fn the_cvs_list_comes_last_and_can_be_cleared_by_the_user() {
    let build = |files: &Memory| FilterBuilder::new().cvs_exclude().exclude("a").build(files).unwrap();
    let plain = build(&Memory::default());
    let clauses: Vec<_> = plain.clauses().map(ToString::to_string).collect();
    assert_eq!(clauses[..3], ["- a", ":C .cvsignore", "- RCS"]);
    assert_eq!(clauses.last().unwrap(), "- .bzr/");
    assert!(
        matches!(plain.clauses().nth(1), Some(Clause::PerDirectory(file)) if file.name() == b".cvsignore")
    );
    let cleared = build(&Memory::of(&[("<home>", "*.x !  *.y\n"), ("<variable>", "*.z")]));
    assert_eq!(cleared.to_string(), "- a\n:C .cvsignore\n- *.y\n- *.z\n");
    // The first -C decides what all others do.
    let twice = FilterBuilder::new().rule("+C").rule("!").rule("-Cs").build_without_files().unwrap();
    assert_eq!(twice.rules().next().unwrap().to_string(), "+ RCS");
}

#[test]
fn from0_ends_lines_in_files_named_later() {
    let files = Memory::of(&[("one", "- a\n"), ("two", "- b\n\0# c\0- d\0")]);
    let filter = FilterBuilder::new().rules_file("one").from0().rules_file("two").build(&files).unwrap();
    let patterns: Vec<_> = filter.rules().map(|rule| rule.pattern().to_vec()).collect();
    assert_eq!(patterns, [b"a".to_vec(), b"b\n".to_vec(), b"d".to_vec()]);
}

#[test]
fn standard_input_is_a_file_called_dash() {
    let files = Memory::of(&[("<stdin>", "- a\n")]);
    assert_eq!(FilterBuilder::new().rule("merge -").build(&files).unwrap().to_string(), "- a\n");
    assert_eq!(
        FilterBuilder::new().exclude_from("-").build(&files).unwrap().to_string(),
        "- - a\n".replace("- - ", "- ")
    );
}

#[test]
fn merged_rules_get_the_modifiers_that_are_handed_down() {
    let files = Memory::of(&[
        ("one", "- a\n+! b\n: .f\n. two\n"),
        ("two", "- c\n"),
        ("words", "-_a +_b_c\n#x\n"),
        ("bare", "# no\n+ x\n!\n;no\n"),
        ("cvs", "a ! b #c\n"),
    ]);
    let build = |rule: &str| FilterBuilder::new().rule(rule).build(&files).map(|filter| filter.to_string());
    assert_eq!(build("./ one").unwrap(), "-/ a\n+/! b\n:/ .f\n-/ c\n");
    assert_eq!(build(".s one").unwrap(), "-s a\n+!s b\n:s .f\n-s c\n");
    assert_eq!(build("merge,xepn one").unwrap(), "- one\n- a\n+! b\n: .f\n- c\n");
    assert!(build(".w words").is_err());
    assert_eq!(build(".- bare").unwrap(), "- + x\n- !\n");
    assert_eq!(build(".+ bare").unwrap(), "+ + x\n+ !\n");
    assert_eq!(build(".C cvs").unwrap(), "- b\n- #c\n");
    assert_eq!(build(":e sub/.f").unwrap(), "- .f\n: sub/.f\n");
    assert_eq!(build(". two/").unwrap(), "- c\n");
}

#[test]
fn the_rule_file_of_a_home_selects_it() {
    let filter = filter(
        "# include /etc\n+ /etc/***\n+ /root/***\n+ /home/\n+ /home/me/\n- /home/me/VirtualBox VMs/\n\
         - /home/me/.cache/\n+ /home/me/**\n# exclude everything else\n- *\n",
    )
    .unwrap();
    let none = Memory::default();
    for path in
        ["etc/", "etc/passwd", "etc/a/b/c", "home/", "home/me/", "home/me/x", "home/me/d/.cache/", "root/x"]
    {
        assert!(selects(&filter, &none, path), "{path}");
    }
    for path in ["etc", "usr/", "home/you/", "home/x", "home/me/.cache/x", "home/me/VirtualBox VMs/", "etcx/"]
    {
        assert!(!selects(&filter, &none, path), "{path}");
    }
    assert!(filter.check().is_empty(), "{:?}", filter.check());
}
