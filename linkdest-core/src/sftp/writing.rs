//! What changes something on the server: files written with many requests on their way, names made, moved and removed.

use std::collections::VecDeque;
use std::io;

use super::asked::{self, Asked};
use super::attributes::Attributes;
use super::client::{Client, Handle, number, opening};
use super::reply::{self, NamesById};
use super::wire::{HEAD, LONGEST, Request, kind};

const WRITE: u32 = 2;
const CREATE: u32 = 8;
const EXCLUSIVE: u32 = 0x20;

impl Client {
    /// Asks for a change, which may leave together with what is asked for next.
    fn change(&self, request: Request) -> Asked<()> {
        self.ask(request.held(), asked::done)
    }

    /// Makes a file and opens it for writing; an existing name is an error.
    pub fn create(&self, path: &[u8], mode: u32) -> Asked<Handle> {
        let attributes = Attributes { mode: Some(mode), ..Attributes::default() };
        self.ask_to_open(opening(path, WRITE | CREATE | EXCLUSIVE, &attributes).held())
    }

    /// Writes some bytes of a file: no more than [`Limits::write`].
    pub fn write(&self, handle: &Handle, offset: u64, bytes: &[u8]) -> Asked<()> {
        let request = Request::new(kind::WRITE).on(handle.connection());
        self.change(request.string(&handle.0).long(offset).string(bytes))
    }

    /// What an open file is.
    pub fn fstat(&self, handle: &Handle) -> Asked<Attributes> {
        self.ask(Request::new(kind::FSTAT).on(handle.connection()).string(&handle.0), asked::attributes)
    }

    /// Makes a directory.
    pub fn make_dir(&self, path: &[u8], mode: u32) -> Asked<()> {
        let attributes = Attributes { mode: Some(mode), ..Attributes::default() };
        self.change(Request::new(kind::MKDIR).string(path).plain(&attributes.encoded()))
    }

    /// Removes an empty directory.
    pub fn remove_dir(&self, path: &[u8]) -> Asked<()> {
        self.change(Request::new(kind::RMDIR).string(path))
    }

    /// Removes a name that is no directory.
    pub fn remove(&self, path: &[u8]) -> Asked<()> {
        self.change(Request::new(kind::REMOVE).string(path))
    }

    /// Sets attributes of what a path leads to.
    pub fn set(&self, path: &[u8], attributes: &Attributes) -> Asked<()> {
        self.change(Request::new(kind::SETSTAT).string(path).plain(&attributes.encoded()))
    }

    /// Sets attributes of an open file.
    pub fn set_open(&self, handle: &Handle, attributes: &Attributes) -> Asked<()> {
        let request = Request::new(kind::FSETSTAT).on(handle.connection()).string(&handle.0);
        self.change(request.plain(&attributes.encoded()))
    }

    /// Sets attributes of what is at a path, also of a symlink itself (`lsetstat@openssh.com`).
    pub fn set_link(&self, path: &[u8], attributes: &Attributes) -> Asked<()> {
        let request = Request::extended("lsetstat@openssh.com").string(path).plain(&attributes.encoded());
        self.change(request)
    }

    /// Makes a symlink. The target comes first, as OpenSSH has it, not as the draft does.
    pub fn make_symlink(&self, target: &[u8], path: &[u8]) -> Asked<()> {
        self.change(Request::new(kind::SYMLINK).string(target).string(path))
    }

    /// Gives a file one more name (`hardlink@openssh.com`).
    pub fn link(&self, path: &[u8], new: &[u8]) -> Asked<()> {
        self.change(Request::extended("hardlink@openssh.com").string(path).string(new))
    }

    /// Renames; an existing name is an error.
    pub fn rename_new(&self, path: &[u8], new: &[u8]) -> Asked<()> {
        self.change(Request::new(kind::RENAME).string(path).string(new))
    }

    /// Renames in one step, replacing what has the new name (`posix-rename@openssh.com`).
    pub fn rename(&self, path: &[u8], new: &[u8]) -> Asked<()> {
        self.change(Request::extended("posix-rename@openssh.com").string(path).string(new))
    }

