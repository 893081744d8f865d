//! Small files and directories on the server.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::RemoteRepository;
use crate::entry::Kind;
use crate::os::errno;
use crate::repository::RECORD_LIMIT;
use crate::sftp::{Asked, Attributes, Data, Handle, Reading};

/// So many small files are asked for at once.
const AT_ONCE: usize = 64;

/// Joins a path and what lies below it.
pub(super) fn join(path: &[u8], below: &[u8]) -> Vec<u8> {
    let slash: &[u8] = if path.is_empty() || path.ends_with(b"/") { b"" } else { b"/" };
    [path, slash, below].concat()
}

/// What is lost if an error is not looked at: whether there is anything.
pub(super) fn if_there<T>(answer: io::Result<T>) -> io::Result<Option<T>> {
    match answer {
        Err(error) if errno::is_absent(&error) => Ok(None),
        answer => answer.map(Some),
    }
}

impl RemoteRepository {
    /// The path of something below the root.
    pub(super) fn at(&self, below: &str) -> Vec<u8> {
        join(&self.root, below.as_bytes())
    }

    /// The path of one of the repository's own files.
    pub(super) fn own(&self, below: &str) -> Vec<u8> {
        self.at(&format!(".linkdest/{below}"))
    }

    /// The same, as messages name it.
    pub(super) fn own_path(&self, below: &str) -> PathBuf {
        self.address.join(".linkdest").join(below)
    }

    pub(super) fn kind_of(&self, path: &[u8]) -> io::Result<Option<Kind>> {
        let told = self.client.persistently(|| if_there(self.client.lstat(path).wait()))?;
        Ok(told.and_then(|told| told.kind()))
    }

    /// Makes a directory that only its owner may enter, if it is not there.
    pub(super) fn make_if_absent(&self, path: &[u8]) -> io::Result<()> {
        match self.kind_of(path)? {
            Some(Kind::Directory) => Ok(()),
            Some(_) => Err(io::Error::new(io::ErrorKind::NotADirectory, "something else is in its place")),
            None => self.client.make_dir(path, 0o700).wait(),
        }
    }

    /// Lists a directory with what is told of each name, `.` and `..` left out; nothing if there is none.
    pub(super) fn list(&self, path: &[u8]) -> io::Result<Vec<(Vec<u8>, Attributes)>> {
        self.client.persistently(|| self.list_once(path))
    }

    fn list_once(&self, path: &[u8]) -> io::Result<Vec<(Vec<u8>, Attributes)>> {
        let Some(handle) = if_there(self.client.open_dir(path).wait())? else { return Ok(Vec::new()) };
        let mut names = Vec::new();
        // Most directories have one part, and an end.
        let mut parts = vec![self.client.read_dir(&handle), self.client.read_dir(&handle)].into_iter();
        let listed = loop {
            let asked = parts.next().unwrap_or_else(|| self.client.read_dir(&handle));
            match asked.wait() {
                Ok(Some(part)) => {
                    names.extend(part.iter().map(|named| (named.name.to_vec(), named.attributes)));
                }
                Ok(None) => break Ok(names),
                Err(error) => break Err(error),
            }
        };
        // Nothing was written: that closing fails changes nothing.
        drop(self.client.close(&handle));
        listed
    }

    /// Reads small files, each with its own result; `None` if there is none.
    pub(super) fn read_all(&self, paths: &[Vec<u8>]) -> Vec<io::Result<Option<Vec<u8>>>> {
        let mut read = Vec::new();
        for paths in paths.chunks(AT_ONCE) {
            read.extend(loop {
                let some = self.read_some(paths);
                let mut errors = some.iter().filter_map(|one| one.as_ref().err());
                if !errors.any(|error| self.client.revive(error)) {
                    break some;
                }
            });
        }
        read
    }

    fn read_some(&self, paths: &[Vec<u8>]) -> Vec<io::Result<Option<Vec<u8>>>> {
        let opened: Vec<Asked<Handle>> = paths.iter().map(|path| self.client.open(path)).collect();
        let length = self.client.limits().read;
        let asked: Vec<io::Result<(Handle, Asked<Option<Data>>)>> = opened
            .into_iter()
            .map(|asked| {
                asked.wait().map(|handle| {
                    let data = self.client.read(&handle, 0, length);
                    (handle, data)
                })
            })
            .collect();
        let text = |(handle, data): (Handle, Asked<Option<Data>>)| self.rest(handle, data.wait());
        asked.into_iter().map(|one| if_there(one.and_then(text))).collect()
    }

    /// The whole of a small file of which the first bytes were read.
    fn rest(&self, handle: Handle, first: io::Result<Option<Data>>) -> io::Result<Vec<u8>> {
        let first = match first {
            Ok(first) => first.map_or_else(Vec::new, |data| data.bytes().to_vec()),
            Err(error) => {
                drop(self.client.close(&handle));
                return Err(error);
            }
        };
        if first.is_empty() {
            drop(self.client.close(&handle));
            return Ok(first);
        }
        let size = self.client.fstat(&handle).wait().map(|told| told.size.unwrap_or(first.len() as u64));
        if let Ok(size) = size
            && size <= first.len() as u64
        {
            drop(self.client.close(&handle));
            return Ok(first);
        }
        let size = usize::try_from(size?).unwrap_or(usize::MAX);
        if size > RECORD_LIMIT {
            drop(self.client.close(&handle));
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than any record"));
        }
        let mut bytes = vec![0; size];
        let read = Reading::new(Arc::clone(&self.client), handle, size as u64).read_at(&mut bytes, 0)?;
        bytes.truncate(read);
        Ok(bytes)
    }

    /// Reads a small file; `None` if there is none.
    pub(super) fn read_small(&self, path: &[u8]) -> io::Result<Option<Vec<u8>>> {
        self.read_all(&[path.to_vec()]).pop().unwrap_or(Ok(None))
    }

    /// Writes a small file under a temporary name, flushes it where that can be done, and renames it into place.
    pub(super) fn write_small(&self, path: &[u8], bytes: &[u8]) -> io::Result<()> {
        let temporary = [path, b".new"].concat();
        if_there(self.client.remove(&temporary).wait())?;
        self.write_new(&temporary, bytes)?;
        self.client.rename(&temporary, path).wait()
    }

    /// Writes a new file, and flushes it where that can be done.
    pub(super) fn write_new(&self, path: &[u8], bytes: &[u8]) -> io::Result<()> {
        let mut writing = self.client.writing(self.client.create(path, 0o600).wait()?);
        let written = writing.write(bytes);
        let finished = writing.finish(&Attributes::default(), self.client.extensions().fsync);
        written.and(finished)
    }
}
