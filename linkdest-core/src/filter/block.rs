//! Clauses as they are searched: runs of rules, with per-directory files between them.

use std::sync::Arc;

use super::clause::{Clause, PerDirectory};
use super::index::RuleList;
use super::rule::Rule;
use super::subject::Subject;

/// A part of a list of clauses.
#[derive(Debug)]
pub(super) enum Block {
    /// Rules in a row.
    Rules(Box<RuleList>),
    /// The number of the per-directory file whose rules stand here.
    PerDirectory(usize),
}

/// Makes blocks of clauses; `declare` gives a per-directory file its number.
///
/// `inside` says that anchored rules start at the source or below it, not above.
pub(super) fn blocks(
    clauses: impl IntoIterator<Item = Clause>,
    inside: bool,
    mut declare: impl FnMut(PerDirectory) -> usize,
) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut run = Vec::new();
    for clause in clauses {
        match clause {
            Clause::Rule(rule) => run.push(rule),
            Clause::PerDirectory(file) => {
                flush(&mut run, inside, &mut blocks);
                blocks.push(Block::PerDirectory(declare(file)));
            }
        }
    }
    flush(&mut run, inside, &mut blocks);
    blocks
}

fn flush(run: &mut Vec<Rule>, inside: bool, blocks: &mut Vec<Block>) {
    if !run.is_empty() {
        blocks.push(Block::Rules(Box::new(RuleList::new(std::mem::take(run), inside))));
    }
}

/// The rules of one directory's file, and those of the directories above that hold as well.
#[derive(Debug)]
pub(super) struct Level {
    pub(super) blocks: Vec<Block>,
    /// Where the directory's entries start in a subject.
    pub(super) home: usize,
    pub(super) parent: Option<Arc<Level>>,
}

impl Drop for Level {
    /// Lets go of the parents one by one: a chain as long as a hostile tree is deep would overflow the stack.
    fn drop(&mut self) {
        let mut next = self.parent.take();
        while let Some(mut level) = next.and_then(Arc::into_inner) {
            next = level.parent.take();
        }
    }
}

/// A per-directory file in use, and its rules in some directory.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    pub(super) file: Arc<PerDirectory>,
    pub(super) level: Option<Arc<Level>>,
}

/// Finds the first rule that decides; `find` searches a run of rules.
pub(super) fn search<'a>(
    blocks: &'a [Block],
    slots: &'a [Slot],
    home: usize,
    find: &impl Fn(&'a RuleList, usize) -> Option<&'a Rule>,
) -> Option<&'a Rule> {
    blocks.iter().find_map(|block| match block {
        Block::Rules(list) => find(list, home),
        Block::PerDirectory(number) => {
            let first = slots.get(*number).and_then(|slot| slot.level.as_deref());
            std::iter::successors(first, |level| level.parent.as_deref())
                .find_map(|level| search(&level.blocks, slots, level.home, find))
        }
    })
}

/// Finds the first rule that decides about a path.
pub(super) fn decide<'a>(
    blocks: &'a [Block],
    slots: &'a [Slot],
    subject: &Subject<'_>,
    plainly: bool,
) -> Option<&'a Rule> {
    search(blocks, slots, subject.path, &|list, home| {
        if plainly { list.first_plainly(subject, home) } else { list.first(subject, home) }
    })
}
