//! A source at the far end of an SFTP connection.
//!
//! What the server tells with the names of a directory is all that is known of its entries: times in whole seconds, no
//! inodes, no change times, no extended attributes. Nothing there keeps a server from following a symlink that took the
//! place of what was looked at; whatever was opened is looked at once more, by name, after it was read.

mod again;
mod clock;
mod contents;
mod directory;
mod file;
mod listed;
mod missing;
mod oddities;
mod parts;

pub(crate) use directory::SftpDir;
pub(crate) use file::SftpFile;
pub(crate) use oddities::Kept;

use std::ffi::{CStr, CString};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use clock::Clock;
use directory::Told;

use super::{KnownXattrs, Opened, RuleFile, Source};
use crate::entry::{FileId, Kind, Metadata, Timestamp};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::FileSystemId;
use crate::monitor::StopFlag;
use crate::os::{Listing, XattrBuffer, effective_ids};
use crate::policy::attributes::Reach;
use crate::sftp::{Address, Attributes, Client, Ssh};

/// So many directories are looked at at once: threads wait most of the time.
const THREADS: usize = 48;
/// SFTP tells whole seconds, in nanoseconds.
const SECOND: u32 = 1_000_000_000;

/// A tree on a server. Clones share the connection.
#[derive(Clone)]
pub(crate) struct SftpSource {
    client: Arc<Client>,
    /// The absolute path of the root on the server.
    root: Vec<u8>,
    kept: Kept,
    /// File systems are told apart.
    mounts: bool,
    /// Who owns what has no owner, or whose owner is not kept.
    born: (u32, u32),
    clock: Arc<Clock>,
}

/// The modes of what has none, or whose mode is not kept: private, since nobody knows who may read it.
const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;

impl SftpSource {
    /// Connects to a server and finds the root there. `asked` says what is to be kept, where that was said.
    pub fn connect(
        address: &Address,
        ssh: &Ssh,
        asked: (Option<bool>, Option<bool>),
        one_file_system: bool,
        stop: &StopFlag,
    ) -> Result<(Self, Vec<&'static str>)> {
        let client = Arc::new(Client::connect(address, ssh, stop)?);
        let name = address.canonical();
        let failed = |error: io::Error| {
            let kind = match error.kind() {
                io::ErrorKind::NotADirectory => ErrorKind::SourceNotADirectory,
                _ => ErrorKind::SourceUnreadable,
            };
            Error::within(&error).unwrap_or_else(|| Error::io_as(kind, "read the source: open", &name, error))
        };
        let mounts = one_file_system;
        let indistinct =
            || Error::option("this server does not tell file systems apart: staying on one is not possible");
        if mounts && !client.extensions().statvfs {
            return Err(indistinct());
        }
        let root = client.real_path(&address.path).wait().map_err(failed)?;
        let born = effective_ids();
        let mut source = Self { client, root, kept: Kept::default(), mounts, born, clock: Arc::default() };
        let opened = source.open_root().map_err(failed)?;
        // FUSE gives the number 0 to all of its file systems, and so do some servers.
        if mounts && opened.metadata.mount == Some(0) {
            return Err(indistinct());
        }
        opened.dir.first_names().map_err(failed)?;
        let (kept, remarks) = Kept::found(&opened.dir, asked);
        source.kept = kept;
        Ok((source, remarks))
    }

    /// The absolute path of the root on the server.
    pub fn place(&self) -> PathBuf {
        use crate::native::OsStrExt as _;
        std::ffi::OsStr::from_bytes(&self.root).into()
    }

    /// Asks what may be asked twice, once more where the connection was lost and made anew.
    fn persistently<T>(&self, ask: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        self.client.persistently(ask)
    }

    /// What has a path now, symlinks not followed.
    fn look_at(&self, path: &[u8]) -> io::Result<Attributes> {
        self.persistently(|| self.client.lstat(path).wait())
    }

    /// What the server told of an entry, as the rest knows it; `letter` says its kind where the mode does not.
    fn metadata(&self, told: &Attributes, letter: Option<u8>) -> Option<Metadata> {
        let kind = told.kind().or_else(|| letter.and_then(kind_of_letter))?;
        let size = told.size.or((kind != Kind::File).then_some(0))?;
        let (_, mtime) = told.times?;
        let mode = match told.mode.filter(|_| self.kept.modes) {
            Some(mode) => mode & 0o7777,
            None if kind == Kind::Directory => DIRECTORY_MODE,
            None => FILE_MODE,
        };
        let (uid, gid) = told.owner.filter(|_| self.kept.owners).unwrap_or(self.born);
        let mtime = Timestamp { seconds: i64::from(mtime), nanos: 0 };
        let file = Metadata { ctime: None, ..Metadata::file(size, mtime) };
        Some(Metadata { kind, mode, uid, gid, ..file })
    }

    /// What the server told, or the error of what cannot be saved from there.
    fn known(&self, told: &Attributes, letter: Option<u8>) -> io::Result<Metadata> {
        match self.metadata(told, letter) {
            Some(Metadata { kind: Kind::BlockDevice | Kind::CharDevice, .. }) => {
                Err(io::Error::new(io::ErrorKind::Unsupported, "a device, whose numbers SFTP does not tell"))
            }
            Some(metadata) => Ok(metadata),
            None => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "the server does not tell its kind, its size and its time",
            )),
        }
    }
}

