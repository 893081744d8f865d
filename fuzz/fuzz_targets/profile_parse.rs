//! Any text is a profile, or an error that names a place in it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use linkdest_core::Profile;

fuzz_target!(|text: &str| {
    match Profile::parse(text, "/etc/linkdest/me.toml") {
        Ok(profile) => {
            assert!(profile.source().is_absolute() && profile.repository().is_absolute());
            assert_eq!(profile.name(), "me");
        }
        Err(error) => {
            assert!(!error.faults().is_empty());
            for fault in error.faults() {
                assert!((1..=text.matches('\n').count() + 1).contains(&fault.line()), "{fault}");
                assert!(fault.column() >= 1);
            }
            assert!(!error.to_string().contains(char::is_control));
        }
    }
});
