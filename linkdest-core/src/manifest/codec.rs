//! One entry as bytes: its row. The hash of a file's content stands beside the row.

use super::base::{Attributes, Base, COMMON};
use super::bytes::{Cursor, put, put_bytes, put_signed};
use super::flags::EntryFlags;
use super::hash::ContentHash;
use super::keys::Identity;
use super::record::{Entry, Locator, Origin};
use super::times;
use super::what::{self, is_hashed, is_with_child};
use super::xattrs::RecordedXattrs;
use crate::entry::{FileId, Kind, Metadata};

/// Where the inode came from.
const FRESH: u8 = 0;
const SAME_OF_FIRST: u8 = 1;
const GROUP: u8 = 2;
const OTHER: u8 = 3;

/// Bits of the second byte.
const ORIGIN: u8 = 3 << 4;
const ALLOCATED: u8 = 1 << 6;
const RARE: u8 = 1 << 7;

/// Bits of the third byte, which is there where any of them is set.
const LINKS: u8 = 1;
const DEVICE: u8 = 1 << 1;
const STANDS_FOR: u8 = 1 << 2;
const XATTRS: u8 = 1 << 3;
const FLAGS: u8 = 1 << 4;
const ALL_RARE: u8 = (1 << 5) - 1;

/// Appends the row of an entry, its name first. Returns the hash that has to stand beside it.
pub(super) fn encode<'a>(entry: &'a Entry<'_>, base: &Base, out: &mut Vec<u8>) -> Option<&'a ContentHash> {
    let metadata = &entry.metadata;
    put_bytes(out, entry.name);
    let marks = out.len();
    out.extend_from_slice(&[0, 0]);
    let rare = rare(entry, base);
    if rare != 0 {
        out.push(rare);
    }
    put_inodes(entry, base, out);
    put(out, metadata.size);
    let allocated = metadata.allocated != usually_allocated(metadata.kind, metadata.size);
    if allocated {
        put_allocated(out, metadata.allocated);
    }
    let times = put_times(metadata, base, out);
    let attributes = put_attributes(metadata, base, out);
    put_rare(entry, rare, out);
    let origin = put_origin(entry.origin, out);
    let what = put_what(entry, base, out);
    let flag = |is_set, bit| if is_set { bit } else { 0 };
    if let Some([first, second]) = out.get_mut(marks..).and_then(|row| row.first_chunk_mut::<2>()) {
        *first = what | times.0 << 4 | times.1 << 6;
        *second =
            times.2 | attributes << 2 | origin << 4 | flag(allocated, ALLOCATED) | flag(rare != 0, RARE);
    }
    match what {
        what::FILE_WITH_HASH => entry.content.as_ref(),
        what::DIRECTORY_WITH_TREE => entry.tree.as_ref(),
        _ => None,
    }
}

/// Appends the times and returns the forms of change, birth and modification.
fn put_times(metadata: &Metadata, base: &Base, out: &mut Vec<u8>) -> (u8, u8, u8) {
    let (mtime, ctime) = (times::proper(metadata.mtime), metadata.ctime.map(times::proper));
    let forms = (times::put_ctime(out, base, ctime), times::put_mtime(out, base, mtime, ctime));
    (forms.0, times::put_btime(out, metadata.btime.map(times::proper), mtime, ctime), forms.1)
}

fn put_inodes(entry: &Entry<'_>, base: &Base, out: &mut Vec<u8>) {
    let own = match entry.repository_inode {
        0 => 0,
        known => known.wrapping_sub(base.least_repository_inode()).wrapping_add(1),
    };
    put(out, own);
    put(out, entry.metadata.id.inode.wrapping_sub(base.inode));
}

/// How much space an entry takes up on most file systems.
fn usually_allocated(kind: Kind, size: u64) -> u64 {
    if kind == Kind::Symlink { 0 } else { size.checked_next_multiple_of(4096).unwrap_or_default() }
}

fn put_allocated(out: &mut Vec<u8>, allocated: u64) {
    // A multiple of 512, as it is nearly always, becomes a small number.
    put(out, allocated.rotate_right(9));
}

