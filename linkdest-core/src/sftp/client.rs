//! A connection to a server: what it can do, and what it can be asked. Paths and names are bytes.

use std::io;
use std::sync::{Arc, Mutex};

use super::address::Address;
use super::asked::{self, Asked};
use super::attributes::Attributes;
use super::budget::{Budget, Share};
use super::exchange::Exchange;
use super::reply::{self, Data, Names};
use super::revival::{Lives, greet};
use super::ssh::Ssh;
use super::transport::Transport;
use super::wire::{Request, kind};
use crate::error::{Error, Result};
use crate::monitor::StopFlag;

/// A connection to an SFTP server, for many threads.
///
/// Each call sends its request at once and returns; the answer is waited for with [`Asked::wait`].
pub(crate) struct Client {
    pub(super) exchange: Arc<Exchange>,
    /// The program that leads to the server.
    pub(super) transport: Mutex<Option<Transport>>,
    pub(super) lives: Mutex<Lives>,
    pub(super) address: Address,
    pub(super) ssh: Ssh,
    extensions: Extensions,
    limits: Limits,
    /// Files and directories that may be open on the server.
    pub handles: Budget,
    /// Bytes that may be on their way or waiting to be taken.
    pub bytes: Budget,
}

/// What a server has beyond SFTP 3.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Extensions {
    pub posix_rename: bool,
    pub hardlink: bool,
    pub fsync: bool,
    pub statvfs: bool,
    pub lsetstat: bool,
    pub limits: bool,
    pub copy_data: bool,
    pub users_groups_by_id: bool,
}

/// How much a server takes, in bytes but for the handles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    pub packet: usize,
    pub read: usize,
    pub write: usize,
    pub handles: usize,
}

/// What every server must take (draft-ietf-secsh-filexfer-02, section 3); most leave 1,000 files open.
const LEAST: Limits = Limits { packet: 34_000, read: 32_768, write: 32_768, handles: 128 };
/// More is never asked for at once.
const MOST: Limits = Limits { packet: 256 << 10, read: 255 << 10, write: 255 << 10, handles: 1000 };
/// So much may be on its way, in bytes.
const UNDER_WAY: usize = 32 << 20;

/// An open file or directory on the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Handle(pub(super) Vec<u8>, pub(super) Option<u64>);

impl Handle {
    /// The connection on which it was opened.
    pub(super) fn connection(&self) -> Option<u64> {
        self.1
    }
}

/// The room on a file system of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    /// In bytes.
    pub total: u64,
    /// What this user may still write, in bytes.
    pub available: u64,
    /// What tells the file system from others there; 0 is unknown.
    pub id: u64,
}

const READ: u32 = 1;

impl Client {
    /// Connects, and finds out what the server can do.
    ///
    /// # Errors
    /// [`ErrorKind::Connection`](crate::ErrorKind::Connection), with what the program said that leads there.
    pub fn connect(address: &Address, ssh: &Ssh, stop: &StopFlag) -> Result<Self> {
        let (mut command, name) = (ssh.to_command(address)?, address.canonical());
        let exchange = Arc::new(Exchange::new(name.clone(), stop.clone(), ssh.silence()));
        let transport = Transport::start(&mut command, !ssh.is_interactive(), &exchange, &name)?;
        let failed =
            |error: io::Error| Error::within(&error).unwrap_or_else(|| Error::io("connect to", &name, error));
        let extensions = greet(&exchange).map_err(failed)?;
        exchange.open();
        let mut client = Self {
            exchange,
            transport: Mutex::new(Some(transport)),
            lives: Lives::new(ssh.most_attempts()),
            address: address.clone(),
            ssh: ssh.clone(),
            extensions,
            limits: LEAST,
            handles: Budget::new(LEAST.handles),
            bytes: Budget::new(UNDER_WAY),
        };
        if extensions.limits {
            let told = client
                .ask(Request::extended("limits@openssh.com"), |raw| asked::extended(raw, reply::longs::<4>));
            match told.wait() {
                Ok(told) => client.limits = Limits::of(told),
                Err(error) if Error::within(&error).is_some() => return Err(failed(error)),
                Err(_) => {}
            }
            client.handles = Budget::new(client.limits.handles);
        }
        Ok(client)
    }

