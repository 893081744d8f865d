//! Times, as Python has them.

use linkdest_core::Timestamp;
use pyo3::prelude::*;
use pyo3::types::{PyDateTime, PyDelta, PyTzInfo};

const SECONDS_A_DAY: i64 = 86_400;

/// A time as an aware `datetime`, cut to microseconds. PyO3's own conversion panics before 1970.
pub(crate) fn datetime(py: Python<'_>, time: Timestamp) -> PyResult<Bound<'_, PyAny>> {
    let days = i32::try_from(time.seconds.div_euclid(SECONDS_A_DAY))?;
    let seconds = i32::try_from(time.seconds.rem_euclid(SECONDS_A_DAY))?;
    let micros = i32::try_from(time.nanos / 1000)?;
    let utc = PyTzInfo::utc(py)?;
    let epoch = PyDateTime::new(py, 1970, 1, 1, 0, 0, 0, 0, Some(&utc))?;
    epoch.add(PyDelta::new(py, days, seconds, micros, false)?)
}