fn usual_links(kind: Kind) -> u64 {
    if kind == Kind::Directory { 2 } else { 1 }
}

/// Which of the rare things the entry has.
fn rare(entry: &Entry<'_>, base: &Base) -> u8 {
    let metadata = &entry.metadata;
    let flag = |is_set, bit| if is_set { bit } else { 0 };
    flag(metadata.nlink != usual_links(metadata.kind), LINKS)
        | flag(metadata.id.device != base.device, DEVICE)
        | flag(metadata.rdev != 0, STANDS_FOR)
        | flag(!entry.xattrs.is_empty(), XATTRS)
        | flag(!entry.flags.is_empty(), FLAGS)
}

fn put_rare(entry: &Entry<'_>, rare: u8, out: &mut Vec<u8>) {
    if rare & LINKS != 0 {
        put(out, entry.metadata.nlink);
    }
    if rare & DEVICE != 0 {
        put(out, entry.metadata.id.device);
    }
    if rare & STANDS_FOR != 0 {
        put(out, entry.metadata.rdev);
    }
    if rare & XATTRS != 0 {
        put_bytes(out, entry.xattrs.as_bytes());
    }
    if rare & FLAGS != 0 {
        out.push(entry.flags.bits());
    }
}

/// Appends mode and owners where the base does not have them; returns their number, or that of none.
fn put_attributes(metadata: &Metadata, base: &Base, out: &mut Vec<u8>) -> u8 {
    let own = (metadata.mode, metadata.uid, metadata.gid);
    match base.attributes().iter().position(|known| *known == own) {
        Some(0) => 0,
        Some(1) => 1,
        Some(2) => 2,
        _ => {
            for number in [own.0, own.1, own.2] {
                put(out, u64::from(number));
            }
            3
        }
    }
}

fn put_origin(origin: Origin<'_>, out: &mut Vec<u8>) -> u8 {
    match origin {
        Origin::Fresh => FRESH,
        Origin::Group => GROUP,
        Origin::Same { reference: 0 } => SAME_OF_FIRST,
        Origin::Same { reference } => {
            put(out, u64::from(reference) << 1);
            OTHER
        }
        Origin::Elsewhere { reference, path } => {
            put(out, u64::from(reference) << 1 | 1);
            put_bytes(out, path);
            OTHER
        }
    }
}

/// Appends the target or the child; returns what the entry is.
fn put_what(entry: &Entry<'_>, base: &Base, out: &mut Vec<u8>) -> u8 {
    match entry.metadata.kind {
        Kind::File => match entry.content {
            Some(ContentHash::OF_NOTHING) if entry.metadata.size == 0 => what::EMPTY_FILE_WITH_HASH,
            Some(_) => what::FILE_WITH_HASH,
            None => what::FILE,
        },
        Kind::Directory => match entry.child {
            Some(child) => {
                put_locator(out, base.block, child);
                if entry.tree.is_some() { what::DIRECTORY_WITH_TREE } else { what::DIRECTORY_WITH_CHILD }
            }
            None => what::DIRECTORY,
        },
        Kind::Symlink => {
            put_bytes(out, entry.target);
            what::SYMLINK
        }
        Kind::Fifo => what::FIFO,
        Kind::Socket => what::SOCKET,
        Kind::BlockDevice => what::BLOCK_DEVICE,
        Kind::CharDevice => what::CHAR_DEVICE,
    }
}

/// Appends where a directory is, as seen from a block.
pub(super) fn put_locator(out: &mut Vec<u8>, block: u32, at: Locator) {
    put_signed(out, i64::from(block) - i64::from(at.block));
    put(out, u64::from(at.slot));
}

pub(super) fn locator(cursor: &mut Cursor<'_>, block: u32) -> Option<Locator> {
    let block = i64::from(block).checked_sub(cursor.signed()?)?;
    Some(Locator { block: u32::try_from(block).ok()?, slot: cursor.small()? })
}

