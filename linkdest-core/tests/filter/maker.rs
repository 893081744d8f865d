//! Random rule files and options for a tree.

use crate::generator::{Names, Random, Tree};

/// One question: files to lay out, and options.
#[derive(Debug, Default)]
pub struct Case {
    /// Below the source: rule files of directories.
    pub inside: Vec<(Vec<u8>, Vec<u8>)>,
    /// In the working directory, which holds the source as `src`.
    pub beside: Vec<(String, Vec<u8>)>,
    pub args: Vec<Vec<u8>>,
}

/// Makes cases for one tree.
pub struct Maker<'a> {
    pub random: &'a mut Random,
    pub tree: &'a Tree,
    /// The absolute path of the working directory.
    pub base: &'a [u8],
}

impl Maker<'_> {
    pub fn case(&mut self) -> Case {
        let mut case = Case::default();
        let words = self.random.chance(10);
        let mut lines = self.lines(0, 9);
        if self.random.chance(30) {
            self.finish(&mut lines);
        }
        if self.tree.names == Names::Plain && self.random.chance(50) {
            self.per_directory(&mut case, &mut lines);
        }
        if self.random.chance(25) {
            self.merges(&mut case, &mut lines);
        }
        if self.random.chance(5) {
            let at = self.random.within(0, lines.len());
            lines.insert(at, self.random.pick(&["!", "clear", "!,", "clear,"]).as_bytes().to_vec());
        }
        if words && !lines.iter().any(|line| line.iter().any(u8::is_ascii_whitespace)) {
            case.args.push(b"--filter=merge,w rules".to_vec());
        } else {
            case.args.push(b"--filter=merge rules".to_vec());
        }
        let text = self.render(&lines);
        case.beside.push(("rules".to_owned(), text));
        if self.random.chance(30) {
            self.options(&mut case);
        }
        // What is absolute means another place on the side that prunes.
        let absolute = |text: &[u8]| text.split(|&b| b"\r\n\0 \t".contains(&b)).any(has_absolute_modifier);
        let mut texts =
            case.inside.iter().map(|(_, text)| text).chain(case.beside.iter().map(|(_, text)| text));
        if texts.any(|text| absolute(text))
            || case.args.iter().any(|arg| arg.starts_with(b"--filter=") && absolute(&arg[9..]))
        {
            case.args.retain(|arg| arg != b"-m");
        }
        case
    }

    fn lines(&mut self, low: usize, high: usize) -> Vec<Vec<u8>> {
        (0..self.random.within(low, high)).map(|_| self.line()).collect()
    }

    fn line(&mut self) -> Vec<u8> {
        const PLAIN_HEADS: [&str; 10] =
            ["- ", "+ ", "- ", "+ ", "- ", "+ ", "-_", "+_", "exclude ", "include_"];
        const RICH_HEADS: [&str; 32] = [
            "-! ",
            "+! ",
            "-s ",
            "+s ",
            "-r ",
            "+r ",
            "-p ",
            "-x ",
            "+x ",
            "-x! ",
            "-sr ",
            "H ",
            "S ",
            "P ",
            "R ",
            "exclude,! ",
            "hide ",
            "show ",
            "protect_",
            "risk ",
            "-, ",
            "-,!p ",
            "H! ",
            "S_",
            "+,s ",
            "-/ ",
            "+/ ",
            "-/! ",
            "S/ ",
            "P! ",
            "-!s ",
            "+!rs ",
        ];
        if self.random.chance(1) {
            return self.garbage();
        }
        if self.random.chance(1) {
            return self.random.pick(&["-C", "+C", "-C_x", "-Cs", "-C!", "-Cr"]).as_bytes().to_vec();
        }
        let head = if self.random.chance(70) {
            self.random.pick(&PLAIN_HEADS)
        } else {
            self.random.pick(&RICH_HEADS)
        };
        let mut line = head.as_bytes().to_vec();
        let mut pattern = self.pattern();
        if head.contains('/') && self.random.chance(60) {
            pattern = self.absolute(&pattern);
        }
        line.extend(pattern);
        line
    }

    fn absolute(&mut self, pattern: &[u8]) -> Vec<u8> {
        match pattern.first() {
            Some(b'/') => [self.base, b"/src", pattern].concat(),
            Some(b'*') => pattern.to_vec(),
            _ => [b"src/", pattern].concat(),
        }
    }

    /// A line put together of the parts of rules, mostly wrong.
    fn garbage(&mut self) -> Vec<u8> {
        const HEADS: [&str; 26] = [
            "-",
            "+",
            "H",
            "S",
            "P",
            "R",
            "exclude",
            "include",
            "hide",
            "show",
            "protect",
            "risk",
            "!",
            "clear",
            "x",
            "E",
            "excl",
            "#",
            ";",
            " -",
            "*",
            "--",
            "merge",
            ":",
            "dir-merge",
            ".",
        ];
        let mut line = self.random.pick(&HEADS).as_bytes().to_vec();
        line.extend_from_slice(self.random.pick(&["", "", ",", ",,"]).as_bytes());
        line.extend(self.random.text(b"/!Csrpxenw-+,z", 0, 2));
        line.extend_from_slice(self.random.pick(&[" ", "_", "", "\t", "  ", "__", " _"]).as_bytes());
        if self.random.chance(70) {
            line.extend(self.pattern());
        }
        line
    }

    /// Keeps a few directories and leaves out the rest.
    fn finish(&mut self, lines: &mut Vec<Vec<u8>>) {
        let tops: Vec<_> = self.tree.directories().into_iter().filter(|path| !path.is_empty()).collect();
        for _ in 0..2 {
            if !tops.is_empty() {
                lines.insert(0, [b"+ /", &self.random.pick(&tops)[..]].concat());
            }
        }
        let last = self.random.pick(&["- *", "- /*", "- *", "- **", "-! */", "- */*", "+ */\n- *"]);
        lines.extend(last.as_bytes().split(|&byte| byte == b'\n').map(<[u8]>::to_vec));
    }

    fn render(&mut self, lines: &[Vec<u8>]) -> Vec<u8> {
        let end: &[u8] = match self.random.below(20) {
            0 => b"\r\n",
            1 => b"\r",
            _ => b"\n",
        };
        let mut text = Vec::new();
        for (at, line) in lines.iter().enumerate() {
            if self.random.chance(5) {
                text.extend_from_slice(self.random.pick(&["", "# note", "; note", "#"]).as_bytes());
                text.extend_from_slice(end);
            }
            text.extend_from_slice(line);
            if at + 1 < lines.len() || self.random.chance(90) {
                text.extend_from_slice(end);
            }
        }
        text
    }

    /// One or two per-directory files, with contents in some directories.
    fn per_directory(&mut self, case: &mut Case, lines: &mut Vec<Vec<u8>>) {
        for name in [".f", ".g"] {
            if name == ".g" && self.random.chance(70) {
                continue;
            }
            let modifiers = self.random.pick(&[
                "", "", "", "", "", "", "n", "e", "en", "-", "n-", "+", "w", "w-", "s", "p", "C", "x", "ne",
                "sn", "r", "/",
            ]);
            let path = self.random.pick(&["", "", "", "", "", "", "/", "../", "./", "a/", "/tmp/"]);
            let slash = if self.random.chance(4) { "/" } else { "" };
            let head = self.random.pick(&[":%", ":,%", "dir-merge,%"]).replace('%', modifiers);
            let head = if head == "dir-merge," { "dir-merge".to_owned() } else { head };
            let at = self.random.within(0, lines.len().min(3));
            lines.insert(at, format!("{head} {path}{name}{slash}").into_bytes());
            for _ in 0..self.random.within(1, 4) {
                let directory = self.random.pick(&self.tree.directories()).clone();
                let text = self.rule_file(&directory, modifiers, case, 2);
                case.inside.push(([&directory[..], name.as_bytes()].concat(), text));
            }
            if path.starts_with('/') || path.starts_with('.') {
                let text = self.rule_file(b"", modifiers, case, 1);
                case.beside.push((name.to_owned(), text));
            }
        }
    }

    /// The text of a rule file in a directory.
    fn rule_file(&mut self, directory: &[u8], modifiers: &str, case: &mut Case, depth: usize) -> Vec<u8> {
        let below: Vec<Vec<u8>> = self
            .tree
            .paths
            .iter()
            .filter_map(|path| path.strip_prefix(directory))
            .filter(|path| !path.is_empty())
            .map(<[u8]>::to_vec)
            .collect();
        let bare = modifiers.contains(['-', '+', 'C']);
        let sub = Tree { names: self.tree.names, paths: below, links: Vec::new() };
        let tree = if sub.paths.is_empty() || self.random.chance(30) { self.tree } else { &sub };
        let mut maker = Maker { random: &mut *self.random, tree, base: self.base };
        let mut lines = if bare {
            (0..maker.random.within(1, 4)).map(|_| maker.pattern()).collect()
        } else {
            maker.lines(1, 4)
        };
        // Which `-C` is the first depends on the order of the walk.
        for line in lines.iter_mut().filter(|line| line.get(1) == Some(&b'C')) {
            *line = b"-C".to_vec();
        }
        if !bare && depth > 0 && self.random.chance(25) {
            lines.push(self.nested(directory, case, depth));
        }
        if self.random.chance(12) {
            let at = self.random.within(0, lines.len());
            lines.insert(at, b"!".to_vec());
        }
        if modifiers.contains(['w', 'C']) {
            for line in &mut lines {
                if let Some(at) = line.iter().position(|&byte| byte == b' ').filter(|_| !bare) {
                    line[at] = b'_';
                }
            }
            let glue = self.random.pick(&[" ", "\n", "  ", "\t"]).as_bytes();
            return lines.join(glue);
        }
        self.render(&lines)
    }

    /// A merge or another per-directory file inside a directory's file.
    fn nested(&mut self, directory: &[u8], case: &mut Case, depth: usize) -> Vec<u8> {
        let modifiers = *self
            .random
            .pick(&["", "", "", "n", "-", "+", "s", "e", "w", "C", "/", "r", "sr", "er", "x", "n-"]);
        if self.random.chance(50) {
            let name = *self.random.pick(&[".f", ".g", ".g"]);
            let path = *self.random.pick(&["", "", "", "/", "../"]);
            let text = self.rule_file(directory, modifiers, case, depth - 1);
            case.inside.push(([directory, name.as_bytes()].concat(), text));
            return format!(":{modifiers} {path}{name}").into_bytes();
        }
        let (place, path) = match self.random.below(4) {
            0 => (Vec::new(), ""),
            1 => (parent(directory), "../"),
            _ => (directory.to_vec(), "./"),
        };
        let text = self.rule_file(directory, modifiers, case, depth - 1);
        if self.random.chance(90) {
            case.inside.push(([&place[..], b"more"].concat(), text));
        }
        format!(".{modifiers} {path}more").into_bytes()
    }

    /// Files that the rules merge.
    fn merges(&mut self, case: &mut Case, lines: &mut Vec<Vec<u8>>) {
        let mut names = vec!["one", "two", "three"];
        names.truncate(self.random.within(1, 3));
        let mut inner: Option<Vec<u8>> = None;
        for name in names.iter().rev() {
            let modifiers = *self
                .random
                .pick(&["", "", "", "", "-", "+", "e", "w", "w-", "s", "r", "p", "n", "C", "/", "sr", "/r"]);
            let mut text = self.rule_file(b"", modifiers, case, 0);
            if let Some(line) = inner.take()
                && !modifiers.contains(['w', '-', '+', 'C'])
            {
                text.extend_from_slice(b"\n");
                text.extend_from_slice(&line);
            }
            case.beside.push(((*name).to_owned(), text));
            let slash = if self.random.chance(5) { "/" } else { "" };
            inner = Some(format!(".{modifiers} {name}{slash}").into_bytes());
        }
        let at = self.random.within(0, lines.len());
        lines.insert(at, inner.unwrap_or_default());
    }

    fn options(&mut self, case: &mut Case) {
        for number in 0..self.random.within(1, 4) {
            let roll = self.random.below(12);
            let arg = match roll {
                0..=2 => [b"--exclude=", &self.old_style()[..]].concat(),
                3..=5 => [b"--include=", &self.old_style()[..]].concat(),
                6 => [b"--filter=", &self.line()[..]].concat(),
                7 | 8 => {
                    let rows: Vec<_> = (0..self.random.within(1, 4)).map(|_| self.old_style()).collect();
                    let name = format!("list{number}");
                    let text = self.render(&rows);
                    case.beside.push((name.clone(), text));
                    format!("{}={name}", self.random.pick(&["--exclude-from", "--include-from"])).into_bytes()
                }
                9 => b"-m".to_vec(),
                10 => {
                    let directory = self.random.pick(&self.tree.directories()).clone();
                    if self.tree.names == Names::Odd {
                        continue;
                    }
                    let text = self.rule_file(&directory, "", case, 0);
                    case.inside.push(([&directory[..], b".rsync-filter"].concat(), text));
                    self.random.pick(&["-F", "-FF"]).as_bytes().to_vec()
                }
                _ => {
                    if self.random.chance(40) {
                        let words = (0..3).map(|_| self.pattern()).filter(|word| !word.starts_with(b"/"));
                        let text = words.collect::<Vec<_>>().join(&b' ');
                        case.beside.push(("home/.cvsignore".to_owned(), text));
                    }
                    self.random.pick(&["-C", "-C", "-0"]).as_bytes().to_vec()
                }
            };
            let at = self.random.within(0, case.args.len());
            case.args.insert(at, arg);
        }
    }

    fn old_style(&mut self) -> Vec<u8> {
        let head = self.random.pick(&["", "", "", "- ", "+ ", "-_", "!", "# "]).as_bytes();
        if self.random.chance(3) { b"!".to_vec() } else { [head, &self.pattern()].concat() }
    }
}

fn has_absolute_modifier(word: &[u8]) -> bool {
    let head: Vec<u8> = word.iter().copied().take_while(|&byte| byte != b'_').collect();
    let Some((first, rest)) = head.split_first() else { return false };
    let Some(slash) = rest.iter().position(|&byte| byte == b'/') else { return false };
    let modifiers = |text: &[u8]| text.iter().all(|byte| b",!Csrpxenw-+".contains(byte));
    match first {
        b'-' | b'+' | b'H' | b'S' | b'P' | b'R' | b':' | b'.' => modifiers(&rest[..slash]),
        _ => rest[..slash].contains(&b','),
    }
}

fn parent(directory: &[u8]) -> Vec<u8> {
    let inner = directory.strip_suffix(b"/").unwrap_or_default();
    inner.iter().rposition(|&byte| byte == b'/').map_or(Vec::new(), |at| inner[..=at].to_vec())
}
