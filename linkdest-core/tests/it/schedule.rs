//! What runs profiles again and again.

use std::fs;

use linkdest_core::{ErrorKind, Profile, Schedule, When};
use linkdest_testkit::{TestDir, skip};

#[test]
fn systemd_understands_the_units() {
    if !std::process::Command::new("systemd-analyze")
        .arg("--version")
        .output()
        .is_ok_and(|out| out.status.success())
    {
        return skip("systemd-analyze is not there");
    }
    let dir = TestDir::new();
    let program = dir.join("linkdest $x% it");
    fs::copy("/bin/true", &program).unwrap();
    for (name, when) in [
        ("laptop.toml", When::Hourly),
        ("a b 50% $HOME \"q\" 'é'.toml", When::Calendar("Mon..Fri 18:00".into())),
    ] {
        let profile = Profile::parse("source = '/s'\nrepository = '/r'", dir.join(name)).unwrap();
        let files = Schedule::new(&profile, when).system(true).program(&program).files().unwrap();
        let mut verify = std::process::Command::new("systemd-analyze");
        verify.args(["verify", "--man=no"]);
        for file in &files {
            let path = dir.join(file.path().file_name().unwrap().to_str().unwrap());
            fs::write(&path, file.text()).unwrap();
            verify.arg(path);
        }
        let told = verify.output().unwrap();
        let text = String::from_utf8_lossy(&told.stderr);
        let ours: Vec<&str> = text.lines().filter(|line| line.contains("linkdest")).collect();
        assert!(told.status.success() && ours.is_empty(), "{text}\n{}", files[0].text());
    }
}

#[test]
fn times_that_systemd_would_not_understand_are_refused() {
    let profile = Profile::parse("source = '/s'\nrepository = '/r'", "/p/me.toml").unwrap();
    for when in ["", " ", "daily\nUnit=evil.service", "50%", "é"] {
        let schedule = Schedule::new(&profile, When::Calendar(when.into())).program("/x");
        assert_eq!(schedule.files().unwrap_err().kind(), ErrorKind::InvalidOption, "{when:?}");
    }
    // It refuses programs with quotes in their paths.
    for program in ["linkdest", "/it's", "/a\"b", "/a\\b", "/a\nb"] {
        assert!(Schedule::new(&profile, When::Daily).program(program).files().is_err(), "{program}");
    }
}