    /// Waits until an open file is on disk (`fsync@openssh.com`).
    pub fn sync(&self, handle: &Handle) -> Asked<()> {
        let request = Request::extended("fsync@openssh.com").on(handle.connection());
        self.change(request.string(&handle.0))
    }

    /// Has the server copy bytes from one open file to another (`copy-data`); a length of 0 is all that follows.
    pub fn copy(
        &self,
        from: &Handle,
        (offset, length): (u64, u64),
        to: &Handle,
        to_offset: u64,
    ) -> Asked<()> {
        let request = Request::extended("copy-data").on(from.connection());
        let request = request.string(&from.0).long(offset).long(length);
        self.change(request.string(&to.0).long(to_offset))
    }

    /// The names of users and groups (`users-groups-by-id@openssh.com`).
    pub fn names_by_id(&self, users: &[u32], groups: &[u32]) -> Asked<NamesById> {
        let list =
            |numbers: &[u32]| numbers.iter().flat_map(|number| number.to_be_bytes()).collect::<Vec<u8>>();
        let request = Request::extended("users-groups-by-id@openssh.com").answered_by(LONGEST);
        let request = request.string(&list(users)).string(&list(groups));
        let counts = (users.len(), groups.len());
        self.ask(request, move |raw| {
            asked::extended(raw, |body| reply::names_by_id(body, counts.0, counts.1))
        })
    }

    /// Begins to write a file that was made just now.
    pub fn writing(&self, handle: Handle) -> Writing<'_> {
        Writing { client: self, handle, offset: 0, under_way: VecDeque::new() }
    }
}

/// So many writes of a file are on their way at once.
const WRITES: usize = 16;

/// A file that is being written from its beginning on, with many requests on their way.
pub(crate) struct Writing<'c> {
    client: &'c Client,
    handle: Handle,
    offset: u64,
    under_way: VecDeque<Asked<()>>,
}

