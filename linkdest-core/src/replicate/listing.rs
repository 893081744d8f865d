//! A directory of a server that is listed while other things are asked for.

use std::collections::{HashMap, VecDeque};
use std::io;

use crate::sftp::{Asked, Attributes, Client, Handle, Names};

/// Parts that are asked for at once: at first, since most directories have one part and an end; at most.
const FIRST: usize = 2;
const MOST: usize = 16;

/// What is told of the names of one directory.
pub(super) type Listed = HashMap<Vec<u8>, Attributes>;

/// A listing on its way. What cannot be listed is looked at name by name.
pub(super) enum Listing {
    Opening(Asked<Handle>),
    Reading { handle: Handle, parts: VecDeque<Asked<Option<Names>>>, wanted: usize, listed: Listed },
    Done(Listed),
}

impl Listing {
    pub fn begin(client: &Client, path: &[u8]) -> Self {
        Self::Opening(client.open_dir(path))
    }

    /// Goes on as far as answers are there, or with `wait` to the end; says whether all was told.
    pub fn advance(&mut self, client: &Client, wait: bool) -> bool {
        loop {
            match self {
                Self::Done(_) => return true,
                Self::Opening(asked) if !wait && !asked.is_ready() => return false,
                Self::Reading { parts, .. } if !wait && !parts.front().is_some_and(Asked::is_ready) => {
                    return false;
                }
                _ => {}
            }
            let stage = std::mem::replace(self, Self::Done(Listed::new()));
            *self = stage.next(client).unwrap_or_else(|_| Self::Done(Listed::new()));
        }
    }

    /// Takes one answer.
    fn next(self, client: &Client) -> io::Result<Self> {
        match self {
            Self::Done(listed) => Ok(Self::Done(listed)),
            Self::Opening(asked) => {
                let handle = asked.wait()?;
                let parts = (0..FIRST).map(|_| client.read_dir(&handle)).collect();
                Ok(Self::Reading { handle, parts, wanted: FIRST, listed: Listed::new() })
            }
            Self::Reading { handle, mut parts, wanted, mut listed } => {
                let names = parts.pop_front().map(Asked::wait).transpose();
                let Ok(Some(Some(names))) = names else {
                    // Nothing was written: that closing fails changes nothing.
                    drop(client.close(&handle));
                    return names.map(|_| Self::Done(listed));
                };
                listed.extend(names.iter().map(|named| (named.name.to_vec(), named.attributes)));
                let wanted = (wanted * 2).min(MOST);
                // Behind the first part most directories end.
                while parts.is_empty() || (wanted > 2 * FIRST && parts.len() < wanted) {
                    parts.push_back(client.read_dir(&handle));
                }
                Ok(Self::Reading { handle, parts, wanted, listed })
            }
        }
    }
}
