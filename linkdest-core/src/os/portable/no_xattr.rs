//! Extended attributes where no call for them is known: there are none to be read, and none can be set.

use std::ffi::{CStr, CString};
use std::io;

use crate::os::{Dir, File};

/// Names and values, sorted by name.
pub(crate) type Xattrs = Vec<(CString, Vec<u8>)>;

/// Where attributes would be read or written.
#[derive(Clone, Copy)]
#[expect(dead_code, reason = "other backends look into it")]
pub(crate) enum XattrPlace<'a> {
    /// An open file.
    File(&'a File),
    /// An open directory itself.
    Dir(&'a Dir),
    /// A name in a directory.
    At(&'a Dir, &'a CStr),
}

/// Nothing is kept in it here.
#[derive(Debug, Default)]
pub(crate) struct XattrBuffer;

impl XattrBuffer {
    pub fn list(&mut self, _: XattrPlace<'_>) -> io::Result<&[u8]> {
        Ok(&[])
    }

    pub fn get(&mut self, _: XattrPlace<'_>, _: &CStr) -> io::Result<Option<&[u8]>> {
        Ok(None)
    }

    pub fn set(&mut self, _: XattrPlace<'_>, _: &CStr, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub fn remove(&mut self, _: XattrPlace<'_>, _: &CStr) -> io::Result<()> {
        Ok(())
    }
}
