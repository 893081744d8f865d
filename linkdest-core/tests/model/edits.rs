//! What a user does to the source, done on disk and in memory.

use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};

use linkdest_testkit::{is_root, remove_tree};
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, XattrFlags};

use super::choices::Choices;
use super::naive::{Kind, Seen, Tree, is_at_or_below, joined, parent};
use super::observe::at;

const NAMES: &[&[u8]] = &[b"a", b"b", b"c", b"d.x", b"e.x", b"f.tmp", b"g\nh", b"\xff", b"-i", b"j k"];
const SIZES: &[usize] = &[0, 1, 2, 100, 100, 4096, 9000];
const FILE_MODES: &[u32] = &[0o600, 0o644, 0o755, 0o400, 0o4755, 0o2750];
const DIRECTORY_MODES: &[u32] = &[0o700, 0o755, 0o1777, 0o2755];
const MOST_ENTRIES: usize = 30;
const DEEPEST: usize = 4;

/// The source, on disk and as it must be.
pub struct Source {
    pub root: PathBuf,
    pub canary: PathBuf,
    pub tree: Tree,
    /// Every time and every content is new.
    counter: i64,
}

impl Source {
    pub fn new(root: PathBuf, canary: PathBuf) -> Self {
        std::fs::create_dir(&root).unwrap();
        let mut source = Self { root, canary, tree: Tree::default(), counter: 0 };
        source.made(b"", Kind::Directory, 0o755);
        source
    }

    /// Makes one edit and says what it was; nothing where the tree has nothing that it applies to.
    pub fn edit(&mut self, choices: &mut Choices<'_>) -> Option<String> {
        match choices.below(20) {
            0..=3 => self.new_file(choices),
            4 | 5 => self.new_directory(choices),
            6 => self.new_symlink(choices),
            7 => self.new_fifo(choices),
            8 | 9 => self.rewrite(choices),
            10 => self.change_silently(choices),
            11 => self.change_mode(choices),
            12 => self.change_owner(choices),
            13 => self.change_xattr(choices),
            14 => self.change_time(choices),
            15 => self.hard_link(choices),
            16 => self.rename(choices),
            17 => self.replace_by_twin(choices),
            18 => self.delete(choices),
            _ => self.swap(choices),
        }
    }

    fn at(&self, path: &[u8]) -> PathBuf {
        at(&self.root, path)
    }

    fn fresh_time(&mut self) -> (i64, i64) {
        self.counter += 1;
        (1_600_000_000 + self.counter, 1 + self.counter % 999)
    }

    fn fresh_bytes(&mut self, length: usize) -> Vec<u8> {
        self.counter += 1;
        let text = format!("{:08}", self.counter);
        // The end differs, so that short files differ as well.
        let mut bytes: Vec<u8> = text.bytes().rev().cycle().take(length).collect();
        if length == 1 {
            bytes = vec![self.counter.to_le_bytes()[0]];
        }
        bytes
    }

    /// Takes up in memory what was made on disk, with the owner that it got and a time of its own.
    fn made(&mut self, path: &[u8], kind: Kind, mode: u32) {
        use std::os::unix::fs::MetadataExt as _;
        let stat = std::fs::symlink_metadata(self.at(path)).unwrap();
        let is_symlink = matches!(kind, Kind::Symlink(_));
        let seen = Seen {
            kind,
            mode: if is_symlink { 0o777 } else { mode },
            owner: (stat.uid(), stat.gid()),
            mtime: self.fresh_time(),
            xattrs: Default::default(),
            group: None,
        };
        self.tree.add(path, seen);
        self.stamp(path);
        self.touch_parent(path);
    }

    /// Sets mode and time on disk to those in memory.
    fn stamp(&mut self, path: &[u8]) {
        let (place, seen) = (self.at(path), &self.tree.inode(path).seen);
        if !matches!(seen.kind, Kind::Symlink(_)) {
            std::fs::set_permissions(&place, std::fs::Permissions::from_mode(seen.mode)).unwrap();
        }
        set_time(&place, seen.mtime);
    }

