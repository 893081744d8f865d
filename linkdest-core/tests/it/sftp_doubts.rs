//! Sources on a server, which tell no change times and no inodes: where size and time prove nothing, bytes are read.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use filetime::FileTime;
use linkdest_core::filter::FilterBuilder;
use linkdest_core::{Silent, SnapshotReport, StopFlag};

use crate::sftp::{complete, on_a_pipe, through};
use crate::support::{Pair, inode, path, set_mtime};

fn read(report: &SnapshotReport, name: &str) -> Vec<u8> {
    std::fs::read(path(report).join(name)).unwrap()
}

/// A source beside another one, with its snapshots in the same repository.
fn beside(pair: &Pair, name: &str) -> Pair {
    let source = pair.dir.join(name);
    std::fs::create_dir(&source).unwrap();
    Pair { source, repository: pair.repository.clone(), ..Pair::new() }
}

/// Two sites have a file of the same name, size and second; the second site's is another one.
#[test]
fn a_file_of_another_source_with_the_same_size_and_second_is_not_taken_unread() {
    let Some(words) = on_a_pipe() else { return };
    let first = Pair::new();
    let second = beside(&first, "other");
    for (pair, content) in [(&first, "site A"), (&second, "site B")] {
        pair.write("config", content);
        pair.write("same", "same");
        for name in ["config", "same"] {
            set_mtime(pair.source.join(name), 1_600_000_000, 0);
        }
    }
    let before = complete(&through(&first, &words));
    let report = complete(&through(&second, &words));
    assert_eq!(read(&report, "config"), b"site B");
    assert_eq!(inode(path(&before).join("same")), inode(path(&report).join("same")), "links are still made");
    let again = complete(&through(&second, &words));
    assert_eq!(read(&again, "config"), b"site B");
    assert_eq!(again.counts().files_copied, 0);
}

/// Brings a directory's time of access far from or near to where `relatime` sets it anew.
fn set_accessed(dir: &Path, seconds: i64) {
    let accessed = FileTime::from_unix_time(seconds, 0);
    filetime::set_file_atime(dir, accessed).unwrap();
}

/// The server's clock is a minute slow, which does not show, since it keeps no times of access: what is written there now
/// has an older time than this run.
#[test]
fn a_file_written_in_the_second_of_the_look_by_a_slow_clock_is_compared() {
    let Some(words) = on_a_pipe() else { return };
    let pair = Pair::new();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let there = i64::try_from(now - 60).unwrap();
    pair.write("old", "old");
    set_mtime(pair.source.join("old"), there - 400, 0);
    let write = |content: &str| {
        pair.write("a", content);
        set_mtime(pair.source.join("a"), there, 0);
    };
    write("first");
    set_accessed(&pair.source, there + 3600);
    let snapshotter = through(&pair, &words);
    complete(&snapshotter);
    write("other");
    assert_eq!(read(&complete(&snapshotter), "a"), b"other");
    // What two runs have read is older than the first of them: it is not read for ever.
    assert_eq!(complete(&snapshotter).counts().files_linked, 2);
    write("third");
    assert_eq!(read(&complete(&snapshotter), "a"), b"other");
}

/// The server's clock is right, which its times of access show.
#[test]
fn a_file_written_just_before_the_first_snapshot_is_not_read_again() {
    let Some(words) = on_a_pipe() else { return };
    let pair = Pair::new();
    set_accessed(&pair.source, 1_600_000_000);
    std::fs::read_dir(&pair.source).unwrap().for_each(drop);
    if std::fs::metadata(&pair.source).unwrap().atime() == 1_600_000_000 {
        return linkdest_testkit::skip("times of access are not kept here");
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let lately = i64::try_from(now - 10).unwrap();
    let write = |content: &str| {
        for name in ["a", "below/b"] {
            pair.write(name, content);
            set_mtime(pair.source.join(name), lately, 0);
        }
        for name in ["", "below"] {
            set_accessed(&pair.source.join(name), 1_600_000_000);
        }
    };
    std::fs::create_dir(pair.source.join("below")).unwrap();
    write("first");
    let snapshotter = through(&pair, &words);
    complete(&snapshotter);
    // It has the size and the time that it had, and nobody writes so: that shows that it is not looked into.
    write("other");
    let again = complete(&snapshotter);
    assert_eq!((read(&again, "a"), read(&again, "below/b")), (b"first".to_vec(), b"first".to_vec()));
}

/// A server that opens five files at once, and a source where many directories are on their way to those with files.
#[test]
fn a_server_with_few_handles_does_not_make_threads_wait_for_each_other() {
    let Some(words) = on_a_pipe() else { return };
    let pair = Pair::new();
    let leaves: Vec<String> = (0..32_u32)
        .map(|leaf| {
            let parts: Vec<String> = (0..5).map(|level| ((leaf >> level) & 1).to_string()).collect();
            parts.join("/")
        })
        .collect();
    for leaf in &leaves {
        std::fs::create_dir_all(pair.source.join(leaf)).unwrap();
        pair.write(&format!("{leaf}/file"), leaf);
        // Each has more rules read in all directories above.
        pair.write(&format!("{leaf}/.rules"), ": /.more\n");
    }
    let stamp = |seconds| {
        for leaf in &leaves {
            for name in ["file", ".rules"] {
                set_mtime(pair.source.join(leaf).join(name), seconds, 0);
            }
        }
    };
    let limited = format!("ulimit -n 10; exec {}", words[0]);
    let limited = ["sh", "-c", &limited].map(str::to_owned);
    let run = || {
        let stop = StopFlag::default();
        let stopper = stop.clone();
        // Who waits for ever is told to stop, and that is an error.
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_secs(60));
            stopper.stop();
        });
        let filter = FilterBuilder::new().rule("dir-merge .rules").build_without_files().unwrap();
        through(&pair, &limited).filter(filter).stop(stop).run(&Silent).unwrap()
    };
    stamp(1_600_000_000);
    assert_eq!(run().counts().files_copied, 64);
    stamp(1_600_003_600);
    let counts = *run().counts();
    assert_eq!((counts.files_copied, counts.files_linked), (0, 64));
}
