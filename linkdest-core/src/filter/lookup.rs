//! Which rule is the first for a text that is known whole.

use std::collections::HashMap;

/// The first rule for any entry, and the first one only for directories.
#[derive(Debug, Clone, Copy)]
pub(super) struct FirstRules {
    any: usize,
    directory: usize,
}

impl FirstRules {
    const NONE: Self = Self { any: usize::MAX, directory: usize::MAX };

    /// The number of the first rule; `usize::MAX` if there is none.
    pub(super) fn of(self, is_directory: bool) -> usize {
        if is_directory { self.any.min(self.directory) } else { self.any }
    }
}

/// Texts with the numbers of their rules.
///
/// The hash is keyed at random, as rule files can be hostile.
#[derive(Debug, Default)]
pub(super) struct Lookup(HashMap<Box<[u8]>, FirstRules>);

impl Lookup {
    pub(super) fn insert(&mut self, text: &[u8], number: usize, directories_only: bool) {
        let first = self.0.entry(text.into()).or_insert(FirstRules::NONE);
        let place = if directories_only { &mut first.directory } else { &mut first.any };
        *place = number.min(*place);
    }

    pub(super) fn get(&self, text: &[u8]) -> FirstRules {
        if self.0.is_empty() {
            FirstRules::NONE
        } else {
            self.0.get(text).copied().unwrap_or(FirstRules::NONE)
        }
    }
}
