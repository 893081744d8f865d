//! Rule files that exist only in memory.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use linkdest_core::filter::{DirectoryFiles, Filter, FilterBuilder, Place, RuleError, RuleFiles};

/// Files by their path: the operator's as they are named, those of the source below `src/`, others absolute.
#[derive(Default)]
pub struct Memory(BTreeMap<Vec<u8>, Vec<u8>>);

impl Memory {
    pub fn of(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|(path, text)| (path.as_bytes().to_vec(), text.as_bytes().to_vec())).collect())
    }

    pub fn add(&mut self, path: &[u8], text: &[u8]) {
        self.0.insert(path.to_vec(), text.to_vec());
    }
}

impl RuleFiles for Memory {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.get(path.as_os_str().as_bytes()).cloned().ok_or(io::ErrorKind::NotFound.into())
    }

    fn standard_input(&self) -> io::Result<Vec<u8>> {
        self.read(Path::new("<stdin>"))
    }

    fn home_cvsignore(&self) -> io::Result<Vec<u8>> {
        self.read(Path::new("<home>"))
    }

    fn cvsignore_variable(&self) -> Option<Vec<u8>> {
        self.read(Path::new("<variable>")).ok()
    }
}

impl DirectoryFiles for Memory {
    fn read_in(&self, place: Place<'_>, name: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let path = match place {
            Place::Here(b"") | Place::Source(b"") => [b"src/", name].concat(),
            Place::Here(below) | Place::Source(below) => [b"src/", below, b"/", name].concat(),
            Place::Outside(directory) => {
                directory.join(crate::support::path(name)).as_os_str().as_bytes().to_vec()
            }
        };
        Ok(self.0.get(&path).cloned())
    }
}

/// Reads the rules as a file called `rules`.
pub fn filter(text: &str) -> Result<Filter, RuleError> {
    FilterBuilder::new().rules_file("rules").build(&Memory::of(&[("rules", text)]))
}

/// Says whether a path below the source takes part; a directory has a slash behind it.
pub fn selects(filter: &Filter, files: &Memory, path: &str) -> bool {
    let mut rules = filter.root(Path::new("/w/src"), files).unwrap();
    let (inner, is_directory) = match path.strip_suffix('/') {
        Some(inner) => (inner, true),
        None => (path, false),
    };
    let names: Vec<&str> = inner.split('/').collect();
    for (at, name) in names.iter().enumerate() {
        let is_last = at + 1 == names.len();
        let decision = rules.decide(name.as_bytes(), !is_last || is_directory);
        assert_eq!(decision, rules.decide_plainly(name.as_bytes(), !is_last || is_directory), "{path}");
        if !decision.is_included() {
            return false;
        }
        if !is_last {
            rules = rules.enter(name.as_bytes(), files).unwrap();
        }
    }
    true
}
