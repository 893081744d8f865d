//! Random histories against a naive model: see `model`.
//!
//! `LINKDEST_HISTORIES=20000` plays so many of them, from `LINKDEST_SEED` on (default 0). With
//! `RUSTFLAGS="--cfg linkdest_calls"` operations also end, or fail, at random kernel calls.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests stop where an assumption fails, and reach their trees by path"
)]

mod model;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use model::Figures;

fn number(name: &str, unset: u64) -> u64 {
    std::env::var(name).map_or(unset, |text| text.parse().unwrap())
}

/// In memory, where flushing is free, unless told otherwise.
fn place() -> PathBuf {
    let memory = Path::new("/dev/shm");
    match std::env::var_os("LINKDEST_TEST_DIR") {
        Some(place) => place.into(),
        None if memory.is_dir() => memory.to_owned(),
        None => std::env::temp_dir(),
    }
}

/// Tells which history it was, if it fails.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("failed: LINKDEST_HISTORIES=1 LINKDEST_SEED={}", self.0);
        }
    }
}

#[test]
fn no_history_loses_anything() {
    let (first, many) = (number("LINKDEST_SEED", 0), number("LINKDEST_HISTORIES", 150));
    // Calls are counted and made to fail for the whole process.
    let threads = if cfg!(linkdest_calls) { 1 } else { 2 };
    let (next, all) = (AtomicU64::new(first), Mutex::new(Figures::default()));
    let place = place();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = Seed(next.fetch_add(1, Ordering::Relaxed));
                    if seed.0 >= first + many {
                        return;
                    }
                    let figures = model::play(&model::of_seed(seed.0), &place);
                    all.lock().unwrap().add(&figures);
                }
            });
        }
    });
    let figures = all.into_inner().unwrap();
    println!("{many} histories: {figures:?}");
    assert!(many < 100 || figures.snapshots > many && figures.shared > many && figures.interrupted > 10);
}
