//! A rule file taken apart into the texts of single rules.

use super::bytes::is_space;

/// The longest line that rsync takes.
const LONGEST_LINE: usize = 5119;

/// The text of one rule in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    /// The line, from 1.
    pub(super) line: usize,
    /// Where in the line the text starts, from 0.
    pub(super) column: usize,
    pub(super) text: &'a [u8],
}

/// How a file is taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Cut {
    /// At line ends.
    Lines,
    /// At NUL bytes (`--from0`).
    Nul,
    /// At white space.
    Words,
}

/// Cuts a file into pieces: no empty ones, in lines no comments.
pub(super) fn pieces(content: &[u8], cut: Cut) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut line = 1;
    let mut column = 0;
    let mut previous = 0;
    let ends = |byte: u8| match cut {
        Cut::Lines => matches!(byte, b'\n' | b'\r'),
        Cut::Nul => byte == 0,
        Cut::Words => is_space(byte),
    };
    for part in content.split_inclusive(|&byte| ends(byte)) {
        let (text, end) = match part.split_last() {
            Some((&last, text)) if ends(last) => (text, last),
            _ => (part, 0),
        };
        // A line feed behind a carriage return ends the same line.
        if text.is_empty() && end == b'\n' && previous == b'\r' {
            previous = end;
            continue;
        }
        let is_comment = cut != Cut::Words && matches!(text.first(), Some(b'#' | b';'));
        let kept = up_to_nul(text);
        if !kept.is_empty() && !is_comment {
            pieces.push(Piece { line, column, text: kept });
        }
        if cut == Cut::Words && !matches!(end, b'\n' | b'\r') {
            column += part.len();
        } else {
            (line, column) = (line + 1, 0);
        }
        previous = end;
    }
    pieces
}

/// A NUL byte cannot be in a name; rsync stops reading a rule there.
fn up_to_nul(text: &[u8]) -> &[u8] {
    text.split(|&byte| byte == 0).next().unwrap_or(text)
}

impl Piece<'_> {
    /// Says whether rsync drops a line of this length.
    pub(super) fn is_too_long(&self) -> bool {
        self.text.len() > LONGEST_LINE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(content: &str, cut: Cut) -> Vec<(usize, usize, &str)> {
        let pieces = pieces(content.as_bytes(), cut);
        pieces.iter().map(|p| (p.line, p.column, std::str::from_utf8(p.text).unwrap())).collect()
    }

    #[test]
    fn every_line_end_counts_and_the_last_may_miss() {
        assert_eq!(texts("- a\n\n- b", Cut::Lines), [(1, 0, "- a"), (3, 0, "- b")]);
        assert_eq!(texts("- a\r\n- b\r\n", Cut::Lines), [(1, 0, "- a"), (2, 0, "- b")]);
        assert_eq!(texts("- a\r- b\r", Cut::Lines), [(1, 0, "- a"), (2, 0, "- b")]);
        assert_eq!(texts("# x\n;y\n #z\n", Cut::Lines), [(3, 0, " #z")]);
        assert_eq!(texts("- a\n\0- b\0#c\0", Cut::Nul), [(1, 0, "- a\n"), (2, 0, "- b")]);
        assert_eq!(texts("- a\0b\n", Cut::Lines), [(1, 0, "- a")]);
    }

    #[test]
    fn words_have_no_comments() {
        assert_eq!(texts(" a  #b\nc", Cut::Words), [(1, 1, "a"), (1, 4, "#b"), (2, 0, "c")]);
    }
}
