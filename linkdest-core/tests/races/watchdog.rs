//! Ends the program when nothing happens any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Far more than any step takes, also where the machine is busy.
const PATIENCE: u64 = 180;

/// Ends the whole process if it is not told for some minutes that something was done.
pub struct Watchdog {
    beats: Arc<AtomicU64>,
}

impl Watchdog {
    pub fn new(test: &'static str) -> Self {
        let beats = Arc::new(AtomicU64::new(0));
        let watched = Arc::downgrade(&beats);
        std::thread::spawn(move || {
            let (mut last, mut silent) = (0, 0);
            while let Some(beats) = watched.upgrade() {
                let now = beats.load(Ordering::Relaxed);
                drop(beats);
                silent = if now == last { silent + 1 } else { 0 };
                last = now;
                if silent > PATIENCE {
                    eprintln!("{test}: it hangs, after {now} steps");
                    std::process::abort();
                }
                std::thread::sleep(Duration::from_secs(1));
            }
        });
        Self { beats }
    }

    pub fn beat(&self) {
        self.beats.fetch_add(1, Ordering::Relaxed);
    }
}
