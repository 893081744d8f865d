//! What an entry is, as one number that stands in its row.

use crate::entry::Kind;

pub const FILE_WITH_HASH: u8 = 0;
pub const EMPTY_FILE_WITH_HASH: u8 = 1;
pub const FILE: u8 = 2;
pub const DIRECTORY_WITH_CHILD: u8 = 3;
pub const DIRECTORY: u8 = 4;
pub const SYMLINK: u8 = 5;
pub const FIFO: u8 = 6;
pub const SOCKET: u8 = 7;
pub const BLOCK_DEVICE: u8 = 8;
pub const CHAR_DEVICE: u8 = 9;
/// A directory with a child whose hash is recorded.
pub const DIRECTORY_WITH_TREE: u8 = 10;

/// Whether it tells where a directory's own entries are.
pub fn is_with_child(what: u8) -> bool {
    matches!(what, DIRECTORY_WITH_CHILD | DIRECTORY_WITH_TREE)
}

/// Whether a hash stands beside the row.
pub fn is_hashed(what: u8) -> bool {
    matches!(what, FILE_WITH_HASH | DIRECTORY_WITH_TREE)
}

/// The kind of entry.
pub fn kind(what: u8) -> Option<Kind> {
    Some(match what {
        FILE_WITH_HASH | EMPTY_FILE_WITH_HASH | FILE => Kind::File,
        DIRECTORY_WITH_TREE | DIRECTORY_WITH_CHILD | DIRECTORY => Kind::Directory,
        SYMLINK => Kind::Symlink,
        FIFO => Kind::Fifo,
        SOCKET => Kind::Socket,
        BLOCK_DEVICE => Kind::BlockDevice,
        CHAR_DEVICE => Kind::CharDevice,
        _ => return None,
    })
}
