//! All cases of the corpus: what the real rsync selects.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use base64::Engine as _;
use linkdest_core::filter::FilterBuilder;
use serde_json::Value;

use crate::support::{Disk, options, path, select};

/// A JSON string, or bytes as `{"b64": ...}`.
fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.clone().into_bytes(),
        Value::Object(map) => {
            base64::engine::general_purpose::STANDARD.decode(map["b64"].as_str().unwrap()).unwrap()
        }
        other => panic!("{other}"),
    }
}

fn replaced(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut result = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.windows(from.len()).position(|window| window == from) {
        result.extend_from_slice(&rest[..at]);
        result.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    result.extend_from_slice(rest);
    result
}

fn filled(text: &[u8], base: &Path) -> Vec<u8> {
    let base = base.to_str().unwrap().as_bytes();
    replaced(&replaced(text, b"@SRC@", &[base, b"/src"].concat()), b"@CWD@", base)
}

fn each<'a>(case: &'a Value, key: &str) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> + 'a {
    let map = case.get(key).and_then(Value::as_object);
    map.into_iter().flatten().map(|(name, text)| (name.clone().into_bytes(), bytes(text)))
}

fn list(case: &Value, key: &str) -> Vec<Vec<u8>> {
    case.get(key).and_then(Value::as_array).into_iter().flatten().map(bytes).collect()
}

pub fn lay_out(case: &Value, base: &Path) {
    let source = base.join("src");
    fs::create_dir(&source).unwrap();
    let files: Vec<_> = each(case, "files").collect();
    let links: Vec<_> = each(case, "links").collect();
    for entry in list(case, "tree") {
        let full = source.join(path(&entry));
        if entry.ends_with(b"/") {
            fs::create_dir_all(&full).unwrap();
        } else if let Some((_, target)) = links.iter().find(|(name, _)| *name == entry) {
            symlink(path(target), &full).unwrap();
        } else {
            fs::create_dir_all(full.parent().unwrap()).unwrap();
            let text = files.iter().find(|(name, _)| *name == entry).map_or(&b""[..], |(_, text)| text);
            fs::write(&full, filled(text, base)).unwrap();
        }
    }
    for (name, text) in each(case, "aux") {
        let full = base.join(path(&name));
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        fs::write(full, filled(&text, base)).unwrap();
    }
    fs::write(base.join("rules"), filled(&bytes(&case["rules"]), base)).unwrap();
}

/// What is wrong with the answer to a case.
fn judge(case: &Value) -> Option<String> {
    let top = tempfile::Builder::new().prefix("case").tempdir().unwrap();
    let base = top.path().join("w");
    fs::create_dir(&base).unwrap();
    lay_out(case, &base);
    let disk = Disk { source: base.join("src"), base: base.clone() };
    let args: Vec<_> = list(case, "args").iter().map(|arg| filled(arg, &base)).collect();
    let (builder, prune) = options(FilterBuilder::new().rules_file("rules"), &args);
    match (select(&disk, builder, prune), case.get("error").is_some()) {
        (Err(_), true) => None,
        (Err(error), false) => Some(format!("refused: {error}")),
        (Ok(_), true) => Some("accepted, rsync refuses".to_owned()),
        (Ok(selected), false) => {
            let wanted = list(case, "expect");
            let text = |paths: Vec<&Vec<u8>>| {
                paths.iter().map(|path| String::from_utf8_lossy(path).into_owned()).collect::<Vec<_>>()
            };
            let more = text(selected.iter().filter(|path| !wanted.contains(path)).collect());
            let less = text(wanted.iter().filter(|path| !selected.contains(path)).collect());
            (!more.is_empty() || !less.is_empty()).then(|| format!("too many {more:?}, missing {less:?}"))
        }
    }
}

#[test]
fn all_cases_of_the_corpus_agree() {
    let text = include_str!("corpus/public.jsonl");
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in text.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        count += 1;
        if let Some(how) = judge(&case) {
            wrong.push(format!("{} {:?} {}: {how}", case["id"], case.get("note"), case["rules"]));
        }
    }
    assert!(count > 700, "the corpus has only {count} cases");
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}
