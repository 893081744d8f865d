//! Test support for linkdest: builds awkward trees, judges two trees exactly, mounts small
//! file systems on loop devices, starts SSH servers, and removes trees of any depth.
//!
//! Nothing here depends on the code under test, so a mistake there cannot hide itself here.
//! Everything works through open directories, one name at a time, with a bounded number of
//! descriptors: trees may be deeper than any path can say.
//!
//! `LINKDEST_TEST_DIR` says where temporary directories are made. With `LINKDEST_REQUIRE_ALL=1`
//! a test that would be skipped fails.

// Test support: a failed assumption ought to stop the test right where it is, and calls by
// path are fine in directories that only the test itself uses.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
// The fields of `struct stat` have other types on other processors.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    clippy::unnecessary_cast
)]

mod acl;
mod attributes;
mod big_trees;
mod build;
mod compare;
mod content;
mod descent;
mod difference;
mod edits;
mod entry;
mod every_kind;
mod home;
mod inventory;
mod links;
mod loopfs;
mod population;
mod random;
mod remove;
mod run;
mod skip;
mod sshd;
mod test_dir;
mod xattrs;

pub use acl::{ACCESS_ACL, AclEntry, DEFAULT_ACL, acl};
pub use attributes::Attributes;
pub use big_trees::{deep, wide};
pub use build::{Refusal, build};
pub use compare::{Comparison, assert_same, compare};
pub use difference::{Aspect, Difference, describe, escaped};
pub use edits::random_edits;
pub use entry::{Entry, EntryKind};
pub use every_kind::{Privileges, every_kind, every_kind_entries};
pub use home::HomeTree;
pub use inventory::{Inventory, Record};
pub use loopfs::{FileSystem, LoopMount, Unavailable, drop_caches, flush};
pub use random::Random;
pub use remove::remove_tree;
pub use run::{NOBODY, as_user, is_root, rsync_differences};
pub use skip::{skip, skip_beyond};
pub use sshd::{Flaw, Sshd, sftp_server};
pub use test_dir::TestDir;
pub use xattrs::is_portable_xattr;
