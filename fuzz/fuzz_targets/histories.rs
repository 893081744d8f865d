//! Whatever is done to a source and its repository, no snapshot is lost, and nothing outside is touched. The judge is the
//! model of `linkdest-core/tests/histories.rs`.

#![no_main]
#![allow(dead_code, unused_imports, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../../linkdest-core/tests/model/mod.rs"]
mod model;

use std::path::Path;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let memory = Path::new("/dev/shm");
    let elsewhere = std::env::temp_dir();
    model::play(bytes, if memory.is_dir() { memory } else { &elsewhere });
});
