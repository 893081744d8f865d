//! Rule files on this machine: those that the operator names.

use std::io::{self, Read as _};
use std::path::Path;

use crate::entry::Kind;
use crate::error::{Error, Result};
use crate::filter::{Filter, FilterBuilder, RuleError, RuleFiles};
use crate::native::OsStringExt;
use crate::os::File;

/// No honest rule file is larger.
const LIMIT: usize = 64 << 20;

/// Reads the rule files that the operator names: relative to the working directory, symlinks followed, pipes too;
/// `-` is standard input.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let rules = dir.path().join("my.rules");
/// # std::fs::write(&rules, "- *.o\n")?;
/// use linkdest_core::filter::FilterBuilder;
/// let filter = FilterBuilder::new().rules_file(&rules).build(&linkdest_core::LocalRuleFiles)?;
/// assert_eq!(filter.to_string(), "- *.o\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalRuleFiles;

impl RuleFiles for LocalRuleFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let file = File::open_operator_path(path)?;
        // rsync reads a directory as an empty file.
        if file.stat()?.kind == Kind::Directory { Ok(Vec::new()) } else { file.read_stream(LIMIT) }
    }

    fn standard_input(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    }

    fn home_cvsignore(&self) -> io::Result<Vec<u8>> {
        let home = std::env::var_os("HOME").ok_or(io::ErrorKind::NotFound)?;
        self.read(&Path::new(&home).join(".cvsignore"))
    }

    fn cvsignore_variable(&self) -> Option<Vec<u8>> {
        std::env::var_os("CVSIGNORE").map(OsStringExt::into_vec)
    }
}

impl Filter {
    /// Reads a rule file, as `--rules FILE` does.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let rules = dir.path().join("laptop.rules");
    /// # std::fs::write(&rules, "# caches\n- .cache/\n")?;
    /// let filter = linkdest_core::filter::Filter::from_file(&rules)?;
    /// assert_eq!(filter.to_string(), "- .cache/\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Rules`](crate::ErrorKind::Rules), naming file, line and text.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        Ok(FilterBuilder::new().rules_file(path).build(&LocalRuleFiles)?)
    }
}

impl From<RuleError> for Error {
    fn from(error: RuleError) -> Self {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        let file = error.file().or_else(|| error.origin().file()).map(Path::to_owned);
        Self::rules(file.as_deref(), format!("{error}{cause}"))
    }
}
