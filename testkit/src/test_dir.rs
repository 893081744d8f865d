//! Temporary directories that hold trees of any depth.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::remove::remove_tree;

/// A new directory that is removed with everything in it when dropped.
#[derive(Debug)]
pub struct TestDir {
    path: PathBuf,
}

impl TestDir {
    /// Makes a directory below `LINKDEST_TEST_DIR`, or else below the usual temporary directory.
    ///
    /// # Panics
    ///
    /// If it cannot be made.
    #[must_use]
    pub fn new() -> Self {
        let parent = env::var_os("LINKDEST_TEST_DIR").map_or_else(env::temp_dir, PathBuf::from);
        Self::new_in(&parent)
    }

    /// Makes a directory below `parent`, open to every user (mode 0755).
    ///
    /// # Panics
    ///
    /// If it cannot be made.
    #[must_use]
    pub fn new_in(parent: &Path) -> Self {
        let made = tempfile::Builder::new().prefix("linkdest-test-").tempdir_in(parent);
        let path = made.unwrap_or_else(|error| panic!("a directory in {}: {error}", parent.display())).keep();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Self { path }
    }

    /// Hands the directory (not what is in it) to a user and the group of the same number.
    ///
    /// # Panics
    ///
    /// If this process may not do so.
    #[must_use]
    pub fn owned_by(self, user: u32) -> Self {
        std::os::unix::fs::chown(&self.path, Some(user), Some(user)).unwrap();
        self
    }

    /// Returns the path of the directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the path of an entry in the directory.
    #[must_use]
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }
}

impl Default for TestDir {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for TestDir {
    fn drop(&mut self) {
        if let Err(error) = remove_tree(&self.path) {
            eprintln!("could not remove {}: {error}", self.path.display());
        }
    }
}
