//! Tests that cannot run where they are.

use std::env;
use std::fmt::Display;

/// Says on stderr that a test is skipped and why; the caller then returns.
///
/// # Panics
///
/// If `LINKDEST_REQUIRE_ALL=1` is set, which is how a full run insists that nothing is skipped.
#[track_caller]
pub fn skip(reason: impl Display) {
    let required = env::var_os("LINKDEST_REQUIRE_ALL").is_some_and(|value| value == "1");
    assert!(!required, "LINKDEST_REQUIRE_ALL is set, but this test cannot run: {reason}");
    eprintln!("skipped: {reason}");
}

/// Says on stderr that a test is skipped because what it tests is documented not to do that; the caller then returns.
///
/// Nothing can be installed to make such a test run, so that `LINKDEST_REQUIRE_ALL` does not insist on it.
pub fn skip_beyond(reason: impl Display) {
    eprintln!("skipped: {reason}");
}
