//! Servers that no honest one is like, and connections that are slow or cut: this program is the server, too.
//!
//! Started as `far serve WHAT` it speaks SFTP on its standard input and output; as `far delay MS FILE PROGRAM...` it passes
//! on what a program says, later, and notes how many requests waited at most; as `far cut BYTES PROGRAM...` only so much, as
//! `far cut-once BYTES NOTE PROGRAM...` that only the first time.
//! `far serve WHAT NOTE` dies once, and leaves a note that it did.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    missing_docs,
    reason = "tests stop where an assumption fails, and make their trees by path"
)]

mod changing;
mod delay;
mod listing_again;
mod losing;
mod odd_server;
mod odd_tree;
mod replicas;
mod reviving;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use linkdest_core::{
    Error, ErrorKind, Repository, Silent, SnapshotReport, Snapshotter, Ssh, Status, StopFlag,
};
use linkdest_testkit::{Comparison, TestDir, sftp_server, skip};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["serve", what] => odd_server::serve(what, None),
        ["serve", what, note] => odd_server::serve(what, Some(Path::new(note))),
        ["delay", milliseconds, file, program @ ..] => {
            delay::run(Duration::from_millis(milliseconds.parse().unwrap()), Path::new(file), program);
        }
        ["cut", bytes, program @ ..] => cut(bytes.parse().unwrap(), program),
        ["cut-once", bytes, note, program @ ..] => {
            let is_first = !Path::new(note).exists();
            std::fs::write(note, "").unwrap();
            cut(if is_first { bytes.parse().unwrap() } else { usize::MAX }, program);
        }
        _ => run_all(&words),
    }
}

/// The cases, each with its name.
const CASES: &[(&str, fn())] = &[
    ("odd_servers_are_refused_and_nothing_is_published", odd_servers_are_refused_and_nothing_is_published),
    ("a_server_with_short_reads_and_few_words_is_read", a_server_with_short_reads_and_few_words_is_read),
    ("a_silent_server_is_given_up", a_silent_server_is_given_up),
    ("a_stop_ends_the_waiting", a_stop_ends_the_waiting),
    ("a_connection_cut_at_any_point_publishes_nothing", a_connection_cut_at_any_point_publishes_nothing),
    ("many_requests_are_on_their_way_at_once", many_requests_are_on_their_way_at_once),
    ("a_large_file_replaced_while_it_is_read_is_not_mixed", changing::replaced_while_read),
    ("a_file_read_early_and_replaced_since_is_read_anew", changing::read_early_and_replaced),
    ("a_look_after_a_read_is_not_answered_before_it", changing::looked_at_before_it_was_read),
    ("files_that_were_read_are_looked_at_with_one_listing", listing_again::few_requests),
    ("what_changed_while_it_was_read_is_found_in_a_listing", listing_again::changed),
    ("a_listing_after_reads_is_not_asked_for_before_they_came", listing_again::asked_for_too_early),
    ("what_vanished_while_it_was_read_is_missed_in_a_listing", listing_again::gone),
    ("what_a_listing_does_not_tell_is_looked_at_alone", listing_again::not_told),
    ("a_file_that_its_server_ends_early_is_a_problem", changing::ended_early),
    (
        "what_a_killed_run_left_is_compared_where_it_was_just_written",
        changing::left_in_the_second_it_was_written,
    ),
    ("a_server_whose_disk_goes_away_is_not_a_source_where_all_vanished", losing::disk_gone),
    ("what_is_listed_and_cannot_be_opened_is_a_problem", losing::listed_and_not_there),
    ("names_behind_the_end_of_a_listing_are_not_lost", losing::names_behind_the_end),
    ("a_listing_that_breaks_keeps_what_it_told", losing::listing_breaks),
    ("a_connection_that_is_lost_is_made_anew", reviving::made_anew),
    ("a_server_that_dies_after_some_requests_is_read_or_given_up", reviving::dies_after_some_requests),
    ("a_file_replaced_while_the_connection_was_lost_is_not_mixed", reviving::replaced_meanwhile),
    ("a_connection_that_cannot_be_made_anew_publishes_nothing", reviving::given_up),
    ("a_connection_lost_at_a_rule_file_is_no_bad_rule", losing::lost_at_a_rule_file),
    ("a_server_without_numbers_of_file_systems_cannot_stay_on_one", losing::no_file_system_numbers),
    ("a_replica_cut_at_any_point_goes_on_and_ends_equal", replicas::cut_at_any_point),
    ("a_replica_goes_on_over_a_connection_that_is_made_anew", replicas::made_anew),
    ("a_repository_is_read_over_a_connection_that_is_made_anew", replicas::read_over_a_new_connection),
    ("a_repository_whose_server_is_gone_is_one_clear_error", replicas::lost_while_read),
    ("links_of_a_replica_are_on_their_way_at_once", replicas::links_at_once),
    ("files_and_directories_of_a_replica_are_on_their_way_at_once", replicas::files_at_once),
];

