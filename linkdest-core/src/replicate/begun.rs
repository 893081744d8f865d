//! What a server was asked before its turn, by path: the answer is there when somebody needs it.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::io;

use super::listing::Listing;
use crate::abroad::metadata_of;
use crate::entry::Metadata;
use crate::os::errno;
use crate::sftp::{Asked, Client, Handle};

/// So many links are on their way at most; once half of them were answered, as many more are begun.
const LINKS: usize = 1024;
/// Who has to wait for one of them waits for so many: to be woken for each of them would cost more than they do.
const STRIDE: usize = 256;
/// So many files are open for what is sent, and directories for what is listed.
const OPEN: usize = 32;

type Answers<T> = RefCell<HashMap<Vec<u8>, Asked<T>>>;

/// A link, by the new path.
struct BegunLink {
    from: Vec<u8>,
    asked: Asked<()>,
}

/// Requests whose answers were not taken yet.
pub(super) struct Begun<'t> {
    client: &'t Client,
    directories: Answers<()>,
    links: RefCell<HashMap<Vec<u8>, BegunLink>>,
    /// Where symlinks lead.
    targets: Answers<Vec<u8>>,
    files: Answers<Handle>,
    symlinks: Answers<()>,
    listings: RefCell<HashMap<Vec<u8>, Listing>>,
    /// More is begun, until there is no more room.
    fills: Cell<bool>,
    /// How many links were begun, and each of them that is the last of a stride.
    count: Cell<usize>,
    strides: RefCell<VecDeque<Vec<u8>>>,
}

/// Waits for an answer. A server that does several things at once may not have made yet what something lies in: then it is
/// asked once more.
fn settle<T>(begun: Option<Asked<T>>, ask: impl Fn() -> Asked<T>) -> io::Result<T> {
    match begun.map(Asked::wait) {
        None => ask().wait(),
        Some(Err(error)) if errno::is_absent(&error) => ask().wait(),
        Some(answer) => answer,
    }
}

impl<'t> Begun<'t> {
    pub fn new(client: &'t Client) -> Self {
        let (directories, links) = Default::default();
        let (targets, files, symlinks, listings) = Default::default();
        let (fills, count, strides) = (Cell::new(true), Cell::default(), RefCell::default());
        Self { client, directories, links, targets, files, symlinks, listings, fills, count, strides }
    }

    /// How many files and directories may be open at once for what is asked ahead.
    pub fn most_open(&self) -> usize {
        (self.client.limits().handles / 4).clamp(1, OPEN)
    }

    /// Says whether more can be begun: many at a time.
    pub fn has_room(&self) -> bool {
        let links = self.links.borrow().len() + self.symlinks.borrow().len();
        let files = self.files.borrow().len();
        let most = self.most_open();
        if links >= LINKS || files >= most {
            self.fills.set(false);
        } else if links <= LINKS / 2 && files <= most / 2 {
            self.fills.set(true);
        }
        self.fills.get()
    }

    /// Where an answer is not there, waits for some of those behind it as well.
    fn stride(&self, asked: &Asked<()>) {
        let links = self.links.borrow();
        let mut strides = self.strides.borrow_mut();
        while !asked.is_ready()
            && let Some(last) = strides.pop_front()
        {
            links.get(&last).into_iter().for_each(|link| link.asked.await_answer());
        }
    }

    pub fn begin_dir(&self, path: Vec<u8>) {
        let asked = self.client.make_dir(&path, 0o700);
        self.directories.borrow_mut().insert(path, asked);
    }

    pub fn make_dir(&self, path: &[u8]) -> io::Result<()> {
        let begun = self.directories.borrow_mut().remove(path);
        settle(begun, || self.client.make_dir(path, 0o700))
    }

    pub fn begin_link(&self, from: Vec<u8>, to: Vec<u8>) {
        let asked = self.client.link(&from, &to);
        self.count.set(self.count.get() + 1);
        if self.count.get().is_multiple_of(STRIDE) {
            self.strides.borrow_mut().push_back(to.clone());
        }
        self.links.borrow_mut().insert(to, BegunLink { from, asked });
    }

    /// Links where nothing else was begun any more.
    pub fn link(&self, from: &[u8], to: &[u8]) -> io::Result<()> {
        let is_other = self.links.borrow().get(to).is_some_and(|link| link.from != from);
        if is_other || self.files.borrow().contains_key(to) || self.symlinks.borrow().contains_key(to) {
            self.take_back(to)?;
        }
        let begun = self.links.borrow_mut().remove(to).map(|link| link.asked);
        begun.iter().for_each(|asked| self.stride(asked));
        settle(begun, || self.client.link(from, to))
    }

    pub fn begin_read_link(&self, path: Vec<u8>) {
        let asked = self.client.read_link(&path);
        self.targets.borrow_mut().insert(path, asked);
    }

    /// Where a symlink leads.
    pub fn read_link(&self, path: &[u8]) -> io::Result<Vec<u8>> {
        let mut begun = self.targets.borrow_mut().remove(path);
        let client = self.client;
        client.persistently(|| begun.take().unwrap_or_else(|| client.read_link(path)).wait())
    }

