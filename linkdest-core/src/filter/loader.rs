//! From texts to clauses: carries out merge, clear and `-C`, and hands modifiers down.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::bytes::path_buf;
use super::clause::{Clause, PerDirectory};
use super::error::{RuleError, RuleErrorKind};
use super::lines::{self, Cut};
use super::note::{Note, NoteKind};
use super::origin::{Origin, RuleText};
use super::pattern::Anchor;
use super::rule::{Rule, RuleKind};
use super::style::{Form, Style};
use super::syntax::{self, Kind, Modifiers, RuleParts, SyntaxError};

/// The shortest pattern that is too long for rsync.
const TOO_LONG: usize = 4096;
/// So many files may be open at once, each merging the next.
const DEEPEST: usize = 32;
/// The most names of per-directory files that can be in use at once.
pub(super) const MOST_NAMES: usize = 1000;
/// What a file counts beside its content, so that a mass of small ones is too much as well.
const FILE_COST: usize = 1024;

/// What a loader must know of the place where its rules are read.
pub(super) trait Surroundings {
    /// Reads the file that a merge rule names.
    fn open(&self, name: &[u8]) -> Opened;
    /// Says whether a per-directory file of this name is in use already.
    fn is_declared(&self, name: &[u8]) -> bool;
    /// The rules that `-C` stands for, made to be of this kind.
    fn cvs_rules(&self, kind: RuleKind, modifiers: Modifiers) -> Vec<Rule>;
    /// Where the anchored patterns of merged files start.
    fn merged_anchor(&self) -> Anchor;
    /// Says whether the file is that of the directory which is being entered.
    fn is_of_entered(&self) -> bool;
    /// How many bytes may be read in all, files merged twice counted twice.
    fn budget(&self) -> usize;
}

/// A rule file, read or not.
pub(super) struct Opened {
    pub(super) path: PathBuf,
    pub(super) content: io::Result<Vec<u8>>,
    /// Nothing of the text may be shown.
    pub(super) secret: bool,
}

/// Collects clauses.
pub(super) struct Loader<'a, S> {
    around: &'a S,
    pub(super) from0: bool,
    pub(super) clauses: Vec<Clause>,
    /// A clear rule was met.
    pub(super) cleared: bool,
    pub(super) notes: Vec<Note>,
    open: Vec<(PathBuf, bool)>,
    budget: usize,
    names: usize,
}

impl<'a, S: Surroundings> Loader<'a, S> {
    pub(super) fn new(around: &'a S, from0: bool) -> Self {
        let (clauses, notes, open) = (Vec::new(), Vec::new(), Vec::new());
        Self { around, from0, clauses, cleared: false, notes, open, budget: around.budget(), names: 0 }
    }

    /// Takes the content of a file that was opened already.
    pub(super) fn file(&mut self, opened: Opened, style: &Style, named_by: &Origin) -> Result<(), RuleError> {
        let content = match opened.content {
            Ok(content) => content,
            Err(error) => return Err(unreadable(opened.path, error, named_by)),
        };
        self.begin(&opened.path, content.len(), style, named_by)?;
        let text = named_by.file_named_here(opened.path);
        let result = self.content(&content, style, &text);
        self.open.pop();
        result
    }

    /// Takes a text without lines, such as the value of an environment variable, or one that is built in.
    pub(super) fn content(
        &mut self,
        content: &[u8],
        style: &Style,
        text: &Arc<RuleText>,
    ) -> Result<(), RuleError> {
        let cut = match (style.words, self.from0) {
            (true, _) => Cut::Words,
            (false, true) => Cut::Nul,
            (false, false) => Cut::Lines,
        };
        for piece in lines::pieces(content, cut) {
            let origin = Origin::line_of(text, piece.line);
            if piece.is_too_long() {
                self.note(NoteKind::LineTooLong, &origin, piece.text);
            } else {
                self.rule(piece.text, style, &origin, piece.column)?;
            }
        }
        Ok(())
    }

