//! Names of snapshots, as they are given from Python.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyString;

/// Any iterable of names of snapshots.
#[derive(Default)]
pub(crate) struct Names(pub Vec<String>);

impl<'a, 'py> FromPyObject<'a, 'py> for Names {
    type Error = PyErr;

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if given.is_instance_of::<PyString>() {
            return Err(PyTypeError::new_err("expected an iterable of names, not a single name"));
        }
        given.try_iter()?.map(|name| name?.extract()).collect::<PyResult<_>>().map(Self)
    }
}