    pub fn begin_symlink(&self, target: &[u8], path: Vec<u8>) {
        let asked = self.client.make_symlink(target, &path);
        self.symlinks.borrow_mut().insert(path, asked);
    }

    /// Makes a symlink where nothing else was begun any more.
    pub fn make_symlink(&self, target: &[u8], path: &[u8]) -> io::Result<()> {
        let begun = self.symlinks.borrow_mut().remove(path);
        if begun.is_none() {
            self.take_back(path)?;
        }
        settle(begun, || self.client.make_symlink(target, path))
    }

    pub fn begin_file(&self, path: Vec<u8>) {
        let asked = self.client.create(&path, 0o600);
        self.files.borrow_mut().insert(path, asked);
    }

    /// Makes a file where nothing else was begun any more.
    pub fn create(&self, path: &[u8]) -> io::Result<Handle> {
        let begun = self.files.borrow_mut().remove(path);
        if begun.is_none() {
            self.take_back(path)?;
        }
        settle(begun, || self.client.create(path, 0o600))
    }

    /// Takes back what was begun for a name that becomes something else, or nothing.
    pub fn take_back(&self, path: &[u8]) -> io::Result<()> {
        let file = self.files.borrow_mut().remove(path);
        let link = self.links.borrow_mut().remove(path).map(|link| link.asked);
        let link = link.or_else(|| self.symlinks.borrow_mut().remove(path));
        let made = file.map(|asked| asked.wait().map(|handle| drop(self.client.close(&handle))));
        // What was refused is not there.
        match made.or_else(|| link.map(Asked::wait)) {
            Some(Ok(())) => self.client.remove(path).wait(),
            Some(Err(_)) | None => Ok(()),
        }
    }

    /// Forgets what was begun in a directory that could not be made.
    pub fn forget_below(&self, path: &[u8]) {
        let is_below =
            |other: &Vec<u8>| other.strip_prefix(path).is_some_and(|rest| rest.first() == Some(&b'/'));
        self.directories.borrow_mut().retain(|path, _| !is_below(path));
        self.links.borrow_mut().retain(|path, _| !is_below(path));
        self.files.borrow_mut().retain(|path, _| !is_below(path));
        self.symlinks.borrow_mut().retain(|path, _| !is_below(path));
    }

    pub fn begin_list(&self, path: Vec<u8>) {
        let listing = Listing::begin(self.client, &path);
        self.listings.borrow_mut().insert(path, listing);
    }

    /// Says whether a listing that was begun is there; with `wait`, waits for it. One that was not begun is as well.
    pub fn is_listed(&self, path: &[u8], wait: bool) -> bool {
        let mut listings = self.listings.borrow_mut();
        listings.get_mut(path).is_none_or(|listing| listing.advance(self.client, wait))
    }

    /// What a listing tells of a name, in which may be nothing of that name; `None` where there is no listing.
    pub fn told(&self, directory: &[u8], name: &[u8]) -> Option<Option<Metadata>> {
        match self.listings.borrow().get(directory)? {
            Listing::Done(listed) => match listed.get(name) {
                Some(told) => metadata_of(told).map(Some),
                None => Some(None),
            },
            Listing::Opening(_) | Listing::Reading { .. } => None,
        }
    }

    /// Forgets a listing.
    pub fn leave(&self, directory: &[u8]) {
        self.listings.borrow_mut().remove(directory);
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests look at their trees by path")]
mod tests {
    use std::os::unix::fs::MetadataExt as _;
    use std::path::Path;

    use super::*;
    use crate::monitor::StopFlag;
    use crate::sftp::{Address, Ssh};

    #[test]
    fn a_link_that_was_begun_from_another_file_is_taken_back() {
        let server = match linkdest_testkit::sftp_server() {
            Ok(server) => server,
            Err(reason) => return linkdest_testkit::skip(reason),
        };
        let dir = linkdest_testkit::TestDir::new();
        let address = Address::parse(Path::new("sftp://far/")).unwrap();
        let client =
            Client::connect(&address, &Ssh::default().command([server]), &StopFlag::default()).unwrap();
        let begun = Begun::new(&client);
        let at = |name: &str| dir.join(name).to_str().unwrap().as_bytes().to_vec();
        let inode = |name: &str| std::fs::metadata(dir.join(name)).unwrap().ino();
        for name in ["one", "other"] {
            std::fs::write(dir.join(name), name).unwrap();
        }
        for (begun_from, linked_from) in [("one", "one"), ("one", "other"), ("missing", "other")] {
            let name = format!("{begun_from} {linked_from}");
            begun.begin_link(at(begun_from), at(&name));
            begun.link(&at(linked_from), &at(&name)).unwrap();
            assert_eq!(inode(&name), inode(linked_from), "{name}");
        }
        begun.begin_link(at("one"), at("left out"));
        begun.take_back(&at("left out")).unwrap();
        assert!(!dir.join("left out").exists());
    }
}
