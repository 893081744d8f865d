//! `snapshot sftp://...`: the program with a real sshd.

use linkdest_testkit::{Flaw, Sshd, sftp_server, skip};
use predicates::prelude::*;
use predicates::str::contains;

use crate::place::Place;

fn address(place: &Place) -> String {
    format!("sftp://far{}", place.join("S").display())
}

/// The program, with a directory before all others in `PATH`.
fn with_ssh(place: &Place, sshd: &Sshd, arguments: &[&str]) -> assert_cmd::assert::Assert {
    let mut command = place.linkdest(arguments);
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", sshd.directory_with_ssh().display()));
    assert_cmd::Command::from_std(command).assert()
}

#[test]
fn a_server_is_reached_by_ssh_with_its_own_configuration() {
    let sshd = match Sshd::start(Flaw::None) {
        Ok(sshd) => sshd,
        Err(reason) => return skip(reason),
    };
    let place = Place::with_repository();
    with_ssh(&place, &sshd, &["snapshot", &address(&place), "R", "-q"]).success().stdout("").stderr("");
    with_ssh(&place, &sshd, &["snapshot", &address(&place), "R"])
        .success()
        .stdout(contains("3 linked, 0 copied"));
    assert_eq!(place.snapshots().len(), 2);
    // A profile says the same, and what it keeps is of this source.
    let text = format!("source = \"{}\"\nrepository = \"R\"\n[keep]\nlast = 1\n", address(&place));
    std::fs::write(place.join("p.toml"), text).unwrap();
    with_ssh(&place, &sshd, &["run", "./p.toml"]).success();
    assert_eq!(place.snapshots().len(), 1);
}

#[test]
fn what_is_refused_is_one_error_of_every_command_and_publishes_nothing() {
    for (flaw, said) in Flaw::FATAL {
        let sshd = match Sshd::start(flaw) {
            Ok(sshd) => sshd,
            Err(reason) => return skip(reason),
        };
        let place = Place::with_repository();
        place.run(&["snapshot", "S", "R", "-q"]).success();
        let (source, there) = (address(&place), second(&place));
        for arguments in [
            &["snapshot", &source, "R"][..],
            &["replicate", "--init", "R", &there],
            &["replicate", "--init", "--dry-run", "R", &there],
            &["list", &there],
            &["verify", &there],
            &["restore", &there, "latest", "back"],
        ] {
            let refused = with_ssh(&place, &sshd, arguments).code(1).stdout("");
            let told = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
            let errors: Vec<_> = told.lines().filter(|line| line.contains("error: ")).collect();
            assert!(
                matches!(errors[..], [one] if one.contains("error: sftp://far/")),
                "{arguments:?}: {told}"
            );
            assert!(told.contains(said), "{arguments:?}: {told}");
        }
        for arguments in [&["snapshot", "--json", &source, "R"], &["replicate", "--json", "R", &there]] {
            with_ssh(&place, &sshd, arguments).code(1).stdout(contains("\"kind\":\"connection\""));
        }
        assert_eq!(place.snapshots().len(), 1, "{flaw:?}");
        assert!(!place.join("R2").exists() && !place.join("back").exists(), "{flaw:?}");
    }
}

#[test]
fn a_server_without_hard_links_holds_no_replica() {
    let server = match sftp_server() {
        Ok(server) => format!("{} -P hardlink", server.display()),
        Err(reason) => return skip(reason),
    };
    let place = Place::with_repository();
    place.run(&["snapshot", "S", "R", "-q"]).success();
    let there = second(&place);
    let refused = place.run(&["replicate", "--init", "--ssh-command", &server, "R", &there]);
    refused.code(1).stdout("").stderr(contains("hardlink@openssh.com"));
    let json = place.run(&["replicate", "--json", "--init", "--ssh-command", &server, "R", &there]);
    json.code(1).stdout(contains("\"kind\":\"no_hard_links\"").and(contains("\"exit_code\":1")));
    assert!(!place.join("R2").exists());
}

#[test]
fn addresses_that_cannot_be_used_are_usage_errors() {
    let place = Place::with_repository();
    for (address, said) in [
        ("sftp://-oProxyCommand=touch$IFS/x", "not a name of a host"),
        ("sftp://me:secret@far/x", "a password has no place"),
        ("sftp://far", "the path is missing"),
        ("sftp://far/%zz", "`%` needs two digits"),
    ] {
        place.run(&["snapshot", address, "R"]).code(2).stderr(contains(said));
    }
    place
        .run(&["snapshot", "--ssh-command", "'x", "sftp://far/x", "R"])
        .code(2)
        .stderr(contains("not closed"));
    place.run(&["snapshot", "--no-perms", "S", "R"]).code(2).stderr(contains("on a server alone"));
    assert!(place.snapshots().is_empty());
}

#[test]
fn another_program_leads_to_the_server() {
    let server = match sftp_server() {
        Ok(server) => server.display().to_string(),
        Err(reason) => return skip(reason),
    };
    let place = Place::with_repository();
    let arguments = ["snapshot", "--no-owner", "--no-perms", "--ssh-command", &server, &address(&place), "R"];
    place.run(&arguments).success().stdout(contains("2 copied"));
    place
        .run(&[&arguments[..], &["--dry-run"]].concat())
        .success()
        .stdout(contains("link").and(contains("unchanged")));
    assert_eq!(place.snapshots().len(), 1);
}

