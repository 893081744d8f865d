//! What happens when a directory is entered: its rule files are read, and hold from there on.

use std::sync::Arc;

use super::block::{Level, Slot, blocks};
use super::bytes::{is_above, path_buf, resolve};
use super::clause::{Clause, PerDirectory};
use super::directory::DirectoryRules;
use super::error::RuleError;
use super::files::DirectoryFiles;
use super::loader::{Loader, MOST_NAMES, Opened, too_many_names};
use super::nearby::Nearby;
use super::ruleset::Inner;
use super::style::Style;

/// One directory that is being entered.
pub(super) struct Entering<'a> {
    inner: &'a Arc<Inner>,
    files: &'a dyn DirectoryFiles,
    slots: Vec<Slot>,
    /// The slots of the directory above, which are kept if nothing changes.
    inherited: Option<&'a Arc<[Slot]>>,
    /// The directory and the source: absolute paths without a slash at the end.
    here: Vec<u8>,
    source: usize,
    strict: bool,
    errors: Vec<RuleError>,
}

impl<'a> Entering<'a> {
    /// Enters the source, after the directories above it that rules ask for.
    pub(super) fn source(
        inner: &'a Arc<Inner>,
        source: &[u8],
        files: &'a dyn DirectoryFiles,
        strict: bool,
    ) -> Self {
        let (here, source) = (source.to_vec(), source.len());
        let unread = |file| Slot { file: Arc::clone(file), level: None };
        let slots = inner.declared.iter().map(unread).collect();
        let errors = Vec::new();
        let mut entering = Self { inner, files, slots, inherited: None, here, source, strict, errors };
        let here = entering.here.clone();
        for number in 0..inner.declared.len() {
            entering.read_above(number, &here);
        }
        entering.read_here();
        entering
    }

    /// Enters a directory in one whose rules are known.
    pub(super) fn child(
        parent: &'a DirectoryRules,
        name: &[u8],
        files: &'a dyn DirectoryFiles,
        strict: bool,
    ) -> Self {
        let mut entering = Self {
            inner: &parent.inner,
            files,
            slots: parent.slots.to_vec(),
            inherited: Some(&parent.slots),
            here: [&parent.prefix, name].concat(),
            source: parent.path.saturating_sub(1),
            strict,
            errors: Vec::new(),
        };
        entering.read_here();
        entering
    }

    /// The rules of the directory, or the first error.
    pub(super) fn strictly(mut self) -> Result<DirectoryRules, RuleError> {
        if self.errors.is_empty() { Ok(self.rules()) } else { Err(self.errors.remove(0)) }
    }

    /// The rules of the directory; errors are added to the list.
    pub(super) fn ignoring(mut self, errors: &mut Vec<RuleError>) -> DirectoryRules {
        errors.append(&mut self.errors);
        self.rules()
    }

    fn rules(self) -> DirectoryRules {
        let mut prefix = self.here;
        prefix.push(b'/');
        let (inner, path) = (Arc::clone(self.inner), self.source + 1);
        let slots = match self.inherited {
            Some(inherited) if is_same(inherited, &self.slots) => Arc::clone(inherited),
            _ => self.slots.into(),
        };
        DirectoryRules { inner, slots, prefix: prefix.into(), path }
    }

    fn read_here(&mut self) {
        let here = self.here.clone();
        self.read_from(0, &here);
    }

    /// Reads the files of these and all later slots in a directory; files may declare more, which are read too.
    fn read_from(&mut self, first: usize, directory: &[u8]) {
        let mut number = first;
        while number < self.slots.len() && (self.errors.is_empty() || !self.strict) {
            if let Err(error) = self.read(number, directory) {
                self.errors.push(error);
            }
            number += 1;
        }
    }

    /// Reads the file in the directories above one, from where its rule says on.
    fn read_above(&mut self, number: usize, directory: &[u8]) {
        let Some(file) = self.slots.get(number).map(|slot| Arc::clone(&slot.file)) else { return };
        let Some(path) = file.directory() else { return };
        let start = resolve(directory, if path.is_empty() { b"/" } else { path });
        if !is_above(&start, directory) {
            return;
        }
        let more = self.slots.len();
        let ends = directory.iter().zip(0..).filter(|&(&byte, at)| byte == b'/' && at >= start.len());
        for (_, end) in ends {
            let above = directory.get(..end).unwrap_or_default();
            if let Err(error) = self.read(number, above) {
                self.errors.push(error);
            }
            // What is not inherited is left behind, with the files that it declares.
            if file.modifiers.no_inherit {
                self.slots.truncate(more);
            }
            self.read_from(more, above);
        }
    }

    /// Reads one file in one directory and puts its rules before the inherited ones.
    fn read(&mut self, number: usize, directory: &[u8]) -> Result<(), RuleError> {
        let Some(slot) = self.slots.get_mut(number) else { return Ok(()) };
        let file = Arc::clone(&slot.file);
        if file.modifiers.no_inherit {
            slot.level = None;
        }
        let Some(loaded) = self.load(&file, directory)? else { return Ok(()) };
        let first_new = self.slots.len();
        let names = loaded.clauses.iter().filter(|clause| matches!(clause, Clause::PerDirectory(_))).count();
        if first_new + names > MOST_NAMES {
            return Err(too_many_names(&file.origin));
        }
        let inside = directory.len() >= self.source;
        let slots = &mut self.slots;
        let blocks = blocks(loaded.clauses, inside, |file| {
            slots.push(Slot { file: Arc::new(file), level: None });
            slots.len() - 1
        });
        if let Some(slot) = self.slots.get_mut(number) {
            let parent = slot.level.take().filter(|_| !loaded.cleared);
            slot.level = Some(Arc::new(Level { blocks, home: directory.len() + 1, parent }));
        }
        for new in first_new..self.slots.len() {
            self.read_above(new, directory);
        }
        Ok(())
    }

    /// Reads and parses; `None` if there is no such file, or nothing in it.
    fn load(&self, file: &PerDirectory, directory: &[u8]) -> Result<Option<Loaded>, RuleError> {
        let (source, name) = (self.here.get(..self.source).unwrap_or_default(), file.name());
        let Inner { cvs, from0, .. } = &**self.inner;
        let around =
            Nearby { files: self.files, source, here: &self.here, directory, slots: &self.slots, cvs };
        if !file.is_readable() {
            return Ok(None);
        }
        let (path, secret) = (path_buf(&around.shown(directory, name)), around.is_outside(directory));
        let content = match self.files.read_in(around.place(directory), name) {
            Ok(None) => return Ok(None),
            Ok(Some(content)) => Ok(content),
            Err(error) => Err(error),
        };
        let style = Style { directories_only: file.directories_only(), ..Style::of(file.modifiers) };
        let mut loader = Loader::new(&around, *from0);
        loader.file(Opened { path, content, secret }, &style, &file.origin)?;
        let loaded = Loaded { clauses: loader.clauses, cleared: loader.cleared };
        Ok((loaded.cleared || !loaded.clauses.is_empty()).then_some(loaded))
    }
}

/// Says whether nothing was read or forgotten since.
fn is_same(inherited: &[Slot], slots: &[Slot]) -> bool {
    let address = |slot: &Slot| slot.level.as_ref().map(Arc::as_ptr);
    inherited.len() == slots.len()
        && inherited.iter().zip(slots).all(|(old, new)| address(old) == address(new))
}

/// What a per-directory file says.
struct Loaded {
    clauses: Vec<Clause>,
    cleared: bool,
}
