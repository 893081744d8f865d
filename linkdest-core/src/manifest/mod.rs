//! Manifests: one immutable file per snapshot, with a record for every entry.
//!
//! A manifest tells what the source looked like (metadata, content hashes, extended attributes), where each inode of
//! the snapshot came from, and finds entries by path, by inode and by content. `docs/manifest-format.md` describes
//! the bytes.
//!
//! Directories are written as they are finished, by any number of workers: each fills blocks of its own
//! ([`Lane`]), so that nothing is locked for an entry or a directory. A reader checks everything that it loads, so
//! that looking at loaded entries cannot fail, and needs no memory but for the blocks that it looks at.
//!
//! [`Lane`]: lane::Lane

mod base;
mod block;
mod bytes;
mod cache;
mod check;
mod codec;
mod directory;
mod draft;
mod error;
mod flags;
mod frame;
mod generation;
mod hash;
mod header;
mod input;
mod keys;
mod lane;
mod lookup;
mod part;
mod reader;
mod record;
mod runs;
mod tail;
mod times;
mod tree_hash;
mod walk;
mod what;
#[doc(hidden)]
pub mod workbench;
mod writer;
mod xattrs;

pub use cache::BlockCache;
pub use directory::{Directory, Found};
pub use error::ManifestError;
pub use flags::EntryFlags;
pub use hash::{ContentHash, InvalidContentHash};
pub use header::{FileSystemId, Header, Totals};
pub use reader::Manifest;
pub use record::{Entry, Locator, Origin, Place, Subtree};
pub use walk::Walk;
pub use xattrs::{EncodedXattrs, RecordedXattrs, XattrIter, XattrValue};

pub(crate) use codec::{pack, unpack};
pub(crate) use draft::{DirectoryDraft, DraftSpace};
pub(crate) use generation::{ExpungedNames, write_corrected, write_without};
pub(crate) use input::ReadAt;
pub(crate) use lane::Lane;
pub(crate) use part::PATH_LIMIT;
pub(crate) use writer::ManifestWriter;

#[cfg(test)]
mod tests;