/// The address of the second repository.
fn second(place: &Place) -> String {
    format!("sftp://far{}", place.join("R2").display())
}

#[test]
fn a_repository_on_a_server_is_filled_listed_checked_and_restored_from() {
    let sshd = match Sshd::start(Flaw::None) {
        Ok(sshd) => sshd,
        Err(reason) => return skip(reason),
    };
    let place = Place::with_repository();
    (0..2).for_each(|_| drop(place.run(&["snapshot", "S", "R", "-q"]).success()));
    let there = second(&place);
    let run = |arguments: &[&str]| with_ssh(&place, &sshd, arguments);
    run(&["replicate", "R", &there]).code(10).stderr(contains("replicate --init"));
    run(&["replicate", "--init", "R", &there]).success().stdout(contains("2 snapshots sent"));
    run(&["replicate", "R", &there]).success().stdout(contains("0 snapshots sent, 2 already there"));
    let names = place.snapshots();
    run(&["list", &there]).success().stdout(contains(&names[0]).and(contains(&names[1])));
    run(&["list", "--json", &there]).success().stdout(contains(&names[1]));
    run(&["verify", &there]).success().stdout(contains("2 snapshots checked").and(contains("0 files read")));
    run(&["verify", "--content", &there, "latest"]).success().stdout(contains("2 files read"));
    run(&["restore", &there, "latest:d", "back"]).success().stdout(contains("1 copied"));
    assert_eq!(std::fs::read(place.join("back/b")).unwrap(), b"bytes");
    let file = place.join("R2").join(&names[0]).join("a");
    std::fs::remove_file(file).unwrap();
    run(&["verify", &there]).code(4).stdout(contains("a: missing: loss"));
    run(&["restore", &there, "latest:no/such", "back"]).code(2);
    run(&["list", "sftp://far/no/such"]).code(10);
}

#[test]
fn commands_that_need_a_repository_here_say_what_can_be_on_a_server() {
    let place = Place::with_repository();
    for arguments in [
        &["init", "sftp://far/x"][..],
        &["snapshot", "S", "sftp://far/x"],
        &["snapshot", "S", "R", "--link-dest", "sftp://far/x"],
        &["ls", "sftp://far/x", "latest"],
        &["diff", "sftp://far/x"],
        &["find", "sftp://far/x", "a"],
        &["usage", "sftp://far/x"],
        &["runs", "sftp://far/x"],
        &["reindex", "sftp://far/x"],
        &["forget", "sftp://far/x", "--keep-last", "1"],
        &["delete", "sftp://far/x", "latest"],
        &["replicate", "sftp://far/x", "R"],
        &["restore", "R", "latest", "sftp://far/x"],
    ] {
        place.run(arguments).code(2).stderr(contains("can be on a server"));
    }
    for arguments in [
        &["list", "--ssh-command", "x", "R"][..],
        &["verify", "--content", "R"],
        &["verify", "--threads", "2", "sftp://far/x"],
        &["verify", "--lock-wait", "1s", "sftp://far/x"],
    ] {
        place.run(arguments).code(2);
    }
}

#[test]
fn a_replication_to_a_server_that_is_killed_goes_on() {
    let server = match sftp_server() {
        Ok(server) => server.display().to_string(),
        Err(reason) => return skip(reason),
    };
    let place = Place::with_repository();
    for directory in 0..20 {
        std::fs::create_dir(place.join("S").join(format!("d{directory}"))).unwrap();
        (0..20).for_each(|file| place.add(format!("d{directory}/f{file}"), &format!("{directory} {file}")));
    }
    (0..2).for_each(|_| drop(place.run(&["snapshot", "S", "R", "-q"]).success()));
    let there = second(&place);
    let arguments = ["replicate", "--init", "--ssh-command", &server, "R", &there, "-q"];
    let staged = || walkdir_count(&place.join("R2/.linkdest/staging"));
    for part in 1..=10 {
        let mut child = place.linkdest(&arguments).spawn().unwrap();
        // As soon as so much is there; a run that is quicker has done it all.
        while staged() < part * 40 && child.try_wait().unwrap().is_none() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        let _ = child.kill();
        child.wait().unwrap();
    }
    // The lock of a process that is no more is nobody's.
    place.run(&arguments).success();
    let whole = linkdest_testkit::Comparison::new().times(false).blocks(false).root_attributes(false);
    let whole = whole.xattrs(|_| false).skip_path(".linkdest").skip_path("latest");
    whole.assert_same(&place.join("R"), &place.join("R2"));
    assert_eq!(staged(), 0);
}

/// How many entries there are below a directory, as far as that can be seen.
fn walkdir_count(path: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    entries
        .map(|entry| {
            let below = entry.file_type().is_ok_and(|kind| kind.is_dir());
            1 + if below { walkdir_count(&entry.path()) } else { 0 }
        })
        .sum()
}