    /// Takes the text of one rule, which starts at this column.
    pub(super) fn rule(
        &mut self,
        text: &[u8],
        style: &Style,
        origin: &Origin,
        column: usize,
    ) -> Result<(), RuleError> {
        let failed = |error: SyntaxError| RuleError {
            kind: error.kind,
            origin: origin.clone(),
            column: column + error.column + 1,
            text: if style.secret { Vec::new() } else { text.to_vec() },
            expected: error.expected,
            file: None,
            source: None,
        };
        let mut parts = match style.form {
            Form::Full => syntax::parse(text).map_err(failed)?,
            Form::Old(sign) => syntax::parse_old(text, sign).map_err(failed)?,
            Form::Bare(_) if style.cvs && text == b"!" => syntax::parse(text).map_err(failed)?,
            Form::Bare(sign) => syntax::bare(text, sign),
        };
        if style.has_side() && parts.names_side() {
            let expected = "no side here, because the rule that named this file has one";
            return Err(failed(SyntaxError::new(RuleErrorKind::SideTwice, 0, expected)));
        }
        parts.modifiers.absolute |= style.absolute;
        parts.modifiers.sender |= style.sender;
        parts.modifiers.receiver |= style.receiver;
        self.carry_out(parts, style, origin)
    }

    /// Merges the file that the option itself names.
    pub(super) fn named_file(
        &mut self,
        name: &[u8],
        style: &Style,
        origin: &Origin,
    ) -> Result<(), RuleError> {
        let opened = self.around.open(without_slashes(name));
        self.file(opened, style, origin)
    }

    fn carry_out(&mut self, parts: RuleParts<'_>, style: &Style, origin: &Origin) -> Result<(), RuleError> {
        if parts.pattern.len() >= TOO_LONG {
            self.note(NoteKind::PatternTooLong, origin, parts.pattern);
            return Ok(());
        }
        match parts.kind {
            Kind::Clear => {
                self.clauses.clear();
                (self.cleared, self.names) = (true, 0);
            }
            Kind::Merge => return self.merge(parts.modifiers, name_of(&parts), style, origin),
            Kind::PerDirectory => return self.declare(parts.modifiers, name_of(&parts), style, origin),
            Kind::Exclude => self.push(RuleKind::Exclude, &parts, style, origin),
            Kind::Include => self.push(RuleKind::Include, &parts, style, origin),
            Kind::Hide => self.push(RuleKind::Hide, &parts, style, origin),
            Kind::Show => self.push(RuleKind::Show, &parts, style, origin),
            Kind::Protect => self.push(RuleKind::Protect, &parts, style, origin),
            Kind::Risk => self.push(RuleKind::Risk, &parts, style, origin),
        }
        Ok(())
    }

    fn push(&mut self, kind: RuleKind, parts: &RuleParts<'_>, style: &Style, origin: &Origin) {
        if parts.modifiers.cvs {
            if !parts.pattern.is_empty() {
                self.note(NoteKind::TextIgnored, origin, parts.pattern);
            }
            let modifiers = Modifiers { cvs: false, perishable: false, xattr: false, ..parts.modifiers };
            let any_side = style.anchor == Anchor::Source;
            let listed = self.around.cvs_rules(kind, modifiers).into_iter();
            self.clauses.extend(listed.map(|rule| {
                let (text, origin) = (style.text_of(rule.pattern()), rule.origin().clone());
                let rule = Rule::new(rule.kind, rule.modifiers, &text, Anchor::Home, origin);
                Clause::Rule(Rule { any_side, ..rule })
            }));
            return;
        }
        let text = style.text_of(parts.pattern);
        let rule = Rule::new(kind, parts.modifiers, &text, style.anchor, origin.clone());
        self.clauses.push(Clause::Rule(rule));
    }

    fn merge(
        &mut self,
        modifiers: Modifiers,
        name: &[u8],
        style: &Style,
        origin: &Origin,
    ) -> Result<(), RuleError> {
        if modifiers.exclude_self {
            self.exclude_self(name, origin);
        }
        let opened = self.around.open(without_slashes(name));
        if name.first() != Some(&b'/') && origin.file().is_some_and(|file| file.parent() != Some("".as_ref()))
        {
            self.note(NoteKind::RelativeMerge, origin, name);
        }
        let anchor = self.around.merged_anchor();
        let (secret, directories_only) = (style.secret || opened.secret, style.directories_only);
        let style = Style { anchor, secret, directories_only, ..Style::of(modifiers) };
        self.file(opened, &style, origin)
    }