impl Writing<'_> {
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Writes the bytes that come next. An error may be of bytes before them.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let limits = self.client.limits();
        let most = limits.write.min(limits.packet.saturating_sub(HEAD + 16 + self.handle.0.len())).max(1);
        for part in bytes.chunks(most) {
            if self.under_way.len() >= WRITES
                && let Some(first) = self.under_way.pop_front()
            {
                first.wait()?;
            }
            self.under_way.push_back(self.client.write(&self.handle, self.offset, part));
            self.offset += u64::from(number(part.len()));
        }
        Ok(())
    }

    /// Leaves a hole of so many bytes. At the end of a file only setting its size makes it.
    pub fn skip(&mut self, bytes: u64) {
        self.offset += bytes;
    }

    /// How many parts are on their way.
    pub fn parts(&self) -> usize {
        self.under_way.len()
    }

    /// Hands over what is on its way.
    pub fn take_under_way(&mut self) -> Vec<Asked<()>> {
        self.under_way.drain(..).collect()
    }

    /// Waits until all was written.
    pub fn settle(&mut self) -> io::Result<()> {
        // Every answer is taken, also behind an error.
        let mut result = Ok(());
        for asked in self.under_way.drain(..) {
            let answer = asked.wait();
            result = result.and(answer);
        }
        result
    }

    /// Waits until all was written; with `sync`, until it is on disk. The attributes come last, then the file is closed.
    pub fn finish(mut self, attributes: &Attributes, sync: bool) -> io::Result<()> {
        let mut result = self.under_way.drain(..).try_for_each(Asked::wait);
        let mut last = Vec::new();
        if result.is_ok() {
            last.push(self.client.set_open(&self.handle, attributes));
            last.extend(sync.then(|| self.client.sync(&self.handle)));
        }
        last.push(self.client.close(&self.handle));
        for asked in last {
            result = result.and(asked.wait());
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::StopFlag;
    use crate::sftp::{Address, Ssh};
    use std::path::Path;

    /// OpenSSH's own server on a pipe, and a directory for it.
    fn connected() -> Option<(Client, linkdest_testkit::TestDir)> {
        let server = linkdest_testkit::sftp_server().map_err(linkdest_testkit::skip).ok()?;
        let address = Address::parse(Path::new("sftp://far/")).unwrap();
        let ssh = Ssh::default().command([server]);
        let client = Client::connect(&address, &ssh, &StopFlag::default()).unwrap();
        Some((client, linkdest_testkit::TestDir::new()))
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "tests look at their trees by path")]
    fn what_is_written_is_there() {
        use std::os::unix::fs::MetadataExt as _;
        let Some((client, dir)) = connected() else { return };
        let at = |name: &str| dir.join(name).to_str().unwrap().as_bytes().to_vec();
        client.make_dir(&at("d"), 0o700).wait().unwrap();
        assert!(client.make_dir(&at("d"), 0o700).wait().is_err());
        let handle = client.create(&at("d/a"), 0o600).wait().unwrap();
        assert!(client.create(&at("d/a"), 0o600).wait().is_err(), "an existing name stays");
        let content: Vec<u8> = (0..2_000_003_u32).map(|byte| (byte % 251).to_be_bytes()[3]).collect();
        let mut writing = client.writing(handle);
        content.chunks(300_000).for_each(|part| writing.write(part).unwrap());
        writing.skip(5);
        let size = content.len() as u64 + 5;
        assert_eq!(client.fstat(writing.handle()).wait().unwrap().size, Some(size - 5));
        let last = Attributes { size: Some(size), mode: Some(0o640), times: Some((5, 7)), owner: None };
        writing.finish(&last, true).unwrap();
        let stat = std::fs::metadata(dir.join("d/a")).unwrap();
        assert_eq!((stat.len(), stat.mode() & 0o777, stat.mtime()), (size, 0o640, 7));
        assert_eq!(std::fs::read(dir.join("d/a")).unwrap(), [&content[..], &[0; 5]].concat());
        client.link(&at("d/a"), &at("b")).wait().unwrap();
        assert_eq!(std::fs::metadata(dir.join("b")).unwrap().ino(), stat.ino());
        client.make_symlink(b"d/a", &at("link")).wait().unwrap();
        client
            .set_link(&at("link"), &Attributes { times: Some((1, 2)), ..Attributes::default() })
            .wait()
            .unwrap();
        assert_eq!(std::fs::symlink_metadata(dir.join("link")).unwrap().mtime(), 2);
        assert_eq!(client.read_link(&at("link")).wait().unwrap(), b"d/a");
        assert!(client.rename_new(&at("link"), &at("b")).wait().is_err(), "an existing name stays");
        client.rename(&at("link"), &at("b")).wait().unwrap();
        client.set(&at("d"), &Attributes { mode: Some(0o711), ..Attributes::default() }).wait().unwrap();
        assert_eq!(client.lstat(&at("d")).wait().unwrap().mode, Some(0o040_711));
        client.remove(&at("b")).wait().unwrap();
        assert_eq!(client.remove_dir(&at("d")).wait().unwrap_err().kind(), io::ErrorKind::Other);
        client.remove(&at("d/a")).wait().unwrap();
        client.remove_dir(&at("d")).wait().unwrap();
        assert_eq!(client.lstat(&at("d")).wait().unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "tests look at their trees by path")]
    fn extensions_do_what_they_say() {
        let Some((client, dir)) = connected() else { return };
        let at = |name: &str| dir.join(name).to_str().unwrap().as_bytes().to_vec();
        let extensions = client.extensions();
        assert!(extensions.posix_rename && extensions.hardlink && extensions.fsync && extensions.lsetstat);
        let room = client.room(&at("")).wait().unwrap();
        assert!(room.total >= room.available && room.total > 0, "{room:?}");
        if extensions.users_groups_by_id {
            let (users, groups) = client.names_by_id(&[0, 4_000_000_000], &[0]).wait().unwrap();
            assert_eq!((users, groups.len()), (vec![b"root".to_vec(), Vec::new()], 1));
        }
        if extensions.copy_data {
            std::fs::write(dir.join("from"), "0123456789").unwrap();
            let from = client.open(&at("from")).wait().unwrap();
            let to = client.create(&at("to"), 0o600).wait().unwrap();
            client.copy(&from, (2, 5), &to, 0).wait().unwrap();
            client.sync(&to).wait().unwrap();
            client.set_open(&to, &Attributes { size: Some(3), ..Attributes::default() }).wait().unwrap();
            assert_eq!(std::fs::read(dir.join("to")).unwrap(), b"234");
        }
    }
}
