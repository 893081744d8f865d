//! Real trees through the public API.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests stop where an assumption fails, and make their trees by path"
)]

mod adopt;
mod adopt_layouts;
mod adopted;
mod changing;
mod content;
mod delete;
mod diff;
mod every_kind;
mod expunge;
mod expunge_killed;
mod filters;
mod forget;
mod guards;
mod hard_links;
mod history;
mod incremental;
mod inherited;
mod layout;
mod link_limit;
mod lists;
mod manifests;
mod odd_file_systems;
mod part_lists;
mod problems;
mod profile;
mod references;
mod reindex;
mod replicate;
mod replicate_doubtful;
mod replicate_killed;
mod replicate_records;
mod replicate_server;
mod replicate_sharing;
mod replicate_trouble;
mod report;
mod repository;
mod resolve;
mod restic;
mod restore;
mod restore_bare;
mod restore_killed;
mod restore_targets;
mod schedule;
mod secrets;
mod server_repository;
mod sftp;
mod sftp_doubts;
mod small_disks;
mod stop;
mod support;
mod unseen;
mod verify;
mod verify_reading;
