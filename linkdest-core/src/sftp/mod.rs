//! SFTP 3 over `ssh`, or over any program that speaks it: names are bytes, many requests are on their way at once.
//!
//! What a server says is hostile input: lengths are checked before anything is believed, names that no directory can
//! have end the connection, and a server that answers nothing is given up.

mod address;
mod asked;
mod attributes;
mod budget;
mod client;
mod exchange;
mod outgoing;
mod reading;
mod reply;
mod revival;
mod slot;
mod ssh;
mod transport;
mod wire;
#[cfg_attr(not(test), allow(dead_code, reason = "this is what replicating to a server needs"))]
mod writing;

pub(crate) use address::Address;
pub(crate) use asked::Asked;
pub(crate) use attributes::Attributes;
pub(crate) use budget::Share;
pub(crate) use client::{Client, Handle};
pub(crate) use reading::Reading;
pub(crate) use reply::{Data, Names};
pub use ssh::Ssh;
pub(crate) use writing::Writing;

/// Takes what a server might send apart in every way that there is; for fuzzing. Returns how much was found.
#[doc(hidden)]
pub fn read_replies(bytes: &[u8]) -> usize {
    let packets = transport::packets(bytes);
    packets.into_iter().map(|(_, raw)| reply::read_in_every_way(raw.kind, &raw.body)).sum()
}
