//! Work that Ctrl-C ends, and waits in seconds.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use linkdest_core::{Result, StopFlag};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// How often somebody looks for signals.
const INTERVAL: Duration = Duration::from_millis(50);

/// Works on a thread of its own, while Python's looks for signals; what a handler raises stops the work, and is raised
/// once that has ended.
pub(crate) fn interruptible<T: Send>(
    py: Python<'_>,
    work: impl FnOnce(StopFlag) -> Result<T> + Send,
) -> PyResult<Result<T>> {
    let (stop, mut raised) = (StopFlag::default(), None);
    let given = stop.clone();
    let result = py.detach(|| {
        std::thread::scope(|scope| {
            let (done, wait) = channel::<()>();
            let worker = scope.spawn(move || {
                let result = work(given);
                drop(done);
                result
            });
            while wait.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                let looked = Python::try_attach(|py| py.check_signals());
                if let Some(Err(error)) = looked
                    && raised.is_none()
                {
                    raised = Some(error);
                    stop.stop();
                }
            }
            worker.join()
        })
    });
    match (raised, result) {
        (Some(error), _) => Err(error),
        (None, Ok(result)) => Ok(result),
        (None, Err(panic)) => std::panic::resume_unwind(panic),
    }
}

/// A wait, given in seconds.
pub(crate) fn seconds(given: f64) -> PyResult<Duration> {
    let wait = Duration::try_from_secs_f64(given);
    wait.map_err(|_| PyValueError::new_err("lock_wait must be a number of seconds from 0 up"))
}
