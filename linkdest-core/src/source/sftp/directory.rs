//! A directory on a server: opened, then listed with what is told of each name.

use std::collections::{HashMap, VecDeque};
use std::ffi::{CStr, CString};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{SftpSource, child, kind_of_letter, replaced};
use crate::entry::{Kind, Metadata};
use crate::os::Listing;
use crate::sftp::{Asked, Attributes, Client, Handle, Names, Share};
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
    /// Targets of symlinks that were asked for.
    targets: HashMap<CString, Asked<Vec<u8>>>,
}

/// Names with what is told of them, in the order of the server.
#[derive(Default)]
pub(super) struct Listed {
    names: Vec<u8>,
    entries: Vec<One>,
    /// Names are mostly asked for in order.
    next: usize,
}

struct One {
    start: usize,
    attributes: Attributes,
    letter: Option<u8>,
}

/// Nobody has more names in one directory: a server that goes on and on is not believed.
const MOST_NAMES: usize = 20_000_000;
/// Parts of a listing that are asked for at once: at first, since most directories have one part and an end; at most.
const PARTS: usize = 2;
const MOST_PARTS: usize = 16;

impl Listed {
    fn add(&mut self, names: &Names) {
        for named in names.iter() {
            let start = self.names.len();
            self.names.extend_from_slice(named.name);
            self.names.push(0);
            self.entries.push(One { start, attributes: named.attributes, letter: named.letter });
        }
    }

    fn name(&self, one: &One) -> &CStr {
        let bytes = self.names.get(one.start..).unwrap_or_default();
        CStr::from_bytes_until_nul(bytes).unwrap_or_default()
    }

    fn find(&mut self, name: &CStr) -> Option<(Attributes, Option<u8>)> {
        let all = self.entries.len();
        let place = (self.next..all)
            .chain(0..self.next.min(all))
            .find(|&place| self.entries.get(place).is_some_and(|one| self.name(one) == name))?;
        self.next = place + 1;
        self.entries.get(place).map(|one| (one.attributes, one.letter))
    }
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
        let entries = state.listed.iter().flat_map(|listed| &listed.entries);
        (state.told, entries.map(|one| (one.attributes, one.letter)).collect())
    }

    /// Reads the first names, if none were read yet; says whether there are any.
    pub(super) fn first_names(&self) -> io::Result<bool> {
        let mut state = self.state();
        let State { open, listed, .. } = &mut *state;
        if let (Some(Open { client, handle, .. }), Some(listed)) = (open.as_ref(), listed.as_mut()) {
            // The first part may have nothing but `.` and `..`.
            for _ in 0..2 {
                if listed.entries.is_empty()
                    && let Some(names) = client.read_dir(handle).wait()?
                {
                    listed.add(&names);
                }
            }
        }
        // What may not be listed is not known to be empty.
        Ok(listed.as_ref().is_none_or(|listed| !listed.entries.is_empty()))
    }

    /// The target of a symlink that was asked for already.
    pub(super) fn take_target(&self, name: &CStr) -> Option<Asked<Vec<u8>>> {
        self.state().targets.remove(name)
    }
}

impl SftpSource {
    /// Opens a directory. Only the operator's own path may be a symlink.
    pub(super) fn open_directory(&self, path: Vec<u8>, is_root: bool) -> io::Result<Opened<SftpDir>> {
        let client = &self.client;
        let Some(share) = client.handles.take(1, || client.is_over()) else {
            return client.lstat(&path).wait().and(Err(io::ErrorKind::Interrupted.into()));
        };
        // Both at once: what is opened is not a symlink, unless somebody was very quick.
        let looked = if is_root { client.stat(&path) } else { client.lstat(&path) };
        let opened = client.open_dir(&path);
        let room = self.mounts.then(|| client.room(&path));
        let looked = looked.wait();
        let open = opened.wait().map(|handle| Open { client: Arc::clone(client), handle, _share: share });
        let told = looked?;
        let mut metadata = self.known(&told, Some(b'd'))?;
        if metadata.kind != Kind::Directory {
            return Err(if is_root { io::ErrorKind::NotADirectory.into() } else { replaced() });
        }
        metadata.mount = room.map(|room| room.wait().map(|room| room.id)).transpose()?;
        let (open, unlistable) = match open {
            Ok(open) => (Some(open), None),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => (None, Some(error)),
            Err(error) => return Err(error),
        };
        let listed = open.is_some().then(Listed::default);
        let state = State { told, open, listed, broken: None, targets: HashMap::new() };
        Ok(Opened { dir: SftpDir { path, state: Mutex::new(state) }, metadata, unlistable })
    }

    /// Reads all names, several parts at once; what came before an error is kept.
    fn read_directory(&self, handle: &Handle, listed: &mut Listed) -> io::Result<()> {
        let mut under_way: VecDeque<Asked<Option<Names>>> = VecDeque::new();
        let mut wanted = PARTS;
        for part in 0.. {
            // Behind the first part most directories end.
            while part != 1 && under_way.len() < wanted {
                under_way.push_back(self.client.read_dir(handle));
            }
            let Some(first) = under_way.pop_front() else { break };
            // A server goes through the requests of one directory in order: behind the end there is nothing.
            let Some(names) = first.wait()? else { break };
            let before = listed.entries.len();
            listed.add(&names);
            // Only the first part may have nothing but `.` and `..`.
            if listed.entries.len() > MOST_NAMES || (part > 1 && listed.entries.len() == before) {
                return Err(self.client.distrust("a directory that has no end"));
            }
            wanted = (wanted * 2).min(MOST_PARTS);
        }
        Ok(())
    }

    /// Reads all names that were not read yet.
    fn list_whole(&self, dir: &SftpDir) -> io::Result<()> {
        if dir.state().listed.is_none() {
            let again = self.open_directory(dir.path.clone(), dir.path == self.root)?;
            if let Some(error) = again.unlistable {
                return Err(error);
            }
            let fresh = again.dir.state.into_inner().unwrap_or_else(PoisonError::into_inner);
            *dir.state() = fresh;
        }
        let mut state = dir.state();
        let State { open, listed, broken, .. } = &mut *state;
        if let (Some(open), Some(listed)) = (open.take(), listed) {
            *broken = self.read_directory(&open.handle, listed).err();
        }
        Ok(())
    }

    pub(super) fn list_directory(&self, dir: &SftpDir, listing: &mut Listing) -> io::Result<()> {
        self.list_whole(dir)?;
        let mut state = dir.state();
        for one in state.listed.iter().flat_map(|listed| &listed.entries) {
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
                None => Looked::Asked(self.client.lstat(&child(&dir.path, name))),
            });
        }
        drop(state);
        for (index, looked) in found.into_iter().enumerate() {
            let metadata = match looked {
                Looked::Told(known) => known,
                Looked::Asked(asked) => asked.wait().and_then(|told| self.known(&told, None)),
            };
            answer(index, metadata);
        }
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

/// A directory that is open on the server.
struct Open {
    client: Arc<Client>,
    handle: Handle,
    _share: Share,
}

impl Drop for Open {
    fn drop(&mut self) {
        drop(self.client.close(&self.handle));
    }
}

enum Looked {
    Told(io::Result<Metadata>),
    Asked(Asked<Attributes>),
}
