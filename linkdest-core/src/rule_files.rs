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

impl Filter {
    /// Reads rules from a text that is as a rule file would be; files that it merges are read. Messages call it `<text>`.
    ///
    /// ```
    /// let filter = linkdest_core::filter::Filter::parse("# caches\n- .cache/\n")?;
    /// let explanation = filter.explain(b"me/.cache/page", false);
    /// let parent = explanation.excluded_parent().unwrap();
    /// assert_eq!(parent.to_string(), r#"excluded by "- .cache/" (<text>:2)"#);
    /// # Ok::<(), linkdest_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Rules`](crate::ErrorKind::Rules), naming line and text.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self> {
        Ok(FilterBuilder::new().rules_file(TEXT).build(&Text(text.as_ref()))?)
    }
}

/// What a text is called that is no file.
const TEXT: &str = "<text>";

/// A text, and the files that it names.
struct Text<'t>(&'t [u8]);

impl RuleFiles for Text<'_> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        if path == Path::new(TEXT) { Ok(self.0.to_vec()) } else { LocalRuleFiles.read(path) }
    }

    fn standard_input(&self) -> io::Result<Vec<u8>> {
        LocalRuleFiles.standard_input()
    }

    fn home_cvsignore(&self) -> io::Result<Vec<u8>> {
        LocalRuleFiles.home_cvsignore()
    }

    fn cvsignore_variable(&self) -> Option<Vec<u8>> {
        LocalRuleFiles.cvsignore_variable()
    }
}

impl From<RuleError> for Error {
    fn from(error: RuleError) -> Self {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        let file = error.file().or_else(|| error.origin().file()).map(Path::to_owned);
        Self::rules(file.as_deref(), format!("{error}{cause}"))
    }
}
