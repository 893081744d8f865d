//! The path that is tested, laid out so that every form a rule compares with is a part of it.

/// One path with its absolute directory before it and a slash behind it: `/home/me/` `docs/a.txt` `/`.
///
/// An anchored pattern is compared from some directory on, one that starts with `**` from the slash before the path,
/// one that ends with `***` up to the slash behind it: all of them are parts of one piece of memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    text: &'a [u8],
    /// Where the path below the source starts.
    pub(super) path: usize,
    /// Where the last component starts.
    pub(super) name: usize,
    /// Whether the path is a directory; a symbolic link is none.
    pub(super) is_directory: bool,
}

impl<'a> Subject<'a> {
    /// Takes the laid out text; `path` is where the path starts, behind a slash.
    pub(super) fn new(text: &'a [u8], path: usize, is_directory: bool) -> Self {
        let before = text.get(..text.len().saturating_sub(1)).unwrap_or_default();
        let name = before.iter().rposition(|&byte| byte == b'/').map_or(path, |at| at + 1).max(path);
        Self { text, path, name, is_directory }
    }

    /// The text from `start` on, with the last `behind` of the one byte behind the path.
    pub(super) fn from(&self, start: usize, behind: usize) -> &'a [u8] {
        self.text.get(start..(self.text.len() + behind).saturating_sub(1)).unwrap_or_default()
    }

    /// The last component.
    pub(super) fn name(&self) -> &'a [u8] {
        self.from(self.name, 0)
    }

    /// The path below the source, with the slashes around it.
    pub(super) fn with_slashes(&self) -> &'a [u8] {
        self.from(self.path.saturating_sub(1), 1)
    }
}

/// Room for one path, on the stack as long as it is not a long one.
pub(super) struct Buffer {
    short: [u8; SHORT],
    long: Vec<u8>,
}

const SHORT: usize = 256;

impl Buffer {
    pub(super) fn new() -> Self {
        Self { short: [0; SHORT], long: Vec::new() }
    }

    /// Lays out a path behind the prefix of its directory (which ends in a slash).
    pub(super) fn lay_out(&mut self, prefix: &[u8], path: &[u8]) -> &[u8] {
        let (dir, end) = (prefix.len(), prefix.len() + path.len());
        if let Some(room) = self.short.get_mut(..=end)
            && let Some((before, behind)) = room.split_at_mut_checked(dir)
            && let Some((middle, last)) = behind.split_at_mut_checked(path.len())
        {
            before.copy_from_slice(prefix);
            middle.copy_from_slice(path);
            last.fill(b'/');
            return room;
        }
        self.long = [prefix, path, b"/"].concat();
        &self.long
    }
}
