//! Programs that make backups, and how they are asked for the first and the next one.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ground::Ground;

/// One backup to make.
pub(crate) struct Job<'a> {
    pub(crate) ground: &'a Ground,
    pub(crate) source: &'a Path,
    pub(crate) target: &'a Path,
    /// Rules in a file, in rsync's language.
    pub(crate) rules: Option<&'a Path>,
    /// The first backup is 0.
    pub(crate) number: usize,
}

impl Job<'_> {
    /// Where programs that write trees put this backup.
    fn tree(&self) -> PathBuf {
        self.target.join(self.number.to_string())
    }

    /// Where the one before is.
    fn before(&self) -> PathBuf {
        self.target.join(self.number.saturating_sub(1).to_string())
    }
}

/// A program, and what it is called for.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    /// What must be installed; the name says it for those that are built here.
    pub(crate) program: Option<&'static str>,
    /// Makes a repository, unmeasured.
    pub(crate) init: Option<fn(&Job) -> Command>,
    pub(crate) first: Option<fn(&Job) -> Command>,
    pub(crate) next: Option<fn(&Job) -> Command>,
    /// Whether it takes rsync's rules.
    pub(crate) has_rules: bool,
    /// Whether its next backup may differ from the one before.
    pub(crate) sees_changes: bool,
    /// Whether its first backup is not one of another program's.
    pub(crate) has_first: bool,
}

const NONE: Peer = Peer {
    name: "",
    program: None,
    init: None,
    first: None,
    next: None,
    has_rules: false,
    sees_changes: true,
    has_first: true,
};

/// All of them, linkdest first.
pub(crate) const PEERS: [Peer; 7] = [
    Peer { name: "linkdest", first: Some(linkdest), next: Some(linkdest), has_rules: true, ..NONE },
    Peer {
        name: "least possible",
        first: Some(least_possible_full),
        next: Some(least_possible_unchanged),
        sees_changes: false,
        ..NONE
    },
    Peer {
        name: "rsync",
        program: Some("rsync"),
        first: Some(rsync),
        next: Some(rsync),
        has_rules: true,
        ..NONE
    },
    Peer { name: "cp -a", program: Some("cp"), first: Some(cp_a), ..NONE },
    Peer {
        name: "cp -al",
        program: Some("cp"),
        first: Some(cp_a),
        next: Some(cp_al),
        sees_changes: false,
        has_first: false,
        ..NONE
    },
    Peer {
        name: "restic",
        program: Some("restic"),
        init: Some(|job| with(restic(job.target), &["init"])),
        first: Some(restic_backup),
        next: Some(restic_backup),
        ..NONE
    },
    Peer {
        name: "borg",
        program: Some("borg"),
        init: Some(borg_init),
        first: Some(borg_create),
        next: Some(borg_create),
        ..NONE
    },
];

fn with(mut command: Command, arguments: &[&str]) -> Command {
    command.args(arguments);
    command
}

/// Where linkdest's repository is.
pub(crate) fn repository(target: &Path) -> PathBuf {
    target.join("repository")
}

/// A path of which rsync takes what is in it.
pub(crate) fn with_slash(path: &Path) -> PathBuf {
    path.join("")
}

fn linkdest(job: &Job) -> Command {
    let mut command = with(Command::new(&job.ground.linkdest), &["snapshot", "--init", "--quiet"]);
    if let Some(rules) = job.rules {
        command.arg("--rules").arg(rules);
    }
    command.arg(job.source).arg(repository(job.target));
    command
}

fn least_possible_full(job: &Job) -> Command {
    let mut command = with(Command::new(&job.ground.this), &["least-possible", "full"]);
    command.arg(job.source).arg(job.tree());
    command
}

fn least_possible_unchanged(job: &Job) -> Command {
    let mut command = with(Command::new(&job.ground.this), &["least-possible", "unchanged"]);
    command.arg(job.source).arg(job.before()).arg(job.tree());
    command
}

fn rsync(job: &Job) -> Command {
    let mut command = with(Command::new("rsync"), &["-aHAX"]);
    if let Some(rules) = job.rules {
        command.arg(format!("--filter=merge {}", rules.display()));
    }
    if job.number > 0 {
        command.arg(format!("--link-dest={}", job.before().display()));
    }
    command.arg(with_slash(job.source)).arg(with_slash(&job.tree()));
    command
}

fn cp_a(job: &Job) -> Command {
    let mut command = with(Command::new("cp"), &["-a"]);
    command.arg(job.source).arg(job.tree());
    command
}

/// A linked copy of the copy before; the source is not looked at.
fn cp_al(job: &Job) -> Command {
    let mut command = with(Command::new("cp"), &["-al"]);
    command.arg(job.before()).arg(job.tree());
    command
}

/// restic with everything that it keeps in the target.
pub(crate) fn restic(target: &Path) -> Command {
    let mut command = with(Command::new("restic"), &["--quiet", "--repo"]);
    command.arg(target.join("restic")).env("RESTIC_PASSWORD", "peers");
    command.env("RESTIC_CACHE_DIR", target.join("cache"));
    command
}

fn restic_backup(job: &Job) -> Command {
    let mut command = with(restic(job.target), &["backup"]);
    command.arg(job.source);
    command
}

/// borg with everything that it keeps in the target.
pub(crate) fn borg(target: &Path) -> Command {
    let mut command = Command::new("borg");
    command.env("BORG_BASE_DIR", target.join("home")).env("BORG_REPO", target.join("borg"));
    for may in ["BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK", "BORG_RELOCATED_REPO_ACCESS_IS_OK"] {
        command.env(may, "yes");
    }
    command
}

fn borg_init(job: &Job) -> Command {
    with(borg(job.target), &["init", "--encryption=none"])
}

fn borg_create(job: &Job) -> Command {
    let mut command = with(borg(job.target), &["create"]);
    command.arg(format!("::{}", job.number)).arg(job.source);
    command
}

/// The programs that must be installed, and are.
pub(crate) fn installed() -> impl Iterator<Item = &'static str> {
    let mut programs: Vec<&str> = PEERS.iter().filter_map(|peer| peer.program).collect();
    programs.dedup();
    programs.into_iter().filter(|program| Command::new(program).arg("--version").output().is_ok())
}

/// Whether a contender of this name is run by a program that ought to be installed, and is not.
pub(crate) fn is_missing(contender: &str) -> bool {
    let program = contender.split(' ').next();
    PEERS.iter().any(|peer| peer.program.is_some() && peer.program == program)
        && !installed().any(|installed| Some(installed) == program)
}
