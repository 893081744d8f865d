//! Where an adopted tree has the source: other tools keep it below a backup point, with its whole path, or with its name.

use std::ffi::CString;
use std::io;

use super::references::Origin;
use crate::descent::Descent;
use crate::entry::Kind;
use crate::native::OsStrExt as _;
use crate::os::{Dir, Listing, errno};
use crate::path::RelPath;
use crate::source::Source;

/// So many names of the source are looked for in each place.
const SAMPLE: usize = 256;
/// So many directories of a tree may be backup points; with more it is no such tree.
const MOST_POINTS: usize = 256;

/// Finds the directory of an adopted tree that has most of the names that lie in the root of the source.
///
/// Looked at are the source's whole path in the tree (Back In Time, Timeshift), the same below each directory of the tree
/// (the backup points of rsnapshot), the tree itself, and the source's last name in it (rsync without a trailing slash).
/// Of places with equally many the first is taken: the more of the path a place has, the more it is the source's own.
pub(super) fn find(tree: &Dir, source: &Origin<'_>) -> io::Result<RelPath> {
    let names = (source.names)()?;
    let mut best = (0, RelPath::root());
    let mut descent = Descent::new(tree);
    for place in places(tree, source)? {
        let Some(dir) = open(&mut descent, &place)? else { continue };
        let is_there =
            |(name, kind): &&(CString, Kind)| dir.stat_at(name).is_ok_and(|there| there.kind == *kind);
        let count = names.iter().filter(is_there).count();
        if count > best.0 {
            best = (count, place);
        }
    }
    Ok(best.1)
}

/// The places where the source may be, the likeliest first.
fn places(tree: &Dir, source: &Origin<'_>) -> io::Result<Vec<RelPath>> {
    let whole = RelPath::from_typed(source.place.as_os_str().as_bytes()).unwrap_or_default();
    let mut places = Vec::new();
    if whole != RelPath::root() {
        places.push(whole.clone());
    }
    let mut points = listed(tree, |kind| kind == Kind::Directory)?;
    // Of several machines in one tree, this one's.
    points.sort_by_key(|(name, _)| {
        let name = name.to_bytes();
        (name != source.host.as_bytes(), name != b"localhost", name.to_vec())
    });
    places.extend(points.iter().take(MOST_POINTS).map(|(name, _)| {
        let parts = [name.to_bytes(), whole.as_bytes()].into_iter();
        RelPath::from_names(parts.filter(|part| !part.is_empty()))
    }));
    places.push(RelPath::root());
    places.extend(source.place.file_name().and_then(|name| RelPath::new(name.as_bytes())));
    Ok(places)
}

fn open<'d>(descent: &'d mut Descent<'_>, place: &RelPath) -> io::Result<Option<&'d Dir>> {
    match descent.open(place) {
        Err(error) if errno::is_absent(&error) || error.kind() == io::ErrorKind::PermissionDenied => Ok(None),
        opened => opened.map(Some),
    }
}

/// The names in the root of a source.
pub(super) fn names_of<S: Source>(source: &S) -> io::Result<Vec<(CString, Kind)>> {
    let root = source.open_root()?.dir;
    let mut listing = Listing::default();
    source.list(&root, &mut listing)?;
    let mut names = Vec::new();
    for entry in listing.entries().iter().take(SAMPLE) {
        let name = listing.name(*entry);
        let mut kind = entry.kind;
        if kind.is_none() {
            let mut looked = Ok(());
            source.stat(&root, &[name], &mut |_, answer| looked = answer.map(|stat| kind = Some(stat.kind)));
            looked?;
        }
        names.extend(kind.map(|kind| (name.to_owned(), kind)));
    }
    Ok(names)
}

/// The names in a directory whose kind is wanted.
fn listed(dir: &Dir, wanted: impl Fn(Kind) -> bool) -> io::Result<Vec<(CString, Kind)>> {
    let mut listing = Listing::default();
    dir.open_dir(c".")?.list(&mut listing)?;
    let mut names = Vec::new();
    for entry in listing.entries() {
        let name = listing.name(*entry);
        let kind = match entry.kind {
            Some(kind) => kind,
            None => dir.stat_at(name)?.kind,
        };
        if wanted(kind) {
            names.push((name.to_owned(), kind));
        }
    }
    Ok(names)
}
