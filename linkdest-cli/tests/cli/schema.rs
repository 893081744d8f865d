//! What `--json` prints is what the published schema says, and the schema has every field.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Output;

use linkdest_testkit::is_root;
use serde_json::{Value, json};

use crate::place::{Place, json_lines};

/// The schema, and how often each command was seen to keep to it.
struct Schema {
    published: Value,
    seen: std::collections::BTreeMap<String, usize>,
}

impl Schema {
    fn read() -> Self {
        let text = include_str!("../../schema/linkdest.schema.json");
        let published: Value = serde_json::from_str(text).unwrap();
        assert!(jsonschema::meta::is_valid(&published));
        Self { published, seen: std::collections::BTreeMap::new() }
    }

    /// The schema of one command, in which no field may be missing: those that it does not name are errors.
    fn strict(&self, command: &str) -> Value {
        let mut strict = self.published.clone();
        forbid_others(&mut strict);
        strict["$ref"] = json!(format!("#/$defs/{}", command.replace(' ', "%20")));
        strict
    }

    fn check(&mut self, command: &str, stdout: &[u8]) -> Vec<Value> {
        assert!(self.published["$defs"].get(command).is_some(), "{command} is not in the schema");
        let validator = jsonschema::validator_for(&self.strict(command)).unwrap();
        let lines = json_lines(stdout);
        for line in &lines {
            let errors: Vec<String> = validator.iter_errors(line).map(|error| format!("{error:?}")).collect();
            assert!(errors.is_empty(), "{command}: {line:#}\n{}", errors.join("\n"));
        }
        *self.seen.entry(command.to_owned()).or_default() += lines.len();
        lines
    }
}

fn forbid_others(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.contains_key("properties") {
                fields.insert("additionalProperties".to_owned(), json!(false));
            }
            fields.values_mut().for_each(forbid_others);
        }
        Value::Array(all) => all.iter_mut().for_each(forbid_others),
        _ => {}
    }
}

