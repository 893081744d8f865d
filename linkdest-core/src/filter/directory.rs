//! The rules that hold in one directory.

use std::fmt;
use std::sync::Arc;

use super::block::{self, Slot};
use super::bytes::path;
use super::decision::Decision;
use super::entering::Entering;
use super::error::RuleError;
use super::files::DirectoryFiles;
use super::rule::Verdict;
use super::ruleset::Inner;
use super::subject::{Buffer, Subject};

/// The rules that hold for the entries of one directory.
///
/// A value of its own, so that several threads can each work on a directory: it shares all rules with its parent and
/// its siblings, and nothing has to be undone when the directory is left. Cloning copies a few pointers.
///
/// ```
/// use linkdest_core::filter::{FilterBuilder, Verdict};
/// # struct None;
/// # impl linkdest_core::filter::DirectoryFiles for None {
/// #     fn read_in(&self, _: linkdest_core::filter::Place<'_>, _: &[u8]) -> std::io::Result<Option<Vec<u8>>> {
/// #         Ok(Option::None)
/// #     }
/// # }
/// let filter = FilterBuilder::new().exclude("/me/.cache/").build_without_files()?;
/// let home = filter.root("/home".as_ref(), &None)?;
/// let me = home.enter(b"me", &None)?;
/// assert_eq!(me.decide(b".cache", true).verdict(), Verdict::Exclude);
/// assert_eq!(me.decide(b".cache", false).verdict(), Verdict::Include);
/// # Ok::<(), linkdest_core::filter::RuleError>(())
/// ```
#[derive(Clone)]
pub struct DirectoryRules {
    pub(super) inner: Arc<Inner>,
    pub(super) slots: Arc<[Slot]>,
    /// The absolute path of the directory, with a slash behind it.
    pub(super) prefix: Arc<[u8]>,
    /// Where the path below the source starts in it.
    pub(super) path: usize,
}

impl DirectoryRules {
    /// Decides about an entry of this directory, given by its name; a symbolic link is no directory.
    ///
    /// For a directory the verdict also says whether it is entered: below one that is left out nothing is asked.
    /// A path with several components is decided about by the rules of this directory alone.
    pub fn decide(&self, name: &[u8], is_directory: bool) -> Decision<'_> {
        self.decided(name, is_directory, false)
    }

    /// Decides the same without any index, by the slow and plain matcher; for tests and for fuzzing.
    ///
    /// ```
    /// use linkdest_core::filter::FilterBuilder;
    /// let filter = FilterBuilder::new().exclude("*.o").build_without_files()?;
    /// let root = filter.root_without_files("/src".as_ref());
    /// assert_eq!(root.decide_plainly(b"a.o", false), root.decide(b"a.o", false));
    /// # Ok::<(), linkdest_core::filter::RuleError>(())
    /// ```
    pub fn decide_plainly(&self, name: &[u8], is_directory: bool) -> Decision<'_> {
        self.decided(name, is_directory, true)
    }

    fn decided(&self, name: &[u8], is_directory: bool, plainly: bool) -> Decision<'_> {
        let mut buffer = Buffer::new();
        let subject = Subject::new(buffer.lay_out(&self.prefix, name), self.path, is_directory);
        Decision::new(block::decide(&self.inner.blocks, &self.slots, &subject, plainly))
    }

    /// Says whether `--prune-empty-dirs` keeps a selected directory with nothing in it.
    ///
    /// It does if the first rule that matches on the receiving side excludes it there: `P` does that, so does an
    /// exclude that an earlier `S` overrode. Per-directory files do not count.
    ///
    /// ```
    /// use linkdest_core::filter::FilterBuilder;
    /// let filter = FilterBuilder::new().rule("P /mnt/").build_without_files()?;
    /// let root = filter.root_without_files("/src".as_ref());
    /// assert!(root.keeps_empty(b"mnt"));
    /// assert!(!root.keeps_empty(b"tmp"));
    /// # Ok::<(), linkdest_core::filter::RuleError>(())
    /// ```
    #[must_use]
    pub fn keeps_empty(&self, name: &[u8]) -> bool {
        let mut buffer = Buffer::new();
        let subject = Subject::new(buffer.lay_out(&self.prefix, name), self.path, true);
        let find = |list: &'_ super::index::RuleList, home| {
            list.first_for_receiver(&subject, home).map(super::rule::Rule::verdict)
        };
        let rules = self.inner.blocks.iter().filter_map(|block| match block {
            block::Block::Rules(list) => Some(list),
            block::Block::PerDirectory(_) => None,
        });
        rules.filter_map(|list| find(list, self.path)).next() == Some(Verdict::Exclude)
    }

    /// Enters a directory in this one: reads its rule files, if rules ask for any.
    ///
    /// # Errors
    /// A bad rule in one of them, or one that could not be read.
    pub fn enter(&self, name: &[u8], files: &dyn DirectoryFiles) -> Result<Self, RuleError> {
        match self.entered_unread(name) {
            Some(rules) => Ok(rules),
            None => Entering::child(self, name, files, true).strictly(),
        }
    }

    /// Does what [`enter`](Self::enter) does, but treats files with errors as if they were not there.
    #[must_use]
    pub fn enter_ignoring(
        &self,
        name: &[u8],
        files: &dyn DirectoryFiles,
        errors: &mut Vec<RuleError>,
    ) -> Self {
        match self.entered_unread(name) {
            Some(rules) => rules,
            None => Entering::child(self, name, files, false).ignoring(errors),
        }
    }

    /// The path of the directory below the source; empty for the source itself.
    ///
    /// ```
    /// use linkdest_core::filter::FilterBuilder;
    /// let root = FilterBuilder::new().build_without_files()?.root_without_files("/src".as_ref());
    /// assert_eq!(root.path(), b"");
    /// # Ok::<(), linkdest_core::filter::RuleError>(())
    /// ```
    #[must_use]
    pub fn path(&self) -> &[u8] {
        self.prefix.get(self.path..self.prefix.len().saturating_sub(1)).unwrap_or_default()
    }

    /// Enters a directory where there is nothing to read.
    fn entered_unread(&self, name: &[u8]) -> Option<Self> {
        self.slots.is_empty().then(|| {
            let prefix = [&self.prefix, name, b"/"].concat().into();
            Self { inner: Arc::clone(&self.inner), slots: Arc::clone(&self.slots), prefix, path: self.path }
        })
    }
}

impl fmt::Debug for DirectoryRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectoryRules").field("path", &path(self.path())).finish_non_exhaustive()
    }
}
