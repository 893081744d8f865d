//! Values as the page writes them.

use std::fmt::Write as _;

use jiff::tz::TimeZone;

use crate::entry::Timestamp;
use crate::path::Escaped;

/// Text as HTML, in elements and in attributes.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A name as HTML: what a reader could be deceived by is told as its bytes.
pub(super) fn name(bytes: &[u8]) -> String {
    escape(&Escaped(bytes).to_string())
}

/// A size in bytes with three digits or so: `1.2 GiB`.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let (mut value, mut word) = (bytes as f64, "B");
    for unit in UNITS {
        // What would be rounded to 1024 is one of the next unit.
        if value < 1023.5 {
            break;
        }
        (value, word) = (value / 1024.0, unit);
    }
    if word == "B" || value >= 99.95 { format!("{value:.0} {word}") } else { format!("{value:.1} {word}") }
}

/// A number with its thousands apart.
pub(super) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with its noun.
pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

/// A part of a whole in percent.
pub(super) fn percent(part: u64, whole: u64) -> String {
    let percent = if whole == 0 { 0.0 } else { part as f64 / whole as f64 * 100.0 };
    if percent >= 9.95 { format!("{percent:.0} %") } else { format!("{percent:.1} %") }
}

/// A day, as the local clock has it.
pub(super) fn day(time: Timestamp) -> String {
    format(time, "%Y-%m-%d")
}

/// A day and a time, as the local clock has it.
pub(super) fn minute(time: Timestamp) -> String {
    format(time, "%Y-%m-%d %H:%M")
}

/// A time in a form of strftime(3).
pub(super) fn format(time: Timestamp, form: &str) -> String {
    let time = jiff::Timestamp::from_second(time.seconds).unwrap_or_default();
    time.to_zoned(TimeZone::system()).strftime(form).to_string()
}

/// A stretch of time, as coarse as people tell it.
pub(super) fn span(seconds: i64) -> String {
    let (count, one, many) = match seconds {
        ..=119 => (seconds.max(0), "second", "seconds"),
        120..=7_199 => (seconds / 60, "minute", "minutes"),
        7_200..=172_799 => (seconds / 3_600, "hour", "hours"),
        172_800..=5_183_999 => (seconds / 86_400, "day", "days"),
        5_184_000..=63_071_999 => (seconds / 2_592_000, "month", "months"),
        _ => (seconds / 31_536_000, "year", "years"),
    };
    counted(u64::try_from(count).unwrap_or_default(), one, many)
}

/// A row of a table; cells are HTML.
pub(super) fn row(html: &mut String, cell: &str, cells: &[String]) {
    html.push_str("<tr>");
    for text in cells {
        let _ = write!(html, "<{cell}>{text}</{cell}>");
    }
    html.push_str("</tr>\n");
}

/// A table that is folded away: a head, and rows of HTML. Columns that are numbers are named by a class, `n2 n3`.
pub(super) fn table(html: &mut String, title: &str, class: &str, head: &[&str], rows: &[Vec<String>]) {
    let _ = write!(
        html,
        "<details><summary>{title}</summary><div class=\"wide\"><table class=\"{class}\"><thead>"
    );
    row(html, "th", &head.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>());
    html.push_str("</thead><tbody>\n");
    rows.iter().for_each(|cells| row(html, "td", cells));
    html.push_str("</tbody></table></div></details>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_is_markup() {
        for (bytes, html) in [
            (&b"plain"[..], "plain"),
            (b"<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
            (b"\" onload=\"x", "&quot; onload=&quot;x"),
            (b"' & '", "&#39; &amp; &#39;"),
            (b"a\nb\xff", "a\\x0ab\\xff"),
            ("\u{202e}gpj".as_bytes(), "\\xe2\\x80\\xaegpj"),
            (b"&lt;", "&amp;lt;"),
            ("é中".as_bytes(), "é中"),
        ] {
            assert_eq!(name(bytes), html);
        }
    }

    #[test]
    fn values_are_written_as_people_write_them() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (102_400, "100 KiB"),
            (1_048_575, "1.0 MiB"),
            (5 << 40, "5.0 TiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
        for (given, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(number(given), text);
        }
        for (part, whole, text) in [(0, 0, "0.0 %"), (1, 3, "33 %"), (1, 1000, "0.1 %"), (7, 7, "100 %")] {
            assert_eq!(percent(part, whole), text);
        }
        for (seconds, text) in [
            (-5, "0 seconds"),
            (1, "1 second"),
            (120, "2 minutes"),
            (86_400, "24 hours"),
            (172_800, "2 days"),
            (86_400 * 59, "59 days"),
            (86_400 * 60, "2 months"),
            (86_400 * 800, "2 years"),
        ] {
            assert_eq!(span(seconds), text);
        }
    }
}