    pub fn extensions(&self) -> Extensions {
        self.extensions
    }

    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Gives the connection up because of something that no server may say.
    pub fn distrust(&self, what: &'static str) -> io::Error {
        self.exchange.distrust(reply::Malformed(what))
    }

    #[expect(clippy::needless_pass_by_value, reason = "a request is made for its one sending")]
    pub(super) fn ask<T>(
        &self,
        request: Request,
        meaning: impl FnOnce(reply::Raw) -> std::result::Result<io::Result<T>, reply::Malformed> + Send + 'static,
    ) -> Asked<T> {
        let sent = self.check(&request).and_then(|()| self.exchange.send(&request));
        Asked::new(&self.exchange, sent, meaning)
    }

    /// Refuses what no server of this one's limits can take.
    pub(super) fn check(&self, request: &Request) -> io::Result<()> {
        if request.len() > self.limits.packet {
            let message = "a path that is too long for the server";
            return Err(io::Error::new(io::ErrorKind::InvalidFilename, message));
        }
        Ok(())
    }

    /// Opens something, which is good on this connection alone.
    pub(super) fn ask_to_open(&self, request: Request) -> Asked<Handle> {
        let connection = self.exchange.connection();
        self.ask(request, move |raw| opened_on(raw, connection))
    }

    /// The absolute path of a path, symlinks resolved.
    pub fn real_path(&self, path: &[u8]) -> Asked<Vec<u8>> {
        self.ask(Request::new(kind::REALPATH).string(path), asked::path)
    }

    /// What a path leads to.
    pub fn stat(&self, path: &[u8]) -> Asked<Attributes> {
        self.ask(Request::new(kind::STAT).string(path), asked::attributes)
    }

    /// What is at a path, symlinks not followed.
    pub fn lstat(&self, path: &[u8]) -> Asked<Attributes> {
        self.ask(looking(path), asked::attributes)
    }

    /// The target of a symlink.
    pub fn read_link(&self, path: &[u8]) -> Asked<Vec<u8>> {
        self.ask(Request::new(kind::READLINK).string(path), asked::path)
    }

    /// Opens a file for reading. The server follows a symlink in its place.
    pub fn open(&self, path: &[u8]) -> Asked<Handle> {
        self.ask_to_open(opening_to_read(path))
    }

    /// Opens a directory for listing.
    pub fn open_dir(&self, path: &[u8]) -> Asked<Handle> {
        self.ask_to_open(opening_to_list(path))
    }

    /// The next names of a directory; `None` at its end.
    pub fn read_dir(&self, handle: &Handle) -> Asked<Option<Names>> {
        self.ask(listing(handle), asked::names)
    }

    /// Some bytes of a file, as many as were asked for or fewer; `None` at its end.
    pub fn read(&self, handle: &Handle, offset: u64, length: usize) -> Asked<Option<Data>> {
        let (request, length) = self.reading(handle, offset, length);
        self.ask(request, move |raw| asked::data(raw, length))
    }

    /// A request for so many bytes of a file, or as many as the server gives at once.
    pub(super) fn reading(&self, handle: &Handle, offset: u64, length: usize) -> (Request, usize) {
        let length = length.min(self.limits.read);
        let request = Request::new(kind::READ).on(handle.connection()).answered_by(length);
        (request.string(&handle.0).long(offset).number(number(length)), length)
    }

    /// The room on the file system that a path is on (`statvfs@openssh.com`).
    pub fn room(&self, path: &[u8]) -> Asked<Room> {
        self.ask(Request::extended("statvfs@openssh.com").string(path), |raw| {
            asked::extended(raw, |body| {
                let [_, unit, blocks, _, available, _, _, _, id, _, _] = reply::longs::<11>(body)?;
                let bytes = |blocks: u64| blocks.saturating_mul(unit);
                Ok(Room { total: bytes(blocks), available: bytes(available), id })
            })
        })
    }

    /// Closes a file or a directory.
    pub fn close(&self, handle: &Handle) -> Asked<()> {
        self.ask(closing(handle), asked::done)
    }
}

