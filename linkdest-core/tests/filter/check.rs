//! Warnings of rules that cannot do what they seem to say.

use linkdest_core::filter::{FilterBuilder, WarningKind};

use crate::memory::{Memory, filter};

/// The warnings as `line kind`.
fn warnings(text: &str) -> Vec<(usize, WarningKind)> {
    let filter = filter(text).unwrap();
    filter.check().iter().map(|warning| (warning.origin().line().unwrap(), warning.kind())).collect()
}

#[test]
fn traps_are_found() {
    use WarningKind::{
        BelowExcluded, Blank, CommentInPattern, CutsDirectories, DeclaredAgain, LiteralBackslash,
        NeverMatches, NoEffect, Quoted, Shadowed, TextIgnored, TopLevelOnly,
    };
    for (text, wanted) in [
        ("- /home/\n+ /home/me/**\n", vec![(2, BelowExcluded)]),
        ("+ /home/me/**\n- *\n", vec![(1, BelowExcluded)]),
        ("+ /etc/**\n- *\n", vec![(1, BelowExcluded)]),
        ("+ /home/me/**\n- /home/me/.cache/\n", vec![(2, Shadowed)]),
        ("- *.o\n+ main.o\n", vec![(2, Shadowed)]),
        ("- *.o\n- /d/*.o\n", vec![(2, Shadowed)]),
        ("- *\n+ x\n", vec![(2, Shadowed)]),
        ("- a/\n- a\n", vec![]),
        ("- a\n- a/\n", vec![(2, Shadowed)]),
        ("- **/x\n- /a/*/x\n", vec![(2, Shadowed)]),
        ("- /a/***\n- /a/b\n", vec![(2, Shadowed)]),
        (
            "- a[b\n- [[:nope:]]\n- x\\\n+ y*\\\n",
            vec![(1, NeverMatches), (2, NeverMatches), (3, LiteralBackslash), (4, NeverMatches)],
        ),
        ("- //x\n- a//b\n- ./x\n- x/../y\n- /\n- x//\n", (1..=6).map(|line| (line, NeverMatches)).collect()),
        ("- foo \n-  bar\n", vec![(1, Blank), (2, Blank)]),
        ("- foo # no\n", vec![(1, CommentInPattern)]),
        ("- \"My Files\"\n", vec![(1, Quoted)]),
        ("- My\\ Files\n", vec![(1, LiteralBackslash)]),
        ("- My\\ File*\n", vec![]),
        ("+ *.jpg\n- *\n", vec![(1, TopLevelOnly)]),
        ("+ */\n+ *.jpg\n- *\n", vec![]),
        ("-! *.c\n", vec![(1, CutsDirectories)]),
        ("+ */\n-! *.c\n", vec![]),
        ("-! */\n", vec![]),
        ("P x\n-x y\n", vec![(1, NoEffect), (2, NoEffect)]),
        (": .f\n:n .f\n", vec![(2, DeclaredAgain)]),
        ("-C foo\n", vec![(1, TextIgnored)]),
        (": .f\n- /home/\n+ /home/me/\n", vec![]),
        ("-s a\n- a\n", vec![]),
    ] {
        assert_eq!(warnings(text), wanted, "{text:?}");
    }
}

#[test]
fn a_merge_beside_the_file_is_found_only_from_elsewhere() {
    let files = Memory::of(&[("/etc/my.rules", ". more\n"), ("more", "- a\n")]);
    let filter = FilterBuilder::new().rules_file("/etc/my.rules").build(&files).unwrap();
    assert_eq!(filter.check()[0].kind(), WarningKind::RelativeMerge);
    let files = Memory::of(&[("my.rules", ". more\n"), ("more", "- a\n")]);
    let filter = FilterBuilder::new().rules_file("my.rules").build(&files).unwrap();
    assert!(filter.check().is_empty());
}

#[test]
fn a_warning_is_one_line_with_a_suggestion() {
    let filter = filter("- /home/\n+ /home/me/**\n").unwrap();
    assert_eq!(
        filter.check()[0].to_string(),
        "rules:2: \"+ /home/me/**\" never reached, a directory above it is left out by \"- /home/\" (rules:1); put \
         \"+ /home/\" before \"- /home/\""
    );
}

#[test]
fn the_built_in_list_is_never_warned_of() {
    let filter = FilterBuilder::new().exclude("*.o").cvs_exclude().build_without_files().unwrap();
    assert!(filter.check().is_empty(), "{:?}", filter.check());
}
