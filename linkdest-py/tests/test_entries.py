from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import linkdest


@pytest.fixture
def taken(source: Path, repository: Path) -> linkdest.Snapshot:
    linkdest.snapshot(source, repository, init=True)
    return linkdest.Repository(repository).resolve("latest")


def test_entries_come_in_order_directories_before_what_is_in_them(taken: linkdest.Snapshot, repository: Path) -> None:
    entries = taken.entries()
    assert iter(entries) is entries
    assert [(str(entry.path), entry.kind) for entry in entries] == [
        ("docs", "directory"),
        ("docs/letter", "file"),
        ("link", "symlink"),
        ("notes", "file"),
    ]
    assert next(entries, None) is None
    assert list(taken.entries()) == linkdest.Repository(repository).ls(taken, recursive=True)


def test_entries_below_a_path(taken: linkdest.Snapshot) -> None:
    assert [str(entry.path) for entry in taken.entries("docs/")] == ["docs/letter"]
    assert [str(entry.path) for entry in taken.entries(b"notes")] == ["notes"]
    with pytest.raises(linkdest.LinkdestError, match="absent"):
        taken.entries("absent")
    with pytest.raises(ValueError, match="leads out"):
        taken.entries("../x")


def test_entries_outlive_the_repository_and_need_no_tree(taken: linkdest.Snapshot) -> None:
    (taken.path / "notes").unlink()
    assert [entry.size for entry in taken.entries() if entry.kind == "file"] == [11, 5]


def test_what_ends_the_reading_is_raised_once(taken: linkdest.Snapshot, repository: Path) -> None:
    (manifest,) = (repository / ".linkdest" / "manifests").iterdir()
    manifest.unlink()
    entries = taken.entries()
    next(entries)
    (taken.path / "docs" / "letter").unlink()
    (taken.path / "docs").rmdir()
    # Without a manifest the tree tells, as far as it is there.
    with pytest.raises(linkdest.LinkdestError):
        list(entries)
    assert list(entries) == []


# The memory that one iteration takes, and that a list of all entries takes after it.
MEASURE = """
import os, sys, linkdest
def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")
taken = linkdest.Repository(sys.argv[1]).resolve("latest")
before = resident()
most = max(resident() - before for number, _ in enumerate(taken.entries()) if number % 1000 == 0)
kept = list(taken.entries())
print(most, resident() - before, len(kept))
"""


def test_a_large_snapshot_is_not_held_in_memory(large_source: Path, repository: Path) -> None:
    linkdest.snapshot(large_source, repository, init=True)
    told = subprocess.run([sys.executable, "-c", MEASURE, repository], check=True, capture_output=True, text=True)
    most, kept, count = map(int, told.stdout.split())
    assert count == 40_040
    assert most < kept / 3


def test_threads_share_an_iteration(large_source: Path, repository: Path) -> None:
    """Each entry comes once, to one of them."""
    linkdest.snapshot(large_source, repository, init=True)
    entries = linkdest.Repository(repository).resolve("latest").entries()
    shares: list[list[Path]] = [[] for _ in range(4)]

    def take(share: list[Path]) -> None:
        share.extend(entry.path for entry in entries)

    threads = [threading.Thread(target=take, args=(share,)) for share in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    paths = [path for share in shares for path in share]
    assert len(paths) == len(set(paths)) == 40_040


def test_a_snapshot_is_a_path(taken: linkdest.Snapshot, tmp_path: Path) -> None:
    assert (Path(taken) / "docs/letter").read_text() == "dear reader"
    assert os.listdir(taken) == os.listdir(taken.path)
    assert os.fspath(taken) == str(taken.path)
    assert isinstance(taken, os.PathLike)
    again = linkdest.snapshot(taken, tmp_path / "second", init=True, link_dest=[])
    assert again.counts.entries == 4


def test_a_snapshot_whose_path_is_not_utf_8(source: Path, tmp_path: Path) -> None:
    repository = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    linkdest.snapshot(source, repository, init=True)
    taken = linkdest.Repository(repository).resolve("latest")
    assert Path(taken) == taken.path
    assert (Path(taken) / "notes").read_text() == "hello"


def test_a_snapshot_stands_for_its_name(taken: linkdest.Snapshot, source: Path, repository: Path) -> None:
    linkdest.snapshot(source, repository)
    opened = linkdest.Repository(repository)
    newest = opened.resolve("latest")
    assert opened.resolve(taken) == taken
    assert opened.diff(taken, newest) == opened.diff(taken.name)
    assert opened.verify([taken]).snapshots == (taken.name,)
    assert [one.name for one in opened.usage(taken).snapshots] == [taken.name]
    assert opened.restore(taken, source.parent / "back", "docs").counts.entries == 1
    assert opened.pin(taken) and opened.unpin(taken)
    assert not opened.accept(taken)
    assert opened.delete(taken) == [taken.name]
    with pytest.raises(linkdest.LinkdestError):
        opened.resolve(taken)
    with pytest.raises(TypeError, match="snapshot"):
        opened.ls(3)  # type: ignore[arg-type]
