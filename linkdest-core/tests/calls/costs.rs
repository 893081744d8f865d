//! How many kernel calls an entry costs.

use std::collections::BTreeMap;

use linkdest_core::calls::Call;

use crate::{all_calls, calls_on, tree};

#[test]
fn an_unchanged_file_costs_two_stats_and_a_link() {
    let tree = tree();
    tree.run(None).0.unwrap();
    let (report, made) = tree.run(None);
    assert_eq!(report.unwrap().counts().files_linked, 2);
    // The first file of all is looked at once more, to find out whether all times moved.
    let expected = BTreeMap::from([(Call::Stat, 2), (Call::Link, 1)]);
    assert_eq!(calls_on(&made, "regular-two"), expected);
    let expected = BTreeMap::from([(Call::Stat, 2), (Call::Link, 1)]);
    assert_eq!(calls_on(&made, "symlink"), expected);
    let data = made
        .iter()
        .filter(|one| matches!(one.call, Call::Create) && one.name.starts_with(b"regular"))
        .count();
    assert_eq!(data, 0);
}

#[test]
fn an_unchanged_directory_costs_at_most_twenty_calls() {
    let tree = tree();
    // The cost of a directory is what ten more of them add.
    tree.run(None).0.unwrap();
    let before = tree.run(None).1.len();
    for number in 0..10 {
        std::fs::create_dir(tree.source.join(format!("more-{number}"))).unwrap();
    }
    tree.run(None).0.unwrap();
    let after = tree.run(None).1.len();
    // Closing the three descriptors is no call of this log, and a listing ends with a second getdents.
    let each = (after - before) / 10 + 4;
    assert!((8..=20).contains(&each), "{each} calls for a directory");
}

#[test]
fn a_new_small_file_costs_no_more_than_it_must() {
    let tree = tree();
    let (_, made) = tree.run(None);
    let calls = calls_on(&made, "regular-one");
    assert_eq!(calls, BTreeMap::from([(Call::Open, 1), (Call::Create, 1), (Call::Stat, 1)]));
    let all = all_calls(&made);
    assert!(all[&Call::Read] <= 2 + 6, "{all:?}");
}

#[test]
fn a_moved_directory_costs_no_open_and_no_attribute_of_its_files() {
    let tree = tree();
    tree.run(None).0.unwrap();
    std::fs::rename(tree.source.join("directory"), tree.source.join("moved")).unwrap();
    let (report, made) = tree.run(None);
    let counts = *report.unwrap().counts();
    assert_eq!((counts.files_copied, counts.bytes_copied, counts.files_linked), (0, 0, 2));
    for name in ["regular-one", "regular-two", "symlink"] {
        assert_eq!(calls_on(&made, name), BTreeMap::from([(Call::Stat, 2), (Call::Link, 1)]), "{name}");
    }
}

#[test]
fn a_renamed_file_is_not_opened() {
    let tree = tree();
    tree.run(None).0.unwrap();
    let directory = tree.source.join("directory");
    std::fs::rename(directory.join("regular-one"), directory.join("regular-three")).unwrap();
    let (report, made) = tree.run(None);
    assert_eq!(report.unwrap().counts().bytes_copied, 0);
    assert!(!calls_on(&made, "regular-three").contains_key(&Call::Open), "{made:?}");
}

#[test]
fn guards_cost_an_unchanged_run_one_listing_and_nothing_for_an_entry() {
    let tree = tree();
    tree.run(None).0.unwrap();
    let (report, made) = tree.run(None);
    assert_eq!(report.unwrap().counts().bytes_copied, 0);
    let calls = all_calls(&made);
    // Which file system the source is on takes two; free space is looked at only where something is copied.
    assert_eq!(calls[&Call::StatFs], 2, "{calls:?}");
}
