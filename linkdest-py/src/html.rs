//! Results as notebooks show them: tables of HTML in which every value is escaped.

use std::fmt::{Display, Write as _};

/// So many of a list are shown; of the others the number is told.
const SHOWN: usize = 20;

/// A table with a name and a value in each row.
pub(crate) struct Table(String);

impl Table {
    /// Begins a table: what it is of, and the name of that.
    pub fn new(title: &str, name: impl Display) -> Self {
        let name = escape(&name.to_string());
        Self(format!("<table><caption>{title} <code>{name}</code></caption><tbody>"))
    }

    /// Adds a row.
    pub fn row(mut self, name: impl Display, value: impl Display) -> Self {
        self.add(&name.to_string(), &escape(&value.to_string()));
        self
    }

    /// Adds a row with a number.
    pub fn number(self, name: impl Display, value: u64) -> Self {
        self.row(name, number(value))
    }

    /// Adds a row with a number of bytes.
    pub fn bytes(self, name: impl Display, value: u64) -> Self {
        self.row(name, size(value))
    }

    /// Adds a row with a time in seconds.
    pub fn seconds(self, name: impl Display, value: f64) -> Self {
        self.row(name, format_args!("{value:.1} s"))
    }

    /// Adds a row with a list, of which there may be more than what is given; nothing if it is empty.
    pub fn list<T: Display>(mut self, name: &str, items: impl IntoIterator<Item = T>, all: u64) -> Self {
        let mut list = String::new();
        let mut shown = 0_u64;
        for item in items.into_iter().take(SHOWN) {
            let _ = write!(list, "<li>{}</li>", escape(&item.to_string()));
            shown += 1;
        }
        if all > shown {
            let _ = write!(list, "<li>{} more</li>", number(all - shown));
        }
        if !list.is_empty() {
            self.add(name, &format!("<ul>{list}</ul>"));
        }
        self
    }

    /// Ends the table.
    pub fn end(self) -> String {
        self.0 + "</tbody></table>"
    }

    fn add(&mut self, name: &str, html: &str) {
        let left = "style=\"text-align: left\"";
        let _ = write!(self.0, "<tr><th {left}>{}</th><td {left}>{html}</td></tr>", escape(name));
    }
}

/// Text as HTML, in elements and in attributes.
fn escape(text: &str) -> String {
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

/// A number with its thousands apart.
pub(crate) fn number(number: u64) -> String {
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

/// A number of bytes, as people say it: `1.2 GiB`.
pub(crate) fn size(bytes: u64) -> String {
    let (mut value, mut unit) = (bytes as f64, "B");
    for larger in ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] {
        if value < 1023.95 {
            break;
        }
        (value, unit) = (value / 1024.0, larger);
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") }
}