/// Runs a command with `--json`, whatever its exit code; the first word or two are its name.
fn run(schema: &mut Schema, place: &Place, arguments: &[&str]) -> Output {
    let two = matches!(arguments[0], "profile" | "filter");
    let command = if two { arguments[..2].join(" ") } else { arguments[0].to_owned() };
    let output = place.linkdest(&[arguments, &["--json"]].concat()).output().unwrap();
    schema.check(&command, &output.stdout);
    assert!(!output.stdout.is_empty(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

#[test]
fn everything_that_is_printed_is_as_published() {
    let place = Place::new();
    let mut schema = Schema::read();
    place.add(b"not \xff text", "content");
    std::os::unix::fs::symlink("a", place.join("S/target")).unwrap();
    fs::write(
        place.join("laptop.toml"),
        "source = 'S'\nrepository = 'R'\n[keep]\nlast = 20\n[verify]\nsample = '50%'\n",
    )
    .unwrap();
    fs::create_dir_all(place.join("old/2024-06-01")).unwrap();
    fs::create_dir_all(place.join("old/2024-06-02")).unwrap();
    fs::write(place.join("old/2024-06-01/a"), "hello").unwrap();
    let mut run = |arguments: &[&str]| run(&mut schema, &place, arguments).status.code();
    for arguments in [
        &["list", "R"][..],
        &["init", "-n", "R"],
        &["init", "R"],
        &["report", "R"],
        &["snapshot", "-n", "S", "R"],
        &["snapshot", "S", "R"],
        &["profile", "check", "./laptop.toml"],
        &["run", "-n", "./laptop.toml"],
        &["run", "./laptop.toml"],
        &["schedule", "./laptop.toml", "--daily", "--print"],
        &["schedule", "./laptop.toml", "--cron", "--user", "--daily", "--print"],
    ] {
        run(arguments);
    }
    fs::rename(place.join("S/a"), place.join("S/renamed")).unwrap();
    place.add("large", &"x".repeat(10_000));
    fs::create_dir(place.join("T")).unwrap();
    for arguments in [
        &["snapshot", "S", "R"][..],
        &["ls", "-R", "R", "latest"],
        &["diff", "R", "latest~1"],
        &["find", "R", "*"],
        &["find", "R", "--versions", "renamed"],
        &["usage", "R"],
        &["runs", "R"],
        &["list", "R"],
        &["verify", "R"],
        &["reindex", "--all", "-n", "R"],
        &["reindex", "--all", "R"],
        &["report", "R"],
        &["report", "R", "--keep-last", "2"],
        &["report", "R", "--profile", "./laptop.toml"],
        &["pin", "R", "latest"],
        &["unpin", "R", "latest"],
        &["accept", "R", "latest"],
        &["restore", "R", "latest", "T"],
        &["restore", "-n", "--delete", "R", "latest~1", "T"],
        &["replicate", "--init", "R", "R2"],
        &["expunge", "-n", "R", "d"],
        &["expunge", "--yes", "R", "d"],
        &["find", "R", "d"],
        &["diff", "R", "latest~1"],
        &["forget", "-n", "R", "--keep-last", "1"],
        &["forget", "--yes", "R", "--keep-last", "2"],
        &["delete", "-n", "R", "latest~1"],
        &["delete", "--yes", "R", "latest~1"],
        &["adopt", "-n", "old"],
        &["adopt", "--yes", "old"],
        &["list", "old"],
        &["runs", "old"],
        &["filter", "list", "--exclude", "a*", "S"],
        &["filter", "explain", "--exclude", "d/", "S", "d/b", "renamed", "."],
        &["filter", "check", "--exclude", "a", "--exclude", "a"],
    ] {
        run(arguments);
    }
    // What fails.
    for arguments in [
        &["list", "absent"][..],
        &["ls", "R", "nothing"],
        &["snapshot", "absent", "R"],
        &["verify", "absent"],
        &["profile", "check", "./absent.toml"],
        &["report", "absent"],
    ] {
        assert_ne!(run(arguments), Some(0), "{arguments:?}");
    }
    // What was damaged.
    let name = place.snapshots().pop().unwrap();
    fs::write(place.join("R").join(name).join("large"), "y").unwrap();
    assert_eq!(self::run(&mut schema, &place, &["verify", "R"]).status.code(), Some(4));
    self::run(&mut schema, &place, &["report", "R"]);

    let commands = place.run(&["--help"]).get_output().stdout.clone();
    let commands = String::from_utf8(commands).unwrap();
    for (command, lines) in &schema.seen {
        assert!(*lines > 0, "{command}");
    }
    // `completions` and `schema` print no JSON of their own.
    for command in [
        "init",
        "snapshot",
        "run",
        "schedule",
        "list",
        "ls",
        "diff",
        "find",
        "usage",
        "runs",
        "report",
        "restore",
        "verify",
        "reindex",
        "accept",
        "forget",
        "delete",
        "expunge",
        "pin",
        "unpin",
        "adopt",
        "replicate",
    ] {
        assert!(commands.contains(&format!("\n  {command} ")), "{command} is no command");
        assert!(schema.seen.contains_key(command), "{command} was not tried");
    }
}

#[test]
fn problems_are_as_published() {
    let place = Place::new();
    let mut schema = Schema::read();
    place.add("secret", "locked away");
    fs::set_permissions(place.join("S/secret"), fs::Permissions::from_mode(0o000)).unwrap();
    if is_root() {
        std::os::unix::fs::chown(place.join("S/secret"), Some(0), Some(0)).unwrap();
    }
    for (command, arguments) in [
        ("snapshot", &["snapshot", "--init", "S", "R", "--json"][..]),
        ("report", &["report", "R", "--json"]),
        ("runs", &["runs", "R", "--json"]),
        ("restore", &["restore", "R", "latest", "T", "--json"]),
    ] {
        // Only the first is run by a user whom permissions bind: the program is copied for that.
        let output = match command {
            "snapshot" => place.run_as_ordinary_user(arguments),
            _ => place.linkdest(arguments).output().unwrap(),
        };
        let lines = schema.check(command, &output.stdout);
        let told = lines.iter().any(|line| line.to_string().contains("\"unreadable\""));
        assert_eq!(told, command != "restore", "{command}: {lines:?}");
    }
}

#[test]
fn the_schema_is_printed() {
    let place = Place::new();
    place.run(&["schema"]).success().stdout(include_str!("../../schema/linkdest.schema.json"));
}
