//! The shells themselves complete what is typed, by the scripts that `linkdest completions` prints.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use linkdest_testkit::skip;

use crate::completions::with_snapshots;
use crate::place::{Place, text};

/// What a shell writes that finds the program in its path; `None` if there is no such shell.
fn told_by(place: &Place, shell: &str, arguments: &[&str], script: &str) -> Option<String> {
    let program: OsString = place.linkdest(&[]).get_program().to_owned();
    let directory = Path::new(&program).parent().unwrap().to_owned();
    let old = std::env::var_os("PATH").unwrap();
    let path = std::env::join_paths(std::iter::once(directory).chain(std::env::split_paths(&old))).unwrap();
    let mut command = Command::new(shell);
    command.args(arguments).arg(script).current_dir(place.dir.path());
    command.env("PATH", path).env("HOME", place.dir.path()).env("TERM", "vt100").env("LC_ALL", "C.UTF-8");
    let output = match command.output() {
        Err(_) => {
            skip(format!("there is no {shell}"));
            return None;
        }
        Ok(output) => output,
    };
    assert!(output.status.success(), "{shell}: {}{}", text(&output.stdout), text(&output.stderr));
    Some(text(&output.stdout))
}

#[test]
fn bash_completes() {
    let place = with_snapshots();
    let script = "source <(linkdest completions bash)\n\
                  COMP_WORDS=(linkdest diff R latest); COMP_CWORD=3; COMP_TYPE=9\n\
                  _clap_complete_linkdest linkdest latest R\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n";
    if let Some(told) = told_by(&place, "bash", &["--norc", "-c"], script) {
        assert_eq!(told, "latest\nlatest~1\n");
    }
}

/// Lines are begun on a terminal of its own; what the Tab key makes of each is written down.
#[test]
fn zsh_completes() {
    const SCRIPT: &str = r#"
        zmodload zsh/zpty
        zpty shell zsh -f -i
        zpty -w shell 'autoload -Uz compinit && compinit -u -D; source <(linkdest completions zsh)'
        zpty -w shell 'note() { print -r -- "$BUFFER" >>lines; BUFFER= }; zle -N note; bindkey "^T" note'
        zpty -w shell 'print -r -- "${_comps[linkdest]}" >>lines; print REA"DY"'
        zpty -r shell screen '*READY*'
        for line in 'linkdest sna' 'linkdest snapshot --dry' 'linkdest diff R lat' 'linkdest ls R latest:d/'; do
            zpty -w -n shell "$line"$'\t\x14'
        done
        zpty -w shell exit
        while zpty -r shell screen; do :; done
        cat lines
    "#;
    let place = with_snapshots();
    if let Some(told) = told_by(&place, "zsh", &["-f", "-c"], SCRIPT) {
        let lines: Vec<&str> = told.lines().map(str::trim_end).collect();
        assert_eq!(
            lines,
            [
                "_clap_dynamic_completer_linkdest",
                "linkdest snapshot",
                "linkdest snapshot --dry-run",
                "linkdest diff R latest",
                "linkdest ls R latest:d/b"
            ]
        );
    }
}

#[test]
fn fish_completes() {
    const SCRIPT: &str = r#"
        linkdest completions fish | source
        for line in 'linkdest sna' 'linkdest snapshot --dry' 'linkdest diff R lat' 'linkdest ls R latest:d/'
            complete -C $line
        end
    "#;
    let place = with_snapshots();
    if let Some(told) = told_by(&place, "fish", &["--no-config", "-c"], SCRIPT) {
        let values: Vec<&str> = told.lines().map(|line| line.split('\t').next().unwrap()).collect();
        assert_eq!(values, ["snapshot", "--dry-run", "latest", "latest~1", "latest:d/b"]);
        // Each with what it is.
        assert!(told.lines().next().unwrap().contains('\t'), "{told}");
    }
}
