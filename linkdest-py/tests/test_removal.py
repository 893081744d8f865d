from __future__ import annotations

from pathlib import Path

import pytest

import linkdest


@pytest.fixture
def names(source: Path, repository: Path) -> list[str]:
    return [linkdest.snapshot(source, repository, init=True).snapshot for _ in range(4)]


def left(repository: Path) -> list[str]:
    return [snapshot.name for snapshot in linkdest.Repository(repository).snapshots()]


def test_delete_takes_all_or_none(repository: Path, names: list[str]) -> None:
    opened = linkdest.Repository(repository)
    with pytest.raises(linkdest.LinkdestError):
        opened.delete(names[0], "2000-01-01T000000Z")
    with pytest.raises(linkdest.LinkdestError):
        opened.delete(*names)
    assert left(repository) == names
    assert opened.delete(names[0], "latest~1") == [names[0], names[2]]
    assert left(repository) == [names[1], names[3]]


def test_pinned_snapshots_stay(repository: Path, names: list[str]) -> None:
    opened = linkdest.Repository(repository)
    assert (opened.pin(names[0]), opened.pin(names[0])) == (True, False)
    assert [snapshot.pinned for snapshot in opened.snapshots()] == [True, False, False, False]
    with pytest.raises(linkdest.LinkdestError):
        opened.delete(names[0])
    assert opened.forget(last=1, dry_run=True) == names[1:3]
    assert left(repository) == names
    assert opened.forget(last=1) == names[1:3]
    assert (opened.unpin(names[0]), opened.unpin(names[0])) == (True, False)
    assert opened.forget(last=1) == [names[0]]


def test_rules_must_keep_something(repository: Path, names: list[str]) -> None:
    opened = linkdest.Repository(repository)
    with pytest.raises(ValueError):
        opened.forget()
    for within in ("0d", "soon"):
        with pytest.raises(ValueError):
            opened.forget(within=within)
    with pytest.raises(linkdest.LinkdestError):
        opened.forget(free_space=2**62)
    assert opened.forget(free_space=1) == []
    assert opened.forget(within="1y", daily=3) == []
    assert left(repository) == names
