//! Names of snapshots, as they are given from Python.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::published::Snapshot;

/// What a snapshot is known by: a text that stands for it, or the snapshot itself.
pub(crate) struct Name(pub String);

impl<'a, 'py> FromPyObject<'a, 'py> for Name {
    type Error = PyErr;

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        match given.cast::<Snapshot>() {
            Ok(snapshot) => Ok(Self(snapshot.get().name().to_owned())),
            Err(_) => given.extract().map(Self),
        }
    }
}

/// Any iterable of names of snapshots.
#[derive(Default)]
pub(crate) struct Names(pub Vec<Name>);

impl<'a, 'py> FromPyObject<'a, 'py> for Names {
    type Error = PyErr;

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if given.is_instance_of::<PyString>() {
            return Err(PyTypeError::new_err("expected an iterable of names, not a single name"));
        }
        given.try_iter()?.map(|name| name?.extract()).collect::<PyResult<_>>().map(Self)
    }
}
