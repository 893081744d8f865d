//! rsync's filter language: which entries of a source take part.
//!
//! Rules are read in the order given, from options and files, by a [`FilterBuilder`]. The [`Filter`] that it builds is
//! a list; the first rule in it that matches a path decides. A walk starts with [`Filter::root`], asks
//! [`DirectoryRules::decide`] for every entry, and [`DirectoryRules::enter`]s every directory that is included. What
//! is below an excluded directory is never asked for. Every [`Decision`] names its [`Rule`], every rule the file and
//! line that it comes from, and an [`Explanation`] has the whole chain of parents.
//!
//! Everything is bytes; no locale, no Unicode. Nothing here reads a file: [`RuleFiles`] reads those that the operator
//! names, [`DirectoryFiles`] those of the source's directories, which are hostile input.
//!
//! What looks odd but is rsync's meaning, kept so that rule files carry over: the first `-C` rule fixes what all later
//! ones do; in a file that a per-directory file merges, all rules act, also those for the receiving side; a
//! per-directory file for the receiving side alone is read, and has to be right, unless the file of a directory
//! declares it.
//!
//! What is different from rsync on purpose: a directory whose name has wildcard characters does not disturb the
//! anchored rules of its rule file; `merge -` in a per-directory file is not standard input; a file that merges itself
//! is an error at once, not after 32 levels; at most 1,000 names of per-directory files can
//! be in use, and one of them can read 4 MiB with all that it merges; a `-C` in a
//! per-directory file means the same in whatever order directories are entered;
//! [`keeps_empty`](DirectoryRules::keeps_empty) compares absolute rules with the source, as there is no other side.
//!
//! ```
//! use linkdest_core::filter::{FilterBuilder, Verdict};
//!
//! let filter = FilterBuilder::new()
//!     .rule("+ /home/")
//!     .rule("+ /home/me/")
//!     .rule("- /home/me/.cache/")
//!     .rule("+ /home/me/**")
//!     .rule("- *")
//!     .build_without_files()?;
//! let home = filter.root_without_files("/".as_ref());
//! assert_eq!(home.decide(b"home", true).verdict(), Verdict::Include);
//! assert_eq!(home.decide(b"proc", true).to_string(), "excluded by \"- *\" (--filter)");
//! # Ok::<(), linkdest_core::filter::RuleError>(())
//! ```

mod block;
mod builder;
mod bytes;
mod class;
mod clause;
mod cvs;
mod decision;
mod directory;
mod entering;
mod error;
mod explain;
mod extra;
mod files;
mod glob;
mod index;
mod lines;
mod lint;
mod loader;
mod lookup;
mod nearby;
mod note;
mod origin;
mod pattern;
mod reference;
mod rule;
mod ruleset;
mod style;
mod subject;
mod syntax;
mod tokens;

pub use builder::FilterBuilder;
pub use clause::{Clause, PerDirectory};
pub use decision::Decision;
pub use directory::DirectoryRules;
pub use error::{RuleError, RuleErrorKind};
pub(crate) use explain::Descent;
pub use explain::{Explanation, Step};
pub use extra::Extra;
pub use files::{DirectoryFiles, Place, RuleFiles};
pub use lint::{Warning, WarningKind};
pub use origin::Origin;
pub use rule::{Rule, RuleKind, Verdict};
pub use ruleset::Filter;
