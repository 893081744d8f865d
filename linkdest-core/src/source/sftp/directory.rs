//! A directory on a server: opened, then listed with what is told of each name.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::listed::Listed;
use super::missing::unreachable;
use super::parts::Parts;
use super::{SftpSource, child, kind_of_letter, replaced};
use crate::entry::{Kind, Metadata};
use crate::error::Error;
use crate::os::Listing;
use crate::sftp::{Asked, Attributes, Client, Handle, Share};
use crate::source::{Opened, RuleFile, Source as _};

/// A directory on a server.
pub(crate) struct SftpDir {
    path: Vec<u8>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What is told of the directory itself.
    told: Attributes,
    /// It is open, and the names in `listed` are not all.
    open: Option<Open>,
    /// What was listed; `None` where it was opened again, or could not be listed.
    listed: Option<Listed>,
    /// Why the listing is not whole.
    broken: Option<io::Error>,
    /// All that there is was listed, and is sorted.
    is_whole: bool,
    /// Targets of symlinks that were asked for.
    targets: HashMap<CString, Asked<Vec<u8>>>,
    /// How often its names were read once more.
    looks: u32,
}

impl SftpDir {
    /// A directory of which only the path is known.
    pub(super) fn unlisted(path: Vec<u8>) -> Self {
        Self { path, state: Mutex::default() }
    }

    pub(super) fn path(&self) -> &[u8] {
        &self.path
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was told of the directory, and of each name so far.
    pub(super) fn told(&self) -> (Attributes, Vec<(Attributes, Option<u8>)>) {
        let state = self.state();
        let entries = state.listed.iter().flat_map(Listed::entries);
        (state.told, entries.map(|one| (one.attributes, one.letter)).collect())
    }

    /// Reads the first names, if none were read yet; says whether there are any.
    pub(super) fn first_names(&self) -> io::Result<bool> {
        let mut state = self.state();
        let State { open, listed, broken, .. } = &mut *state;
        if let (Some(open), Some(listed)) = (open, listed.as_mut()) {
            // The first part may have nothing but `.` and `..`.
            while broken.is_none() && listed.entries().is_empty() && open.add_next(listed, broken)? {}
        }
        if let Some(error) = broken.take() {
            return Err(error);
        }
        // What may not be listed is not known to be empty.
        Ok(listed.as_ref().is_none_or(|listed| !listed.entries().is_empty()))
    }

    /// What the listing told of a name.
    pub(super) fn told_of(&self, name: &CStr) -> Told {
        let mut state = self.state();
        let told = state.listed.as_mut().and_then(|listed| listed.find(name));
        told.map_or(Told::Nothing, |(told, _)| Told::Listed(told))
    }

    /// How many names it has, where all of them were listed.
    pub(super) fn names(&self) -> Option<usize> {
        let state = self.state();
        state.listed.as_ref().filter(|_| state.is_whole).map(|listed| listed.entries().len())
    }

    /// The target of a symlink that was asked for already.
    pub(super) fn take_target(&self, name: &CStr) -> Option<Asked<Vec<u8>>> {
        self.state().targets.remove(name)
    }

    /// Counts one more look at what has its names by now.
    pub(super) fn looks(&self) -> u32 {
        let mut state = self.state();
        state.looks += 1;
        state.looks
    }
}

impl SftpSource {
    /// Opens a directory. Only the operator's own path may be a symlink. What the listing of its parent told of it is
    /// enough where the directory itself has it as well.
    pub(super) fn open_directory(&self, path: &[u8], told: Told) -> io::Result<Opened<SftpDir>> {
        self.persistently(|| self.open_directory_once(path.to_owned(), told))
    }

