//! Random edits are the same for the same seed, and of every sort.

use linkdest_testkit::{
    Comparison, Inventory, Privileges, TestDir, compare, every_kind, random_edits, remove_tree,
};

#[test]
fn one_seed_makes_one_tree() {
    for seed in 0..3 {
        let directory = TestDir::new();
        let [left, right] = ["left", "right"].map(|name| directory.join(name));
        assert_eq!(every_kind(&left, Privileges::current()), []);
        assert_eq!(every_kind(&right, Privileges::current()), []);
        let before = Inventory::of(&left);
        let edits = random_edits(&left, seed, 200);
        assert_eq!(edits.len(), 200);
        assert_ne!(before.differences(&Inventory::of(&left)), []);
        assert_ne!(compare(&left, &right), []);
        assert_eq!(random_edits(&right, seed, 200), edits);
        Comparison::new().times(false).assert_same(&left, &right);
        assert!(remove_tree(&left).is_ok());
    }
}

#[test]
fn every_edit_comes_up() {
    let directory = TestDir::new();
    let tree = directory.join("tree");
    assert_eq!(every_kind(&tree, Privileges::current()), []);
    let edits = random_edits(&tree, 7, 3000);
    let expected = [
        "rewrite ",
        "append ",
        "change a byte",
        "set mode",
        "set time",
        "set xattr",
        "rename ",
        "delete ",
        "delete directory",
        "new file",
        "new directory",
        "new symlink",
        "retarget",
        "hard link ",
        "break the hard link",
        "replace by a directory",
        "replace by a file",
    ];
    for start in expected {
        assert!(edits.iter().any(|edit| edit.starts_with(start)), "no edit: {start}");
    }
    let refused: Vec<_> = edits.iter().filter(|edit| edit.starts_with("refused")).collect();
    assert!(refused.len() < 100, "{refused:#?}");
}
