//! Names that were listed and are said not to be there: gone meanwhile, or out of this server's reach.
//!
//! Every call is a path from the root. A server whose storage went away, or that cannot spell a name that it lists, says
//! "no such file" of what is there. Nothing counts as gone that is still listed.

use std::ffi::CStr;
use std::io;

use super::listed::Listed;
use super::parts::Parts;
use super::{SftpDir, SftpSource};
use crate::error::Error;

/// So often the names of one directory are read once more because of single names.
const LOOKS: u32 = 16;

/// The error of an entry that the server has and cannot reach.
pub(super) fn unreachable() -> io::Error {
    io::Error::other("the server lists it, and says that it is not there")
}

/// An error once more.
fn again(error: &io::Error) -> io::Error {
    Error::within(error).map_or_else(|| io::Error::new(error.kind(), error.to_string()), Into::into)
}

impl SftpSource {
    /// Answers for names that were said not to be there, by their index.
    pub(super) fn explain_missing(
        &self,
        dir: &SftpDir,
        missing: Vec<(usize, &CStr, io::Error)>,
        answer: &mut dyn FnMut(usize, io::Error),
    ) {
        if missing.is_empty() {
            return;
        }
        let mut now = self.persistently(|| self.names_now(dir));
        for (index, name, error) in missing {
            let error = match now.as_mut().map(|listed| listed.find(name).is_some()) {
                Ok(true) => unreachable(),
                Ok(false) => error,
                Err(why) => again(why),
            };
            answer(index, error);
        }
    }

    /// What it means that one name was said not to be there.
    pub(super) fn explain_missing_one(&self, dir: &SftpDir, name: &CStr, error: io::Error) -> io::Error {
        if error.kind() != io::ErrorKind::NotFound {
            return error;
        }
        // Who asks that often has a server that cannot spell its own names.
        if dir.looks() > LOOKS {
            return unreachable();
        }
        let mut explained = None;
        self.explain_missing(dir, vec![(0, name, error)], &mut |_, error| explained = Some(error));
        explained.unwrap_or_else(unreachable)
    }

    /// The names that a directory has by now, sorted.
    fn names_now(&self, dir: &SftpDir) -> io::Result<Listed> {
        let _share = self.client.take_handle()?;
        let (opened, mut parts) = Parts::begin(&self.client, dir.path());
        let handle = opened.wait()?;
        let mut listed = Listed::default();
        let read = parts.add_all(&self.client, &handle, &mut listed);
        drop(self.client.close(&handle));
        listed.sort();
        read.map(|()| listed)
    }
}
