//! Bracket expressions: `[a-z]`, `[!x]`, `[[:digit:]]`.

/// A set of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct ByteSet([u64; 4]);

impl ByteSet {
    /// Says whether the byte is in the set.
    pub(super) fn contains(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte >> 6)).is_some_and(|word| word >> (byte & 63) & 1 == 1)
    }

    fn insert(&mut self, byte: u8) {
        if let Some(word) = self.0.get_mut(usize::from(byte >> 6)) {
            *word |= 1 << (byte & 63);
        }
    }

    fn insert_range(&mut self, low: u8, high: u8) {
        (low..=high).for_each(|byte| self.insert(byte));
    }

    /// The set as a wildcard may use it: negated or not, and never a slash.
    fn finished(mut self, negated: bool) -> Self {
        if negated {
            self.0 = self.0.map(|word| !word);
        }
        let mut slash = Self::default();
        slash.insert(b'/');
        for (word, gone) in self.0.iter_mut().zip(slash.0) {
            *word &= !gone;
        }
        self
    }
}

/// Why a pattern can never match anything, whatever the names are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dead {
    /// A `[` without its `]`.
    OpenClass,
    /// `[[:name:]]` with a name that does not exist.
    UnknownClass,
    /// A backslash with nothing behind it.
    TrailingBackslash,
}

/// Reads a bracket expression from behind its `[`; gives the set and what follows the `]`.
pub(super) fn parse(rest: &[u8]) -> Result<(ByteSet, &[u8]), Dead> {
    let (negated, mut rest) = match rest {
        [b'!' | b'^', tail @ ..] => (true, tail),
        _ => (false, rest),
    };
    let mut set = ByteSet::default();
    // The byte that a following `-` would make the low end of a range.
    let mut low = None;
    let mut first = true;
    loop {
        if let Some((name, after)) = class_name(rest) {
            insert_class(&mut set, name)?;
            (low, rest, first) = (None, after, false);
            continue;
        }
        rest = match (rest, low) {
            ([b']', tail @ ..], _) if !first => return Ok((set.finished(negated), tail)),
            ([b'-', tail @ ..], Some(start)) if tail.first().is_some_and(|&next| next != b']') => {
                let (end, tail) = member(tail)?;
                set.insert_range(start, end);
                low = None;
                tail
            }
            _ => {
                let (byte, tail) = member(rest)?;
                set.insert(byte);
                low = Some(byte);
                tail
            }
        };
        first = false;
    }
}

/// One member, escaped or not.
fn member(rest: &[u8]) -> Result<(u8, &[u8]), Dead> {
    match rest {
        [b'\\', byte, tail @ ..] => Ok((*byte, tail)),
        [b'\\'] | [] => Err(Dead::OpenClass),
        [byte, tail @ ..] => Ok((*byte, tail)),
    }
}

/// The name in `[:name:]` and what follows; `None` if the next `]` does not close it.
fn class_name(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = rest.strip_prefix(b"[:")?;
    let end = rest.iter().position(|&byte| byte == b']')?;
    let (inside, after) = rest.split_at(end);
    Some((inside.strip_suffix(b":")?, after.strip_prefix(b"]")?))
}

fn insert_class(set: &mut ByteSet, name: &[u8]) -> Result<(), Dead> {
    let holds: fn(&u8) -> bool = match name {
        b"alnum" => u8::is_ascii_alphanumeric,
        b"alpha" => u8::is_ascii_alphabetic,
        b"blank" => |byte| matches!(byte, b' ' | b'\t'),
        b"cntrl" => u8::is_ascii_control,
        b"digit" => u8::is_ascii_digit,
        b"graph" => u8::is_ascii_graphic,
        b"lower" => u8::is_ascii_lowercase,
        b"print" => |byte| matches!(byte, 0x20..=0x7e),
        b"punct" => u8::is_ascii_punctuation,
        b"space" => |byte| super::bytes::is_space(*byte),
        b"upper" => u8::is_ascii_uppercase,
        b"xdigit" => u8::is_ascii_hexdigit,
        _ => return Err(Dead::UnknownClass),
    };
    (0..=u8::MAX).filter(holds).for_each(|byte| set.insert(byte));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(text: &str) -> String {
        let (set, rest) = parse(text.as_bytes()).unwrap();
        assert_eq!(rest, b"", "{text}");
        (b' '..=b'~').filter(|&byte| set.contains(byte)).map(char::from).collect()
    }

    #[test]
    fn sets_have_the_members_that_rsync_gives_them() {
        for (text, want) in [
            ("abc]", "abc"),
            ("a-c]", "abc"),
            ("a-c-e]", "-abce"),
            ("c-a]", "c"),
            ("]a]", "]a"),
            ("-a]", "-a"),
            ("a-]", "-a"),
            (r"\a-\c]", "abc"),
            (r"\\]", r"\"),
            (r"\]]", "]"),
            ("[:digit:]]", "0123456789"),
            ("[:digit:]x-z]", "0123456789xyz"),
            ("[:digit:]-x]", "-0123456789x"),
            ("[:x]", ":[x"),
            ("[:]", ":["),
            ("/a]", "a"),
        ] {
            let mut want: Vec<char> = want.chars().collect();
            want.sort_unstable();
            assert_eq!(members(text), want.into_iter().collect::<String>(), "[{text}");
        }
        assert!(!parse(b"!a]").unwrap().0.contains(b'/'));
        assert!(parse(b"^a]").unwrap().0.contains(0xc3));
    }

    #[test]
    fn what_is_not_closed_or_not_known_is_dead() {
        assert_eq!(parse(b"a"), Err(Dead::OpenClass));
        assert_eq!(parse(b"]"), Err(Dead::OpenClass));
        assert_eq!(parse(br"a\"), Err(Dead::OpenClass));
        assert_eq!(parse(b"[:alpha:]"), Err(Dead::OpenClass));
        assert_eq!(parse(b"[:ALPHA:]]"), Err(Dead::UnknownClass));
    }
}
