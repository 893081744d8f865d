//! Paths from Python: str, bytes and `os.PathLike`, without loss.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

/// A path that the caller gave.
pub(crate) struct FsPath(PathBuf);

impl FsPath {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_os_str().as_bytes()
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0.into_os_string().into_vec()
    }
}

impl AsRef<Path> for FsPath {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for FsPath {
    type Error = PyErr;

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let encoded = given.py().import("os")?.call_method1("fsencode", (given,))?;
        let bytes = encoded.cast::<PyBytes>()?.as_bytes();
        if bytes.contains(&0) {
            return Err(PyValueError::new_err("embedded null byte"));
        }
        Ok(Self(PathBuf::from(OsString::from_vec(bytes.to_vec()))))
    }
}

/// The bytes of a path as a path.
pub(crate) fn path_of(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

/// Any iterable of paths.
#[derive(Default)]
pub(crate) struct FsPaths(pub Vec<FsPath>);

impl<'a, 'py> FromPyObject<'a, 'py> for FsPaths {
    type Error = PyErr;

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        // Both can be iterated over, to nobody's benefit.
        if given.is_instance_of::<PyString>() || given.is_instance_of::<PyBytes>() {
            return Err(PyTypeError::new_err("expected an iterable of paths, not a single path"));
        }
        given.try_iter()?.map(|path| path?.extract()).collect::<PyResult<_>>().map(Self)
    }
}
