//! The commands in the documentation work, and print what it says.
//!
//! In a block `sh` each line is a command that succeeds. In a block `console` commands begin with `$`, what belongs to them
//! with `>`, and what they print follows: `[..]` is any part of a line, `...` any lines. Each page has a machine of its own,
//! a directory that stands for `/`, with a user who is not root.

use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::{Command, Stdio};

use linkdest_testkit::{NOBODY, TestDir, as_user, is_root, skip};

use crate::place::copy_program;

const SFTP_SERVER: &str = "/usr/lib/openssh/sftp-server";

/// A page and how many of its commands are run at least.
const PAGES: [(&str, usize); 13] = [
    ("README.md", 18),
    ("docs/command-line.md", 0),
    ("docs/faq.md", 0),
    ("docs/filter-rules.md", 4),
    ("docs/guarantees.md", 0),
    ("docs/how-it-works.md", 0),
    ("docs/migrating.md", 12),
    ("docs/network.md", 7),
    ("docs/platform.md", 0),
    ("docs/profiles.md", 5),
    ("docs/repository.md", 0),
    ("docs/testing.md", 0),
    ("docs/tutorial.md", 20),
];

/// A command, with what it should print where that is told.
#[derive(Debug)]
struct Typed {
    line: usize,
    command: String,
    printed: Option<Vec<String>>,
}

/// The commands of a page.
fn commands(page: &str) -> Vec<Typed> {
    let mut commands: Vec<Typed> = Vec::new();
    let mut block = None;
    for (line, text) in (1..).zip(page.lines()) {
        match (text.strip_prefix("```"), block) {
            (Some(label), None) => block = Some(label),
            (Some(_), Some(_)) => block = None,
            (None, Some("sh")) => {
                commands.push(Typed { line, command: text.to_owned(), printed: None });
            }
            (None, Some("console")) => {
                if let Some(command) = text.strip_prefix("$ ") {
                    commands.push(Typed { line, command: command.to_owned(), printed: Some(Vec::new()) });
                } else {
                    let last = commands.last_mut().unwrap();
                    match text.strip_prefix('>') {
                        Some(more) => {
                            last.command.push('\n');
                            last.command.push_str(more.strip_prefix(' ').unwrap_or(more));
                        }
                        None => last.printed.as_mut().unwrap().push(text.to_owned()),
                    }
                }
            }
            _ => {}
        }
    }
    commands
}

/// A directory that stands for a machine.
struct Machine {
    dir: TestDir,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { dir: TestDir::new() };
        for (path, text) in [
            ("home/me/docs/letter.txt", "Dear reader\n"),
            ("home/me/notes.txt", "milk, bread\n"),
            ("home/me/.cache/browser/page", "<html>"),
            ("mnt/backup/.keep", ""),
            ("mnt/second/.keep", ""),
            ("bin/.keep", ""),
        ] {
            machine.write(path, text);
        }
        copy_program(&machine.dir.join("bin/linkdest"));
        machine
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// What a page takes for granted.
    fn prepare(&self, page: &str) {
        let profile = "source = '~/'\nrepository = '../../../../mnt/backup/laptop'\n[keep]\ndaily = 14\n";
        match page {
            "README.md" => {
                self.write("backup/.keep", "");
                self.write("home/me/laptop.rules", "- *.o\n");
                self.write("home/me/.cache/x", "x");
                self.write("home/me/.netrc", "secret");
                self.write("home/me/.config/linkdest/laptop.toml", profile);
                self.old("mnt/backup/old");
            }
            "docs/filter-rules.md" => {
                self.write("home/me/laptop.rules", "- *.o\n");
                self.write("home/me/a", "a");
                self.has_repository("laptop");
            }
            "docs/migrating.md" => {
                self.old("mnt/backup/old");
                self.write("mnt/backup/rsnapshot/daily.0/localhost/home/me/notes.txt", "milk, bread\n");
                self.write("mnt/backup/rsnapshot/daily.1/localhost/home/me/notes.txt", "milk\n");
                for (time, text) in
                    [("20240601-020000-123", "milk\n"), ("20240602-020000-123", "milk, bread\n")]
                {
                    let snapshot = format!("mnt/backup/bit/backintime/laptop/me/1/{time}");
                    self.write(&format!("{snapshot}/info"), "[Back In Time]\n");
                    self.write(&format!("{snapshot}/backup/home/me/notes.txt"), text);
                }
            }
            "docs/network.md" => {
                self.write("volume1/photos/cat.jpg", "cat");
                self.write("home/me/storage/dcim/dog.jpg", "dog");
                self.write("backup/.keep", "");
                self.write("home/me/docs/letter.txt", "Dear reader\n");
                self.has_repository("photos");
                self.has_repository("phone");
                self.has_repository("laptop");
                self.saves("/home/me", "laptop");
            }
            "docs/profiles.md" => {
                self.write("home/me/.config/linkdest/laptop.toml", profile);
                self.has_repository("laptop");
            }
            _ => {}
        }
    }

