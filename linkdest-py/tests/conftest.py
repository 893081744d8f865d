from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NOBODY = 65534


@pytest.fixture(autouse=True)
def default_handler() -> Iterator[None]:
    """Ctrl-C is heard also where a shell that runs the tests in the background had it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A small tree: two files, a directory, a symlink."""
    source = tmp_path / "source"
    (source / "docs").mkdir(parents=True)
    (source / "docs" / "letter").write_text("dear reader")
    (source / "notes").write_text("hello")
    (source / "link").symlink_to("notes")
    return source


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Where a repository may be made; nothing is there yet."""
    return tmp_path / "repository"


@pytest.fixture(scope="session")
def large_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree that one thread works at for a good part of a second at least."""
    root = tmp_path_factory.mktemp("large")
    for directory in range(40):
        below = root / str(directory)
        below.mkdir()
        for file in range(1000):
            os.close(os.open(below / str(file), os.O_CREAT | os.O_WRONLY | os.O_EXCL))
    return root


@pytest.fixture
def public_tmp() -> Iterator[Path]:
    """A directory that belongs to a user who may not read everything."""
    path = Path(tempfile.mkdtemp(prefix="linkdest-"))
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)
    yield path
    shutil.rmtree(path)


@contextmanager
def without_privileges() -> Iterator[None]:
    """Lets root be a user who may not read everything; the threads of a run inherit that."""
    if os.geteuid() != 0:
        yield
        return
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
