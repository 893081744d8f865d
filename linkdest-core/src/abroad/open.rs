//! Connecting to a repository on a server, and making one.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::RemoteRepository;
use super::files::{if_there, join};
use crate::entry::Kind;
use crate::error::{Error, ErrorKind, Result};
use crate::monitor::StopFlag;
use crate::path::Escaped;
use crate::repository::{Capabilities, Settings};
use crate::sftp::{Address, Attributes, Client, Ssh};

/// A server that was reached, and the place there.
struct Reached {
    client: Arc<Client>,
    root: Vec<u8>,
    address: PathBuf,
}

impl RemoteRepository {
    /// Connects to the server of an address, `sftp://[USER@]HOST[:PORT]/PATH`, and opens the repository there.
    ///
    /// # Errors
    /// [`Connection`](ErrorKind::Connection); [`NotARepository`](ErrorKind::NotARepository) if there is none;
    /// [`InvalidOption`](ErrorKind::InvalidOption) for an address that cannot be used.
    pub fn open(address: impl AsRef<Path>, ssh: &Ssh, stop: &StopFlag) -> Result<Self> {
        let reached = reach(address.as_ref(), ssh, stop)?;
        let path = reached.address.clone();
        open_at(reached)?.map_err(|_| {
            Error::new(
                ErrorKind::NotARepository,
                path,
                "not a linkdest repository; `replicate --init` makes one (is the disk mounted that it should be on?)",
            )
        })
    }

    /// Opens the repository, or makes it; with `dry`, only says whether that could be done.
    pub(crate) fn open_or_init(
        address: &Path,
        ssh: &Ssh,
        dry: bool,
        stop: &StopFlag,
    ) -> Result<Option<Self>> {
        let reached = match open_at(reach(address, ssh, stop)?)? {
            Ok(repository) => return Ok(Some(repository)),
            Err(reached) => reached,
        };
        refuse_what_is_missing(&reached)?;
        let is_there = refuse_content(&reached)?;
        if dry {
            return Ok(None);
        }
        init(reached, is_there).map(Some)
    }

    /// Refuses a server that cannot do what a replica needs.
    ///
    /// What SFTP cannot keep would be missed by everybody who looks at a repository that can hold it.
    pub(crate) fn check_server(&self) -> Result<()> {
        refuse_lacking(&self.client, &self.address)?;
        let held = self.capabilities();
        let more = held.time_granularity < Capabilities::remote(true, true, true).time_granularity
            || held.user_xattrs
            || held.trusted_xattrs
            || held.security_xattrs
            || held.acls;
        if more {
            let message = "was made where it lies, and holds times and attributes that SFTP cannot: replicate into one \
                           that `replicate --init` made by SFTP";
            return Err(Error::new(ErrorKind::InvalidOption, &self.address, message));
        }
        Ok(())
    }

    /// Finds out what can be stored in a directory of ours, and who owns what is made there.
    pub(crate) fn probe(&self, dir: &[u8]) -> Result<(Capabilities, (u32, u32))> {
        probe(&self.client, &self.address, dir)
    }
}

fn reach(address: &Path, ssh: &Ssh, stop: &StopFlag) -> Result<Reached> {
    let asked = Address::parse(address)?;
    let client = Arc::new(Client::connect(&asked, ssh, stop)?);
    let address = asked.canonical();
    let failed = |error| Error::io("find", &address, error);
    // What is not there has no real path with some servers.
    let root = match client.real_path(&asked.path).wait() {
        Ok(root) => root,
        Err(error) if Error::within(&error).is_some() => return Err(failed(error)),
        Err(_) if asked.path.starts_with(b"/") => asked.path.clone(),
        Err(_) => join(&client.real_path(b".").wait().map_err(failed)?, &asked.path),
    };
    Ok(Reached { client, root, address })
}

fn open_at(reached: Reached) -> Result<std::result::Result<RemoteRepository, Reached>> {
    let Reached { client, root, address } = reached;
    let place = address.join(".linkdest/repository.toml");
    let settings = Settings::none();
    let mut repository = RemoteRepository { client, root, address, settings };
    let failed = |error| Error::io_as(ErrorKind::DamagedRecord, "read", &place, error);
    let text = repository.read_small(&repository.own("repository.toml")).map_err(failed)?;
    let Some(text) = text else {
        let RemoteRepository { client, root, address, .. } = repository;
        return Ok(Err(Reached { client, root, address }));
    };
    let text =
        String::from_utf8(text).map_err(|error| failed(io::Error::new(io::ErrorKind::InvalidData, error)))?;
    repository.settings = Settings::parse(&repository.address, &text)?;
    Ok(Ok(repository))
}

fn refuse_lacking(client: &Client, address: &Path) -> Result<()> {
    let extensions = client.extensions();
    let lacking = [
        (extensions.hardlink, "make hard links", "hardlink@openssh.com"),
        (extensions.posix_rename, "replace a file in one step", "posix-rename@openssh.com"),
    ];
    match lacking.into_iter().find(|(has, ..)| !has) {
        None => Ok(()),
        Some((_, what, extension)) => {
            let message =
                format!("the server cannot {what} ({extension}), without which there is no repository");
            Err(Error::new(ErrorKind::NoHardLinks, address, message))
        }
    }
}

