//! The tree of a server that is like no honest one.

/// The files in `/tree`, with their sizes; beside them there is a directory `d`.
pub const FILES: &[(&str, usize)] = &[("empty", 0), ("small", 10), ("middle", 70_000), ("large", 700_000)];
/// The files in `/tree/d` of some servers; that of the others is empty.
pub const BELOW: &[(&str, usize)] = &[("a", 5), ("b", 6), ("c", 7)];
/// How many files there are in `/tree/d` of servers that list afresh, and how large each is.
pub const MANY: usize = 40;
pub const EACH: usize = 20;
/// When everything was changed last, and what was changed since.
pub const THEN: u32 = 1_600_000_000;
pub const LATER: u32 = THEN + 100;

/// The content of a file of that size.
pub fn content(size: usize) -> Vec<u8> {
    (0..size).map(|byte| (byte * 7 % 251) as u8).collect()
}

/// The content of that size of a file that was changed.
pub fn other_content(size: usize) -> Vec<u8> {
    (0..size).map(|byte| (byte * 11 % 241 + 1) as u8).collect()
}

/// The names of the files in `/tree/d` of servers that list afresh.
pub fn many() -> &'static [String] {
    static NAMES: std::sync::OnceLock<Vec<String>> = std::sync::OnceLock::new();
    NAMES.get_or_init(|| (0..MANY).map(|number| format!("{number:02}")).collect())
}

/// How long a file is by then that is replaced while it is read.
pub fn replaced_size(what: &str) -> usize {
    match what {
        "replaced-shorter" => 300_000,
        "replaced-longer" => 900_000,
        _ => 700_000,
    }
}
