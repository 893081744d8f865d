//! How a text with rules is read.

use std::borrow::Cow;

use super::pattern::Anchor;
use super::syntax::{Modifiers, Sign};

/// What the text of a rule may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Any rule.
    Full,
    /// A pattern, perhaps with a sign before it.
    Old(Sign),
    /// A pattern and nothing else.
    Bare(Sign),
}

/// How a file is read, and what its rules get from the rule that named it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub(super) form: Form,
    pub(super) words: bool,
    /// The word `!` clears, although the form is bare.
    pub(super) cvs: bool,
    pub(super) absolute: bool,
    pub(super) sender: bool,
    pub(super) receiver: bool,
    pub(super) directories_only: bool,
    pub(super) anchor: Anchor,
    pub(super) secret: bool,
}

impl Style {
    /// A text with nothing handed down.
    pub(super) fn plain(form: Form) -> Self {
        Self {
            form,
            words: false,
            cvs: false,
            absolute: false,
            sender: false,
            receiver: false,
            directories_only: false,
            anchor: Anchor::Home,
            secret: false,
        }
    }

    /// The style of the file that a merge rule with these modifiers names.
    pub(super) fn of(modifiers: Modifiers) -> Self {
        Self {
            words: modifiers.words,
            cvs: modifiers.cvs,
            absolute: modifiers.absolute,
            sender: modifiers.sender,
            receiver: modifiers.receiver,
            ..Self::plain(modifiers.bare.map_or(Form::Full, Form::Bare))
        }
    }

    /// A pattern or a name as it counts: a slash behind it is for directories only.
    pub(super) fn text_of<'a>(&self, pattern: &'a [u8]) -> Cow<'a, [u8]> {
        if self.directories_only && (!pattern.ends_with(b"/") || pattern == b"/") {
            [pattern, b"/"].concat().into()
        } else {
            pattern.into()
        }
    }

    pub(super) fn has_side(&self) -> bool {
        self.sender || self.receiver
    }
}