/// A row that was read.
#[derive(Debug)]
pub(super) struct Row<'a> {
    /// The entry; its hash is missing where that stands beside the row.
    pub entry: Entry<'a>,
    /// Whether it does.
    pub is_hashed: bool,
}

impl<'a> Row<'a> {
    /// The entry with the hash that stands beside the row.
    #[inline]
    pub fn with_hash(self, hash: Option<ContentHash>) -> Entry<'a> {
        match self.entry.metadata.kind {
            Kind::Directory => Entry { tree: hash, ..self.entry },
            _ => Entry { content: hash, ..self.entry },
        }
    }
}

/// Reads a row.
#[inline]
pub(super) fn decode<'a>(cursor: &mut Cursor<'a>, base: &Base) -> Option<Row<'a>> {
    let name = cursor.bytes()?;
    let (first, second) = (cursor.byte()?, cursor.byte()?);
    let rare = if second & RARE == 0 { 0 } else { cursor.byte().filter(|rare| rare & !ALL_RARE == 0)? };
    let repository_inode = match cursor.number()? {
        0 => 0,
        past => past.wrapping_sub(1).wrapping_add(base.least_repository_inode()),
    };
    let inode = cursor.number()?.wrapping_add(base.inode);
    let size = cursor.number()?;
    let what = first & 0xf;
    let kind = what::kind(what)?;
    let allocated =
        if second & ALLOCATED == 0 { usually_allocated(kind, size) } else { cursor.number()?.rotate_left(9) };
    let ctime = times::ctime(cursor, base, first >> 4 & 3)?;
    let mtime = times::mtime(cursor, base, second & 3, ctime)?;
    let btime = times::btime(cursor, first >> 6, mtime, ctime)?;
    let (mode, uid, gid) = attributes(cursor, base, second >> 2 & 3)?;
    let Rare { nlink, device, rdev, xattrs, flags } = read_rare(cursor, rare, kind, base)?;
    let origin = origin(cursor, second >> 4 & 3)?;
    let id = FileId { device, inode };
    let metadata =
        Metadata { kind, mode, uid, gid, size, allocated, mtime, ctime, btime, nlink, id, rdev, mount: None };
    let entry = Entry {
        name,
        metadata,
        repository_inode,
        origin,
        target: if what == what::SYMLINK { cursor.bytes()? } else { b"" },
        xattrs,
        content: (what == what::EMPTY_FILE_WITH_HASH).then_some(ContentHash::OF_NOTHING),
        flags,
        child: if is_with_child(what) { Some(locator(cursor, base.block)?) } else { None },
        tree: None,
    };
    Some(Row { entry, is_hashed: is_hashed(what) })
}

/// Mode, user and group.
#[inline]
fn attributes(cursor: &mut Cursor<'_>, base: &Base, number: u8) -> Option<Attributes> {
    match base.attributes().get(usize::from(number)) {
        Some(known) => Some(*known),
        None if usize::from(number) == COMMON => Some((cursor.small()?, cursor.small()?, cursor.small()?)),
        None => None,
    }
}

/// What few entries have.
struct Rare<'a> {
    nlink: u64,
    device: u64,
    rdev: u64,
    xattrs: RecordedXattrs<'a>,
    flags: EntryFlags,
}

#[inline]
fn read_rare<'a>(cursor: &mut Cursor<'a>, rare: u8, kind: Kind, base: &Base) -> Option<Rare<'a>> {
    let mut read = Rare {
        nlink: usual_links(kind),
        device: base.device,
        rdev: 0,
        xattrs: RecordedXattrs::NONE,
        flags: EntryFlags::default(),
    };
    if rare & LINKS != 0 {
        read.nlink = cursor.number()?;
    }
    if rare & DEVICE != 0 {
        read.device = cursor.number()?;
    }
    if rare & STANDS_FOR != 0 {
        read.rdev = cursor.number()?;
    }
    if rare & XATTRS != 0 {
        read.xattrs = RecordedXattrs::checked(cursor.bytes()?)?;
    }
    if rare & FLAGS != 0 {
        read.flags = EntryFlags::from_bits(cursor.byte()?);
    }
    Some(read)
}

