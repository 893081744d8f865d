//! The direction of dependencies between the rooms of the library.

use std::path::{Path, PathBuf};

/// Each room and what it may use: everything in the groups before its own, and its own group.
const ORDER: &[&[&str]] = &[
    &["native", "entry", "path", "error", "counts", "finding", "monitor", "inodes", "crew", "size", "step"],
    &["filter", "policy", "retention", "os"],
    &["rule_files", "sftp", "source", "manifest", "hashing", "reading", "descent", "placing"],
    &["repository", "snapshot"],
    &["abroad"],
    &["history", "verify", "reindex", "restore", "replicate", "report"],
    &["adopt", "profile"],
];

fn rank(room: &str) -> usize {
    ORDER
        .iter()
        .position(|group| group.contains(&room))
        .unwrap_or_else(|| panic!("no place for {room} in the order"))
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    walkdir::WalkDir::new(dir)
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The rooms that a text names as `crate::room`.
fn used(text: &str) -> Vec<&str> {
    let end = |c: char| !(c.is_alphanumeric() || c == '_');
    text.split("crate::")
        .skip(1)
        .filter_map(|rest| rest.split(end).next())
        .filter(|room| !room.is_empty())
        .collect()
}

#[test]
fn rooms_use_only_what_lies_below_them() {
    let mut checked = 0;
    for file in rust_files(&source()) {
        let relative = file.strip_prefix(source()).unwrap();
        let room = relative.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        if room == "lib" {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let code: String =
            text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        for other in used(&code) {
            assert!(rank(other) <= rank(room), "{}: {room} uses {other}", relative.display());
            checked += 1;
        }
    }
    assert!(checked > 50, "only {checked} uses were found: is the check still looking in the right place?");
}

#[test]
fn pure_rooms_do_not_talk_to_the_kernel() {
    for room in ["filter", "policy", "retention", "entry.rs", "path.rs", "counts.rs", "monitor", "error"] {
        for file in rust_files(&source().join(room)) {
            let text = std::fs::read_to_string(&file).unwrap();
            for forbidden in ["crate::os", "rustix::", "std::fs"] {
                assert!(!text.contains(forbidden), "{}: {forbidden}", file.display());
            }
        }
    }
}

#[test]
fn only_os_knows_the_platform() {
    for file in rust_files(&source()) {
        if file.starts_with(source().join("os")) {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        for forbidden in ["rustix::", "target_os", "cfg(unix)", "cfg(windows)", "std::os::unix::ffi"] {
            assert!(!text.contains(forbidden), "{}: {forbidden}", file.display());
        }
    }
}

#[test]
fn no_file_is_longer_than_400_lines() {
    let root = source().join("../..");
    let places = ["linkdest-core", "linkdest-cli", "linkdest-py", "testkit", "benches", "fuzz/fuzz_targets"];
    let files: Vec<_> = places.iter().flat_map(|place| rust_files(&root.join(place))).collect();
    assert!(files.len() > 400, "{}", files.len());
    for file in files {
        let lines = std::fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= 400, "{}: {lines} lines", file.display());
    }
}

/// The tests of this crate and of the command line, as `module::test`.
fn tests_by_name() -> std::collections::HashSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut names = std::collections::HashSet::new();
    for file in
        ["linkdest-core/tests", "linkdest-cli/tests"].iter().flat_map(|dir| rust_files(&root.join(dir)))
    {
        let module = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        let functions = text.lines().filter_map(|line| line.trim_start().strip_prefix("fn "));
        let of_module = |name: &str| format!("{module}::{}", name.split('(').next().unwrap_or_default());
        names.extend(functions.map(of_module));
    }
    names
}

#[test]
fn the_tests_that_the_documentation_names_exist() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let text = |name| std::fs::read_to_string(docs.join(name)).unwrap();
    let text = [text("testing.md"), text("guarantees.md"), text("platform.md")].concat();
    let names = tests_by_name();
    let quoted = text.split('`').skip(1).step_by(2);
    let named: Vec<&str> = quoted.filter(|word| word.contains("::") && *word != "module::test").collect();
    assert!(named.len() > 60, "{}", named.len());
    for name in named {
        assert!(names.contains(name), "{name} is no test");
    }
}

/// The tests that ask more than the portable backend can do, as `module::test`.
fn beyond_portable() -> std::collections::BTreeSet<String> {
    let mut names = std::collections::BTreeSet::new();
    for file in rust_files(&source().join("../tests")) {
        let module = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let (text, mut function) = (std::fs::read_to_string(&file).unwrap(), "");
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("fn ") {
                function = rest.split('(').next().unwrap();
            } else if line.trim_start().starts_with("if beyond_portable(") {
                names.insert(format!("{module}::{function}"));
            }
        }
    }
    names
}

#[test]
fn the_documentation_lists_the_tests_that_the_portable_backend_is_spared() {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/platform.md");
    let text = std::fs::read_to_string(document).unwrap();
    let (_, list) = text.split_once("## Tests with the portable backend").unwrap();
    let quoted = list.split('`').skip(1).step_by(2).filter(|word| word.contains("::"));
    let listed: std::collections::BTreeSet<String> = quoted.map(str::to_owned).collect();
    assert_eq!(listed, beyond_portable());
}
