//! What must hold for all rules and all paths.

use std::path::Path;

use linkdest_core::filter::{Clause, Filter, FilterBuilder, WarningKind};
use proptest::prelude::*;

use crate::generator::{Names, Random, Tree};
use crate::maker::Maker;
use crate::memory::Memory;

/// Something that is often a rule.
fn rule_text() -> impl Strategy<Value = Vec<u8>> {
    let head = prop::sample::select(vec![
        "- ",
        "+ ",
        "-_",
        "+! ",
        "-s ",
        "-rp ",
        "-x ",
        "H ",
        "S! ",
        "P/ ",
        "R_",
        "exclude ",
        "include,!s_",
        "hide ",
        ": ",
        ":n ",
        ":e ",
        ":w- ",
        ":C ",
        "dir-merge,+ ",
        "-C",
        "!",
        "",
        "-, ",
        "-, s ",
    ]);
    let pattern = prop::collection::vec(prop::sample::select(b"ab/*?[]!^-\\: _.\xe9\t".to_vec()), 0..10);
    (head, pattern).prop_map(|(head, pattern)| [head.as_bytes(), &pattern[..]].concat())
}

fn pattern() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ab]{1,2}",
        "/[ab]{1,2}(/[ab]{1,2}){0,2}",
        "[ab]{1,2}(/[ab]{1,2}){1,2}",
        "\\*[ab.]{1,2}",
        "[ab]\\*",
        "/?(\\*\\*|[ab]|\\*|\\?){1,2}(/(\\*\\*|\\*\\*\\*|[ab]|\\*|\\[ab\\]|\\[!a\\])){0,3}/?",
        "[ab*?/\\\\\\[\\]]{1,7}",
    ]
}

fn list() -> impl Strategy<Value = Vec<String>> {
    let heads = vec!["- ", "+ ", "-! ", "-/ ", "+s ", "-r ", "-x "];
    let line =
        (prop::sample::select(heads), pattern()).prop_map(|(head, pattern)| format!("{head}{pattern}"));
    prop::collection::vec(line, 1..30)
}

fn built(lines: &[String]) -> Filter {
    lines.iter().fold(FilterBuilder::new(), |builder, line| builder.rule(line)).build_without_files().unwrap()
}

/// How many cases to try of each property: `FILTER_PROPERTIES`, or 2,000.
fn cases() -> u32 {
    std::env::var("FILTER_PROPERTIES").map_or(2000, |text| text.parse().expect("a number"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn what_is_printed_reads_back_as_the_same(lines in prop::collection::vec(rule_text(), 0..6)) {
        let text = lines.join(&b'\n');
        let mut files = Memory::default();
        files.add(b"rules", &text);
        let Ok(filter) = FilterBuilder::new().rules_file("rules").build(&files) else { return Ok(()) };
        files.add(b"rules", &filter.to_bytes());
        let again = FilterBuilder::new().rules_file("rules").build(&files).unwrap();
        let clauses = |filter: &Filter| filter.clauses().cloned().collect::<Vec<Clause>>();
        prop_assert_eq!(clauses(&again), clauses(&filter));
        prop_assert_eq!(again.to_bytes(), filter.to_bytes());
    }

    #[test]
    fn nothing_that_is_read_can_do_harm(text in prop::collection::vec(any::<u8>(), 0..60)) {
        let mut files = Memory::default();
        files.add(b"rules", &text);
        if let Err(error) = FilterBuilder::new().rules_file("rules").build(&files) {
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn the_index_finds_what_the_plain_matcher_finds(
        lines in list(),
        paths in prop::collection::vec(("[ab.]{1,3}(/[ab.]{1,3}){0,4}", any::<bool>()), 1..8),
    ) {
        let filter = built(&lines);
        let root = filter.root_without_files("/a/b".as_ref());
        for (path, is_directory) in paths {
            let decision = root.decide(path.as_bytes(), is_directory);
            prop_assert_eq!(decision, root.decide_plainly(path.as_bytes(), is_directory), "{}", path);
        }
    }

    #[test]
    fn a_rule_that_check_calls_useless_can_be_removed(
        lines in list(),
        paths in prop::collection::vec(("[ab.]{1,3}(/[ab.]{1,3}){0,4}", any::<bool>()), 1..8),
    ) {
        let filter = built(&lines);
        let useless = |kind| matches!(
            kind,
            WarningKind::Shadowed | WarningKind::BelowExcluded | WarningKind::NeverMatches
        );
        let Some(warning) = filter.check().into_iter().find(|warning| useless(warning.kind())) else { return Ok(()) };
        let position = filter.clauses().position(|clause| clause.to_bytes() == warning.text()).unwrap();
        // The last of equal rules is the useless one.
        let position = match warning.kind() {
            WarningKind::Shadowed => filter.clauses().enumerate().filter(|(_, clause)| clause.to_bytes() == warning.text()).last().unwrap().0,
            _ => position,
        };
        let mut fewer = lines.clone();
        fewer.remove(position);
        let fewer = built(&fewer);
        for (path, is_directory) in paths {
            let one = reached(&filter, path.as_bytes(), is_directory);
            // A negated rule that can never match matches everything.
            if lines[position].starts_with("-!") && warning.kind() == WarningKind::NeverMatches {
                continue;
            }
            prop_assert_eq!(one, reached(&fewer, path.as_bytes(), is_directory), "{} in {:?}", warning, path);
        }
    }
}

/// Says whether a path takes part, with all its parents.
fn reached(filter: &Filter, path: &[u8], is_directory: bool) -> bool {
    let root = filter.root_without_files("/a/b".as_ref());
    let ends = path.iter().enumerate().filter(|&(_, &byte)| byte == b'/').map(|(at, _)| at);
    ends.into_iter().all(|end| root.decide(&path[..end], true).is_included())
        && root.decide(path, is_directory).is_included()
}

#[test]
fn the_index_and_the_plain_matcher_agree_on_rules_made_for_trees() {
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let names = if random.chance(50) { Names::Plain } else { Names::Odd };
        let tree = Tree::random(&mut random, names);
        let count = random.within(1, 60);
        let patterns: Vec<_> = (0..count)
            .map(|_| Maker { random: &mut random, tree: &tree, base: b"/w" }.pattern())
            .filter(|pattern| !pattern.is_empty())
            .collect();
        let builder = patterns.iter().fold(FilterBuilder::new(), |builder, pattern| {
            builder.rule([random.pick(&["- ", "+ "]).as_bytes(), pattern].concat())
        });
        let filter = builder.build_without_files().unwrap();
        let root = filter.root_without_files(Path::new("/w/src"));
        for path in &tree.paths {
            let is_directory = path.ends_with(b"/");
            let name = path.strip_suffix(b"/").unwrap_or(path);
            assert_eq!(
                root.decide(name, is_directory),
                root.decide_plainly(name, is_directory),
                "seed {seed}"
            );
        }
    }
}
