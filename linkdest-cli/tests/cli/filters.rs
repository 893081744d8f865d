//! Rule options on `snapshot`, and `linkdest filter list`, `explain` and `check`.

use std::fs;
use std::path::Path;
use std::process::Command;

use linkdest_testkit::skip;
use serde_json::json;

use crate::place::{Place, json_lines, of_type, text};

const LAPTOP: &str = "\
# include /etc
+ /etc/***
+ /root/***
+ /home/
+ /home/me/
- /home/me/VirtualBox VMs/
- /home/me/.cache/
+ /home/me/**
# exclude everything else
- *
";

const LAPTOP_SELECTS: &str = "\
etc/
etc/ssh/
etc/ssh/sshd_config
home/
home/me/
home/me/.profile
home/me/docs/
home/me/docs/letter
root/
root/.bashrc
";

/// A source with these files; a name that ends in `/` is an empty directory.
fn place(files: &[&str]) -> Place {
    let place = Place::new();
    fs::remove_dir_all(place.join("S")).unwrap();
    for file in files {
        let path = place.join("S").join(file);
        if file.ends_with('/') {
            fs::create_dir_all(path).unwrap();
        } else {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
    }
    place
}

/// A tree made like `/`, and the rule file of a laptop.
fn laptop() -> Place {
    let place = place(&[
        "bin/sh",
        "etc/ssh/sshd_config",
        "home/me/.cache/thing",
        "home/me/.profile",
        "home/me/VirtualBox VMs/disk",
        "home/me/docs/letter",
        "home/you/secret",
        "proc/",
        "root/.bashrc",
        "swapfile",
    ]);
    fs::write(place.join("laptop.rules"), LAPTOP).unwrap();
    place
}

fn selected(place: &Place, options: &[&str]) -> String {
    let list = place.run(&[&["filter", "list", "S"], options].concat()).success().stderr("");
    text(&list.get_output().stdout)
}

/// What is in a directory, as `filter list` prints it.
fn found(root: &Path) -> String {
    fn walk(dir: &Path, root: &Path, paths: &mut Vec<String>) {
        for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            if entry.file_type().unwrap().is_dir() {
                paths.push(name + "/");
                walk(&path, root, paths);
            } else {
                paths.push(name);
            }
        }
    }
    let mut paths = Vec::new();
    walk(root, root, &mut paths);
    paths.sort();
    paths.iter().map(|path| format!("{path}\n")).collect()
}

/// What the real rsync selects; `None` where there is none.
fn rsync(place: &Place, options: &[&str]) -> Option<String> {
    fs::create_dir_all(place.join("empty")).unwrap();
    let mut command = Command::new("rsync");
    command.args(["-an", "--out-format=%n"]).args(options).args(["S/", "empty/"]);
    let Ok(output) = command.current_dir(place.dir.path()).output() else {
        skip("rsync is not installed");
        return None;
    };
    assert!(output.status.success(), "{}", text(&output.stderr));
    let stdout = text(&output.stdout);
    let mut paths: Vec<&str> = stdout.lines().filter(|line| *line != "./").collect();
    paths.sort_unstable();
    Some(paths.iter().map(|path| format!("{path}\n")).collect())
}

#[test]
fn a_rule_file_selects_what_rsync_selects() {
    let place = laptop();
    if let Some(theirs) = rsync(&place, &["--filter=merge laptop.rules"]) {
        assert_eq!(theirs, LAPTOP_SELECTS);
    }
    for options in [&["--rules", "laptop.rules"][..], &["--filter=merge laptop.rules"], &["-f. laptop.rules"]]
    {
        assert_eq!(selected(&place, options), LAPTOP_SELECTS, "{options:?}");
    }
    let lines = place.json(&["snapshot", "--init", "--rules", "laptop.rules", "S", "R", "--json"]);
    assert_eq!(lines.last().unwrap()["excluded"], 6);
    assert_eq!(found(&place.join("R").join(&place.snapshots()[0])), LAPTOP_SELECTS);
    let run = place.run(&["snapshot", "--rules=laptop.rules", "S", "R"]).success();
    assert!(text(&run.get_output().stdout).contains("\n  6 excluded\n"));
}

#[test]
fn options_count_in_the_order_given() {
    let place = place(&["a.c", "a.o", "d/a.c", "d/b"]);
    fs::write(place.join("rules"), "- b\n").unwrap();
    for (options, expected) in [
        (&["--include", "*.c", "--exclude", "a*"][..], "a.c\nd/\nd/a.c\nd/b\n"),
        (&["--exclude", "a*", "--include", "*.c"], "d/\nd/b\n"),
        (&["-f", "+ b", "--rules", "rules"], "a.c\na.o\nd/\nd/a.c\nd/b\n"),
        (&["--rules", "rules", "-f", "+ b"], "a.c\na.o\nd/\nd/a.c\n"),
        (&["--exclude", "- *.c", "-f", "- *.o"], "d/\nd/b\n"),
        (&["--exclude", "+ *.c", "--exclude", "a*"], "a.c\nd/\nd/a.c\nd/b\n"),
        (&["--exclude", "a*", "--exclude", "!", "--exclude=b"], "a.c\na.o\nd/\nd/a.c\n"),
        (&[], "a.c\na.o\nd/\nd/a.c\nd/b\n"),
    ] {
        assert_eq!(selected(&place, options), expected, "{options:?}");
        let theirs: Vec<String> = options.iter().map(|word| word.replace("--rules", "--filter")).collect();
        let theirs: Vec<&str> =
            theirs.iter().map(|word| if word == "rules" { ". rules" } else { word.as_str() }).collect();
        if let Some(theirs) = rsync(&place, &theirs) {
            assert_eq!(theirs, expected, "rsync {options:?}");
        }
    }
    // Also those before the command.
    place.run(&["--exclude", "a*", "filter", "--include", "*.c", "list", "S"]).success().stdout("d/\nd/b\n");
}

#[test]
fn per_directory_files_are_read_and_left_out() {
    let place = place(&["a.o", "d/a.o", "d/e/a.o", "d/x"]);
    fs::write(place.join("S/d/.rsync-filter"), "- *.o\n").unwrap();
    for (options, expected) in [
        (&["-F"][..], "a.o\nd/\nd/.rsync-filter\nd/e/\nd/x\n"),
        (&["-FF"], "a.o\nd/\nd/e/\nd/x\n"),
        (&["-F", "--exclude=x", "-F"], "a.o\nd/\nd/e/\n"),
        (&["--include=e/a.o", "-FF"], "a.o\nd/\nd/e/\nd/e/a.o\nd/x\n"),
        (&["-FF", "--include=e/a.o"], "a.o\nd/\nd/e/\nd/x\n"),
        (&["-FFm"], "a.o\nd/\nd/x\n"),
        (&["-C"], "d/\nd/.rsync-filter\nd/e/\nd/x\n"),
        (&["-C", "--include=e/a.o"], "d/\nd/.rsync-filter\nd/e/\nd/e/a.o\nd/x\n"),
        (&["-CmF", "--exclude=x", "--exclude=.rsync-filter"], ""),
    ] {
        assert_eq!(selected(&place, options), expected, "{options:?}");
        if let Some(theirs) = rsync(&place, options) {
            assert_eq!(theirs, expected, "rsync {options:?}");
        }
    }
}

#[test]
fn a_bad_per_directory_file_ends_the_run_unless_it_is_ignored() {
    let place = place(&["d/a", "d/b", "me/x"]);
    fs::write(place.join("S/d/.rsync-filter"), "zz b\n").unwrap();
    place.run(&["init", "R", "-q"]).success();
    let before = place.inventory();
    for arguments in [
        &["filter", "list", "-F", "S"][..],
        &["filter", "check", "-F", "S"],
        &["filter", "explain", "-F", "S", "d/b"],
        &["snapshot", "-n", "-F", "S", "R"],
    ] {
        let stderr = text(&place.run(arguments).code(2).get_output().stderr);
        assert!(stderr.contains("d/.rsync-filter:1: unknown rule"), "{arguments:?}: {stderr}");
        assert!(stderr.contains("\"zz b\"") && stderr.lines().count() == 1, "{arguments:?}: {stderr}");
        before.assert_unchanged(&place.inventory());
    }
    let error = place.run(&["snapshot", "-F", "S", "R", "--json", "-q"]).code(2);
    assert_eq!(json_lines(&error.get_output().stdout)[0]["kind"], "rules");
    assert_eq!(place.snapshots(), [""; 0]);

    let lenient = "--on-bad-rules=ignore-file";
    let list = place.run(&["filter", "list", "-F", "S", lenient]).code(3);
    assert_eq!(text(&list.get_output().stdout), "d/\nd/.rsync-filter\nd/a\nd/b\nme/\nme/x\n");
    assert!(text(&list.get_output().stderr).contains("d/.rsync-filter:1: unknown rule"));
    place.run(&["filter", "check", "-F", "S", lenient]).code(3);
    let explain = place.run(&["filter", "explain", "-F", "S", "d/b", "d/a", "--exclude=b", lenient]).code(3);
    let stderr = text(&explain.get_output().stderr);
    assert!(stderr.starts_with("linkdest: problem: d: rule file ignored: d/.rsync-filter:1: unknown rule"));
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    let stdout = text(&explain.get_output().stdout);
    assert!(stdout.starts_with("d/b: excluded by \"- b\" (--exclude)\n"), "{stdout}");
    let explain = place.run(&["filter", "explain", "-F", "S", "d/b", lenient, "--json"]).code(3);
    let document = json_lines(&explain.get_output().stdout).remove(0);
    assert_eq!(document["explanations"][0]["verdict"], "include");
    assert_eq!(document["problems"][0]["kind"], "rules");
    place.run(&["filter", "explain", "-F", "S", "me/x", lenient]).success().stderr("");
    let run = place.run(&["snapshot", "-F", "S", "R", lenient, "--json"]).code(3);
    let lines = json_lines(&run.get_output().stdout);
    assert_eq!(of_type(&lines, "problem")[0]["kind"], "rules");
    assert_eq!(lines.last().unwrap()["status"], "problems");
    assert_eq!(place.snapshots().len(), 1);
}

#[test]
fn empty_directories_can_be_left_out() {
    let place = place(&["a/b/c.o", "a/d", "e/", "f/g/"]);
    let options = ["-m", "--exclude=*.o"];
    assert_eq!(selected(&place, &options), "a/\na/d\n");
    if let Some(theirs) = rsync(&place, &options) {
        assert_eq!(theirs, "a/\na/d\n");
    }
    assert_eq!(selected(&place, &options[1..]), "a/\na/b/\na/d\ne/\nf/\nf/g/\n");
}

#[test]
fn caches_marked_directories_and_large_files_can_be_left_out() {
    let place = place(&["a", "cache/big", "cache/sub/x", "fake/y", "marked/.nobackup", "marked/z"]);
    let tag = "Signature: 8a477f597d28d172789f06886806bc55\n# of a test\n";
    fs::write(place.join("S/cache/CACHEDIR.TAG"), tag).unwrap();
    fs::write(place.join("S/fake/CACHEDIR.TAG"), "nothing").unwrap();
    fs::write(place.join("S/cache/big"), vec![0; 2049]).unwrap();
    let rest = "fake/\nfake/CACHEDIR.TAG\nfake/y\nmarked/\nmarked/.nobackup\n";
    assert_eq!(
        selected(&place, &["--exclude-caches"]),
        format!("a\ncache/\ncache/CACHEDIR.TAG\n{rest}marked/z\n")
    );
    assert_eq!(
        selected(&place, &["--exclude-if-present", "none", "--exclude-if-present=.nobackup"]),
        format!("a\ncache/\ncache/CACHEDIR.TAG\ncache/big\ncache/sub/\ncache/sub/x\n{rest}")
    );
    for (size, is_there) in [("2K", false), ("2048", false), ("2049", true), ("3KB", true), ("2KB", false)] {
        let paths = selected(&place, &["--exclude-larger-than", size]);
        assert_eq!(paths.contains("cache/big"), is_there, "{size}");
    }
    let all = ["--exclude-caches", "--exclude-if-present=.nobackup", "--exclude-larger-than=2K"];
    place.run(&[&["snapshot", "--init", "-q", "S", "R"], &all[..]].concat()).success();
    assert_eq!(found(&place.join("R").join(&place.snapshots()[0])), selected(&place, &all));
    // What none of the rules says is explained all the same.
    let explain = |options: &[&str], path| {
        let arguments = [&["filter", "explain", "S", path], options].concat();
        text(&place.run(&arguments).success().get_output().stdout).lines().next().unwrap().to_owned()
    };
    assert_eq!(explain(&all, "cache/big"), "cache/big: excluded by --exclude-caches");
    assert_eq!(explain(&all[1..], "cache/big"), "cache/big: excluded by --exclude-larger-than");
    assert_eq!(explain(&all, "marked/z"), "marked/z: excluded by --exclude-if-present");
    assert_eq!(explain(&all, "marked/.nobackup"), "marked/.nobackup: included, no rule matches");
    assert_eq!(
        explain(&all, "cache/sub/x"),
        "cache/sub/x: excluded, because the directory cache/sub/ is excluded by --exclude-caches"
    );
    let document = place.json(&["filter", "explain", "S", "cache/sub/x", "--exclude-caches", "--json"]);
    let explanation = &document[0]["explanations"][0];
    assert_eq!(explanation["option"], "--exclude-caches");
    assert_eq!(explanation["excluded_parent"], json!({"path": "cache/sub"}));
    assert_eq!(explanation["steps"][1]["option"], "--exclude-caches");
    assert_eq!(
        explain(&["-m", "--exclude=y", "--exclude=C*"], "fake/"),
        "fake: excluded by --prune-empty-dirs"
    );
}

#[test]
fn names_are_bytes() {
    let place = Place::new();
    place.add(b"\xff\x1b[31m\n\\", "");
    let raw = |arguments: &[&str]| place.run(arguments).success().get_output().stdout.clone();
    assert_eq!(raw(&["filter", "list", "--print0", "S"]), b"a\0d/\0d/b\0link\0\xff\x1b[31m\n\\\0");
    assert_eq!(raw(&["filter", "list", "S"]), b"a\nd/\nd/b\nlink\n\xff\x1b[31m\n\\\n");
    let lines = place.json(&["filter", "list", "S", "--json"]);
    assert_eq!(lines[1], json!({"message_type": "selected", "path": "d", "directory": true}));
    assert_eq!(lines[4]["path_b64"], "/xtbMzFtClw=");
    let explained = place.run(&["filter", "explain", "S", "x\x1b", "--exclude=x*"]).success();
    assert_eq!(
        text(&explained.get_output().stdout),
        "x\\x1b: excluded by \"- x*\" (--exclude)\n  x\\x1b  excluded by \"- x*\" (--exclude)\n"
    );
}

#[test]
fn rules_can_come_from_standard_input_and_end_at_nul() {
    let place = place(&["a", "b", "c\n"]);
    fs::write(place.join("list"), "a\0c\n\0").unwrap();
    assert_eq!(selected(&place, &["-0", "--exclude-from=list"]), "b\n");
    assert_eq!(selected(&place, &["--from0", "--exclude-from", "list", "--print0"]), "b\0");
    let mut command =
        assert_cmd::Command::from_std(place.linkdest(&["filter", "list", "S", "--exclude-from", "-"]));
    command.write_stdin("c*\nb\n").assert().success().stdout("a\n");
}

#[test]
fn a_parent_that_is_left_out_is_the_explanation() {
    let place = laptop();
    let source = place.join("S");
    let absolute = source.join("home/me/.cache/thing");
    for path in ["home/me/.cache/thing", "./home/me//.cache/thing", absolute.to_str().unwrap()] {
        place.run(&["filter", "explain", "--rules", "laptop.rules", "S", path]).success().stdout(
            "home/me/.cache/thing: excluded, because the directory home/me/.cache/ is excluded by \
             \"- /home/me/.cache/\" (laptop.rules:7)\n  \
             home/            included by \"+ /home/\" (laptop.rules:4)\n  \
             home/me/         included by \"+ /home/me/\" (laptop.rules:5)\n  \
             home/me/.cache/  excluded by \"- /home/me/.cache/\" (laptop.rules:7)\n",
        );
    }
    let arguments =
        ["filter", "explain", "--rules=laptop.rules", "S", "home/you/secret", "root/.bashrc", "--json"];
    let document = place.json(&arguments).remove(0);
    let [secret, bashrc] = document["explanations"].as_array().unwrap().as_slice() else { panic!() };
    assert_eq!((&secret["path"], &secret["verdict"]), (&json!("home/you/secret"), &json!("exclude")));
    assert_eq!(secret["excluded_parent"], json!({"path": "home/you"}));
    let rule = json!({"text": "- *", "origin": "laptop.rules:10", "file": "laptop.rules", "line": 10});
    assert_eq!((&secret["rule"], &secret["steps"][1]["rule"]), (&rule, &rule));
    assert_eq!((&bashrc["verdict"], &bashrc["rule"]["line"]), (&json!("include"), &json!(3)));
    assert_eq!(bashrc["steps"].as_array().unwrap().len(), 2);
    let chain = "a: included, no rule matches\n  a  included, no rule matches\n";
    place.run(&["filter", "explain", "S", "a"]).success().stdout(chain);
    place.run(&["filter", "explain", "S", "."]).success().stdout(".: included, it is the source\n");
}

#[test]
fn rules_that_are_never_reached_are_warned_of() {
    let place = laptop();
    place
        .run(&["filter", "check", "--rules", "laptop.rules", "S"])
        .success()
        .stdout("")
        .stderr("linkdest: note: nothing to warn of\n");
    place.run(&["filter", "check", "--rules", "laptop.rules", "-q"]).success().stdout("").stderr("");
    fs::write(place.join("bad.rules"), "- /home/\n+ /home/me/**\n- a[b\n").unwrap();
    let check = place.run(&["filter", "check", "--rules", "bad.rules"]).code(3).stderr("");
    let stdout = text(&check.get_output().stdout);
    let (first, second) = stdout.split_once('\n').unwrap();
    assert!(first.starts_with("bad.rules:2: \"+ /home/me/**\" never reached"), "{first}");
    assert!(first.contains("\"- /home/\" (bad.rules:1); put \"+ /home/\" before \"- /home/\""), "{first}");
    assert!(second.starts_with("bad.rules:3: \"- a[b\" can never match"), "{second}");
    let check = place.run(&["filter", "check", "--rules", "bad.rules", "--json"]).code(3);
    let document = json_lines(&check.get_output().stdout).remove(0);
    let warning = &document["warnings"][0];
    assert_eq!((&warning["kind"], &warning["rule"]["line"]), (&json!("below_excluded"), &json!(2)));
    assert_eq!(warning["because"]["line"], 1);
    assert_eq!(document["warnings"][1]["kind"], "never_matches");
}