    /// A directory gets a new time when a name in it changes.
    fn touch_parent(&mut self, path: &[u8]) {
        if !path.is_empty() {
            let (directory, time) = (parent(path).to_vec(), self.fresh_time());
            let inode = self.tree.inode(&directory);
            (inode.seen.mtime, inode.version) = (time, inode.version + 1);
            self.stamp(&directory);
        }
    }

    /// A name that is not taken.
    fn free_name(&mut self, choices: &mut Choices<'_>) -> Option<Vec<u8>> {
        let shallow = |path: &[u8]| path.split(|byte| *byte == b'/').count() < DEEPEST;
        let mut directories = self.tree.paths(|kind| *kind == Kind::Directory);
        directories.retain(|path| shallow(path));
        let directory = choices.one_of(&directories)?;
        let path = joined(&directory, choices.one_of(NAMES)?);
        (!self.tree.names.contains_key(&path)).then_some(path)
    }

    fn place_for_one_more(&mut self, choices: &mut Choices<'_>) -> Option<Vec<u8>> {
        if self.tree.names.len() >= MOST_ENTRIES { None } else { self.free_name(choices) }
    }

    fn any_file(&self, choices: &mut Choices<'_>) -> Option<Vec<u8>> {
        choices.one_of(&self.tree.paths(|kind| matches!(kind, Kind::File(_))))
    }

    fn anything(&self, choices: &mut Choices<'_>) -> Option<Vec<u8>> {
        let all: Vec<_> = self.tree.names.keys().filter(|path| !path.is_empty()).cloned().collect();
        choices.one_of(&all)
    }

    /// Notes that change times move, or paths change, at and below a path; `None` if something there may not be
    /// explained by that.
    fn explain(&mut self, path: &[u8]) -> Option<()> {
        let all = self.tree.below(path);
        if all.iter().any(|path| self.tree.inode(path).silent) {
            return None;
        }
        for path in all {
            self.tree.inode(&path).explained = true;
        }
        Some(())
    }

    fn new_file(&mut self, choices: &mut Choices<'_>) -> Option<String> {
        let path = self.place_for_one_more(choices)?;
        let length = choices.one_of(SIZES)?;
        let bytes = self.fresh_bytes(length);
        std::fs::write(self.at(&path), &bytes).unwrap();
        self.made(&path, Kind::File(bytes), choices.one_of(FILE_MODES)?);
        told("new file", &path)
    }

    fn new_directory(&mut self, choices: &mut Choices<'_>) -> Option<String> {
        let path = self.place_for_one_more(choices)?;
        std::fs::create_dir(self.at(&path)).unwrap();
        self.made(&path, Kind::Directory, choices.one_of(DIRECTORY_MODES)?);
        told("new directory", &path)
    }

    fn new_symlink(&mut self, choices: &mut Choices<'_>) -> Option<String> {
        let path = self.place_for_one_more(choices)?;
        let to = |name: &str| self.canary.join(name).into_os_string().into_encoded_bytes();
        let targets = [b"a".to_vec(), b"../nowhere".to_vec(), to("file"), to(""), to("inner")];
        let target = choices.one_of(&targets)?;
        symlink(at(Path::new(""), &target), self.at(&path)).unwrap();
        self.made(&path, Kind::Symlink(target), 0);
        told("new symlink", &path)
    }

    fn new_fifo(&mut self, choices: &mut Choices<'_>) -> Option<String> {
        let path = self.place_for_one_more(choices)?;
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(CWD, self.at(&path), rustix::fs::FileType::Fifo, mode, 0).unwrap();
        self.made(&path, Kind::Fifo, 0o640);
        told("new FIFO", &path)
    }