#[inline]
fn origin<'a>(cursor: &mut Cursor<'a>, form: u8) -> Option<Origin<'a>> {
    Some(match form {
        FRESH => Origin::Fresh,
        SAME_OF_FIRST => Origin::Same { reference: 0 },
        GROUP => Origin::Group,
        _ => {
            let number = cursor.number()?;
            let reference = u32::try_from(number >> 1).ok()?;
            if number & 1 == 0 {
                Origin::Same { reference }
            } else {
                Origin::Elsewhere { reference, path: cursor.bytes()? }
            }
        }
    })
}

/// Whether the row at the start of these bytes is that of a directory with a child; no more is read than must be.
pub(super) fn has_child(row: &[u8]) -> bool {
    let mut cursor = Cursor::new(row);
    let first = cursor.bytes().and_then(|_| cursor.byte());
    first.is_some_and(|first| is_with_child(first & 0xf))
}

/// Whether two rows, told against the same base, are of entries that differ in nothing but where their inodes came from,
/// hashes aside; `false` too where the rows alone do not show that at once.
pub(super) fn are_alike(one: &[u8], other: &[u8]) -> bool {
    let mut cursor = Cursor::new(one);
    if one.len() != other.len() || cursor.bytes().is_none() {
        return false;
    }
    let name = one.len() - cursor.rest().len();
    let (Some((name, [first, second, rest @ ..])), Some((others, [same, origin, end @ ..]))) =
        (one.split_at_checked(name), other.split_at_checked(name))
    else {
        return false;
    };
    let is_told = |second: u8| second & RARE == 0 && second >> 4 & 3 != OTHER;
    let what = first & 0xf;
    // Where no hash is recorded, and where other records decide, more must be looked at.
    let is_enough = what != what::FILE && !is_with_child(what) && is_told(*second) && is_told(*origin);
    is_enough && first == same && (second ^ origin) & !ORIGIN == 0 && rest == end && name == others
}

/// What the entry of a row is looked up by, and whether its hash stands beside the row; `None` if that is not all that
/// must be known to move the row to another block.
pub(super) fn identity(row: &[u8], base: &Base) -> Option<(Identity, bool)> {
    let mut cursor = Cursor::new(row);
    cursor.bytes()?;
    let (first, second) = (cursor.byte()?, cursor.byte()?);
    let (what, rare) = (first & 0xf, if second & RARE == 0 { 0 } else { cursor.byte()? });
    // A directory tells where its entries are as seen from its block.
    if is_with_child(what) || rare & DEVICE != 0 {
        return None;
    }
    cursor.number()?;
    let inode = cursor.number()?.wrapping_add(base.inode);
    let size = cursor.number()?;
    Some((
        Identity { id: FileId { device: base.device, inode }, size, content: None },
        what == what::FILE_WITH_HASH,
    ))
}

/// Appends a row with its hash right behind it.
pub(super) fn encode_alone(entry: &Entry<'_>, base: &Base, out: &mut Vec<u8>) {
    if let Some(hash) = encode(entry, base, out) {
        out.extend_from_slice(&hash.0);
    }
}

/// Appends an entry as it stands for itself, outside of a manifest.
pub(crate) fn pack(entry: &Entry<'_>, out: &mut Vec<u8>) {
    encode_alone(entry, &Base::default(), out);
}

/// Reads what [`pack`] appended, and nothing else.
pub(crate) fn unpack(bytes: &[u8]) -> Option<Entry<'_>> {
    let mut cursor = Cursor::new(bytes);
    decode_alone(&mut cursor, &Base::default()).filter(|_| cursor.is_at_end())
}

/// Reads what [`encode_alone`] appended.
pub(super) fn decode_alone<'a>(cursor: &mut Cursor<'a>, base: &Base) -> Option<Entry<'a>> {
    let row = decode(cursor, base)?;
    if !row.is_hashed {
        return Some(row.entry);
    }
    let hash = ContentHash(cursor.array()?);
    Some(row.with_hash(Some(hash)))
}