    /// What a script around rsync made.
    fn old(&self, path: &str) {
        self.write(&format!("{path}/2024-06-01/notes.txt"), "milk\n");
        self.write(&format!("{path}/2024-06-02/notes.txt"), "milk, bread\n");
    }

    fn has_repository(&self, name: &str) {
        self.hand_over();
        let (printed, code) = self.run(&format!("linkdest init -q /mnt/backup/{name}"));
        assert_eq!(code, Some(0), "{printed}");
    }

    fn saves(&self, source: &str, repository: &str) {
        let (printed, code) = self.run(&format!("linkdest snapshot -q {source} /mnt/backup/{repository}"));
        assert_eq!(code, Some(0), "{printed}");
    }

    /// Gives everything to the user who types.
    fn hand_over(&self) {
        if is_root() {
            for entry in walk(self.dir.path()) {
                std::os::unix::fs::lchown(&entry, Some(NOBODY), Some(NOBODY)).unwrap();
            }
            chown(self.dir.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }

    /// Runs a command as it was typed; returns what it printed, and its exit code.
    fn run(&self, typed: &str) -> (String, Option<i32>) {
        let root = self.dir.path().to_str().unwrap();
        let path = format!("{root}/bin:{}", std::env::var("PATH").unwrap());
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("{{ {}\n}} 2>&1", on_machine(typed, root)));
        command.current_dir(self.dir.join("home/me")).env("HOME", self.dir.join("home/me")).env("PATH", path);
        command
            .env("TZ", "UTC")
            .env("LC_ALL", "C.UTF-8")
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("NO_COLOR");
        let mut command = if is_root() { as_user(NOBODY, &command) } else { command };
        let output = command.stdin(Stdio::null()).output().unwrap();
        (String::from_utf8_lossy(&output.stdout).replace(root, ""), output.status.code())
    }
}

fn walk(root: &Path) -> Vec<std::path::PathBuf> {
    let (mut found, mut waiting) = (Vec::new(), vec![root.to_owned()]);
    while let Some(dir) = waiting.pop() {
        for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                waiting.push(entry.path());
            }
            found.push(entry.path());
        }
    }
    found
}

/// A command with its absolute paths on the machine; what asks is answered, and a server is a program.
fn on_machine(typed: &str, root: &str) -> String {
    let mut command = String::new();
    let mut before = ' ';
    for (at, c) in typed.char_indices() {
        let rest = typed.split_at(at).1;
        let is_path =
            c == '/' && (before.is_whitespace() || "\"'=".contains(before)) && !rest.starts_with("/dev/");
        if is_path {
            command.push_str(root);
        }
        command.push(c);
        before = c;
    }
    let asks = ["adopt", "forget", "delete", "expunge"]
        .iter()
        .any(|name| typed.starts_with(&format!("linkdest {name} ")));
    let answered = ["--yes", "--dry-run", " -n "].iter().any(|option| typed.contains(option));
    let options = if asks && !answered { " --yes" } else { "" };
    let Some((name, rest)) = command.split_once("linkdest ") else { return command };
    let Some((scheme, server)) = rest.split_once("sftp://") else {
        return format!("{name}linkdest{options} {rest}");
    };
    let (host, path) = server.split_once('/').unwrap();
    let root = if path.starts_with("~/") { "" } else { root };
    format!("{name}linkdest --ssh-command {SFTP_SERVER} {scheme}sftp://{host}{root}/{path}")
}

