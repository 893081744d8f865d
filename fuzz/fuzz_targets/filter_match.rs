//! The compiled form of any rules decides about any path as the plain matcher does, by the same rule.
//!
//! An input is a byte of options (`@` for none), and parts, with a byte 0x1e between them: the rules; the paths, each
//! with a NUL behind it, directories with a slash; the files `.r` in the source and in the directories below it, whose
//! other per-directory files hold the last part.

#![no_main]

use std::collections::BTreeMap;
use std::io;

use libfuzzer_sys::fuzz_target;
use linkdest_core::filter::{Decision, DirectoryFiles, DirectoryRules, FilterBuilder, Place, RuleFiles};

/// So that no input takes long: the work grows with rules times paths, and with the depth of the paths once more.
const PATHS: usize = 24;
const DIRECTORIES: usize = 64;
const BYTES: usize = 4096;

struct Parts<'a>(Vec<&'a [u8]>);

impl Parts<'_> {
    fn get(&self, number: usize) -> Option<Vec<u8>> {
        self.0.get(number).map(|part| part.to_vec())
    }
}

impl RuleFiles for Parts<'_> {
    fn read(&self, path: &std::path::Path) -> io::Result<Vec<u8>> {
        let number = if path == std::path::Path::new("rules") { 0 } else { 4 };
        self.get(number).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl DirectoryFiles for Parts<'_> {
    fn read_in(&self, place: Place<'_>, name: &[u8]) -> io::Result<Option<Vec<u8>>> {
        Ok(self.get(match (place, name) {
            (Place::Here(b""), b".r") => 2,
            (Place::Here(_), b".r") => 3,
            _ => 4,
        }))
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((options, text)) = data.split_first().filter(|_| data.len() <= BYTES) else { return };
    let parts = Parts(text.split(|&byte| byte == 0x1e).collect());
    let mut builder = FilterBuilder::new().rules_file("rules");
    if options & 1 != 0 {
        builder = builder.from0();
    }
    if options & 2 != 0 {
        builder = builder.cvs_exclude();
    }
    builder = builder.per_directory_f(usize::from(options >> 2 & 3));
    let Ok(filter) = builder.build(&parts) else { return };
    let root = filter.root_ignoring("/home/me".as_ref(), &parts, &mut Vec::new());

    let mut entered = BTreeMap::<&[u8], DirectoryRules>::new();
    let paths = parts.0.get(1).copied().unwrap_or_default();
    for path in paths.split(|&byte| byte == 0).take(PATHS) {
        let (path, is_directory) = path.strip_suffix(b"/").map_or((path, false), |path| (path, true));
        check(&root, path, is_directory);
        let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        let mut rules = root.clone();
        let mut start = 0;
        for end in slashes.chain([path.len()]) {
            let (name, is_last) = (&path[start..end], end == path.len());
            if matches!(name, b"" | b"." | b"..") || entered.len() > DIRECTORIES {
                break;
            }
            check(&rules, name, is_directory || !is_last);
            if !is_last {
                let enter = || rules.enter_ignoring(name, &parts, &mut Vec::new());
                rules = entered.entry(&path[..end]).or_insert_with(enter).clone();
            }
            start = end + 1;
        }
    }
});

fn check(rules: &DirectoryRules, name: &[u8], is_directory: bool) {
    let by = |decision: Decision<'_>| decision.rule().map(std::ptr::from_ref);
    let (compiled, plain) = (rules.decide(name, is_directory), rules.decide_plainly(name, is_directory));
    assert!(
        by(compiled) == by(plain),
        "{:?}: compiled: {compiled}; plain: {plain}",
        name.escape_ascii().to_string()
    );
}
