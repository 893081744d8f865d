from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import linkdest


class BytesPath(os.PathLike[bytes]):
    def __init__(self, path: Path) -> None:
        self.path = path

    def __fspath__(self) -> bytes:
        return os.fsencode(self.path)


AnyPath = str | bytes | os.PathLike[str] | os.PathLike[bytes]
FORMS: list[Callable[[Path], AnyPath]] = [os.fspath, os.fsencode, Path, BytesPath]

# What a directory of Linux can hold: anything but NUL and slash.
NAMES = st.binary(min_size=1, max_size=255).map(lambda name: name.replace(b"\0", b"\xff").replace(b"/", b"\n"))


def make(directory: bytes, name: bytes) -> None:
    """Makes a file, or passes over the example: not every file system takes every name."""
    try:
        os.close(os.open(os.path.join(directory, name), os.O_CREAT | os.O_WRONLY))
    except OSError:
        assume(False)


@pytest.mark.parametrize("form", FORMS)
def test_paths_come_in_every_form(source: Path, repository: Path, form: Callable[[Path], AnyPath]) -> None:
    made = linkdest.Repository.init(form(repository))
    given = source.parent / "given"
    given.mkdir()
    report = linkdest.snapshot(form(source), form(repository), link_dest=[form(given)])
    assert report.path.parent == made.path == linkdest.Repository(form(repository)).path == repository


@pytest.mark.parametrize("wrong", [3, None, ["a"], object()])
def test_what_is_no_path_is_a_type_error(source: Path, repository: Path, wrong: AnyPath) -> None:
    with pytest.raises(TypeError, match="source"):
        linkdest.snapshot(wrong, repository)
    with pytest.raises(TypeError, match="repository"):
        linkdest.snapshot(source, wrong)
    with pytest.raises(TypeError, match="path"):
        linkdest.Repository(wrong)


@pytest.mark.parametrize("path", ["a\0b", b"a\0b"])
def test_null_bytes_are_a_value_error(source: Path, path: str | bytes) -> None:
    with pytest.raises(ValueError, match="null"):
        linkdest.snapshot(source, path, init=True)


def test_relative_paths_are_relative_to_the_working_directory(
    source: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(source.parent)
    report = linkdest.snapshot(f"{source.name}/", repository.name, init=True)
    assert (repository / report.snapshot / "notes").read_text() == "hello"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(names=st.sets(NAMES.filter(lambda name: name not in (b".", b"..")), max_size=8))
def test_every_name_arrives(names: set[bytes]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        source = os.fsencode(scratch) + b"/source"
        os.mkdir(source)
        for name in names:
            make(source, name)
        report = linkdest.snapshot(source, os.path.join(scratch, "repository"), init=True)
        assert report.status == "complete"
        assert set(os.listdir(os.fsencode(report.path))) == names


@settings(max_examples=25, deadline=None)
@given(name=NAMES.filter(lambda name: name not in (b".", b"..")), as_bytes=st.booleans())
def test_every_name_can_be_given(name: bytes, as_bytes: bool) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        place = os.fsencode(scratch) + b"/" + name
        try:
            os.mkdir(place)
        except OSError:
            assume(False)
        source, repository = place + b"/source", place + b"/repository"
        os.mkdir(source)
        given: AnyPath = repository if as_bytes else os.fsdecode(repository)
        report = linkdest.snapshot(source if as_bytes else os.fsdecode(source), given, init=True)
        assert os.fsencode(report.path.parent) == repository
        assert os.fsencode(linkdest.Repository(given).path) == repository
