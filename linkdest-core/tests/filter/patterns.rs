//! Random patterns that usually have to do with a tree.

use crate::maker::Maker;

impl Maker<'_> {
    /// A pattern that usually has to do with the tree.
    pub fn pattern(&mut self) -> Vec<u8> {
        if self.random.chance(6) {
            return self.random.text(b"ab[]!^-\\*?/:.c*", 1, 9);
        }
        let path = self.random.pick(&self.tree.paths).clone();
        let mut parts: Vec<Vec<u8>> =
            path.split(|&byte| byte == b'/').filter(|part| !part.is_empty()).map(<[u8]>::to_vec).collect();
        let mut whole = true;
        if parts.len() > 1 && self.random.chance(60) {
            let start = self.random.below(parts.len());
            let end = self.random.within(start + 1, parts.len());
            whole = start == 0;
            parts = parts[start..end].to_vec();
        }
        let wild = self.random.chance(60);
        for part in &mut parts {
            *part = self.component(part, wild);
        }
        if wild && parts.len() > 1 && self.random.chance(20) {
            let at = self.random.below(parts.len());
            parts[at] = b"**".to_vec();
        }
        let mut pattern = parts.join(&b'/');
        if self.random.chance(if whole { 45 } else { 15 }) {
            pattern.insert(0, b'/');
        } else if self.random.chance(12) {
            pattern =
                [self.random.pick(&["**/", "**", "*/", "***/", "//", "./"]).as_bytes(), &pattern].concat();
        }
        let end = match self.random.below(20) {
            0..=3 => "/",
            4 | 5 => "/***",
            6 | 7 => "/**",
            8 => "/*",
            9 => self.random.pick(&["**", "***", "***/", "/***/", "//", "/*/", " ", "\\", "[", "/."]),
            _ => "",
        };
        pattern.extend_from_slice(end.as_bytes());
        pattern
    }

    /// A pattern of the characters that mean something.
    pub fn odd_pattern(&mut self) -> Vec<u8> {
        let mut pattern = if self.random.chance(60) {
            let set = self.random.text(b"ab-[]:!^\\c.*", 1, 6);
            let before = self.random.text(b"ab*?.\\-", 0, 1);
            let after = self.random.text(b"ab*?[\\]", 0, 1);
            [&before[..], b"[", &set, b"]", &after].concat()
        } else {
            self.random.text(b"ab[]!^-\\*?:.x/*", 1, 6)
        };
        let before =
            *self.random.pick(&["", "", "", "", "/", "x/", "**/", "/x/**/", "*/", "/y/", "**", "[[]a]/"]);
        let after = *self.random.pick(&["", "", "", "", "/", "/***", "/*", "/**", "***"]);
        pattern.splice(0..0, before.bytes());
        pattern.extend_from_slice(after.as_bytes());
        pattern
    }

    fn component(&mut self, text: &[u8], wild: bool) -> Vec<u8> {
        let escaped = |text: &[u8]| {
            text.iter().flat_map(|&b| if b"*?[\\".contains(&b) { vec![b'\\', b] } else { vec![b] }).collect()
        };
        if !wild || text.is_empty() {
            return if self.random.chance(50) { text.to_vec() } else { escaped(text) };
        }
        let at = self.random.below(text.len());
        let (before, byte, after) = (&text[..at], text[at], &text[at + 1..]);
        match self.random.below(10) {
            0 | 1 => text.to_vec(),
            2 => escaped(text),
            3 => b"*".to_vec(),
            4 => [before, b"*"].concat(),
            5 => [b"*", after].concat(),
            6 => [before, b"?", after].concat(),
            _ => [before, &self.set(byte), after].concat(),
        }
    }

    /// Something in brackets, or another thing that may take the byte.
    fn set(&mut self, byte: u8) -> Vec<u8> {
        const CLASSES: [&str; 13] = [
            "alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
            "upper", "xdigit", "Alpha",
        ];
        let member = if b"\\]^!-[".contains(&byte) { vec![b'\\', byte] } else { vec![byte] };
        let other = *self.random.pick(b"acmxz.-]!^\\:[");
        match self.random.below(12) {
            0 => [b"[", &member[..], b"]"].concat(),
            1 => [b"[!", &member[..], b"]"].concat(),
            2 => [b"[^", &[other][..], b"]"].concat(),
            3 => [b"[", &member[..], b"-", &[other], b"]"].concat(),
            4 => [b"[", &[other][..], b"-", &member, b"]"].concat(),
            5 => [b"[[:", self.random.pick(&CLASSES).as_bytes(), b":]]"].concat(),
            6 => [b"[!", &[other][..], b"[:", self.random.pick(&CLASSES).as_bytes(), b":]", &member, b"]"]
                .concat(),
            7 => [b"[]", &[other][..], b"]"].concat(),
            8 => vec![b'\\', byte],
            9 => [b"[", &self.random.text(b"ab-[]:!^\\c", 0, 6)[..], b"]"].concat(),
            10 => b"**".to_vec(),
            _ => b"[a-c-e]".to_vec(),
        }
    }
}
