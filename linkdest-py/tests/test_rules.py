from __future__ import annotations

import errno
import inspect
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

import linkdest

# The rule file that users have.
LAPTOP = """\
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
"""


def make(root: Path, paths: Iterable[str]) -> None:
    for path in paths:
        target = root / path
        if path.endswith("/"):
            target.mkdir(parents=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.touch()


def saved(report: linkdest.SnapshotReport) -> list[str]:
    """What is in a snapshot, directories with a slash."""
    below = (path for path in report.path.rglob("*"))
    return sorted(f"{path.relative_to(report.path)}{'/' if path.is_dir() else ''}" for path in below)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A tree made like `/`."""
    machine = tmp_path / "machine"
    make(
        machine,
        [
            "bin/sh", "etc/hostname", "etc/ssh/sshd_config", "etc/empty/", "home/me/.cache/page",
            "home/me/VirtualBox VMs/disk", "home/me/docs/.cache/kept", "home/me/docs/letter", "home/me/notes",
            "home/you/notes", "proc/1/status", "root/.profile", "root/.cache/kept", "swapfile",
        ],
    )  # fmt: skip
    return machine


def test_a_rule_file_selects(machine: Path, repository: Path, tmp_path: Path) -> None:
    rules = tmp_path / "laptop.rules"
    rules.write_text(LAPTOP)
    report = linkdest.snapshot(machine, repository, init=True, rules=rules)
    assert saved(report) == sorted(
        [
            "etc/", "etc/empty/", "etc/hostname", "etc/ssh/", "etc/ssh/sshd_config", "home/", "home/me/",
            "home/me/docs/", "home/me/docs/.cache/", "home/me/docs/.cache/kept", "home/me/docs/letter",
            "home/me/notes", "root/", "root/.cache/", "root/.cache/kept", "root/.profile",
        ]
    )  # fmt: skip
    # bin, home/me/.cache, home/me/VirtualBox VMs, home/you, proc, swapfile
    assert (report.counts.excluded, report.counts.entries) == (6, 16)
    assert "excluded=6" in repr(report.counts)
    assert report.status == "complete"


def test_the_same_rules_may_be_given_one_by_one_or_merged(machine: Path, tmp_path: Path) -> None:
    rules = tmp_path / "laptop.rules"
    rules.write_text(LAPTOP)
    lines = [line for line in LAPTOP.splitlines() if not line.startswith("#")]
    ways: list[dict[str, Any]] = [
        {"rules": str(rules)},
        {"rules": os.fsencode(rules)},
        {"filters": lines},
        {"filters": iter([os.fsencode(line) for line in lines])},
        {"filters": [f"merge {rules}"]},
        {"filters": lines[:-1], "exclude": ["*"]},
    ]
    reports = [linkdest.snapshot(machine, tmp_path / str(i), init=True, **way) for i, way in enumerate(ways)]
    assert {tuple(saved(report)) for report in reports} == {tuple(saved(reports[0]))}


def test_without_rules_everything_is_saved(machine: Path, repository: Path) -> None:
    report = linkdest.snapshot(machine, repository, init=True, rules=None, filters=[], exclude=())
    assert (report.counts.excluded, report.counts.entries) == (0, len(list(machine.rglob("*"))))


@pytest.mark.parametrize(
    ("rules", "filters", "exclude", "is_saved"),
    [
        ("+ a", ["- a"], [], True),
        ("- a", ["+ a"], [], False),
        ("+ a", [], ["a"], True),
        ("", ["+ a"], ["a"], True),
        ("", ["- a"], ["+ a"], False),
        ("", [], ["+ a", "a"], True),
        ("- a", ["!"], [], True),
        ("- a", ["!"], ["a"], False),
    ],
)
def test_the_first_that_matches_decides_file_then_filters_then_exclude(
    tmp_path: Path, repository: Path, rules: str, filters: list[str], exclude: list[str], is_saved: bool
) -> None:
    make(tmp_path / "source", ["a", "b"])
    file = tmp_path / "rules"
    file.write_text(rules)
    # Not the order that counts.
    report = linkdest.snapshot(
        tmp_path / "source", repository, exclude=exclude, filters=filters, rules=file, init=True
    )
    assert saved(report) == (["a", "b"] if is_saved else ["b"])


def test_names_that_are_not_utf_8_can_be_named(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / os.fsdecode(b"\xff")).touch()
    patterns: list[str | bytes] = [b"\xff", os.fsdecode(b"\xff")]
    for number, pattern in enumerate(patterns):
        report = linkdest.snapshot(source, tmp_path / str(number), init=True, exclude=[pattern])
        assert (report.counts.entries, report.counts.excluded) == (0, 1)


def test_a_file_in_the_source_may_have_rules(machine: Path, repository: Path) -> None:
    (machine / "home" / ".rules").write_text("- /you\n")
    report = linkdest.snapshot(machine / "home", repository, init=True, filters=[": .rules"])
    assert "you/" not in saved(report)
    assert report.counts.excluded == 1


def test_a_bad_rule_in_the_source_ends_the_run(machine: Path, repository: Path) -> None:
    (machine / "home" / ".rules").write_text("nonsense\n")
    with pytest.raises(linkdest.RulesError, match=r"\.rules"):
        linkdest.snapshot(machine, repository, init=True, filters=[": .rules"])
    assert linkdest.Repository(repository).snapshots() == []


@pytest.mark.parametrize(
    "text", ["nonsense", "-foo", "-z foo", "- ", "-", "!x", "exclude! x", ":C- x", ". missing", "merge", " - a"]
)
def test_bad_rules_are_told_before_anything_is_written(
    source: Path, repository: Path, tmp_path: Path, text: str
) -> None:
    file = tmp_path / "bad.rules"
    file.write_text(f"# fine\n+ /docs\n{text}\n")
    with pytest.raises(linkdest.RulesError) as from_file:
        linkdest.snapshot(source, repository, init=True, rules=file)
    with pytest.raises(linkdest.RulesError) as from_filters:
        linkdest.snapshot(source, repository, init=True, filters=["+ /docs", text])
    assert f"{file}:3" in str(from_file.value)
    assert "--filter" in str(from_filters.value)
    assert isinstance(from_file.value, linkdest.LinkdestError)
    assert not repository.exists()


def test_the_error_names_the_file_and_the_text(source: Path, repository: Path, tmp_path: Path) -> None:
    file = tmp_path / "bad.rules"
    file.write_text("- ok\nnonsense\n")
    with pytest.raises(linkdest.RulesError, match="nonsense") as raised:
        linkdest.snapshot(source, repository, init=True, rules=file)
    assert raised.value.filename == str(file)
    assert type(raised.value) is linkdest.RulesError


def test_a_rule_file_that_merges_itself(source: Path, repository: Path, tmp_path: Path) -> None:
    file = tmp_path / "self.rules"
    file.write_text(f"merge {file}\n")
    with pytest.raises(linkdest.RulesError, match=r"self\.rules"):
        linkdest.snapshot(source, repository, init=True, rules=file)
    assert not repository.exists()


def test_a_missing_rule_file(source: Path, repository: Path, tmp_path: Path) -> None:
    missing = tmp_path / "missing.rules"
    with pytest.raises(linkdest.RulesError, match=r"missing\.rules.*" + os.strerror(errno.ENOENT)) as raised:
        linkdest.snapshot(source, repository, init=True, rules=missing)
    assert raised.value.filename == str(missing)
    assert not repository.exists()


def test_an_empty_pattern_to_exclude(source: Path, repository: Path) -> None:
    with pytest.raises(linkdest.RulesError, match="--exclude"):
        linkdest.snapshot(source, repository, init=True, exclude=["- "])
    assert not repository.exists()


def test_the_keywords_come_in_the_order_that_is_documented() -> None:
    assert list(inspect.signature(linkdest.snapshot).parameters) == [
        "source", "repository", "init", "rules", "filters", "exclude", "policy", "link_dest", "threads",
        "one_file_system", "progress", "allow_empty", "mass_change", "repository_id", "reserve",
        "ssh_command", "keep_owners", "keep_modes",
    ]  # fmt: skip
