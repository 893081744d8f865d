from __future__ import annotations

import errno
import fcntl
import os
import pickle
from pathlib import Path

import pytest

import linkdest


def test_all_of_them_are_os_errors() -> None:
    assert issubclass(linkdest.LinkdestError, OSError)
    for special in [linkdest.NotARepository, linkdest.Locked, linkdest.RulesError, linkdest.Interrupted]:
        assert issubclass(special, linkdest.LinkdestError)
        assert (special.__module__, special.__doc__ or "") > ("linkdest", "")


@pytest.mark.parametrize("there", [True, False])
def test_a_directory_that_is_no_repository(source: Path, repository: Path, there: bool) -> None:
    if there:
        repository.mkdir()
    with pytest.raises(linkdest.NotARepository) as from_snapshot:
        linkdest.snapshot(source, repository)
    with pytest.raises(linkdest.NotARepository) as from_open:
        linkdest.Repository(repository)
    for raised in [from_snapshot.value, from_open.value]:
        assert raised.filename == str(repository)
        assert str(raised).startswith(f"{repository}: not a linkdest repository")
    assert repository.exists() == there


def test_a_missing_source(repository: Path, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    with pytest.raises(linkdest.LinkdestError) as raised:
        linkdest.snapshot(missing, repository, init=True)
    error = raised.value
    assert type(error) is linkdest.LinkdestError
    assert (error.errno, error.strerror, error.filename) == (errno.ENOENT, os.strerror(errno.ENOENT), str(missing))
    assert str(error).startswith(f"{missing}: ")
    assert str(error).endswith(f": {os.strerror(errno.ENOENT)}")
    assert not repository.exists()


def test_a_source_that_is_no_directory(source: Path, repository: Path) -> None:
    with pytest.raises(linkdest.LinkdestError) as raised:
        linkdest.snapshot(source / "notes", repository, init=True)
    assert raised.value.errno == errno.ENOTDIR


def test_a_repository_that_another_run_holds(source: Path, repository: Path) -> None:
    linkdest.Repository.init(repository)
    with open(repository / ".linkdest" / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(linkdest.Locked) as raised:
            linkdest.snapshot(source, repository)
        assert linkdest.Repository(repository).snapshots() == []
    assert raised.value.filename == str(repository)
    assert "locked" in str(raised.value)
    assert linkdest.snapshot(source, repository).status == "complete"


def test_the_source_is_the_repository(repository: Path) -> None:
    linkdest.Repository.init(repository)
    with pytest.raises(linkdest.LinkdestError, match="same directory") as raised:
        linkdest.snapshot(repository, repository)
    error = raised.value
    assert (error.errno, error.strerror, error.filename) == (None, str(error), str(repository))


def test_a_directory_with_something_in_it_is_not_taken_over(source: Path) -> None:
    with pytest.raises(linkdest.LinkdestError, match="not empty"):
        linkdest.Repository.init(source)
    with pytest.raises(linkdest.LinkdestError, match="not empty"):
        linkdest.snapshot(source / "docs", source, init=True)


def test_a_repository_is_made_once(repository: Path) -> None:
    linkdest.Repository.init(repository)
    with pytest.raises(linkdest.LinkdestError, match="already"):
        linkdest.Repository.init(repository)


def test_a_missing_reference(source: Path, repository: Path, tmp_path: Path) -> None:
    opened = linkdest.Repository.init(repository)
    with pytest.raises(linkdest.LinkdestError, match="missing"):
        linkdest.snapshot(source, repository, link_dest=[tmp_path / "missing"])
    assert opened.snapshots() == []


def test_too_many_references(source: Path, repository: Path) -> None:
    with pytest.raises(linkdest.LinkdestError, match="reference"):
        linkdest.snapshot(source, repository, init=True, link_dest=[source] * 21)


def test_damaged_settings_are_told(repository: Path) -> None:
    linkdest.Repository.init(repository)
    (repository / ".linkdest" / "repository.toml").write_text("no = [toml")
    with pytest.raises(linkdest.LinkdestError, match=r"repository\.toml") as raised:
        linkdest.Repository(repository)
    assert raised.value.errno is None
    assert raised.value.strerror


def test_file_names_that_are_not_utf_8_come_back(source: Path, tmp_path: Path) -> None:
    missing = os.fsencode(tmp_path) + b"/\xff"
    with pytest.raises(linkdest.NotARepository) as raised:
        linkdest.snapshot(source, missing)
    assert os.fsencode(raised.value.filename) == missing
    assert r"\xff" in str(raised.value)


def test_errors_survive_pickling(source: Path, tmp_path: Path) -> None:
    errors: list[linkdest.LinkdestError] = []
    for wrong in [source, tmp_path / "missing"]:
        with pytest.raises(linkdest.LinkdestError) as raised:
            linkdest.snapshot(wrong, source)
        errors.append(raised.value)
    for error in errors:
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is type(error)
        assert (str(copy), repr(copy)) == (str(error), repr(error))
        assert (copy.errno, copy.strerror, copy.filename) == (error.errno, error.strerror, error.filename)


def test_anybody_can_raise_them() -> None:
    assert str(linkdest.Locked("busy")) == "busy"
    assert str(linkdest.LinkdestError(2, "gone", "a")) == "[Errno 2] gone: 'a'"