    /// Other bytes and a new time: nothing of before can be mistaken for it.
    fn rewrite(&mut self, choices: &mut Choices<'_>) -> Option<String> {
        let path = self.any_file(choices)?;
        let length = choices.one_of(SIZES)?;
        let (bytes, time) = (self.fresh_bytes(length), self.fresh_time());
        overwrite(&self.at(&path), &bytes);
        let inode = self.tree.inode(&path);
        (inode.seen.kind, inode.seen.mtime) = (Kind::File(bytes), time);
        inode.version += 1;
        (inode.explained, inode.silent, inode.disguised) = (false, false, false);
        self.stamp(&path);
        told("rewrite", &path)
    }

    fn change_silently(&mut self, choices: &mut Choices<'_>) -> Option<String> {
        let path = self.any_file(choices)?;
        let inode = self.tree.inode(&path);
        let Kind::File(old) = inode.seen.kind.clone() else { return None };
        if inode.explained || old.is_empty() {
            return None;
        }
        let bytes: Vec<u8> = old.iter().map(|byte| byte.wrapping_add(1)).collect();
        inode.seen.kind = Kind::File(bytes.clone());
        (inode.version, inode.silent, inode.disguised) = (inode.version + 1, true, true);
        overwrite(&self.at(&path), &bytes);
        self.stamp(&path);
        told("change silently", &path)
    }

    fn change_mode(&mut self, choices: &mut Choices<'_>) -> Option<String> {
        let path = choices.one_of(&self.tree.paths(|kind| !matches!(kind, Kind::Symlink(_))))?;
        let is_directory = *self.tree.kind(&path) == Kind::Directory;
        let mode = choices.one_of(if is_directory { DIRECTORY_MODES } else { FILE_MODES })?;
        self.explain_one(&path)?;
        self.tree.inode(&path).seen.mode = mode;
        self.stamp(&path);
        told("change mode of", &path)
    }

    /// Notes that one inode's change time moves for a reason.
    fn explain_one(&mut self, path: &[u8]) -> Option<()> {
        let inode = self.tree.inode(path);
        if inode.silent {
            return None;
        }
        (inode.explained, inode.version) = (true, inode.version + 1);
        Some(())
    }

    fn change_owner(&mut self, choices: &mut Choices<'_>) -> Option<String> {
        let path = self.anything(choices)?;
        let owner = choices.one_of(&[(0, 0), (1000, 1000), (12, 34)])?;
        if !is_root() || matches!(self.tree.kind(&path), Kind::Symlink(_)) {
            return None;
        }
        self.explain_one(&path)?;
        chown(self.at(&path), Some(owner.0), Some(owner.1)).unwrap();
        self.tree.inode(&path).seen.owner = owner;
        self.stamp(&path);
        told("change owner of", &path)
    }

    fn change_xattr(&mut self, choices: &mut Choices<'_>) -> Option<String> {
        let path =
            choices.one_of(&self.tree.paths(|kind| matches!(kind, Kind::File(_) | Kind::Directory)))?;
        let (name, value) = (choices.one_of(&["user.one", "user.two"])?, choices.below(4));
        let value = value.to_string().into_bytes();
        let inode = self.tree.inode(&path);
        if inode.silent || inode.seen.mode & 0o200 == 0 {
            return None;
        }
        // Not every file system has them.
        rustix::fs::lsetxattr(self.at(&path), name, &value, XattrFlags::empty()).ok()?;
        self.explain_one(&path)?;
        self.tree.inode(&path).seen.xattrs.insert(name.into(), value);
        told("set an xattr of", &path)
    }

    fn change_time(&mut self, choices: &mut Choices<'_>) -> Option<String> {
        let (path, time) = (self.anything(choices)?, self.fresh_time());
        let inode = self.tree.inode(&path);
        (inode.seen.mtime, inode.version) = (time, inode.version + 1);
        (inode.explained, inode.silent, inode.disguised) = (false, false, false);
        self.stamp(&path);
        told("change time of", &path)
    }

