//! The two streams: results on standard output, messages on standard error.

use std::fmt::Display;
use std::io::{self, BufWriter, Stdout, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::failure::Failure;
use crate::progress::Bar;
use crate::report::json;

/// What a line on standard error is.
#[derive(Debug, Clone, Copy)]
pub enum Label {
    Error,
    Problem,
    Note,
}

impl Label {
    fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Problem => "problem",
            Self::Note => "note",
        }
    }

    fn style(self) -> Style {
        match self {
            Self::Error => AnsiColor::Red.on_default().bold(),
            Self::Problem => AnsiColor::Yellow.on_default().bold(),
            Self::Note => AnsiColor::Cyan.on_default(),
        }
    }
}

/// Prints a message as one line. That standard error is gone cannot be told to anybody.
pub fn print_message(label: Label, message: &str) {
    let (style, word) = (label.style(), label.word());
    let message = one_line(message);
    let _ = writeln!(anstream::stderr().lock(), "linkdest: {style}{word}:{style:#} {message}");
}

/// Prints a JSON line, where what comes of it no longer matters.
pub fn print_json(value: &impl Serialize) {
    let _ = json::write_line(&mut io::stdout().lock(), value);
}

/// File names come escaped; causes from elsewhere may still have lines and control characters of their own.
fn one_line(message: &str) -> String {
    let lines: Vec<_> =
        message.split(char::is_control).map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join(" ")
}

/// Standard output with a buffer, and the bar that has to step aside for messages.
pub struct Console {
    pub bar: Bar,
    out: Mutex<Out>,
}

struct Out {
    writer: BufWriter<AutoStream<Stdout>>,
    /// The first error; nothing is written after it.
    error: Option<io::Error>,
}

impl Out {
    fn write(&mut self, write: impl FnOnce(&mut BufWriter<AutoStream<Stdout>>) -> io::Result<()>) {
        if self.error.is_none() {
            self.error = write(&mut self.writer).err();
        }
    }
}

impl Console {
    /// What is raw, JSON too, goes out as it is: taking colours out of it would take characters out of names.
    pub fn new(raw: bool, with_bar: bool) -> Self {
        let stdout = io::stdout();
        let stream = if raw { AutoStream::always_ansi(stdout) } else { AutoStream::auto(stdout) };
        let writer = BufWriter::new(stream);
        Self { bar: Bar::new(with_bar), out: Mutex::new(Out { writer, error: None }) }
    }

    /// Prints a line on standard output.
    pub fn line(&self, line: impl Display) {
        self.out().write(|out| writeln!(out, "{line}"));
    }

    /// Prints bytes on standard output, as they are.
    pub fn bytes(&self, bytes: &[u8]) {
        self.out().write(|out| out.write_all(bytes));
    }

    /// Prints a JSON document on one line of standard output.
    pub fn json(&self, value: &impl Serialize) {
        self.out().write(|out| json::write_line(out, value));
    }

    /// Hands out what is in the buffer.
    pub fn flush(&self) {
        self.out().write(Write::flush);
    }

    /// Prints a message on standard error, after what was printed before it.
    pub fn message(&self, label: Label, message: impl Display) {
        self.flush();
        self.bar.aside(|| print_message(label, &message.to_string()));
    }

    /// Prints a line of a log on standard error.
    pub fn log(&self, line: impl Display) {
        self.flush();
        self.bar.aside(|| {
            let _ = writeln!(anstream::stderr().lock(), "{}", one_line(&line.to_string()));
        });
    }

    /// Ends the output.
    ///
    /// # Errors
    /// When something could not be written. A reader that went away (`| head`) has seen enough.
    pub fn close(&self) -> Result<(), Failure> {
        self.flush();
        match self.out().error.take() {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::io("cannot write to standard output", &error))
            }
            _ => Ok(()),
        }
    }

    fn out(&self) -> MutexGuard<'_, Out> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_one_line() {
        assert_eq!(one_line("a: b\n  |\n1 | \x1b[31mx\r\n"), "a: b | 1 | [31mx");
    }
}
