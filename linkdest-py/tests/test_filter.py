from __future__ import annotations

import os
from pathlib import Path

import pytest

import linkdest

RULES = """\
# what a laptop needs
+ /etc/***
+ /home/
- .cache/
- /home/you/
+ /home/***
- *
"""


@pytest.mark.parametrize(
    ("path", "is_dir", "rule", "origin", "parent"),
    [
        ("etc/hosts", False, "+ /etc/***", "<text>:2", None),
        ("home", True, "+ /home/", "<text>:3", None),
        ("home/", False, "+ /home/", "<text>:3", None),
        ("home", False, "- *", "<text>:7", None),
        ("home/me/.cache/page", False, "- .cache/", "<text>:4", "home/me/.cache"),
        ("home/me/.cache", True, "- .cache/", "<text>:4", None),
        ("home/me/.cache", False, "+ /home/***", "<text>:6", None),
        ("/home/you//notes", False, "- /home/you/", "<text>:5", "home/you"),
        (b"proc/1", False, "- *", "<text>:7", "proc"),
        (Path("bin"), False, "- *", "<text>:7", None),
    ],
)
def test_a_filter_by_itself(
    path: str | bytes | Path, is_dir: bool, rule: str, origin: str, parent: str | None
) -> None:
    why = linkdest.Filter.parse(RULES).explain(path, is_dir)
    assert (why.rule, why.origin) == (rule, origin)
    assert why.included == rule.startswith("+")
    assert why.excluded_parent == (None if parent is None else Path(parent))
    assert why.path == Path(os.fsdecode(path).lstrip("/"))


def test_what_it_says_is_what_a_snapshot_does(tmp_path: Path, repository: Path) -> None:
    for name in ["etc/hosts", "home/me/.cache/page", "home/me/notes", "home/you/notes", "proc/1"]:
        (tmp_path / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "source" / name).touch()
    filter = linkdest.Filter.parse(RULES)
    report = linkdest.snapshot(tmp_path / "source", repository, init=True, filters=RULES.splitlines()[1:])
    for path in (tmp_path / "source").rglob("*"):
        below = path.relative_to(tmp_path / "source")
        assert (report.path / below).exists() == filter.explain(below, path.is_dir()).included, below


def test_the_words(tmp_path: Path) -> None:
    filter = linkdest.Filter.parse(b"- *.o\n- .cache/\n")
    assert str(filter) == "- *.o\n- .cache/\n"
    assert repr(filter) == "Filter(rules=2)"
    assert str(filter.explain("a.o")) == 'a.o: excluded by "- *.o" (<text>:1)'
    assert repr(filter.explain("a.c")) == "Explanation('a.c: included, no rule matches')"
    assert (filter.explain("a.c").rule, filter.explain("a.c").origin) == (None, None)
    assert str(filter.explain("")) == ".: included, it is the source"
    rules = tmp_path / "laptop.rules"
    rules.write_text("- *.o\n")
    assert linkdest.Filter.from_file(rules).explain("d/a.o").origin == f"{rules}:1"
    assert str(linkdest.Filter.parse(f"merge {rules}\n+ *.c")) == "- *.o\n+ *.c\n"


def test_what_cannot_be_right() -> None:
    assert linkdest.Filter.parse(RULES).check() == []
    (warning,) = linkdest.Filter.parse("- *.o\n+ main.o\n").check()
    assert warning.startswith('<text>:2: "+ main.o" never decides')


def test_names_that_are_not_utf_8() -> None:
    texts: list[str | bytes] = ["- \udcff", b"- \xff"]
    for text in texts:
        assert not linkdest.Filter.parse(text).explain(b"\xff").included


def test_rules_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(linkdest.RulesError, match="<text>:2.*nonsense"):
        linkdest.Filter.parse("- a\nnonsense\n")
    with pytest.raises(linkdest.RulesError, match=r"absent\.rules"):
        linkdest.Filter.parse(f"merge {tmp_path}/absent.rules")
    with pytest.raises(linkdest.RulesError, match=r"absent\.rules"):
        linkdest.Filter.from_file(tmp_path / "absent.rules")
    with pytest.raises(TypeError):
        linkdest.Filter.parse(["- a"])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="null"):
        linkdest.Filter.parse("- a\0b")
    with pytest.raises(ValueError, match="leads out"):
        linkdest.Filter.parse("").explain("../x")
    with pytest.raises(TypeError):
        linkdest.Filter()
