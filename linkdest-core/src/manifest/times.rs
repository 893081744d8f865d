//! The three times of an entry, each in the shortest of some forms.

use super::base::Base;
use super::bytes::{Cursor, length, put, put_signed, signed_length};
use crate::entry::Timestamp;

const SECOND: i64 = 1_000_000_000;

/// A time as readers take it, whatever a file system said.
#[inline]
pub(super) fn proper(time: Timestamp) -> Timestamp {
    Timestamp { nanos: time.nanos.min(999_999_999), ..time }
}

/// Nanoseconds since 1970, where 64 bits hold them.
#[inline]
fn nanos(time: Timestamp) -> Option<i64> {
    time.seconds.checked_mul(SECOND)?.checked_add(i64::from(time.nanos))
}

#[inline]
fn time(nanos: i64) -> Option<Timestamp> {
    let below = u32::try_from(nanos.rem_euclid(SECOND)).ok()?;
    Some(Timestamp { seconds: nanos.div_euclid(SECOND), nanos: below })
}

/// How long `time` is before `later`, where it is.
#[inline]
fn before(time: Timestamp, later: Timestamp) -> Option<u64> {
    u64::try_from(nanos(later)?.checked_sub(nanos(time)?)?).ok()
}

#[inline]
fn put_nanos(out: &mut Vec<u8>, time: Timestamp) {
    out.extend_from_slice(&time.nanos.to_le_bytes());
}

#[inline]
fn with_nanos(cursor: &mut Cursor<'_>, seconds: i64) -> Option<Timestamp> {
    let nanos = cursor.u32()?;
    (i64::from(nanos) < SECOND).then_some(Timestamp { seconds, nanos })
}

/// Appends the change time and returns its form: 0 none, 1 nanoseconds past the base's, 2 seconds past the base's
/// and nanoseconds, 3 whole seconds past the base's.
pub(super) fn put_ctime(out: &mut Vec<u8>, base: &Base, ctime: Option<Timestamp>) -> u8 {
    let Some(ctime) = ctime else { return 0 };
    let seconds = ctime.seconds.wrapping_sub(base.ctime.seconds);
    if ctime.nanos == 0 {
        put_signed(out, seconds);
        return 3;
    }
    let past = nanos(ctime).zip(nanos(base.ctime)).and_then(|(ctime, base)| ctime.checked_sub(base));
    match past {
        Some(past) if signed_length(past) <= signed_length(seconds) + 4 => {
            put_signed(out, past);
            1
        }
        _ => {
            put_signed(out, seconds);
            put_nanos(out, ctime);
            2
        }
    }
}

#[inline]
pub(super) fn ctime(cursor: &mut Cursor<'_>, base: &Base, form: u8) -> Option<Option<Timestamp>> {
    if form == 0 {
        return Some(None);
    }
    let past = cursor.signed()?;
    let seconds = past.wrapping_add(base.ctime.seconds);
    match form {
        1 => time(nanos(base.ctime)?.checked_add(past)?),
        2 => with_nanos(cursor, seconds),
        _ => Some(Timestamp { seconds, nanos: 0 }),
    }
    .map(Some)
}

/// Appends the modification time and returns its form: 0 that of the change, 1 whole seconds past the base's, 2
/// nanoseconds before the change, 3 seconds past the base's and nanoseconds.
pub(super) fn put_mtime(out: &mut Vec<u8>, base: &Base, mtime: Timestamp, ctime: Option<Timestamp>) -> u8 {
    if ctime == Some(mtime) {
        return 0;
    }
    let seconds = mtime.seconds.wrapping_sub(base.mtime);
    let back = ctime.and_then(|ctime| before(mtime, ctime));
    let usual = signed_length(seconds) + if mtime.nanos == 0 { 0 } else { 4 };
    match back {
        Some(back) if length(back) < usual => {
            put(out, back);
            return 2;
        }
        _ => put_signed(out, seconds),
    }
    if mtime.nanos == 0 {
        return 1;
    }
    put_nanos(out, mtime);
    3
}

#[inline]
pub(super) fn mtime(
    cursor: &mut Cursor<'_>,
    base: &Base,
    form: u8,
    ctime: Option<Timestamp>,
) -> Option<Timestamp> {
    match form {
        0 => ctime,
        1 => Some(Timestamp { seconds: cursor.signed()?.wrapping_add(base.mtime), nanos: 0 }),
        2 => earlier(cursor.number()?, ctime?),
        _ => {
            let seconds = cursor.signed()?.wrapping_add(base.mtime);
            with_nanos(cursor, seconds)
        }
    }
}

#[inline]
fn earlier(back: u64, later: Timestamp) -> Option<Timestamp> {
    time(nanos(later)?.checked_sub_unsigned(back)?)
}

/// Appends the birth time and returns its form: 0 none, 1 nanoseconds before the change, 2 nanoseconds before the
/// modification, 3 seconds since 1970 and nanoseconds.
pub(super) fn put_btime(
    out: &mut Vec<u8>,
    btime: Option<Timestamp>,
    mtime: Timestamp,
    ctime: Option<Timestamp>,
) -> u8 {
    let Some(btime) = btime else { return 0 };
    let whole = signed_length(btime.seconds) + length(u64::from(btime.nanos));
    let back = |later| before(btime, later).filter(|back| length(*back) < whole);
    match (ctime.and_then(back), back(mtime)) {
        (Some(change), Some(modification)) if modification < change => {
            put(out, modification);
            2
        }
        (Some(change), _) => {
            put(out, change);
            1
        }
        (None, Some(modification)) => {
            put(out, modification);
            2
        }
        (None, None) => {
            put_signed(out, btime.seconds);
            put(out, u64::from(btime.nanos));
            3
        }
    }
}

#[inline]
pub(super) fn btime(
    cursor: &mut Cursor<'_>,
    form: u8,
    mtime: Timestamp,
    ctime: Option<Timestamp>,
) -> Option<Option<Timestamp>> {
    match form {
        0 => return Some(None),
        1 => earlier(cursor.number()?, ctime?),
        2 => earlier(cursor.number()?, mtime),
        _ => cursor.time(),
    }
    .map(Some)
}
