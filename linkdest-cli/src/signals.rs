//! Ctrl-C and SIGTERM: the first asks the run to stop, the second ends the process.

use std::sync::atomic::{AtomicI32, Ordering};
use std::{io, thread};

use linkdest_core::StopFlag;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::exit;
use crate::failure::Failure;

/// The first signal that came; 0 before.
static FIRST: AtomicI32 = AtomicI32::new(0);

/// Makes the flag that the first signal sets.
pub fn watch() -> Result<StopFlag, Failure> {
    stop_flag().map_err(|error| Failure::io("cannot watch for signals", &error))
}

fn stop_flag() -> io::Result<StopFlag> {
    let flag = StopFlag::default();
    let stop = flag.clone();
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            if FIRST.compare_exchange(0, signal, Ordering::Relaxed, Ordering::Relaxed).is_err() {
                // What is left in staging serves the next run.
                signal_hook::low_level::exit(i32::from(code_of(signal)));
            }
            stop.stop();
        }
    })?;
    Ok(flag)
}

/// The exit code of a run that was stopped: that of the first signal.
pub fn exit_code() -> u8 {
    code_of(FIRST.load(Ordering::Relaxed))
}

/// What shells say of a process that a signal ended: 128 and the signal's number.
fn code_of(signal: i32) -> u8 {
    match u8::try_from(signal) {
        Ok(signal @ 1..=127) => 128 + signal,
        _ => exit::INTERRUPTED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_tell_the_signals_apart() {
        assert_eq!((code_of(SIGINT), code_of(SIGTERM), code_of(0)), (130, 143, 130));
    }
}