/// The kind that `ls -l` shows with this letter.
fn kind_of_letter(letter: u8) -> Option<Kind> {
    match letter {
        b'-' => Some(Kind::File),
        b'd' => Some(Kind::Directory),
        b'l' => Some(Kind::Symlink),
        b'p' => Some(Kind::Fifo),
        b's' => Some(Kind::Socket),
        b'b' => Some(Kind::BlockDevice),
        b'c' => Some(Kind::CharDevice),
        _ => None,
    }
}

/// The error for an entry that is no longer what it was looked at as.
fn replaced() -> io::Error {
    io::Error::new(io::ErrorKind::StaleNetworkFileHandle, "it was replaced by something else meanwhile")
}

/// The path of a name in a directory.
fn child(path: &[u8], name: &CStr) -> Vec<u8> {
    let slash: &[u8] = if path.ends_with(b"/") { b"" } else { b"/" };
    [path, slash, name.to_bytes()].concat()
}

impl Source for SftpSource {
    type Dir = SftpDir;
    type File = SftpFile;

    fn is_here(&self) -> bool {
        false
    }

    fn threads(&self) -> Option<usize> {
        Some(THREADS)
    }

    fn lag(&self) -> Option<i64> {
        self.clock.lag()
    }

    fn remark(&self) -> Option<&'static str> {
        let revived = "the connection was lost while the source was read, and made anew";
        (self.client.revivals() > 0).then_some(revived)
    }

    fn limit(&self, reach: Reach) -> Reach {
        Reach {
            owner: reach.owner && self.kept.owners,
            user_xattrs: false,
            trusted_xattrs: false,
            security_xattrs: false,
            acls: false,
            granularity: reach.granularity.max(SECOND),
            ..reach
        }
    }

    fn open_root(&self) -> io::Result<Opened<SftpDir>> {
        self.open_directory(&self.root, Told::Root)
    }

    fn open_dir(&self, parent: &SftpDir, name: &CStr) -> io::Result<Opened<SftpDir>> {
        let opened = self.open_directory(&child(parent.path(), name), parent.told_of(name));
        opened.map_err(|error| self.explain_missing_one(parent, name, error))
    }

    fn enter_root(&self) -> io::Result<SftpDir> {
        Ok(SftpDir::unlisted(self.root.clone()))
    }

    fn enter_dir(&self, parent: &SftpDir, name: &CStr) -> io::Result<SftpDir> {
        let path = child(parent.path(), name);
        let metadata = self.known(&self.look_at(&path)?, None)?;
        if metadata.kind == Kind::Directory { Ok(SftpDir::unlisted(path)) } else { Err(replaced()) }
    }

    fn reopen_parent(&self, below: &SftpDir, _: FileId) -> io::Result<SftpDir> {
        let path = below.path();
        let slash = path.iter().rposition(|&byte| byte == b'/').unwrap_or_default();
        Ok(SftpDir::unlisted(path.get(..slash.max(1)).unwrap_or(b"/").to_vec()))
    }

    fn reopen(&self, parent: &SftpDir, name: &CStr, _: FileId) -> io::Result<SftpDir> {
        Ok(SftpDir::unlisted(child(parent.path(), name)))
    }

    fn file_system(&self, _: &SftpDir) -> io::Result<FileSystemId> {
        // Inodes are unknown: a known file system would make all of them the same one.
        Err(io::ErrorKind::Unsupported.into())
    }

    fn list(&self, dir: &SftpDir, listing: &mut Listing) -> io::Result<()> {
        self.list_directory(dir, listing)
    }

    fn is_empty(&self, dir: &SftpDir) -> io::Result<bool> {
        dir.first_names().map(|any| !any)
    }

    fn stat(&self, dir: &SftpDir, names: &[&CStr], answer: &mut dyn FnMut(usize, io::Result<Metadata>)) {
        self.look(dir, names, answer);
    }

    fn contents(
        &self,
        dir: &SftpDir,
        wanted: &[(&CStr, &Metadata)],
        answer: &mut dyn FnMut(usize, io::Result<(SftpFile, Metadata)>),
    ) {
        self.open_files(dir, wanted, answer);
    }

    fn rule_file(&self, dir: &SftpDir, name: &CStr) -> io::Result<RuleFile> {
        self.read_rule_file(dir, name)
    }

    fn target(&self, dir: &SftpDir, name: &CStr) -> io::Result<CString> {
        let asked = dir.take_target(name).unwrap_or_else(|| self.client.read_link(&child(dir.path(), name)));
        let target = match asked.wait() {
            Err(error) if self.client.revive(&error) => {
                self.persistently(|| self.client.read_link(&child(dir.path(), name)).wait())
            }
            target => target,
        };
        let target = target.map_err(|error| self.explain_missing_one(dir, name, error))?;
        Ok(CString::new(target)?)
    }

    fn xattrs(
        &self,
        _: &SftpDir,
        _: Option<&CStr>,
        _: &Reach,
        _: &mut XattrBuffer,
    ) -> io::Result<KnownXattrs> {
        Ok(KnownXattrs::default())
    }
}
