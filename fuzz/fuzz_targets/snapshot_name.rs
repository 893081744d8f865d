//! Any text is the name of a snapshot or not; a name comes back as it was written, and so does the next one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use linkdest_core::SnapshotName;

fuzz_target!(|text: &str| {
    if let Ok(name) = text.parse::<SnapshotName>() {
        assert_eq!(name.as_str(), text);
        assert!(SnapshotName::at(name.started()).expect("a time in a name is a time") <= name);
        if let Some(next) = name.next() {
            assert!(next > name);
            assert_eq!(next.as_str().parse::<SnapshotName>().as_ref(), Ok(&next));
        }
    }
});
