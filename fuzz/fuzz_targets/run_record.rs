//! Any text is a run record or an error; what was read is written and read back the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use linkdest_core::RunRecord;

fuzz_target!(|text: &str| {
    if let Ok(record) = RunRecord::parse(text) {
        let again = RunRecord::parse(&record.to_toml()).expect("what was written is read");
        assert_eq!(record, again);
    }
});