fn refuse_what_is_missing(reached: &Reached) -> Result<()> {
    refuse_lacking(&reached.client, &reached.address)
}

/// A directory with something in it is not taken over by mistake. Says whether it is there.
fn refuse_content(reached: &Reached) -> Result<bool> {
    let Reached { client, root, address } = reached;
    let failed = |error| Error::io("look at", address, error);
    let Some(told) = if_there(client.stat(root).wait()).map_err(failed)? else { return Ok(false) };
    if told.kind() != Some(Kind::Directory) {
        return Err(Error::new(ErrorKind::NotEmpty, address, "is no directory"));
    }
    let handle = client.open_dir(root).wait().map_err(failed)?;
    let ignored: [&[u8]; 3] = [b"lost+found", b"System Volume Information", b"$RECYCLE.BIN"];
    while let Some(names) = client.read_dir(&handle).wait().map_err(failed)? {
        let content = names.iter().find(|one| !one.name.starts_with(b".") && !ignored.contains(&one.name));
        if let Some(one) = content {
            let message = format!(
                "not empty (it holds {:?}); a repository begins in an empty directory",
                Escaped(one.name).to_string()
            );
            return Err(Error::new(ErrorKind::NotEmpty, address, message));
        }
    }
    drop(client.close(&handle));
    Ok(true)
}

fn init(reached: Reached, is_there: bool) -> Result<RemoteRepository> {
    let Reached { client, root, address } = reached;
    let failed = |operation| {
        let address = address.clone();
        move |error| Error::io(operation, address, error)
    };
    if !is_there {
        client.make_dir(&root, 0o700).wait().map_err(failed("make directory"))?;
    }
    let control = join(&root, b".linkdest");
    let mut repository =
        RemoteRepository { client, root, address: address.clone(), settings: Settings::none() };
    let made = repository.make_if_absent(&control).map_err(failed("make directory")).and_then(|()| {
        let (capabilities, _) = repository.probe(&control)?;
        let settings = Settings::new(capabilities).map_err(failed("make a name for"))?;
        let text = settings.to_text().map_err(failed("write"))?;
        repository
            .write_small(&repository.own("repository.toml"), text.as_bytes())
            .map_err(failed("write"))?;
        Ok(settings)
    });
    match made {
        Ok(settings) => {
            repository.settings = settings;
            Ok(repository)
        }
        Err(error) => {
            // It was empty and is ours; that it cannot be removed would only hide the error that counts.
            let _ = repository.client.remove_dir(&control).wait();
            if !is_there {
                let _ = repository.client.remove_dir(&repository.root).wait();
            }
            Err(error)
        }
    }
}

/// Tries everything in a directory that is ours alone, and leaves nothing behind.
fn probe(client: &Client, address: &Path, dir: &[u8]) -> Result<(Capabilities, (u32, u32))> {
    let [file, link] = [join(dir, b"probe-file"), join(dir, b"probe-link")];
    let clear = || [&file, &link].map(|path| client.remove(path)).map(crate::sftp::Asked::wait);
    let _ = clear();
    let tried = try_all(client, address, (&file, &link));
    let _ = clear();
    tried
}

fn try_all(
    client: &Client,
    address: &Path,
    (file, link): (&[u8], &[u8]),
) -> Result<(Capabilities, (u32, u32))> {
    let failed = |error| Error::io("probe", address, error);
    let handle = client.create(file, 0o600).wait().map_err(failed)?;
    client.close(&handle).wait().map_err(failed)?;
    let look = |path: &[u8]| client.lstat(path).wait().map_err(failed);
    let born = look(file)?.owner.unwrap_or_default();
    let no_links = |error: io::Error| {
        Error::io_as(ErrorKind::NoHardLinks, "keep hard links there: link", address, error)
    };
    client.link(file, link).wait().map_err(no_links)?;
    let set = |attributes: Attributes| match client.set(file, &attributes).wait() {
        Err(error) if Error::within(&error).is_some() => Err(failed(error)),
        set => Ok(set.is_ok()),
    };
    let mode = |mode| Attributes { mode: Some(mode), ..Attributes::default() };
    let mut modes = true;
    for wanted in [0o640, 0o600] {
        let is_set = set(mode(wanted))?;
        let is = |told: Attributes| told.mode.is_some_and(|mode| mode & 0o7777 == wanted);
        modes &= is_set && is(look(file)?);
        if modes && !is(look(link)?) {
            return Err(no_links(io::Error::other("the new name is another file")));
        }
    }
    let owner = |owner| Attributes { owner: Some(owner), ..Attributes::default() };
    let owners = set(owner((1, 1)))? && look(file)?.owner == Some((1, 1));
    set(owner(born))?;
    client.remove(link).wait().map_err(failed)?;
    let symlinks = match client.make_symlink(b"target", link).wait() {
        Err(error) if Error::within(&error).is_some() => return Err(failed(error)),
        made => made.is_ok() && client.read_link(link).wait().is_ok_and(|to| to == b"target"),
    };
    Ok((Capabilities::remote(symlinks, owners, modes), born))
}
