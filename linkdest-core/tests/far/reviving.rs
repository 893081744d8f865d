//! Connections that are lost in the middle: made anew and gone on with, or given up with nothing published.

use std::path::Path;
use std::time::Duration;

use linkdest_core::{Collecting, ErrorKind, Notice, Repository, Snapshotter, Ssh, Status};
use linkdest_testkit::{Comparison, TestDir, sftp_server, skip};

use crate::changing::saved;
use crate::odd_server::{FILES, LATER, content, other_content};
use crate::{error_of, me, pull, tree};

/// A snapshotter that makes lost connections anew.
fn persistent(source: &Path, repository: &Path, words: &[String]) -> Snapshotter {
    let ssh = Ssh::default().command(words).patience(Duration::from_secs(20)).attempts(4);
    pull(source, repository, words).ssh(ssh)
}

fn revivals(monitor: &Collecting) -> usize {
    let is_one = |notice: &&Notice| matches!(notice, Notice::SourceOdd(what) if what.contains("made anew"));
    monitor.notices().iter().filter(is_one).count()
}

pub fn made_anew() {
    let server = match sftp_server() {
        Ok(server) => server.display().to_string(),
        Err(reason) => return skip(reason),
    };
    let dir = TestDir::new();
    let source = dir.join("source");
    tree(&source);
    for (number, bytes) in [1_200_000, 2_000_000, 99_999_999].into_iter().enumerate() {
        let repository = dir.join(number.to_string());
        let words = me(&["cut", &bytes.to_string(), &server]);
        let monitor = Collecting::default();
        let report = persistent(&source, &repository, &words).run(&monitor).unwrap();
        assert_eq!(report.status(), Status::Complete, "{:?}", report.problems());
        // Said once, however often it was lost.
        assert_eq!(revivals(&monitor), usize::from(bytes < 3_000_000));
        Comparison::new().times(false).blocks(false).assert_same(&source, report.path().unwrap());
    }
}

/// Handles have the same names on each connection of this server: one of a lost connection must not read another file.
pub fn dies_after_some_requests() {
    let dir = TestDir::new();
    let mut revived = 0;
    for requests in [14, 30, 45, 60] {
        let repository = dir.join(requests.to_string());
        let words = me(&["serve", &format!("dies-after-{requests}")]);
        let monitor = Collecting::default();
        match persistent(Path::new("/tree"), &repository, &words).run(&monitor) {
            Ok(report) => {
                assert_eq!(report.status(), Status::Complete, "{:?}", report.problems());
                for (name, size) in FILES {
                    assert!(saved(&report, name).0 == content(*size), "{requests}: {name}");
                }
                revived += revivals(&monitor);
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Connection, "{requests}: {error}");
                let snapshots = Repository::open(&repository).map_or(0, |all| all.snapshots().unwrap().len());
                assert_eq!(snapshots, 0);
            }
        }
    }
    assert!(revived >= 2, "{revived}");
}

pub fn replaced_meanwhile() {
    let dir = TestDir::new();
    let (repository, note) = (dir.join("repository"), dir.join("note"));
    let words = me(&["serve", "dies-in-large", note.to_str().unwrap()]);
    let monitor = Collecting::default();
    let report = persistent(Path::new("/tree"), &repository, &words).run(&monitor).unwrap();
    assert_eq!((report.status(), revivals(&monitor)), (Status::Complete, 1), "{:?}", report.problems());
    let (bytes, mtime) = saved(&report, "large");
    assert!(bytes == other_content(700_000));
    assert_eq!(mtime, i64::from(LATER));
}

pub fn given_up() {
    let dir = TestDir::new();
    let repository = dir.join("repository");
    let words = me(&["serve", "gone-later"]);
    let ssh = Ssh::default().command(&words).attempts(3);
    let error = error_of(&pull(Path::new("/tree"), &repository, &words).ssh(ssh), &repository);
    assert_eq!((error.kind(), error.kind().exit_code()), (ErrorKind::Connection, 1), "{error}");
    assert!(error.to_string().contains("the connection was lost"), "{error}");
}
