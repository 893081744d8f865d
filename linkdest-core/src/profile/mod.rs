//! Profiles: what is saved where, what is kept, and what runs around it, in one TOML file; and running them.

mod check;
mod fault;
mod hooks;
mod keys;
mod locate;
mod reader;
mod report;
mod run;
mod schedule;
mod selection;
mod suggest;

pub use check::{ProfileCheck, Severity};
pub use fault::{InvalidProfile, ProfileFault};
pub use report::{HookFailure, ProfileReport};
pub use run::ProfileRun;
pub use schedule::{Schedule, ScheduleFile, When};

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::Result;
use crate::repository::Repository;
use crate::retention::KeepRules;
use crate::sftp::Ssh;
use crate::snapshot::Snapshotter;
use crate::verify::Sample;
use hooks::Hooks;
use selection::Selection;

/// One backup that is taken again and again: source, repository, rules, what is kept, hooks.
///
/// The format is in `docs/profiles.md`. Relative paths in it start at its own directory, `~/` at the home directory.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let at = |name: &str| dir.path().join(name);
/// # std::fs::create_dir(at("home"))?;
/// # std::fs::write(at("home/notes"), "hello")?;
/// use linkdest_core::{Profile, Repository, Silent};
/// Repository::init(at("backup"))?;
/// std::fs::write(at("me.toml"), "source = 'home'\nrepository = 'backup'\n[keep]\nlast = 2\n")?;
/// let profile = Profile::load(at("me.toml"))?;
/// assert_eq!((profile.name(), profile.source()), ("me", at("home").as_path()));
/// for _ in 0..3 {
///     assert_eq!(profile.run(&Silent)?.exit_code(), 0);
/// }
/// assert_eq!(Repository::open(at("backup"))?.snapshots()?.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Profile {
    name: String,
    path: PathBuf,
    source: PathBuf,
    repository: PathBuf,
    repository_id: Option<String>,
    selection: Selection,
    policy: Policy,
    record_attributes: bool,
    trust_shift: bool,
    link_dest: Vec<PathBuf>,
    one_file_system: bool,
    threads: Option<NonZeroUsize>,
    ssh_command: Option<Vec<std::ffi::OsString>>,
    keep_owners: Option<bool>,
    keep_modes: Option<bool>,
    lock_wait: Duration,
    keep: KeepRules,
    free_space: Option<u64>,
    guards: Guards,
    sample: Option<Sample>,
    hooks: Hooks,
}

/// How change is detected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Policy {
    #[default]
    Quick,
    Strict,
    Checksum,
}

/// What keeps a run from doing harm where something is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Guards {
    allow_empty: bool,
    /// In percent; the inner `None` is any number.
    mass_change: Option<Option<u8>>,
    /// In bytes.
    reserve: Option<u64>,
}

impl Profile {
    /// Reads a profile: a path, which has a `/` or ends in `.toml`, or a name, which is looked for as `NAME.toml` in
    /// `linkdest` in the user's configuration (`$XDG_CONFIG_HOME`, else `~/.config`) and in `/etc/linkdest`.
    ///
    /// # Errors
    /// [`ErrorKind::Profile`](crate::ErrorKind::Profile): there is none, or it cannot be used; then all that is wrong is
    /// told with line and column.
    pub fn load(name_or_path: impl AsRef<Path>) -> Result<Self> {
        let (path, text) = locate::read(name_or_path.as_ref())?;
        Ok(Self::parse(&text, path)?)
    }

    /// Reads the text of a profile. Its path says what it is called and where its relative paths start; nothing is read
    /// from there.
    ///
    /// ```
    /// use linkdest_core::Profile;
    /// let profile = Profile::parse("source = '../me'\nrepository = '/backup'", "/etc/linkdest/me.toml")?;
    /// assert_eq!(profile.source().to_str(), Some("/etc/linkdest/../me"));
    /// # Ok::<(), linkdest_core::InvalidProfile>(())
    /// ```
    ///
    /// # Errors
    /// All that is wrong with the text.
    pub fn parse(text: &str, path: impl AsRef<Path>) -> std::result::Result<Self, InvalidProfile> {
        keys::parse(text, path.as_ref(), locate::home())
    }

    /// What it is called: the name of its file without the ending.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The path of its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is saved: a path, or the address of a directory on a server.
    #[must_use]
    pub fn source(&self) -> &Path {
        &self.source
    }

    /// Where it is saved.
    #[must_use]
    pub fn repository(&self) -> &Path {
        &self.repository
    }

    /// The id that the repository must have, where the profile says one.
    #[must_use]
    pub fn repository_id(&self) -> Option<&str> {
        self.repository_id.as_deref()
    }

    /// What is kept of the source's snapshots; without rules nothing is forgotten.
    #[must_use]
    pub fn keep_rules(&self) -> &KeepRules {
        &self.keep
    }

    /// Runs it: see [`ProfileRun`].
    ///
    /// # Errors
    /// As [`ProfileRun::run`].
    pub fn run(&self, monitor: &dyn crate::monitor::Monitor) -> Result<ProfileReport> {
        ProfileRun::new(self).run(monitor)
    }

    /// The directory of its file: where its relative paths start, and its hooks.
    fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }

    /// Whether snapshots are removed.
    fn forgets(&self) -> bool {
        !self.keep.is_empty() || self.free_space.is_some()
    }

    /// What takes the snapshot, but for the rules.
    fn snapshotter(&self) -> Snapshotter {
        use crate::policy::{Checksum, Quick, Strict};
        let mut snapshotter = Snapshotter::new(&self.source, &self.repository)
            .one_file_system(self.one_file_system)
            .record_attributes(self.record_attributes)
            .trust_shift(self.trust_shift);
        snapshotter = match self.policy {
            Policy::Quick => snapshotter.policy(Quick::default()),
            Policy::Strict => snapshotter.policy(Strict::default()),
            Policy::Checksum => snapshotter.policy(Checksum::default()),
        };
        if let Some(threads) = self.threads {
            snapshotter = snapshotter.threads(threads);
        }
        if let Some(words) = &self.ssh_command {
            snapshotter = snapshotter.ssh(Ssh::default().command(words));
        }
        snapshotter = self.keep_owners.into_iter().fold(snapshotter, Snapshotter::keep_owners);
        snapshotter = self.keep_modes.into_iter().fold(snapshotter, Snapshotter::keep_modes);
        self.link_dest.iter().fold(self.guards(snapshotter), Snapshotter::link_dest)
    }

    /// Sets the guards.
    fn guards(&self, snapshotter: Snapshotter) -> Snapshotter {
        let guards = &self.guards;
        let snapshotter = snapshotter.allow_empty(guards.allow_empty);
        let snapshotter = guards.mass_change.into_iter().fold(snapshotter, Snapshotter::mass_change);
        let snapshotter = guards.reserve.into_iter().fold(snapshotter, Snapshotter::reserve);
        self.repository_id.iter().fold(snapshotter, Snapshotter::repository_id)
    }

    /// Opens the repository, if it is the one that is meant.
    fn open_repository(&self) -> Result<Repository> {
        use crate::error::{Error, ErrorKind};
        let repository = Repository::open(&self.repository)?;
        match &self.repository_id {
            Some(id) if id != repository.id() => {
                let message = format!(
                    "is another repository than the profile is for: its id is {}, not {id} (is the right disk mounted?)",
                    repository.id()
                );
                Err(Error::new(ErrorKind::WrongRepository, &self.repository, message))
            }
            _ => Ok(repository),
        }
    }
}
