//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use linkdest_testkit::FileSystem;

/// Measures linkdest beside its peers on fresh loop file systems; needs the superuser.
#[derive(Debug, Parser)]
#[command(name = "peers", subcommand_negates_reqs = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) task: Option<Task>,

    /// Small trees and few rounds: shows that all of it works, and measures nothing.
    #[arg(long)]
    pub(crate) quick: bool,

    /// Rounds that count; one more before them is dropped. [default: 7, with --quick 2]
    #[arg(long)]
    pub(crate) rounds: Option<usize>,

    /// The tree to save, which is only read; made up unless given.
    #[arg(long, value_name = "TREE")]
    pub(crate) source: Option<PathBuf>,

    /// Where the repositories are.
    #[arg(long, value_delimiter = ',', default_value = "ext4,xfs,btrfs")]
    pub(crate) file_systems: Vec<Kind>,

    /// What is measured, by the names that --list prints; `all` is all but growth.
    #[arg(long, value_delimiter = ',', default_value = "all")]
    pub(crate) workloads: Vec<String>,

    /// Only these programs; linkdest is always one of them.
    #[arg(long, value_delimiter = ',')]
    pub(crate) programs: Vec<String>,

    /// Where the images of the file systems are made. [default: the directory for temporary files]
    #[arg(long, value_name = "DIR")]
    pub(crate) images: Option<PathBuf>,

    /// Makes the kernel forget what it has read before each measurement.
    #[arg(long)]
    pub(crate) cold: bool,

    /// A page with two marker lines; what is between them becomes the tables. Standard output unless given.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Prints the workloads and ends.
    #[arg(long)]
    pub(crate) list: bool,
}

impl Arguments {
    /// Rounds that count.
    pub(crate) fn counted_rounds(&self) -> usize {
        self.rounds.unwrap_or(if self.quick { 2 } else { 7 }).max(1)
    }

    /// Whether a program takes part; `cp` stands for `cp -a` and `cp -al`.
    pub(crate) fn wants_program(&self, name: &str) -> bool {
        let first = name.split(' ').next().unwrap_or(name);
        let is_named = |wanted: &String| wanted == name || wanted == first;
        name == "linkdest" || self.programs.is_empty() || self.programs.iter().any(is_named)
    }
}

/// File systems that are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    Ext4,
    Xfs,
    Btrfs,
}

impl Kind {
    /// As people write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ext4 => "ext4",
            Self::Xfs => "XFS",
            Self::Btrfs => "btrfs",
        }
    }

    /// As the test kit makes it.
    pub(crate) fn file_system(self) -> FileSystem {
        match self {
            Self::Ext4 => FileSystem::Ext4,
            Self::Xfs => FileSystem::Xfs,
            Self::Btrfs => FileSystem::Btrfs,
        }
    }

    /// Whether files can share blocks.
    pub(crate) fn has_reflinks(self) -> bool {
        self != Self::Ext4
    }
}

/// What this program does besides measuring, in processes of its own.
#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Makes a copy or a linked copy of a tree with the system calls that cannot be avoided.
    LeastPossible(LeastPossible),
    /// Makes a tree.
    Generate(Generate),
}

/// What the least-possible program does.
#[derive(Debug, Args)]
pub(crate) struct LeastPossible {
    /// Threads. [default: one for each core]
    #[arg(long)]
    pub(crate) threads: Option<usize>,
    #[command(subcommand)]
    pub(crate) work: Work,
}

/// One of its two works.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Work {
    /// Copies SOURCE as TARGET and hashes what it copies.
    Full { source: PathBuf, target: PathBuf },
    /// Links the files of REFERENCE, which equals SOURCE, into TARGET.
    Unchanged { source: PathBuf, reference: PathBuf, target: PathBuf },
}

/// What is generated.
#[derive(Debug, Args)]
pub(crate) struct Generate {
    #[command(subcommand)]
    pub(crate) shape: Shape,
    /// The directory to make it in.
    pub(crate) root: PathBuf,
}

/// Trees that can be made; equal arguments make equal trees.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub(crate) enum Shape {
    /// Many small files and a few that hold most of the bytes.
    Home { entries: usize, directories: usize, bytes: u64 },
    /// One directory of small files.
    Files { count: usize },
    /// One directory of directories.
    Directories { count: usize },
    /// Chains of directories one in the other.
    Deep { chains: usize, levels: usize },
    /// One large file named `image`.
    Image { bytes: u64 },
}

impl Shape {
    /// The arguments that ask for it.
    pub(crate) fn to_arguments(&self) -> Vec<String> {
        match self {
            Self::Home { entries, directories, bytes } => {
                vec!["home".to_owned(), entries.to_string(), directories.to_string(), bytes.to_string()]
            }
            Self::Files { count } => vec!["files".to_owned(), count.to_string()],
            Self::Directories { count } => vec!["directories".to_owned(), count.to_string()],
            Self::Deep { chains, levels } => vec!["deep".to_owned(), chains.to_string(), levels.to_string()],
            Self::Image { bytes } => vec!["image".to_owned(), bytes.to_string()],
        }
    }
}
