from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import linkdest


def inode(path: Path) -> int:
    return path.lstat().st_ino


def test_a_snapshot_holds_what_the_source_does(source: Path, repository: Path) -> None:
    report = linkdest.snapshot(source, repository, init=True)
    assert (report.path / "notes").read_text() == "hello"
    assert (report.path / "docs" / "letter").read_text() == "dear reader"
    assert os.readlink(report.path / "link") == "notes"
    assert (report.path / "notes").stat().st_mtime_ns == (source / "notes").stat().st_mtime_ns


def test_an_unchanged_file_is_linked_and_a_changed_one_is_copied(source: Path, repository: Path) -> None:
    first = linkdest.snapshot(source, repository, init=True)
    (source / "notes").write_text("changed")
    second = linkdest.snapshot(source, repository)
    assert inode(first.path / "docs" / "letter") == inode(second.path / "docs" / "letter")
    assert inode(first.path / "notes") != inode(second.path / "notes")
    assert (first.path / "notes").read_text() == "hello"
    assert (second.counts.files_linked, second.counts.files_copied) == (1, 1)


def test_checksum_sees_what_size_and_times_hide(source: Path, tmp_path: Path) -> None:
    """A reference without a run record leaves `quick` nothing but size and mtime."""
    given = tmp_path / "given"
    shutil.copytree(source, given, symlinks=True)
    (given / "notes").write_text("HELLO")
    times = (source / "notes").stat()
    os.utime(given / "notes", ns=(times.st_atime_ns, times.st_mtime_ns))
    quick = linkdest.snapshot(source, tmp_path / "quick", init=True, policy="quick", link_dest=[given])
    full = linkdest.snapshot(source, tmp_path / "full", init=True, policy="checksum", link_dest=[given])
    assert (quick.path / "notes").read_text() == "HELLO"
    assert (full.path / "notes").read_text() == "hello"


def test_link_dest_takes_any_iterable_of_paths(source: Path, repository: Path, tmp_path: Path) -> None:
    given = tmp_path / "given"
    shutil.copytree(source, given, symlinks=True)
    report = linkdest.snapshot(source, repository, init=True, link_dest=iter([os.fsencode(given)]))
    assert inode(report.path / "notes") == inode(given / "notes")


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_the_number_of_threads_changes_nothing(source: Path, repository: Path, threads: int) -> None:
    report = linkdest.snapshot(source, repository, init=True, threads=threads)
    assert (report.status, report.counts.entries) == ("complete", 4)


def test_as_many_threads_work_as_were_asked_for(large_source: Path, repository: Path) -> None:
    tasks = Path("/proc/self/task")
    if not tasks.exists():
        pytest.skip("needs procfs")
    before, seen = len(list(tasks.iterdir())), list[int]()
    linkdest.snapshot(
        large_source, repository, init=True, threads=5, progress=lambda _: seen.append(len(list(tasks.iterdir())))
    )
    assert max(seen) == before + 5


def test_a_tree_on_one_file_system_is_whole(source: Path, repository: Path) -> None:
    report = linkdest.snapshot(source, repository, init=True, one_file_system=True)
    assert (report.counts.entries, report.counts.skipped) == (4, 0)


# A mount name space of its own: the mount is gone when the process ends, however it ends.
MOUNT = """
mount -t tmpfs none "$2/docs" && touch "$2/docs/elsewhere" && exec "$1" -c '
import sys, linkdest
for stay in False, True:
    linkdest.snapshot(sys.argv[1], sys.argv[2], init=True, one_file_system=stay)
' "$2" "$3"
"""


def test_one_file_system_leaves_mount_points_empty(source: Path, repository: Path) -> None:
    unshare = ["unshare", "--mount", "--map-root-user"]
    if not shutil.which("unshare") or subprocess.run([*unshare, "true"], stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip("needs a mount name space")
    subprocess.run([*unshare, "sh", "-c", MOUNT, "sh", sys.executable, source, repository], check=True)
    crossed, stayed = linkdest.Repository(repository).snapshots()
    assert os.listdir(crossed.path / "docs") == ["elsewhere"]
    assert os.listdir(stayed.path / "docs") == []


@pytest.mark.parametrize(
    ("keywords", "error", "words"),
    [
        ({"policy": "fast"}, ValueError, "policy"),
        ({"policy": None}, TypeError, "policy"),
        ({"policy": 1}, TypeError, "policy"),
        ({"threads": 0}, ValueError, "threads"),
        ({"threads": -1}, ValueError, "threads"),
        ({"threads": 1 << 80}, ValueError, "threads"),
        ({"threads": "2"}, TypeError, "threads"),
        ({"threads": 1.5}, TypeError, "threads"),
        ({"init": 1}, TypeError, "init"),
        ({"one_file_system": "yes"}, TypeError, "one_file_system"),
        ({"progress": 3}, TypeError, "progress"),
        ({"link_dest": "one"}, TypeError, "link_dest"),
        ({"link_dest": b"one"}, TypeError, "link_dest"),
        ({"link_dest": 3}, TypeError, "link_dest"),
        ({"link_dest": [3]}, TypeError, "link_dest"),
        ({"rules": 3}, TypeError, "rules"),
        ({"filters": "- a"}, TypeError, "filters"),
        ({"filters": b"- a"}, TypeError, "filters"),
        ({"filters": None}, TypeError, "filters"),
        ({"filters": [3]}, TypeError, "filters"),
        ({"exclude": "a"}, TypeError, "exclude"),
        ({"exclude": b"a"}, TypeError, "exclude"),
        ({"exclude": [Path("a")]}, TypeError, "exclude"),
        ({"exclude": ["a\0b"]}, ValueError, "null byte"),
        ({"unheard_of": 3}, TypeError, "unheard_of"),
    ],
)
def test_bad_arguments_are_told_before_anything_is_done(
    source: Path, repository: Path, keywords: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        linkdest.snapshot(source, repository, **({"init": True} | keywords))
    assert not repository.exists()


def test_options_are_keywords_only(source: Path, repository: Path) -> None:
    with pytest.raises(TypeError):
        linkdest.snapshot(source, repository, True)  # type: ignore[call-arg]
