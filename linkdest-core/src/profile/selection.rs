//! Which entries take part, as a profile says it.

use std::io;
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::filter::{Filter, FilterBuilder, RuleFiles};
use crate::rule_files::LocalRuleFiles;
use crate::snapshot::Filtering;

/// What adds rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Given {
    Rules(PathBuf),
    Filter(String),
    Exclude(String),
    Include(String),
    ExcludeFrom(PathBuf),
    IncludeFrom(PathBuf),
    PerDirectory,
}

/// Which entries take part.
#[derive(Debug, Clone, Default)]
pub(super) struct Selection {
    /// In the order of the text.
    pub given: Vec<Given>,
    pub cvs_exclude: bool,
    pub ignore_bad_rules: bool,
    pub prune_empty_dirs: bool,
    pub exclude_caches: bool,
    pub exclude_if_present: Vec<String>,
    pub larger_than: Option<u64>,
}

impl Selection {
    /// Reads the rules; `None` if there are none.
    pub fn filter(&self, directory: &Path) -> Result<Option<Filter>> {
        if self.given.is_empty() && !self.cvs_exclude {
            return Ok(None);
        }
        let mut builder = self.given.iter().fold(FilterBuilder::new(), |builder, given| match given {
            Given::Rules(path) => builder.rules_file(path),
            Given::Filter(rule) => builder.rule(rule),
            Given::Exclude(pattern) => builder.exclude(pattern),
            Given::Include(pattern) => builder.include(pattern),
            Given::ExcludeFrom(path) => builder.exclude_from(path),
            Given::IncludeFrom(path) => builder.include_from(path),
            Given::PerDirectory => builder.per_directory_f(1),
        });
        if self.cvs_exclude {
            builder = builder.cvs_exclude();
        }
        Ok(Some(builder.build(&FilesIn(directory))?))
    }

    /// Reads the rules, and takes all that is asked for.
    pub fn filtering(&self, directory: &Path) -> Result<Filtering> {
        let rules = self.filter(directory)?.map_or_else(Filtering::new, Filtering::from);
        let filtering = self.exclude_if_present.iter().fold(rules, Filtering::exclude_if_present);
        let filtering = filtering
            .ignore_bad_rules(self.ignore_bad_rules)
            .prune_empty_dirs(self.prune_empty_dirs)
            .exclude_caches(self.exclude_caches);
        Ok(self.larger_than.into_iter().fold(filtering, Filtering::exclude_larger_than))
    }
}

/// Rule files by the names that rules give them, from the profile's directory on: that is the working directory of a
/// run, and a library does not change that of its process.
struct FilesIn<'d>(&'d Path);

impl RuleFiles for FilesIn<'_> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        LocalRuleFiles.read(&self.0.join(path))
    }

    fn home_cvsignore(&self) -> io::Result<Vec<u8>> {
        LocalRuleFiles.home_cvsignore()
    }

    fn cvsignore_variable(&self) -> Option<Vec<u8>> {
        LocalRuleFiles.cvsignore_variable()
    }
}