/// Whether lines are what was expected.
fn fits(expected: &[String], printed: &[&str]) -> bool {
    match expected.split_first() {
        None => printed.is_empty(),
        Some((any, rest)) if any == "..." => {
            (0..=printed.len()).any(|skipped| fits(rest, &printed[skipped..]))
        }
        Some((line, rest)) => {
            printed.first().is_some_and(|first| fits_line(line, first)) && fits(rest, &printed[1..])
        }
    }
}

fn fits_line(expected: &str, printed: &str) -> bool {
    let mut parts = expected.split("[..]");
    let Some(mut rest) = printed.strip_prefix(parts.next().unwrap()) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

fn run_page(name: &str) -> usize {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)).unwrap();
    let machine = Machine::new();
    machine.prepare(name);
    machine.hand_over();
    let mut count = 0;
    for typed in commands(&page) {
        // What builds or measures is run by `.ci/run`, or takes hours.
        let is_ours = !["cargo ", "scripts/", "LINKDEST_", "RUSTFLAGS", "pip "]
            .iter()
            .any(|start| typed.command.starts_with(start));
        if !is_ours || typed.command.is_empty() {
            continue;
        }
        if typed.command.contains("sftp://") && !Path::new(SFTP_SERVER).exists() {
            skip("there is no sftp-server");
            continue;
        }
        let (printed, code) = machine.run(&typed.command);
        let Typed { line, command, printed: expected } = typed;
        assert_eq!(code, Some(0), "{name}:{line}: {command}\n{printed}");
        if let Some(expected) = expected {
            let lines: Vec<&str> = printed.lines().collect();
            assert!(fits(&expected, &lines), "{name}:{line}: {command}\n{printed}");
        }
        count += 1;
    }
    count
}

#[test]
fn every_command_in_the_documentation_works() {
    for (name, least) in PAGES {
        let count = run_page(name);
        assert!(count >= least, "{name}: only {count} commands were found");
    }
}

#[test]
fn every_page_is_looked_at() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    // Bytes and figures.
    let without = ["manifest-format.md", "performance.md"];
    for entry in fs::read_dir(root.join("docs")).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let known = PAGES.iter().any(|(page, _)| *page == format!("docs/{name}"));
        assert!(known || !name.ends_with(".md") || without.contains(&name.as_str()), "{name}");
    }
}

#[test]
fn what_is_printed_is_compared() {
    let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    for (expected, printed, result) in [
        (&["a"][..], &["a"][..], true),
        (&["a"], &["b"], false),
        (&["a"], &[], false),
        (&[], &["a"], false),
        (&["a[..]c"], &["abbc"], true),
        (&["a[..]c"], &["abbd"], false),
        (&["[..]b[..]"], &["abc"], true),
        (&["..."], &[], true),
        (&["...", "c"], &["a", "b", "c"], true),
        (&["...", "c"], &["a", "c", "b"], false),
    ] {
        assert_eq!(fits(&lines(expected), printed), result, "{expected:?} {printed:?}");
    }
}

#[test]
fn absolute_paths_are_those_of_the_machine() {
    for (typed, run) in [
        ("ls /mnt/x", "ls T/mnt/x"),
        ("linkdest list / '/a' --b=/c d/e", "linkdest list T/ 'T/a' --b=T/c d/e"),
        ("linkdest forget /r", "linkdest --yes forget T/r"),
        ("linkdest forget -n /r", "linkdest forget -n T/r"),
        ("echo x > /dev/null", "echo x > /dev/null"),
        (
            "linkdest snapshot sftp://h:2/v /r",
            "linkdest --ssh-command /usr/lib/openssh/sftp-server snapshot sftp://h:2T/v T/r",
        ),
        (
            "linkdest snapshot sftp://h/~/v /r",
            "linkdest --ssh-command /usr/lib/openssh/sftp-server snapshot sftp://h/~/v T/r",
        ),
    ] {
        assert_eq!(on_machine(typed, "T"), run);
    }
}