    fn hard_link(&mut self, choices: &mut Choices<'_>) -> Option<String> {
        let existing = choices.one_of(&self.tree.paths(|kind| *kind != Kind::Directory))?;
        let path = self.place_for_one_more(choices)?;
        self.explain(&existing)?;
        std::fs::hard_link(self.at(&existing), self.at(&path)).unwrap();
        let inode = self.tree.names[&existing];
        self.tree.names.insert(path.clone(), inode);
        self.touch_parent(&path);
        told("hard link", &path)
    }

    fn rename(&mut self, choices: &mut Choices<'_>) -> Option<String> {
        let path = self.anything(choices)?;
        let to = self.free_name(choices)?;
        if is_at_or_below(&to, &path) {
            return None;
        }
        self.explain(&path)?;
        self.move_in_memory(&path, &to);
        std::fs::rename(self.at(&path), self.at(&to)).unwrap();
        // A directory that moves may get a new time by that.
        self.stamp(&to);
        self.touch_parent(&path);
        self.touch_parent(&to);
        told("rename", &path)
    }

    fn move_in_memory(&mut self, path: &[u8], to: &[u8]) {
        for old in self.tree.below(path) {
            let inode = self.tree.names.remove(&old).unwrap();
            self.tree.names.insert([to, &old[path.len()..]].concat(), inode);
        }
    }

    /// Another file with the size and the time of this one takes its name.
    fn replace_by_twin(&mut self, choices: &mut Choices<'_>) -> Option<String> {
        let path = self.any_file(choices)?;
        let Kind::File(old) = self.tree.kind(&path).clone() else { return None };
        self.explain(&path)?;
        let bytes = self.fresh_bytes(old.len());
        let (twin, seen) = (joined(parent(&path), b".twin"), self.tree.inode(&path).seen.clone());
        std::fs::write(self.at(&twin), &bytes).unwrap();
        self.made(&twin, Kind::File(bytes), seen.mode);
        let inode = self.tree.inode(&twin);
        (inode.seen.mtime, inode.disguised) = (seen.mtime, true);
        self.stamp(&twin);
        std::fs::rename(self.at(&twin), self.at(&path)).unwrap();
        self.tree.names.remove(&path);
        self.move_in_memory(&twin, &path);
        self.touch_parent(&path);
        told("replace by a twin", &path)
    }

    fn delete(&mut self, choices: &mut Choices<'_>) -> Option<String> {
        let path = self.anything(choices)?;
        self.explain(&path)?;
        remove_tree(&self.at(&path)).unwrap();
        for gone in self.tree.below(&path) {
            self.tree.names.remove(&gone);
        }
        self.touch_parent(&path);
        told("delete", &path)
    }

    /// Two entries change places.
    fn swap(&mut self, choices: &mut Choices<'_>) -> Option<String> {
        let (one, other) = (self.anything(choices)?, self.anything(choices)?);
        if is_at_or_below(&one, &other) || is_at_or_below(&other, &one) {
            return None;
        }
        self.explain(&one)?;
        self.explain(&other)?;
        let flags = rustix::fs::RenameFlags::EXCHANGE;
        rustix::fs::renameat_with(CWD, self.at(&one), CWD, self.at(&other), flags).ok()?;
        self.move_in_memory(&one, b".between");
        self.move_in_memory(&other, &one);
        self.move_in_memory(b".between", &other);
        for path in [&one, &other] {
            self.stamp(path);
            self.touch_parent(path);
        }
        told("swap", &one)
    }
}

fn told(what: &str, path: &[u8]) -> Option<String> {
    Some(format!("{what} {}", path.escape_ascii()))
}

/// Writes other bytes into the same inode, also where its mode forbids that to its owner.
fn overwrite(place: &Path, bytes: &[u8]) {
    std::fs::set_permissions(place, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(place, bytes).unwrap();
}

pub fn set_time(place: &Path, (seconds, nanos): (i64, i64)) {
    let time = Timespec { tv_sec: seconds, tv_nsec: nanos };
    let both = Timestamps { last_access: time, last_modification: time };
    rustix::fs::utimensat(CWD, place, &both, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}
