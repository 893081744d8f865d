//! Passwords and keys that somebody gave are in no message, record or manifest.

use std::fs;
use std::path::Path;

use linkdest_core::{Collecting, Profile, ProfileRun, Repository, Snapshotter, Ssh};
use linkdest_testkit::{TestDir, sftp_server, skip};

use crate::support::Pair;

const SECRET: &str = "hunter2";

fn assert_silent(text: &str) {
    assert!(!text.contains(SECRET), "{text}");
}

/// All that was told.
fn told(monitor: &Collecting) -> String {
    format!("{:?} {:?}", monitor.events(), monitor.problems())
}

/// Looks into every file of the repository that linkdest writes for itself.
fn assert_not_written(repository: &Path) {
    let mut files = 0;
    for entry in walkdir::WalkDir::new(repository.join(".linkdest")) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let bytes = fs::read(entry.path()).unwrap();
            let found = bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
            assert!(!found, "{}", entry.path().display());
            files += 1;
        }
    }
    assert!(files > 2, "{files} files");
}

#[test]
fn a_password_in_an_address_is_repeated_nowhere() {
    let dir = TestDir::new();
    let text = |source: &str| format!("source = '{source}'\nrepository = 'repo'\n");
    for source in
        ["sftp://me:hunter2@h/x", "sftp://me:hunter2@h", "sftp://me%3ahunter2@h:0/x", "sftp://me:hunter2"]
    {
        let monitor = Collecting::default();
        let error = Snapshotter::new(source, dir.join("repo")).init(true).run(&monitor).unwrap_err();
        assert!(error.to_string().contains("***"), "{error}");
        assert_silent(&format!("{error} {error:?} {}", told(&monitor)));
        let invalid = Profile::parse(&text(source), dir.join("me.toml")).unwrap_err();
        assert_silent(&format!("{invalid} {invalid:?}"));
    }
    for broken in [
        "ssh-command = 'sshpass -p hunter2\n",
        "ssh-command = \"sshpass -p 'hunter2\"\n",
        "ssh-command = ['sshpass', 'hunter2', 1]\n",
        "[hooks]\nrun-before = curl hunter2\n",
    ] {
        let invalid = Profile::parse(&format!("{}{broken}", text("/s")), dir.join("me.toml")).unwrap_err();
        assert_silent(&format!("{invalid} {invalid:?}"));
    }
    assert!(!dir.join("repo").exists());
}

#[test]
fn the_words_of_an_ssh_command_are_repeated_nowhere() {
    for line in ["sshpass -p 'hunter2 ssh", "sshpass -p hunter2 ssh \\"] {
        let error = Ssh::default().command_line(line).unwrap_err();
        assert_silent(&format!("{error} {error:?}"));
    }
    let pair = Pair::new();
    pair.write("f", "hello");
    let address = format!("sftp://far{}", pair.source.display());
    let through = |words: &[&str]| {
        Snapshotter::new(&address, &pair.repository).init(true).ssh(Ssh::default().command(words.to_vec()))
    };
    for words in [["/no/such/program", "hunter2"], ["false", "hunter2"]] {
        let monitor = Collecting::default();
        let error = through(&words).run(&monitor).unwrap_err();
        assert_silent(&format!("{error} {error:?} {}", told(&monitor)));
    }
    let Ok(server) = sftp_server() else { return skip("no SFTP server here") };
    let monitor = Collecting::default();
    let server = server.display().to_string();
    let report = through(&["env", "SSHPASS=hunter2", &server]).run(&monitor).unwrap();
    assert_eq!(report.counts().files_copied, 1);
    assert_silent(&format!("{report:?} {}", told(&monitor)));
    assert_not_written(&pair.repository);
}

/// The command lines of hooks were told in each run, and so went to the journal.
#[test]
fn arguments_of_hooks_are_repeated_nowhere() {
    let dir = TestDir::new();
    fs::create_dir(dir.join("source")).unwrap();
    fs::write(dir.join("source/f"), "hello").unwrap();
    Repository::init(dir.join("repo")).unwrap();
    let hooks = [
        "run-before = 'TOKEN=hunter2 true'\nrun-after = 'true hunter2; exit 3'\nrun-finally = ['true', 'hunter2']",
        "run-before = 'true \"hunter2\" && exit 4'\nrun-failed = ['/no/such/program', 'hunter2']\nrun-finally = '$(:hunter2)'",
    ];
    for (number, hooks) in hooks.iter().enumerate() {
        let text = format!("source = 'source'\nrepository = 'repo'\n[hooks]\n{hooks}\n");
        let profile = Profile::parse(&text, dir.join("me.toml")).unwrap();
        let monitor = Collecting::default();
        let result = ProfileRun::new(&profile).run(&monitor);
        assert_eq!(result.is_ok(), number == 0, "{result:?}");
        let all = told(&monitor);
        assert!(all.contains("RunBefore") && all.contains("RunFinally"), "{all}");
        assert_silent(&format!("{all} {result:?}"));
    }
    assert_not_written(&dir.join("repo"));
}