/// So many cases run at once: they wait for connections most of the time.
const THREADS: usize = 4;

/// Runs the cases whose names have one of the words in them.
fn run_all(words: &[&str]) {
    let filters: Vec<&&str> = words.iter().filter(|word| !word.starts_with('-')).collect();
    if words.contains(&"--list") {
        CASES.iter().for_each(|(name, _)| println!("{name}: test"));
        return;
    }
    let is_asked_for =
        |name: &str| filters.is_empty() || filters.iter().any(|filter| name.contains(**filter));
    let cases: Vec<_> = CASES.iter().filter(|(name, _)| is_asked_for(name)).collect();
    let next = AtomicUsize::new(0);
    let run = || {
        // The longest ones stand last, and begin first.
        while let Some((name, case)) = cases.iter().rev().nth(next.fetch_add(1, Ordering::Relaxed)) {
            let begun = Instant::now();
            case();
            println!("test {name} ... ok ({:.1} s)", begun.elapsed().as_secs_f64());
        }
    };
    // A case that panics ends its thread, and that the program.
    std::thread::scope(|scope| (0..THREADS).for_each(|_| drop(scope.spawn(run))));
}

fn me(words: &[&str]) -> Vec<String> {
    let program = std::env::current_exe().unwrap().to_str().unwrap().to_owned();
    std::iter::once(program).chain(words.iter().map(|word| (*word).to_owned())).collect()
}

fn pull(source: &Path, repository: &Path, words: &[String]) -> Snapshotter {
    let ssh = Ssh::default().command(words).patience(Duration::from_secs(20)).attempts(0);
    Snapshotter::new(PathBuf::from(format!("sftp://far{}", source.display())), repository).init(true).ssh(ssh)
}

fn error_of(snapshotter: &Snapshotter, repository: &Path) -> Error {
    let error = snapshotter.run(&Silent).unwrap_err();
    let published =
        Repository::open(repository).map_or(0, |repository| repository.snapshots().unwrap().len());
    assert_eq!(published, 0, "{error}");
    error
}

fn odd_servers_are_refused_and_nothing_is_published() {
    let dir = TestDir::new();
    for (what, said) in [
        ("slash", "a name that no file can have"),
        ("absolute", "a name that no file can have"),
        ("nul", "a name that no file can have"),
        ("empty-name", "a name that no file can have"),
        ("no-names", "a part of a listing without any names"),
        ("many-names", "names that are cut short"),
        ("wrong-id", "an answer that nobody asked for"),
        ("twice", "an answer that nobody asked for"),
        ("other-kind", "an answer to another question"),
        ("success", "a plain success"),
        ("long-handle", "a handle that is too long"),
        ("long-packet", "an impossible length"),
        ("tiny-packet", "an impossible length"),
        ("long-status", "an answer that is far too long"),
        ("more-data", "more data than was asked for"),
        ("no-data", "a read without any data"),
        ("old", "older than version 3"),
        ("no-greeting", "no greeting"),
        ("gone", "no connection"),
        ("gone-later", "the connection was lost"),
    ] {
        let repository = dir.join(what);
        let snapshotter = pull(Path::new("/tree"), &repository, &me(&["serve", what]));
        let error = error_of(&snapshotter, &repository);
        assert_eq!(error.kind(), ErrorKind::Connection, "{what}: {error}");
        assert!(error.to_string().contains(said), "{what}: {error}");
    }
    let names: Vec<_> =
        std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| name != "outside"), "{names:?}");
}

fn a_server_with_short_reads_and_few_words_is_read() {
    let dir = TestDir::new();
    let take = |what: &str| -> SnapshotReport {
        let snapshotter = pull(Path::new("/tree"), &dir.join(what), &me(&["serve", what]));
        let report = snapshotter.run(&Silent).unwrap();
        assert_eq!(report.status(), Status::Complete, "{what}: {:?}", report.problems());
        report
    };
    for what in ["honest", "short-reads", "no-owners", "no-type-bits", "one-by-one", "dots", "shuffled"] {
        let report = take(what);
        let root = report.path().unwrap();
        for (name, content) in odd_server::FILES {
            assert_eq!(
                std::fs::read(root.join(name)).unwrap(),
                odd_server::content(*content),
                "{what}: {name}"
            );
        }
        assert_eq!(report.counts().entries, odd_server::FILES.len() as u64 + 1, "{what}");
    }
}

