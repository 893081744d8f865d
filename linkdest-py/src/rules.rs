//! Rules and patterns from Python: iterables of str or bytes.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

/// Any iterable of rules.
#[derive(Default)]
pub(crate) struct Rules(pub Vec<Vec<u8>>);

impl<'a, 'py> FromPyObject<'a, 'py> for Rules {
    type Error = PyErr;

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        // Both can be iterated over, to nobody's benefit.
        if given.is_instance_of::<PyString>() || given.is_instance_of::<PyBytes>() {
            return Err(PyTypeError::new_err("expected an iterable of rules, not a single rule"));
        }
        given.try_iter()?.map(|rule| Ok(rule?.extract::<RuleText>()?.0)).collect::<PyResult<_>>().map(Self)
    }
}

/// The bytes of one rule, or of many lines; a str as file names are encoded, so that they match the names that Python
/// shows.
pub(crate) struct RuleText(pub Vec<u8>);

impl<'a, 'py> FromPyObject<'a, 'py> for RuleText {
    type Error = PyErr;

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        encoded(&given).map(Self)
    }
}

fn encoded(given: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if !given.is_instance_of::<PyString>() && !given.is_instance_of::<PyBytes>() {
        let kind = given.get_type().name()?;
        return Err(PyTypeError::new_err(format!("a rule must be str or bytes, not {kind}")));
    }
    let encoded = given.py().import("os")?.call_method1("fsencode", (given,))?;
    let bytes = encoded.cast::<PyBytes>()?.as_bytes();
    if bytes.contains(&0) {
        return Err(PyValueError::new_err("embedded null byte in a rule"));
    }
    Ok(bytes.to_vec())
}