    fn open_directory_once(&self, path: Vec<u8>, told: Told) -> io::Result<Opened<SftpDir>> {
        let client = &self.client;
        let share = client.take_handle()?;
        let look = || if told == Told::Root { client.stat(&path) } else { client.lstat(&path) };
        // The root may be a symlink; what it tells is from before it is listed.
        let first = (told == Told::Root).then(look);
        let (opened, parts) = Parts::begin(client, &path);
        // Both at once: what is opened is not a symlink, unless somebody was very quick.
        let looked = if told == Told::Nothing { Some(look()) } else { first };
        let room = self.mounts.then(|| client.room(&path));
        parts.await_all();
        let handle = opened.wait();
        let mut open = handle.map(|handle| Open { client: Arc::clone(client), handle, parts, _share: share });
        let mut state = State::default();
        if let Ok(open) = &mut open {
            let mut listed = Listed::default();
            open.add_next(&mut listed, &mut state.broken)?;
            state.listed = Some(listed);
        }
        let own = state.listed.as_ref().and_then(Listed::own);
        state.told = match (looked, told) {
            (Some(looked), _) => looked.wait()?,
            (None, Told::Listed(told)) if open.is_ok() && own.is_some_and(|own| is_same(&own, &told)) => told,
            (None, _) => look().wait()?,
        };
        own.into_iter().for_each(|own| self.clock.note(&state.told, &own));
        let mut metadata = self.known(&state.told, Some(b'd'))?;
        if metadata.kind != Kind::Directory {
            return Err(if told == Told::Root { io::ErrorKind::NotADirectory.into() } else { replaced() });
        }
        metadata.mount = room.map(|room| room.wait().map(|room| room.id)).transpose()?;
        let unlistable = match open {
            Ok(open) => {
                state.open = state.broken.is_none().then_some(open);
                None
            }
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Some(error),
            // The server has just said that it is there.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(look().wait().map_or_else(|error| error, |_| unreachable()));
            }
            Err(error) => return Err(error),
        };
        Ok(Opened { dir: SftpDir { path, state: Mutex::new(state) }, metadata, unlistable })
    }

    /// Reads all names that were not read yet; from the first one on, where the connection was lost meanwhile.
    fn list_whole(&self, dir: &SftpDir) -> io::Result<()> {
        self.persistently(|| {
            let listed = self.list_once(dir);
            if listed.as_ref().is_err_and(|error| Error::within(error).is_some()) {
                dir.state().listed = None;
            }
            listed
        })
    }

    fn list_once(&self, dir: &SftpDir) -> io::Result<()> {
        if dir.state().listed.is_none() {
            let told = if dir.path == self.root { Told::Root } else { Told::Nothing };
            let again = self.open_directory(&dir.path, told)?;
            if let Some(error) = again.unlistable {
                return Err(error);
            }
            let fresh = again.dir.state.into_inner().unwrap_or_else(PoisonError::into_inner);
            *dir.state() = fresh;
        }
        let mut state = dir.state();
        if state.is_whole {
            return Ok(());
        }
        let State { open, listed, broken, is_whole, .. } = &mut *state;
        let Some(listed) = listed else { return Ok(()) };
        if let Some(mut open) = open.take() {
            while open.add_next(listed, broken)? {}
        }
        // One that is removed while it is listed is gone; one that is there lost its storage for a while.
        if let Some(error) = broken
            && error.kind() == io::ErrorKind::NotFound
        {
            *error = self.look_at(&dir.path).map_or_else(|error| error, |_| unreachable());
        }
        listed.sort();
        *is_whole = true;
        Ok(())
    }