fn a_silent_server_is_given_up() {
    let dir = TestDir::new();
    let repository = dir.join("repository");
    let ssh = Ssh::default().command(me(&["serve", "silent"])).patience(Duration::from_millis(300));
    let snapshotter = Snapshotter::new("sftp://far/tree", &repository).init(true).ssh(ssh);
    let error = error_of(&snapshotter, &repository);
    assert!(error.to_string().contains("has not answered"), "{error}");
}

fn a_stop_ends_the_waiting() {
    let dir = TestDir::new();
    let repository = dir.join("repository");
    let stop = StopFlag::default();
    let snapshotter =
        pull(Path::new("/tree"), &repository, &me(&["serve", "silent-later"])).stop(stop.clone());
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        stop.stop();
    });
    assert_eq!(error_of(&snapshotter, &repository).kind(), ErrorKind::Interrupted);
    stopper.join().unwrap();
}

/// A tree of small files in many directories, and a large one.
fn tree(root: &Path) {
    for number in 0..60 {
        let directory = root.join(format!("{}/{number}", number % 3));
        std::fs::create_dir_all(&directory).unwrap();
        (0..4).for_each(|file| std::fs::write(directory.join(file.to_string()), "hello").unwrap());
    }
    std::fs::write(root.join("large"), odd_server::content(3_000_000)).unwrap();
}

fn a_connection_cut_at_any_point_publishes_nothing() {
    let server = match sftp_server() {
        Ok(server) => server.display().to_string(),
        Err(reason) => return skip(reason),
    };
    let dir = TestDir::new();
    tree(&dir.join("source"));
    let repository = dir.join("repository");
    for bytes in [0, 3, 100, 700, 5000, 20_000, 60_000, 1_000_000, 2_500_000] {
        let words = me(&["cut", &bytes.to_string(), &server]);
        let error = error_of(&pull(&dir.join("source"), &repository, &words), &repository);
        assert_eq!((error.kind(), error.kind().exit_code()), (ErrorKind::Connection, 1), "{bytes}: {error}");
    }
    let report =
        pull(&dir.join("source"), &repository, &me(&["cut", "99999999", &server])).run(&Silent).unwrap();
    assert_eq!(report.status(), Status::Complete);
    let comparison = Comparison::new().times(false).blocks(false);
    comparison.assert_same(&dir.join("source"), report.path().unwrap());
}

/// With a delay for each answer, what is done one by one would take far longer than what is asked for together.
fn many_requests_are_on_their_way_at_once() {
    let server = match sftp_server() {
        Ok(server) => server.display().to_string(),
        Err(reason) => return skip(reason),
    };
    let dir = TestDir::new();
    tree(&dir.join("source"));
    (0..300).for_each(|file| std::fs::write(dir.join("source").join(format!("f{file}")), "x").unwrap());
    let repository = dir.join("repository");
    let note = dir.join("most");
    let words = me(&["delay", "20", note.to_str().unwrap(), &server]);
    // A first run opens hundreds of files of one directory at once; one that finds nothing new, dozens of directories.
    for least in [200, 40] {
        let report = pull(&dir.join("source"), &repository, &words).run(&Silent).unwrap();
        assert_eq!(report.status(), Status::Complete, "{:?}", report.problems());
        let most: usize = std::fs::read_to_string(&note).unwrap().parse().unwrap();
        assert!(most >= least, "{most}");
        std::fs::remove_file(&note).unwrap();
    }
}

/// Runs a program with pipes, hands on at once what it is told, and has what it says handed on.
fn pass(program: &[&str], pass_on: impl FnOnce(&mut dyn Read, &mut dyn Write)) {
    let (name, arguments) = program.split_first().unwrap();
    let mut command = Command::new(name);
    let mut child = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut input);
    });
    pass_on(&mut output, &mut std::io::stdout());
    let _ = child.kill();
    let _ = child.wait();
}

/// Passes on so many bytes of what a program says, and ends.
fn cut(bytes: usize, program: &[&str]) {
    pass(program, move |from, to| {
        let (mut left, mut buffer) = (bytes, vec![0; 1 << 16]);
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            let passed = read.min(left);
            left -= passed;
            // Standard output keeps what has no end of line.
            let written = to.write_all(&buffer[..passed]).and_then(|()| to.flush());
            if written.is_err() || left == 0 {
                return;
            }
        }
    });
}
