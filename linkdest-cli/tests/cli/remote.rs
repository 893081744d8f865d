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
fn what_is_refused_is_one_error_and_publishes_nothing() {
    let sshd = match Sshd::start(Flaw::WrongHostKey) {
        Ok(sshd) => sshd,
        Err(reason) => return skip(reason),
    };
    let place = Place::with_repository();
    let refused = with_ssh(&place, &sshd, &["snapshot", &address(&place), "R"]);
    refused.code(1).stderr(contains("Host key verification failed").and(contains("error: sftp://far/")));
    let json = with_ssh(&place, &sshd, &["snapshot", "--json", &address(&place), "R"]).code(1);
    json.stdout(contains("\"kind\":\"connection\""));
    assert!(place.snapshots().is_empty());
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
