//! What is told of snapshots: for people, and one type for each line or document in JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytesize::ByteSize;
use linkdest_core::{
    Change, ChangeKind, Escaped, Item, Kind, Metadata, RelPath, SnapshotName, SnapshotUsage, Version,
};
use serde::Serialize;

use super::json::PathText;
use super::table::local;

/// The line for one change.
pub fn change(change: &Change) -> String {
    let slash = slash(change.after().or(change.before()));
    let details = match (change.kind(), change.from()) {
        (ChangeKind::Renamed, Some(from)) => format!("  (from {from}{slash})"),
        (ChangeKind::Type, _) => match (change.before(), change.after()) {
            (Some(before), Some(after)) => format!("  ({before} to {after})"),
            _ => String::new(),
        },
        (ChangeKind::Expunged, _) if change.after().is_some() => "  (from the first snapshot)".to_owned(),
        (ChangeKind::Attributes, _) => {
            format!("  ({})", change.aspects().words().collect::<Vec<_>>().join(", "))
        }
        _ => String::new(),
    };
    format!("{:<10}  {}{slash}{details}", change.kind().as_str(), change.path())
}

/// What a directory's path ends in.
pub fn slash(kind: Option<Kind>) -> &'static str {
    if kind == Some(Kind::Directory) { "/" } else { "" }
}

/// What stands before the path in a long list.
pub fn attributes(item: &Item) -> String {
    let metadata = item.metadata();
    let (mode, time) = (mode(metadata), local(metadata.mtime));
    format!("{mode}  {:>5} {:>5}  {:>12}  {time}  ", metadata.uid, metadata.gid, metadata.size)
}

/// The kind and the permission bits as ls(1) shows them.
fn mode(metadata: &Metadata) -> String {
    let kind = match metadata.kind {
        Kind::Directory => 'd',
        Kind::Symlink => 'l',
        Kind::Fifo => 'p',
        Kind::Socket => 's',
        Kind::BlockDevice => 'b',
        Kind::CharDevice => 'c',
        _ => '-',
    };
    let has = |bit: u32| metadata.mode & bit != 0;
    let mut text = String::from(kind);
    for (shift, special, letter) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        text.push(if has(0o4 << shift) { 'r' } else { '-' });
        text.push(if has(0o2 << shift) { 'w' } else { '-' });
        text.push(match (has(0o1 << shift), has(special)) {
            (true, true) => letter,
            (false, true) => letter.to_ascii_uppercase(),
            (true, false) => 'x',
            (false, false) => '-',
        });
    }
    text
}

/// The line for one version of a path.
pub fn version(version: &Version) -> String {
    let (path, slash) = (version.path(), slash(Some(version.kind())));
    if version.is_expunged() {
        return format!("{path}{slash}  expunged  {}", inside(version));
    }
    let size = match version.kind() {
        Kind::File => ByteSize(version.size()).display().iec().to_string(),
        kind => kind.to_string(),
    };
    let target = version.item().target().map(|target| format!(" -> {}", Escaped(target))).unwrap_or_default();
    format!("{path}{slash}{target}  {size}  {}  {}", local(version.mtime()), inside(version))
}

/// The snapshots that have a version: those few, or the first and the last.
fn inside(version: &Version) -> String {
    let names: Vec<_> = version.snapshots().map(SnapshotName::as_str).collect();
    match names.as_slice() {
        [first, _, .., last] if names.len() > 3 => format!("{first} ... {last} ({} snapshots)", names.len()),
        few => few.join(", "),
    }
}

const USAGE_HEAD: [&str; 4] = ["SNAPSHOT", "SIZE", "NEW", "FREED"];

/// The table of what snapshots take.
pub fn usage(snapshots: &[SnapshotUsage]) -> Vec<String> {
    let size = |bytes| ByteSize(bytes).display().iec().to_string();
    let row = |one: &SnapshotUsage| {
        [one.name().to_string(), size(one.bytes()), size(one.new_bytes()), size(one.freed_bytes())]
    };
    let line =
        |[name, bytes, new, freed]: [String; 4]| format!("{name:<21}  {bytes:>10}  {new:>10}  {freed:>10}");
    std::iter::once(line(USAGE_HEAD.map(str::to_owned))).chain(snapshots.iter().map(row).map(line)).collect()
}

/// A change as JSON.
#[derive(Serialize)]
pub struct ChangeLine {
    #[serde(flatten)]
    path: PathText,
    change: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_b64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    aspects: Vec<&'static str>,
}

impl From<&Change> for ChangeLine {
    fn from(change: &Change) -> Self {
        let from = change.from();
        let not_text = |path: &&RelPath| !path.is_utf8();
        Self {
            path: change.path().into(),
            change: change.kind().as_str(),
            from: from.map(|from| from.to_string_lossy().into_owned()),
            from_b64: from.filter(not_text).map(|from| BASE64.encode(from.as_bytes())),
            before: change.before().map(word),
            after: change.after().map(word),
            aspects: change.aspects().words().collect(),
        }
    }
}

/// A kind as one word.
pub fn word(kind: Kind) -> String {
    kind.to_string().to_lowercase().replace(' ', "_")
}

/// An entry as JSON.
#[derive(Serialize)]
pub struct ItemLine {
    #[serde(flatten)]
    path: PathText,
    kind: String,
    mode: String,
    uid: u32,
    gid: u32,
    size: u64,
    mtime: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_b64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
}

impl From<&Item> for ItemLine {
    fn from(item: &Item) -> Self {
        let (metadata, target) = (item.metadata(), item.target());
        let not_text = |target: &&[u8]| std::str::from_utf8(target).is_err();
        Self {
            path: item.path().into(),
            kind: word(metadata.kind),
            mode: format!("{:04o}", metadata.mode),
            uid: metadata.uid,
            gid: metadata.gid,
            size: metadata.size,
            mtime: metadata.mtime.to_string(),
            target: target.map(|target| String::from_utf8_lossy(target).into_owned()),
            target_b64: target.filter(not_text).map(|target| BASE64.encode(target)),
            content: item.content().map(|content| content.to_string()),
        }
    }
}

/// A version as JSON.
#[derive(Serialize)]
pub struct VersionLine<'a> {
    #[serde(flatten)]
    item: ItemLine,
    expunged: bool,
    snapshots: Vec<&'a str>,
}

impl<'a> From<&'a Version> for VersionLine<'a> {
    fn from(version: &'a Version) -> Self {
        Self {
            item: version.item().into(),
            expunged: version.is_expunged(),
            snapshots: version.snapshots().map(SnapshotName::as_str).collect(),
        }
    }
}

/// What snapshots take, as JSON.
#[derive(Serialize)]
pub struct Usage<'a> {
    snapshots: Vec<UsageOf<'a>>,
    freed_bytes: u64,
}

#[derive(Serialize)]
struct UsageOf<'a> {
    name: &'a str,
    bytes: u64,
    new_bytes: u64,
    freed_bytes: u64,
}

impl<'a> From<&'a linkdest_core::Usage> for Usage<'a> {
    fn from(usage: &'a linkdest_core::Usage) -> Self {
        let one = |one: &'a SnapshotUsage| UsageOf {
            name: one.name().as_str(),
            bytes: one.bytes(),
            new_bytes: one.new_bytes(),
            freed_bytes: one.freed_bytes(),
        };
        Self { snapshots: usage.snapshots().iter().map(one).collect(), freed_bytes: usage.freed_bytes() }
    }
}
