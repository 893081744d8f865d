//! Any bytes are rules or an error; what was read prints as rules that are read as the same ones.
//!
//! An input is a byte of options (`@` for none), and files, with a byte 0x1e between them. The first file is the one
//! that is read; rules merge the others as `1`, `2` ...

#![no_main]

use std::io;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use linkdest_core::filter::{Filter, FilterBuilder, RuleError, RuleFiles};

struct Files<'a>(Vec<&'a [u8]>);

impl RuleFiles for Files<'_> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let number = path.to_str().and_then(|name| name.parse::<usize>().ok());
        let content = number.and_then(|number| self.0.get(number));
        content.map(|content| content.to_vec()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn home_cvsignore(&self) -> io::Result<Vec<u8>> {
        self.read("1".as_ref())
    }
}

fn read(options: u8, files: &Files<'_>) -> Result<Filter, RuleError> {
    let has = |bit: u8| options & bit != 0;
    let mut builder = FilterBuilder::new();
    if has(1) {
        builder = builder.from0();
    }
    if has(2) {
        builder = builder.cvs_exclude();
    }
    builder = builder.per_directory_f(usize::from(options >> 2 & 3));
    builder = if has(16) { builder.exclude_from("0") } else { builder.rules_file("0") };
    if has(32) {
        builder = builder.include_from("1");
    }
    builder.build(files)
}

fuzz_target!(|data: &[u8]| {
    let Some((options, text)) = data.split_first() else { return };
    let files = Files(text.split(|&byte| byte == 0x1e).collect());
    let filter = match read(*options, &files) {
        Ok(filter) => filter,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    for warning in filter.check() {
        assert!(!warning.to_string().is_empty());
    }

    // One by one, as patterns may hold line ends.
    let one_by_one =
        filter.clauses().fold(FilterBuilder::new(), |builder, clause| builder.rule(clause.to_bytes()));
    same(&filter, one_by_one, &Files(Vec::new()));

    let printed = filter.to_bytes();
    let ends = printed.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
    if ends == filter.clauses().count() {
        same(&filter, FilterBuilder::new().rules_file("0"), &Files(vec![&printed]));
        if let Ok(shown) = String::from_utf8(printed)
            && !shown.chars().any(|one| one.is_control() && one != '\n')
        {
            assert_eq!(filter.to_string(), shown);
        }
    }
});

fn same(filter: &Filter, again: FilterBuilder, files: &Files<'_>) {
    let again = again.build(files).expect("what was printed is read");
    assert!(filter.clauses().eq(again.clauses()), "{filter}---\n{again}");
}
