//! Edits that make, move and remove entries.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;

use rustix::fs::FileType;

use super::{Done, Editor, joined, parent, told};
use crate::difference::escaped;
use crate::remove::remove_tree;

impl Editor {
    pub(super) fn rename_in_place(&mut self) -> Option<Done> {
        let path = self.pick_entry()?;
        let directory = parent(&path).to_vec();
        let to = self.new_path(&directory);
        self.rename(&path, &to)
    }

    pub(super) fn move_elsewhere(&mut self) -> Option<Done> {
        let path = self.pick_entry()?;
        let directory = self.pick_directory()?;
        let name = path.rsplit(|&byte| byte == b'/').next()?;
        let to = joined(&directory, name);
        let is_within_itself = directory == path || directory.starts_with(&joined(&path, b""));
        if is_within_itself || self.population.contains(&to) {
            return None;
        }
        self.rename(&path, &to)
    }

    fn rename(&mut self, path: &[u8], to: &[u8]) -> Option<Done> {
        self.explain(path)?;
        let result = fs::rename(self.full(path), self.full(to));
        if result.is_ok() {
            self.population.rename(path, to);
        }
        told(&format!("rename to {}:", escaped(to)), path, result)
    }

    pub(super) fn delete_file(&mut self) -> Option<Done> {
        let path = self.pick_non_directory()?;
        let result = self.delete(&path);
        told("delete", &path, result)
    }

    pub(super) fn delete_directory(&mut self) -> Option<Done> {
        let path = self.pick_small_directory()?;
        let result = self.delete(&path);
        told("delete directory", &path, result)
    }

    fn delete(&mut self, path: &[u8]) -> io::Result<()> {
        self.explain_lost_names(&self.full(path));
        remove_tree(&self.full(path))?;
        self.population.remove(path);
        Ok(())
    }

    pub(super) fn new_file(&mut self) -> Option<Done> {
        let directory = self.pick_directory()?;
        let path = self.new_path(&directory);
        let result = self.make_file(&path);
        told("new file", &path, result)
    }

    fn make_file(&mut self, path: &[u8]) -> io::Result<()> {
        let content = self.new_content();
        fs::write(self.full(path), content)?;
        self.population.add(path.to_vec(), FileType::RegularFile);
        Ok(())
    }

    pub(super) fn new_directory(&mut self) -> Option<Done> {
        let directory = self.pick_directory()?;
        let path = self.new_path(&directory);
        let result = self.make_directory(&path);
        told("new directory", &path, result)
    }

    fn make_directory(&mut self, path: &[u8]) -> io::Result<()> {
        fs::create_dir(self.full(path))?;
        self.population.add(path.to_vec(), FileType::Directory);
        Ok(())
    }

    pub(super) fn new_symlink(&mut self) -> Option<Done> {
        let directory = self.pick_directory()?;
        let path = self.new_path(&directory);
        let result = self.make_symlink(&path);
        told("new symlink", &path, result)
    }

    fn make_symlink(&mut self, path: &[u8]) -> io::Result<()> {
        symlink(format!("target-{}", self.random.below(1_000_000)), self.full(path))?;
        self.population.add(path.to_vec(), FileType::Symlink);
        Ok(())
    }

    pub(super) fn retarget_symlink(&mut self) -> Option<Done> {
        let path = self.population.pick(&mut self.random, |_, kind| kind == FileType::Symlink)?;
        let result = self.delete(&path).and_then(|()| self.make_symlink(&path));
        told("retarget symlink", &path, result)
    }

    pub(super) fn make_hard_link(&mut self) -> Option<Done> {
        let existing = self.pick_non_directory()?;
        let directory = self.pick_directory()?;
        let path = self.new_path(&directory);
        self.explain(&existing)?;
        let result = fs::hard_link(self.full(&existing), self.full(&path));
        if result.is_ok() {
            self.population.add(path.clone(), self.population.kind(&existing));
        }
        told(&format!("hard link {} to", escaped(&path)), &existing, result)
    }

    pub(super) fn replace_file_by_directory(&mut self) -> Option<Done> {
        let path = self.pick_non_directory()?;
        let inner = joined(&path, b"inner");
        let result = self
            .delete(&path)
            .and_then(|()| self.make_directory(&path))
            .and_then(|()| self.make_file(&inner));
        told("replace by a directory", &path, result)
    }

    pub(super) fn replace_directory_by_file(&mut self) -> Option<Done> {
        let path = self.pick_small_directory()?;
        let result = self.delete(&path).and_then(|()| self.make_file(&path));
        told("replace by a file", &path, result)
    }
}
