//! One entry as bytes.

use super::bytes::{Cursor, put, put_bytes, put_time};
use super::flags::EntryFlags;
use super::hash::ContentHash;
use super::record::{Entry, Locator, Origin};
use super::xattrs::RecordedXattrs;
use crate::entry::{FileId, Kind, Metadata, Timestamp};

const KINDS: [Kind; 7] = [
    Kind::File,
    Kind::Directory,
    Kind::Symlink,
    Kind::Fifo,
    Kind::Socket,
    Kind::BlockDevice,
    Kind::CharDevice,
];

/// Appends an entry, its name first.
pub(super) fn encode(entry: &Entry<'_>, out: &mut Vec<u8>) {
    let metadata = &entry.metadata;
    put_bytes(out, entry.name);
    put(out, KINDS.iter().position(|kind| *kind == metadata.kind).unwrap_or_default() as u64);
    put(out, u64::from(entry.flags.bits()));
    for number in [metadata.mode, metadata.uid, metadata.gid] {
        put(out, u64::from(number));
    }
    let id = metadata.id;
    for number in [
        metadata.size,
        metadata.allocated,
        metadata.nlink,
        metadata.rdev,
        id.device,
        id.inode,
        entry.repository_inode,
    ] {
        put(out, number);
    }
    put_time(out, metadata.mtime);
    for time in [metadata.ctime, metadata.btime] {
        put(out, u64::from(time.is_some()));
        if let Some(time) = time {
            put_time(out, time);
        }
    }
    put_origin(out, entry.origin);
    put_bytes(out, entry.target);
    put_bytes(out, entry.xattrs.as_bytes());
    put(out, u64::from(entry.content.is_some()));
    if let Some(hash) = entry.content {
        out.extend_from_slice(&hash.0);
    }
    put_locator(out, entry.child);
}

fn put_origin(out: &mut Vec<u8>, origin: Origin<'_>) {
    match origin {
        Origin::Fresh => put(out, 0),
        Origin::Group => put(out, 1),
        Origin::Same { reference } => {
            put(out, 2);
            put(out, u64::from(reference));
        }
        Origin::Elsewhere { reference, path } => {
            put(out, 3);
            put(out, u64::from(reference));
            put_bytes(out, path);
        }
    }
}

pub(super) fn put_locator(out: &mut Vec<u8>, locator: Option<Locator>) {
    put(out, u64::from(locator.is_some()));
    if let Some(Locator { block, slot }) = locator {
        put(out, u64::from(block));
        put(out, u64::from(slot));
    }
}

/// Reads an entry that takes up all of the bytes.
pub(super) fn decode(bytes: &[u8]) -> Option<Entry<'_>> {
    let mut cursor = Cursor::new(bytes);
    let entry = entry(&mut cursor)?;
    cursor.is_at_end().then_some(entry)
}

fn entry<'a>(cursor: &mut Cursor<'a>) -> Option<Entry<'a>> {
    let name = cursor.bytes()?;
    let kind = *KINDS.get(cursor.small::<usize>()?)?;
    let flags = EntryFlags::from_bits(cursor.small()?);
    let (mode, uid, gid) = (cursor.small()?, cursor.small()?, cursor.small()?);
    let (size, allocated, nlink, rdev) =
        (cursor.number()?, cursor.number()?, cursor.number()?, cursor.number()?);
    let id = FileId { device: cursor.number()?, inode: cursor.number()? };
    let repository_inode = cursor.number()?;
    let (mtime, ctime, btime) = (cursor.time()?, maybe_time(cursor)?, maybe_time(cursor)?);
    let metadata =
        Metadata { kind, mode, uid, gid, size, allocated, mtime, ctime, btime, nlink, id, rdev, mount: None };
    Some(Entry {
        name,
        metadata,
        repository_inode,
        origin: origin(cursor)?,
        target: cursor.bytes()?,
        xattrs: RecordedXattrs::checked(cursor.bytes()?)?,
        content: if yes(cursor)? { Some(ContentHash(cursor.array()?)) } else { None },
        flags,
        child: locator(cursor)?,
    })
}

fn yes(cursor: &mut Cursor<'_>) -> Option<bool> {
    match cursor.byte()? {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

fn maybe_time(cursor: &mut Cursor<'_>) -> Option<Option<Timestamp>> {
    if yes(cursor)? { cursor.time().map(Some) } else { Some(None) }
}

fn origin<'a>(cursor: &mut Cursor<'a>) -> Option<Origin<'a>> {
    match cursor.byte()? {
        0 => Some(Origin::Fresh),
        1 => Some(Origin::Group),
        2 => Some(Origin::Same { reference: cursor.small()? }),
        3 => Some(Origin::Elsewhere { reference: cursor.small()?, path: cursor.bytes()? }),
        _ => None,
    }
}

pub(super) fn locator(cursor: &mut Cursor<'_>) -> Option<Option<Locator>> {
    if yes(cursor)? {
        Some(Some(Locator { block: cursor.small()?, slot: cursor.small()? }))
    } else {
        Some(None)
    }
}
