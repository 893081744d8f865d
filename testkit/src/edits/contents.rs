//! Edits of what is in files.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use super::{Done, Editor, told};

/// The most bytes a new or rewritten file gets.
const LONGEST_CONTENT: u64 = 50_000;

/// Files larger than this are not copied.
const LARGEST_COPY: u64 = 16 * 1024 * 1024;

impl Editor {
    /// Returns new content: mostly short, sometimes long, sometimes none.
    pub(super) fn new_content(&mut self) -> Vec<u8> {
        let longest = *self.random.one_of(&[1, 100, 100, 5000, LONGEST_CONTENT]);
        let length = self.random.below(longest);
        self.random.bytes(length as usize)
    }

    pub(super) fn rewrite(&mut self) -> Option<Done> {
        let path = self.pick_file()?;
        let content = self.new_content();
        told("rewrite", &path, fs::write(self.full(&path), content))
    }

    pub(super) fn append(&mut self) -> Option<Done> {
        let path = self.pick_file()?;
        let content = self.new_content();
        let opened = OpenOptions::new().append(true).open(self.full(&path));
        told("append to", &path, opened.and_then(|mut file| file.write_all(&content)))
    }

    /// Changes one byte and puts the modification time back.
    pub(super) fn change_byte_unnoticed(&mut self) -> Option<Done> {
        let path = self.pick_file()?;
        let full = self.full(&path);
        let metadata = fs::metadata(&full).ok()?;
        let offset = self.random.below(metadata.len().max(1));
        // With further names, one that goes or comes moves the ctime too.
        let told_by_ctime = metadata.nlink() == 1 && !self.explained.contains(&metadata.ino());
        (metadata.len() > 0 && told_by_ctime).then_some(())?;
        self.silent.insert(metadata.ino());
        told("change a byte with the old time in", &path, change_byte(&full, offset))
    }

    /// Replaces one name of a file that has several by a copy.
    pub(super) fn break_hard_link(&mut self) -> Option<Done> {
        let path = self.pick_file()?;
        let full = self.full(&path);
        let metadata = fs::symlink_metadata(&full).ok()?;
        if metadata.nlink() < 2 || metadata.len() > LARGEST_COPY {
            return None;
        }
        self.explain_lost_names(&full);
        let copy = self.new_path(super::parent(&path));
        let copy = self.full(&copy);
        let result = fs::copy(&full, &copy).and_then(|_| fs::rename(&copy, &full));
        told("break the hard link", &path, result)
    }
}

fn change_byte(path: &Path, offset: u64) -> io::Result<()> {
    let file = File::options().read(true).write(true).open(path)?;
    let modified = file.metadata()?.modified()?;
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset)?;
    file.write_all_at(&[byte[0] ^ 0x55], offset)?;
    file.set_modified(modified)
}
