//! Texts within texts: what systemd, the shell and cron would act on is quoted.

use std::fmt::Write as _;

/// A word of `ExecStart=` (systemd.service(5), "Command lines"): `%` and `$` stand for themselves, what is not plain is
/// in quotes. In the path of the program, the first word, `$` is plain.
pub(super) fn exec_word(bytes: &[u8], first: bool) -> String {
    let mut quoted = String::new();
    for byte in bytes {
        match byte {
            b'%' => quoted.push_str("%%"),
            b'$' if !first => quoted.push_str("$$"),
            b'"' => quoted.push_str("\\\""),
            b'\\' => quoted.push_str("\\\\"),
            b' '..=b'~' => quoted.push(char::from(*byte)),
            // A String takes any text.
            _ => {
                let _ = write!(quoted, "\\x{byte:02x}");
            }
        }
    }
    if bytes.iter().all(|byte| is_plain(*byte)) { quoted } else { format!("\"{quoted}\"") }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/._-+:@,=%$".contains(&byte)
}

/// Text of a setting that is one line, such as `Description=`.
pub(super) fn line(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    // A line that ends in a backslash goes on.
    text.replace('%', "%%").trim_end_matches('\\').to_owned()
}

/// A part of the name of a unit (systemd.unit(5), "String Escaping").
pub(super) fn unit(name: &str) -> String {
    let mut escaped = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b":_-.".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "\\x{byte:02x}");
        }
    }
    escaped
}

/// A word of a shell's command line.
pub(super) fn shell(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    if !bytes.is_empty()
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+:@,=".contains(byte))
    {
        return text.into_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A command in a crontab, where `%` is a line's end unless it is escaped (crontab(5)).
pub(super) fn cron(command: &str) -> String {
    command.replace('%', r"\%")
}

/// The name of a file in `/etc/cron.d`: others than letters, digits, `_` and `-` are passed over by cron.
pub(super) fn cron_file(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    name.chars().map(|c| if plain(c) { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_systemd() {
        for (word, quoted) in [
            ("/usr/bin/linkdest", "/usr/bin/linkdest"),
            ("/a b", "\"/a b\""),
            ("100%", "100%%"),
            ("$HOME", "$$HOME"),
            ("a\"b\\c", "\"a\\\"b\\\\c\""),
            ("it's;", "\"it's;\""),
            ("a\nb", "\"a\\x0ab\""),
            ("é", "\"\\xc3\\xa9\""),
            ("", ""),
        ] {
            assert_eq!(exec_word(word.as_bytes(), false), quoted, "{word}");
        }
        assert_eq!(exec_word(b"/opt/$x %/linkdest", true), "\"/opt/$x %%/linkdest\"");
        assert_eq!(line("50% of\nall\\"), "50%% of?all");
        assert_eq!(unit("a b-c.d%é"), r"a\x20b-c.d\x25\xc3\xa9");
    }

    #[test]
    fn words_of_cron() {
        for (word, quoted) in [
            ("/a/b-c.toml", "/a/b-c.toml"),
            ("/a b", "'/a b'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
            ("$x", "'$x'"),
        ] {
            assert_eq!(shell(word.as_bytes()), quoted, "{word}");
        }
        assert_eq!(cron("run '100%'"), r"run '100\%'");
        assert_eq!(cron_file("a.b c/é"), "a_b_c__");
    }
}
