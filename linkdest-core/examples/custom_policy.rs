//! A policy of one's own: files in which a program writes in place all day are always compared by their bytes, all others
//! as `Quick` does. `custom_policy SOURCE REPOSITORY`
//!
//! A policy sees metadata, not names: here the size tells which files are meant.

use std::env::args_os;
use std::process::ExitCode;

use linkdest_core::{ChangePolicy, Comparison, Metadata, Quick, Silent, Snapshotter, Verdict};

/// Compares the bytes of large files, whatever their times say.
struct DistrustsLarge {
    /// In bytes.
    from: u64,
    others: Quick,
}

impl ChangePolicy for DistrustsLarge {
    fn name(&self) -> &'static str {
        "distrusts-large"
    }

    fn content(&self, source: &Metadata, reference: &Metadata, comparison: &Comparison) -> Verdict {
        match self.others.content(source, reference, comparison) {
            // What is only believed to be unchanged is looked at.
            Verdict::Unchanged if source.size >= self.from => Verdict::CompareBytes,
            verdict => verdict,
        }
    }
}

fn main() -> ExitCode {
    let (Some(source), Some(repository)) = (args_os().nth(1), args_os().nth(2)) else {
        eprintln!("usage: custom_policy SOURCE REPOSITORY");
        return ExitCode::from(2);
    };
    let policy = DistrustsLarge { from: 100 << 20, others: Quick::default() };
    match Snapshotter::new(source, repository).init(true).policy(policy).run(&Silent) {
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(error.kind().exit_code())
        }
        Ok(report) => {
            report.problems().iter().for_each(|problem| eprintln!("{problem}"));
            println!(
                "{} files linked, {} copied",
                report.counts().files_linked,
                report.counts().files_copied
            );
            ExitCode::SUCCESS
        }
    }
}
