from __future__ import annotations

import os
from pathlib import Path

import pytest

import linkdest


@pytest.fixture
def names(source: Path, repository: Path) -> list[str]:
    """Two snapshots with a few changes between them."""
    first = linkdest.snapshot(source, repository, init=True)
    (source / "notes").rename(source / "renamed")
    (source / "docs" / "letter").write_text("dear other reader")
    (source / os.fsdecode(b"\xff")).write_text("new")
    return [first.snapshot, linkdest.snapshot(source, repository).snapshot]


def test_changes(repository: Path, names: list[str]) -> None:
    opened = linkdest.Repository(repository)
    changes = opened.diff("latest~1")
    assert changes == opened.diff(*names)
    told = [(os.fsencode(change.path), change.change) for change in changes]
    assert told[1:] == [(b"docs/letter", "content"), (b"renamed", "renamed"), (b"\xff", "added")]
    assert (told[0][1], changes[0].before, changes[0].aspects) == ("attributes", "directory", ["time"])
    assert (changes[2].from_path, changes[1].from_path) == (Path("notes"), None)
    assert (changes[3].before, changes[3].after) == (None, "file")
    assert repr(changes[2]) == "Change('renamed', change='renamed')"
    assert opened.diff("latest") == []


def test_entries(repository: Path, names: list[str]) -> None:
    opened = linkdest.Repository(repository)
    docs, link, notes = opened.ls(names[0])
    assert (docs.kind, link.target, notes.size, notes.target) == ("directory", Path("notes"), 5, None)
    assert notes.mtime.tzinfo is not None
    assert len(notes.content or "") == 64
    (letter,) = opened.ls("latest", "/docs/")
    assert letter.path == Path("docs/letter")
    assert len(opened.ls("latest", recursive=True)) == 5
    with pytest.raises(linkdest.LinkdestError, match="no such entry"):
        opened.ls("latest", b"nothing")
    with pytest.raises(ValueError, match="leads out"):
        opened.ls("latest", "../x")


def test_versions(repository: Path, names: list[str]) -> None:
    opened = linkdest.Repository(repository)
    versions = opened.versions("docs/letter")
    assert [(version.item.size, version.snapshots) for version in versions] == [(11, names[:1]), (17, names[1:])]
    assert [version.item for version in opened.find("let*")] == [version.item for version in versions]
    (link,) = opened.find("/link")
    assert (link.path, link.snapshots) == (Path("link"), names)
    assert opened.find("nothing") == []


def test_space(repository: Path, names: list[str]) -> None:
    opened = linkdest.Repository(repository)
    usage = opened.usage()
    assert [one.name for one in usage.snapshots] == names
    assert usage.freed_bytes > sum(one.freed_bytes for one in usage.snapshots)
    assert usage.snapshots[0].bytes == 16
    alone = opened.usage("latest")
    assert alone.snapshots == usage.snapshots[1:]
    assert alone.freed_bytes == alone.snapshots[0].freed_bytes <= alone.snapshots[0].new_bytes


def test_a_snapshot_by_what_people_type(repository: Path, names: list[str]) -> None:
    opened = linkdest.Repository(repository)
    for text in ["latest~1", names[0], str(repository / names[0])]:
        assert opened.resolve(text).name == names[0]
    for wrong in ["latest~2", "nothing", ""]:
        with pytest.raises(linkdest.LinkdestError, match=names[0]):
            opened.resolve(wrong)
