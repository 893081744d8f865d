//! What the far side must be able to do: the tree operations that a replica needs, each on (directory, one name).
//!
//! It is no more than SFTP version 3 offers with `hardlink@openssh.com` and `lsetstat@openssh.com`: a directory there is a
//! path below a root, and going into one costs nothing. Here it is an open directory.

use std::ffi::{CStr, CString};
use std::io;

use super::same::Expected;
use crate::descent::Enter;
use crate::entry::{Kind, Metadata};
use crate::manifest::ContentHash;
use crate::monitor::StopFlag;
use crate::os::Xattrs;
use crate::placing::{CopyError, Refused};
use crate::policy::attributes::Reach;
use crate::repository::SnapshotName;
use crate::sftp::Asked;
use crate::source::SourceFile;

/// The attributes that an entry gets, as far as they can be kept there.
#[derive(Debug)]
pub(super) struct Stamps {
    pub metadata: Metadata,
    pub xattrs: Xattrs,
    /// Some extended attributes are not there any more: the record says that they are not stored.
    pub incomplete: bool,
}

/// What came of sending content.
#[derive(Debug)]
pub(super) struct Filled {
    /// Blocks are shared with the file that it was read from.
    pub cloned: bool,
    /// So many bytes were written.
    pub written: u64,
    pub hash: Option<ContentHash>,
}

/// Attributes on their way, behind what came before them.
#[derive(Default)]
pub(super) struct Stamping {
    /// Content: where one of these is refused, it is not there.
    pub written: Vec<Asked<()>>,
    pub refused: Vec<Refused>,
    pub asked: Vec<(&'static str, Asked<()>)>,
}

impl Stamping {
    pub fn done(refused: Vec<Refused>) -> Self {
        Self { refused, ..Self::default() }
    }

    /// Says whether answers are still to come.
    pub fn is_on_its_way(&self) -> bool {
        !(self.written.is_empty() && self.asked.is_empty())
    }

    /// Waits for all answers; returns which attributes were refused.
    ///
    /// # Errors
    /// A part of the content was refused.
    pub fn wait(self) -> io::Result<Vec<Refused>> {
        let (mut refused, mut written) = (self.refused, Ok(()));
        for asked in self.written {
            let answer = asked.wait();
            written = written.and(answer);
        }
        for (operation, asked) in self.asked {
            refused.extend(asked.wait().err().map(|error| Refused { operation, error }));
        }
        written.map(|()| refused)
    }
}

/// Where replicas grow.
pub(super) trait Far {
    /// A directory that names are looked up in.
    type Dir: Enter;
    /// A file that is being made.
    type File;

    /// What can be stored there.
    fn reach(&self) -> &Reach;

    /// The tree of a snapshot that is there.
    fn tree(&self, snapshot: &SnapshotName) -> io::Result<Self::Dir>;

    /// Says whether entries of a kind can be made there at all.
    fn can_make(&self, _kind: Kind) -> bool {
        true
    }

    /// Says whether it tells inodes.
    fn tells_inodes(&self) -> bool {
        true
    }

    /// How many directories it wants to hear of before their turn, so that requests are on their way together.
    fn ahead(&self) -> usize {
        0
    }

    /// Says whether more can be begun.
    fn has_room(&self) -> bool {
        false
    }

    /// Begins to make a sub-directory. `make_dir` ends it.
    fn begin_dir(&self, _dir: &Self::Dir, _name: &CStr) {}

    /// Begins to list a directory whose names will be looked at.
    fn begin_list(&self, _dir: &Self::Dir) {}

    /// Says whether that is done; with `wait`, waits for it.
    fn is_listed(&self, _dir: &Self::Dir, _wait: bool) -> bool {
        true
    }

    /// Hears that no name of the directory will be looked at any more.
    fn leave(&self, _dir: &Self::Dir) {}

    /// Begins a link to a name of another directory, if a listing says that it is as it should be. `link` ends it.
    fn begin_link(&self, _check: Option<&Expected>, _from: (&Self::Dir, &CStr), _to: (&Self::Dir, &CStr)) {}

    /// Begins to make a file. `create` ends it.
    fn begin_file(&self, _dir: &Self::Dir, _name: &CStr) {}

    /// Begins to make a symlink. `make_symlink` ends it.
    fn begin_symlink(&self, _target: &CStr, _dir: &Self::Dir, _name: &CStr) {}

    /// Takes back what was begun of a name that is left out.
    fn take_back(&self, _dir: &Self::Dir, _name: &CStr) -> io::Result<()> {
        Ok(())
    }

    /// Forgets what was begun in a directory that could not be made.
    fn forget_below(&self, _dir: &Self::Dir, _name: &CStr) {}

    /// Makes a sub-directory that nobody else may enter.
    fn make_dir(&self, dir: &Self::Dir, name: &CStr) -> io::Result<()>;

    /// Gives an inode one more name.
    fn link(&self, from: &Self::Dir, from_name: &CStr, to: &Self::Dir, name: &CStr) -> io::Result<()>;

    fn make_symlink(&self, target: &CStr, dir: &Self::Dir, name: &CStr) -> io::Result<()>;

    /// Makes a FIFO, socket or device node.
    fn make_node(&self, dir: &Self::Dir, name: &CStr, kind: Kind, device: u64) -> io::Result<()>;

    /// Makes an empty file; an existing name is an error.
    fn create(&self, dir: &Self::Dir, name: &CStr) -> io::Result<Self::File>;

    /// Fills an empty file with what `from` holds, holes left out, and hashes it.
    fn fill<S: SourceFile>(
        &mut self,
        file: &Self::File,
        from: &S,
        metadata: &Metadata,
        stop: &StopFlag,
    ) -> Result<Filled, CopyError>;

    /// The inode of a file that is being made; 0 where that is not told.
    fn inode(&self, file: &Self::File) -> u64;

    /// Ends a new file: gives it its attributes, the times last.
    fn stamp_file(&mut self, file: Self::File, stamps: &Stamps) -> Stamping;

    /// Gives a new symlink or node its attributes.
    fn stamp_name(&mut self, dir: &Self::Dir, name: &CStr, stamps: &Stamps) -> Stamping;

    /// Gives a directory its attributes, after its last child.
    fn stamp_dir(&mut self, dir: &Self::Dir, stamps: &Stamps) -> io::Result<Stamping>;

    /// The target of a symlink.
    fn read_link(&self, dir: &Self::Dir, name: &CStr) -> io::Result<CString>;

    /// The extended attributes that a name has, as far as they can be kept there.
    fn xattrs(&mut self, dir: &Self::Dir, name: &CStr) -> io::Result<Xattrs>;

    /// Looks at a name; `None` if there is nothing of that name.
    fn look(&self, dir: &Self::Dir, name: &CStr) -> io::Result<Option<Metadata>>;

    /// Removes what is no directory.
    fn remove(&self, dir: &Self::Dir, name: &CStr) -> io::Result<()>;

    /// Reads a file that is there for its hash; `None` if it is none that has one.
    fn hash(
        &mut self,
        dir: &Self::Dir,
        name: &CStr,
        metadata: &Metadata,
        stop: &StopFlag,
    ) -> io::Result<Option<ContentHash>>;
}
