//! Errors of the core as Python exceptions.
//!
//! The classes themselves are in `_errors.py`: a stable-ABI extension cannot add methods to a subclass of `OSError`.

use linkdest_core::{Error, ErrorKind};
use pyo3::prelude::*;

/// The exception class for a kind of error.
fn class_name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotARepository | ErrorKind::WrongRepository => "NotARepository",
        ErrorKind::Locked => "Locked",
        ErrorKind::Profile => "ProfileError",
        ErrorKind::Rules => "RulesError",
        ErrorKind::Interrupted => "Interrupted",
        _ => "LinkdestError",
    }
}

/// Makes the exception for an error.
pub(crate) fn exception(py: Python<'_>, error: &Error) -> PyErr {
    match build(py, error) {
        Ok(exception) => PyErr::from_value(exception),
        Err(failure) => failure,
    }
}

fn build<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    let (errno, cause) = cause(py, error)?;
    let message = cause.as_ref().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
    let class = py.import("linkdest._errors")?.getattr(class_name(error.kind()))?;
    class.call_method1("_make", (errno, cause, error.path().map(std::path::Path::as_os_str), message))
}

/// The number and the words of the operating system, where it was asked.
fn cause(py: Python<'_>, error: &Error) -> PyResult<(Option<i32>, Option<String>)> {
    let Some(source) = error.io_error() else { return Ok((None, None)) };
    match source.raw_os_error() {
        Some(errno) => {
            let words = py.import("os")?.call_method1("strerror", (errno,))?.extract()?;
            Ok((Some(errno), Some(words)))
        }
        None => Ok((None, Some(source.to_string()))),
    }
}