    pub(super) fn list_directory(&self, dir: &SftpDir, listing: &mut Listing) -> io::Result<()> {
        self.list_whole(dir)?;
        let mut state = dir.state();
        for one in state.listed.iter().flat_map(Listed::entries) {
            let name = state.listed.as_ref().map_or(c"", |listed| listed.name(one));
            listing.push(name, one.attributes.kind().or_else(|| one.letter.and_then(kind_of_letter)))?;
        }
        match state.broken.take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Looks at names: most were told of with the listing, the others are asked for together.
    pub(super) fn look(
        &self,
        dir: &SftpDir,
        names: &[&CStr],
        answer: &mut dyn FnMut(usize, io::Result<Metadata>),
    ) {
        let mut found = Vec::with_capacity(names.len());
        let mut state = dir.state();
        for name in names {
            let told = state.listed.as_mut().and_then(|listed| listed.find(name));
            let known = told
                .and_then(|(told, letter)| self.metadata(&told, letter).map(|_| self.known(&told, letter)));
            if let Some(Ok(Metadata { kind: Kind::Symlink, .. })) = &known {
                let asked = self.client.read_link(&child(&dir.path, name));
                state.targets.insert((*name).to_owned(), asked);
            }
            found.push(match known {
                Some(known) => Looked::Told(known),
                None => Looked::Asked(self.client.lstat(&child(&dir.path, name)), told.is_some()),
            });
        }
        drop(state);
        let mut missing = Vec::new();
        for ((index, looked), name) in found.into_iter().enumerate().zip(names) {
            match looked {
                Looked::Told(known) => answer(index, known),
                Looked::Asked(asked, was_listed) => match asked.wait() {
                    Err(error) if was_listed && error.kind() == io::ErrorKind::NotFound => {
                        missing.push((index, *name, error));
                    }
                    Err(error) if self.client.revive(&error) => {
                        let told = self.look_at(&child(&dir.path, name));
                        answer(index, told.and_then(|told| self.known(&told, None)));
                    }
                    told => answer(index, told.and_then(|told| self.known(&told, None))),
                },
            }
        }
        self.explain_missing(dir, missing, &mut |index, error| answer(index, Err(error)));
    }

    /// Reads a file of rules: only a regular one of less than 1 MiB.
    pub(super) fn read_rule_file(&self, dir: &SftpDir, name: &CStr) -> io::Result<RuleFile> {
        const LIMIT: usize = 1 << 20;
        self.list_whole(dir)?;
        let mut state = dir.state();
        let is_absent =
            state.broken.is_none() && state.listed.as_mut().is_some_and(|listed| listed.find(name).is_none());
        drop(state);
        if is_absent {
            return Ok(RuleFile::Absent);
        }
        let mut looked = Err(io::ErrorKind::NotFound.into());
        self.look(dir, &[name], &mut |_, answer| looked = answer);
        let metadata = match looked {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(RuleFile::Absent),
            looked => looked?,
        };
        match metadata.kind {
            Kind::File if metadata.size >= LIMIT as u64 => return Ok(RuleFile::Refused("larger than 1 MiB")),
            Kind::File => {}
            Kind::Symlink => return Ok(RuleFile::Refused("a symlink is not read as a rule file")),
            Kind::Directory => return Ok(RuleFile::Absent),
            _ => return Ok(RuleFile::Refused("not a regular file")),
        }
        let mut read = Err(io::ErrorKind::NotFound.into());
        self.contents(dir, &[(name, &metadata)], &mut |_, opened| {
            read = opened.and_then(|(file, _)| {
                let mut bytes = vec![0; LIMIT];
                let length = crate::source::SourceFile::read_at(&file, &mut bytes, 0)?;
                bytes.truncate(length);
                Ok(bytes)
            });
        });
        match read {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(RuleFile::Absent),
            read => read.map(RuleFile::Content),
        }
    }
}

/// What is known of a directory before it is opened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Told {
    /// It is the root, and may be a symlink.
    Root,
    Nothing,
    /// The listing of its parent told this.
    Listed(Attributes),
}

/// Says whether what a directory tells of itself is what its parent told of it, so that it is the same: no symlink took its
/// place.
fn is_same(own: &Attributes, told: &Attributes) -> bool {
    let modified = |one: &Attributes| one.times.map(|(_, modified)| modified);
    let facts = |one: &Attributes| (one.mode, one.owner, modified(one));
    facts(own) == facts(told) && told.kind() == Some(Kind::Directory) && told.times.is_some()
}

/// A directory that is open on the server, and its listing.
struct Open {
    client: Arc<Client>,
    handle: Handle,
    parts: Parts,
    _share: Share,
}

impl Open {
    /// Adds the next part of the listing; says whether there may be more. Why it broke is kept, if that ends no run.
    fn add_next(&mut self, listed: &mut Listed, broken: &mut Option<io::Error>) -> io::Result<bool> {
        match self.parts.add_next(&self.client, &self.handle, listed) {
            Err(error) if Error::within(&error).is_none() => {
                *broken = Some(error);
                Ok(false)
            }
            more => more,
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        drop(self.client.together().close(&self.handle));
    }
}

enum Looked {
    Told(io::Result<Metadata>),
    /// Whether it was listed comes with it.
    Asked(Asked<Attributes>, bool),
}
