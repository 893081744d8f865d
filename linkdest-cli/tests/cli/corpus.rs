//! What the real rsync selects in all cases of the corpus, asked of `linkdest filter list`.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use assert_cmd::cargo::CommandCargoExt as _;
use base64::Engine as _;
use linkdest_testkit::TestDir;
use serde_json::Value;

/// The copy that comes with the library.
const CORPUS: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../linkdest-core/tests/filter/corpus/public.jsonl");

/// A JSON string, or bytes as `{"b64": ...}`; `@SRC@` and `@CWD@` stand for directories.
fn bytes(value: &Value, base: &Path) -> Vec<u8> {
    let Value::Object(map) = value else {
        let base = base.to_str().unwrap();
        let text = value.as_str().unwrap();
        return text.replace("@SRC@", &format!("{base}/src")).replace("@CWD@", base).into_bytes();
    };
    base64::engine::general_purpose::STANDARD.decode(map["b64"].as_str().unwrap()).unwrap()
}

fn list(case: &Value, key: &str, base: &Path) -> Vec<Vec<u8>> {
    let list = case.get(key).and_then(Value::as_array).into_iter().flatten();
    list.map(|value| bytes(value, base)).collect()
}

fn below(base: &Path, name: &[u8]) -> std::path::PathBuf {
    base.join(OsStr::from_bytes(name))
}

fn write(path: &Path, text: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn lay_out(case: &Value, base: &Path) {
    let source = base.join("src");
    fs::create_dir_all(&source).unwrap();
    let of = |key: &str, name: &[u8]| {
        let name = std::str::from_utf8(name).ok()?;
        case.get(key)?.get(name).map(|value| bytes(value, base))
    };
    for entry in list(case, "tree", base) {
        let path = below(&source, &entry);
        if entry.ends_with(b"/") {
            fs::create_dir_all(&path).unwrap();
        } else if let Some(target) = of("links", &entry) {
            symlink(OsStr::from_bytes(&target), &path).unwrap();
        } else {
            write(&path, &of("files", &entry).unwrap_or_default());
        }
    }
    for (name, text) in case.get("aux").and_then(Value::as_object).into_iter().flatten() {
        write(&base.join(name), &bytes(text, base));
    }
    write(&base.join("rules"), &bytes(&case["rules"], base));
}

/// What is wrong with the answer to a case.
fn judge(case: &Value) -> Option<String> {
    let dir = TestDir::new();
    let base = dir.join("w");
    lay_out(case, &base);
    let mut command = Command::cargo_bin("linkdest").unwrap();
    command.args(["filter", "list", "--print0", "--rules", "rules"]);
    let args = list(case, "args", &base);
    command.args(args.iter().map(|arg| OsStr::from_bytes(arg))).arg("src");
    let output =
        command.current_dir(&base).env("HOME", dir.join("home")).env_remove("CVSIGNORE").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if case.get("error").is_some() {
        let refused = output.status.code() == Some(2) && output.stdout.is_empty();
        return (!refused).then(|| format!("{:?}, rsync refuses: {said}", output.status));
    }
    let wanted: Vec<u8> =
        list(case, "expect", &base).into_iter().flat_map(|path| [path, vec![0]].concat()).collect();
    let same = output.status.success() && output.stdout == wanted;
    (!same).then(|| {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\0', " ");
        format!("{:?} {said}\n  got    {}\n  wanted {}", output.status, text(&output.stdout), text(&wanted))
    })
}

#[test]
fn all_cases_of_the_corpus_agree() {
    let text = fs::read_to_string(CORPUS).unwrap();
    let cases: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(cases.len() > 700, "the corpus has only {} cases", cases.len());
    let wrong: Vec<_> =
        cases.iter().filter_map(|case| Some(format!("{}: {}", case["id"], judge(case)?))).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