    fn declare(
        &mut self,
        modifiers: Modifiers,
        name: &[u8],
        style: &Style,
        origin: &Origin,
    ) -> Result<(), RuleError> {
        if modifiers.exclude_self {
            self.exclude_self(name, origin);
        }
        if self.is_dropped(modifiers, style) {
            return Ok(());
        }
        let modifiers = Modifiers { exclude_self: false, ..modifiers };
        let file = PerDirectory { modifiers, text: style.text_of(name).into(), origin: origin.clone() };
        let here =
            |clause: &Clause| matches!(clause, Clause::PerDirectory(other) if other.name() == file.name());
        if self.around.is_declared(file.name()) || self.clauses.iter().any(here) {
            self.note(NoteKind::DeclaredAgain, origin, name);
            return Ok(());
        }
        self.names += 1;
        if self.names > MOST_NAMES {
            return Err(too_many_names(origin));
        }
        self.clauses.push(Clause::PerDirectory(file));
        Ok(())
    }

    /// Says whether a per-directory file is one for the receiving side alone, declared where rsync drops such.
    ///
    /// It does so in the file of the directory that is being entered, itself; not in what that file merges, nor in
    /// files above. What is dropped is not read, and its name stays free.
    fn is_dropped(&self, modifiers: Modifiers, style: &Style) -> bool {
        let is_for_receiver = modifiers.receiver && !modifiers.sender;
        is_for_receiver && style.anchor == Anchor::Home && self.around.is_of_entered()
    }

    /// The rule for modifier `e`; a name with a slash behind it has no base name.
    fn exclude_self(&mut self, name: &[u8], origin: &Origin) {
        let base = super::bytes::last_component(name);
        if !base.is_empty() {
            let rule = Rule::new(RuleKind::Exclude, Modifiers::default(), base, Anchor::Home, origin.clone());
            self.clauses.push(Clause::Rule(rule));
        }
    }

    /// Counts the file among the open ones; it may not be open already, unless it cannot merge again.
    fn begin(&mut self, path: &Path, size: usize, style: &Style, named_by: &Origin) -> Result<(), RuleError> {
        let refused = |kind, expected: &str| RuleError {
            kind,
            origin: named_by.clone(),
            column: 1,
            text: Vec::new(),
            expected: expected.to_owned(),
            file: Some(path.to_owned()),
            source: None,
        };
        let key = (path.to_owned(), style.words);
        if style.form == Form::Full && self.open.contains(&key) {
            return Err(refused(RuleErrorKind::Cycle, "a file that is not being read already"));
        }
        if self.open.len() >= DEEPEST {
            return Err(refused(RuleErrorKind::TooDeep, "at most 32 files, each merged by the one before"));
        }
        self.budget = self
            .budget
            .checked_sub(size.saturating_add(FILE_COST))
            .ok_or_else(|| refused(RuleErrorKind::TooMuch, "less, with all that is merged"))?;
        self.open.push(key);
        Ok(())
    }

    fn note(&mut self, kind: NoteKind, origin: &Origin, text: &[u8]) {
        self.notes.push(Note { kind, origin: origin.clone(), text: text.to_vec() });
    }
}

impl RuleParts<'_> {
    fn names_side(&self) -> bool {
        let has_kind = matches!(self.kind, Kind::Hide | Kind::Show | Kind::Protect | Kind::Risk);
        has_kind || self.modifiers.sender || self.modifiers.receiver
    }
}

fn name_of<'a>(parts: &RuleParts<'a>) -> &'a [u8] {
    if parts.pattern.is_empty() { b".cvsignore" } else { parts.pattern }
}

fn without_slashes(name: &[u8]) -> &[u8] {
    let end = name.iter().rposition(|&byte| byte != b'/').map_or(0, |at| at + 1);
    name.get(..end).unwrap_or(name)
}

pub(super) fn too_many_names(origin: &Origin) -> RuleError {
    RuleError {
        kind: RuleErrorKind::TooMuch,
        origin: origin.clone(),
        column: 1,
        text: Vec::new(),
        expected: format!("at most {MOST_NAMES} names of per-directory files in use at once"),
        file: None,
        source: None,
    }
}

fn unreadable(path: PathBuf, error: io::Error, named_by: &Origin) -> RuleError {
    let missing = error.kind() == io::ErrorKind::NotFound;
    RuleError {
        kind: RuleErrorKind::Unreadable,
        origin: named_by.clone(),
        column: 1,
        text: Vec::new(),
        expected: if missing { "a file that exists".to_owned() } else { "a readable file".to_owned() },
        file: Some(if path.as_os_str().is_empty() { path_buf(b"(empty name)") } else { path }),
        source: Some(error),
    }
}