impl Extensions {
    /// Says whether a listing tells what is there when it is asked for: OpenSSH (8.0 and later) looks at each name then, as
    /// LSTAT does. Others may tell what they knew before.
    pub fn lists_afresh(self) -> bool {
        self.lsetstat
    }

    pub(super) fn of(offered: &[(&[u8], &[u8])]) -> Self {
        let has = |name: &str| offered.iter().any(|(offered, _)| *offered == name.as_bytes());
        Self {
            posix_rename: has("posix-rename@openssh.com"),
            hardlink: has("hardlink@openssh.com"),
            fsync: has("fsync@openssh.com"),
            statvfs: has("statvfs@openssh.com"),
            lsetstat: has("lsetstat@openssh.com"),
            limits: has("limits@openssh.com"),
            copy_data: has("copy-data"),
            users_groups_by_id: has("users-groups-by-id@openssh.com"),
        }
    }
}

impl Limits {
    /// Takes what a server says; 0 is unknown.
    fn of([packet, read, write, handles]: [u64; 4]) -> Self {
        let bounded = |told: u64, least: usize, most: usize| match usize::try_from(told).unwrap_or(most) {
            0 => least,
            told => told.min(most),
        };
        let packet = bounded(packet, LEAST.packet, MOST.packet).max(LEAST.packet);
        let room = packet - 1024;
        Self {
            packet,
            read: bounded(read, LEAST.read, MOST.read).clamp(1024, room),
            write: bounded(write, LEAST.write, MOST.write).clamp(1024, room),
            // Some stay free for what else the server has open.
            handles: (bounded(handles, LEAST.handles, MOST.handles) * 3 / 4).max(4),
        }
    }
}

pub(super) fn opening(path: &[u8], flags: u32, attributes: &Attributes) -> Request {
    Request::new(kind::OPEN).string(path).number(flags).plain(&attributes.encoded())
}

pub(super) fn opening_to_read(path: &[u8]) -> Request {
    opening(path, READ, &Attributes::default())
}

pub(super) fn looking(path: &[u8]) -> Request {
    Request::new(kind::LSTAT).string(path)
}

pub(super) fn listing(handle: &Handle) -> Request {
    Request::new(kind::READDIR).on(handle.connection()).string(&handle.0)
}

pub(super) fn closing(handle: &Handle) -> Request {
    Request::new(kind::CLOSE).on(handle.connection()).string(&handle.0)
}

pub(super) fn opened(raw: reply::Raw) -> std::result::Result<io::Result<Handle>, reply::Malformed> {
    asked::handle(raw).map(|handle| handle.map(|handle| Handle(handle, None)))
}

/// What was opened on a connection.
pub(super) fn opened_on(
    raw: reply::Raw,
    connection: u64,
) -> std::result::Result<io::Result<Handle>, reply::Malformed> {
    opened(raw).map(|handle| handle.map(|handle| Handle(handle.0, Some(connection))))
}

pub(super) fn opening_to_list(path: &[u8]) -> Request {
    Request::new(kind::OPENDIR).string(path)
}

pub(super) fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

impl Client {
    /// Says whether nothing more can be had: the connection is lost, or the run is to stop.
    pub fn is_over(&self) -> bool {
        self.exchange.is_over()
    }

    /// Takes a share of the handles, waiting for one.
    pub fn take_handle(&self) -> io::Result<Share> {
        loop {
            if let Some(share) = self.handles.take(1, || self.is_over()) {
                return Ok(share);
            }
            // Somebody may have made the connection anew by now.
            if self.is_over() {
                return Err(self.lost_error());
            }
        }
    }

    /// The error of what cannot be asked any more.
    pub fn lost_error(&self) -> io::Error {
        self.exchange.lost_error()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_believed_within_reason() {
        for (told, expected) in [
            ([0, 0, 0, 0], Limits { handles: 96, ..LEAST }),
            (
                [262_144, 261_120, 261_120, 1019],
                Limits { packet: 262_144, read: 261_120, write: 261_120, handles: 750 },
            ),
            ([u64::MAX; 4], Limits { handles: 750, ..MOST }),
            ([1, 1, 1, 1], Limits { packet: 34_000, read: 1024, write: 1024, handles: 4 }),
        ] {
            assert_eq!(Limits::of(told), expected, "{told:?}");
        }
    }
}
